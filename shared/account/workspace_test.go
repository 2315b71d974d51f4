package account_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
)

func TestCreateWorkspace(t *testing.T) {
	s, other, c := newService(t)
	var got account.Workspace
	read, write, requests := domaintest.Spent(t, func(ctx context.Context) {
		var err error
		if got, err = s.CreateWorkspace(ctx, "Küche 🍳"); err != nil {
			t.Fatalf("CreateWorkspace: %v", err)
		}
	})
	want := account.Workspace{
		ID: got.ID, Name: "Küche 🍳", CreatedAt: c.Now().Truncate(time.Millisecond), LinkEpoch: 1, Version: 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("CreateWorkspace (-want +got):\n%s", diff)
	}
	if read != 0 || write != 4 || requests != 1 {
		t.Errorf("CreateWorkspace cost %v read and %v write units in %d requests, want 0, 4, 1", read, write, requests)
	}
	found, err := other.Workspace(t.Context(), got.ID)
	if err != nil {
		t.Fatalf("Workspace: %v", err)
	}
	if diff := cmp.Diff(got, found); diff != "" {
		t.Errorf("the workspace read back (-created +read):\n%s", diff)
	}
}

func TestCreateWorkspaceRefusesBadNames(t *testing.T) {
	s, _, _ := newService(t)
	for _, bad := range []string{"", strings.Repeat("é", 256), "a\nb", "a\x00b", "a\xffb"} {
		_, write, _ := domaintest.Spent(t, func(ctx context.Context) {
			_, err := s.CreateWorkspace(ctx, bad)
			domaintest.WantKind(t, "CreateWorkspace with a bad name", err, fault.Invalid)
		})
		if write != 0 {
			t.Errorf("CreateWorkspace(%.10q) wrote %v units, want nothing", bad, write)
		}
	}
	if _, err := s.CreateWorkspace(t.Context(), strings.Repeat("🍳", 255)); err != nil {
		t.Errorf("CreateWorkspace with 255 emoji: %v", err)
	}
}

func TestCreateWorkspaceSucceedsWhenTheFirstAnswerWasLost(t *testing.T) {
	tab := domaintest.NewTable(t)
	w, err := account.New(domaintest.Repeating{Table: tab}, account.Options{}).CreateWorkspace(t.Context(), "twice")
	if err != nil {
		t.Fatalf("CreateWorkspace: %v", err)
	}
	if _, err := account.New(tab, account.Options{}).Workspace(t.Context(), w.ID); err != nil {
		t.Errorf("the workspace read back: %v", err)
	}
}

func TestWorkspaceIsReadOncePerCacheFor(t *testing.T) {
	s, _, c := newService(t)
	w := mustWorkspace(t, s, "cached")
	look := func(ctx context.Context) {
		if _, err := s.Workspace(ctx, w.ID); err != nil {
			t.Errorf("Workspace: %v", err)
		}
	}
	for _, step := range []struct {
		name  string
		after time.Duration
		reads float64
	}{
		{"the first look reads", 0, 1},
		{"the second look does not", 0, 0},
		{"a moment before the end it does not", account.CacheFor - 1, 0},
		{"at the end it reads again", 1, 1},
	} {
		c.Advance(step.after)
		if read, _, _ := domaintest.Spent(t, look); read != step.reads {
			t.Errorf("%s: %v read units, want %v", step.name, read, step.reads)
		}
	}
}

func TestWorkspaceThatIsMissingIsReadEveryTime(t *testing.T) {
	s, _, c := newService(t)
	for range 2 {
		read, _, _ := domaintest.Spent(t, func(ctx context.Context) {
			_, err := s.Workspace(ctx, id.NewWorkspace(c.Now()))
			domaintest.WantKind(t, "Workspace of an unknown id", err, fault.NotFound)
		})
		if read != 1 {
			t.Errorf("a missing workspace cost %v read units, want 1", read)
		}
	}
}

func TestWorkspaceGivesEachCallerItsOwnShards(t *testing.T) {
	s, _, _ := newService(t)
	w := mustWorkspace(t, s, "shared")
	split, err := s.Split(t.Context(), w.ID, 4)
	if err != nil {
		t.Fatalf("Split: %v", err)
	}
	split.Shards[0].Count = 1
	first, _ := s.Workspace(t.Context(), w.ID)
	first.Shards[0].Count = 2
	if again, _ := s.Workspace(t.Context(), w.ID); again.Shards[0].Count != 4 {
		t.Errorf("after callers changed their copies the count is %d, want 4", again.Shards[0].Count)
	}
}

func TestRotateLinksRaisesTheEpoch(t *testing.T) {
	s, other, c := newService(t)
	w := mustWorkspace(t, s, "links")
	if _, err := other.Workspace(t.Context(), w.ID); err != nil {
		t.Fatal(err)
	}
	got, err := s.RotateLinks(t.Context(), w.ID)
	if err != nil {
		t.Fatalf("RotateLinks: %v", err)
	}
	if got.LinkEpoch != 2 || got.Version != 2 {
		t.Errorf("RotateLinks gave epoch %d, version %d, want 2, 2", got.LinkEpoch, got.Version)
	}
	if here, _ := s.Workspace(t.Context(), w.ID); here.LinkEpoch != 2 {
		t.Errorf("the process that rotated sees epoch %d, want 2 at once", here.LinkEpoch)
	}
	c.Advance(account.CacheFor)
	if there, _ := other.Workspace(t.Context(), w.ID); there.LinkEpoch != 2 {
		t.Errorf("another process sees epoch %d after CacheFor, want 2", there.LinkEpoch)
	}
	_, err = s.RotateLinks(t.Context(), id.NewWorkspace(c.Now()))
	domaintest.WantKind(t, "RotateLinks of an unknown workspace", err, fault.NotFound)
}

func TestRotateLinksAtOnceRaisesTheEpochForEveryCaller(t *testing.T) {
	s, _, _ := newService(t)
	w := mustWorkspace(t, s, "race")
	domaintest.Together(16, func(int) {
		got, err := s.RotateLinks(t.Context(), w.ID)
		if err != nil && !fault.Is(err, fault.Throttled) {
			t.Errorf("RotateLinks: %v", err)
		}
		if err == nil && got.LinkEpoch < 2 {
			t.Errorf("RotateLinks gave epoch %d, want above the first", got.LinkEpoch)
		}
	})
	after, err := s.RotateLinks(t.Context(), w.ID)
	if err != nil || int64(after.LinkEpoch) != after.Version || after.LinkEpoch > 18 {
		t.Errorf("after 17 rotations epoch %d, version %d, %v: want one write per step and at most 18", after.LinkEpoch, after.Version, err)
	}
}
