package account_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/polltest"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// onEachEngine runs a test on SQLite and on DynamoDB.
func onEachEngine(t *testing.T, f func(t *testing.T, tab table.Table)) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) { f(t, open(t)) })
}

// listed are all workspaces after an id, as a fresh process sees them.
func listed(t *testing.T, tab table.Table, after id.Workspace) []account.Workspace {
	t.Helper()
	var out []account.Workspace
	for w, err := range account.New(tab, account.Options{}).Workspaces(t.Context(), after) {
		if err != nil {
			t.Fatalf("Workspaces: %v", err)
		}
		out = append(out, w)
	}
	return out
}

// unlist makes a workspace one from before there was a list.
func unlist(t *testing.T, tab table.Table, w id.Workspace) {
	t.Helper()
	if _, err := tab.Write(t.Context(), table.Delete(schema.KnownKey(w), table.Present())); err != nil {
		t.Fatal(err)
	}
}

func TestEveryWorkspaceIsListed(t *testing.T) {
	onEachEngine(t, func(t *testing.T, tab table.Table) {
		c := domaintest.NewClock()
		s := account.New(tab, account.Options{Now: c.Now})
		var want []account.Workspace
		for range table.MaxBatchGet + 3 { // more than one page
			want = append(want, mustWorkspace(t, s, "one of many"))
			c.Advance(time.Millisecond)
		}
		if diff := cmp.Diff(want, listed(t, tab, id.Workspace{})); diff != "" {
			t.Errorf("all workspaces (-made +listed):\n%s", diff)
		}
		if diff := cmp.Diff(want[5:], listed(t, tab, want[4].ID)); diff != "" {
			t.Errorf("the workspaces behind the fifth (-made +listed):\n%s", diff)
		}
		split, err := s.Split(t.Context(), want[0].ID, 4)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(split, listed(t, tab, id.Workspace{})[0]); diff != "" {
			t.Errorf("a workspace that was changed (-is +listed):\n%s", diff)
		}
	})
}

func TestWhoHasSeenEnoughReadsNoMore(t *testing.T) {
	s, _, _ := newService(t)
	mustWorkspace(t, s, "first")
	mustWorkspace(t, s, "second")
	for range s.Workspaces(t.Context(), id.Workspace{}) {
		break
	}
	for _, err := range account.New(domaintest.Broken{Err: errors.New("out of order")}, account.Options{}).Workspaces(t.Context(), id.Workspace{}) {
		if err == nil {
			t.Error("a list that cannot be read gives a workspace")
		}
	}
}

func TestRegisterListsAWorkspaceFromBeforeTheList(t *testing.T) {
	onEachEngine(t, func(t *testing.T, tab table.Table) {
		s := account.New(tab, account.Options{})
		w := mustWorkspace(t, s, "old")
		unlist(t, tab, w.ID)
		if got := listed(t, tab, id.Workspace{}); len(got) != 0 {
			t.Fatalf("listed before it is registered: %v", got)
		}
		for _, want := range []bool{true, false, false} {
			if added, err := s.Register(t.Context(), w.ID); err != nil || added != want {
				t.Errorf("Register: %v, %v, want %v", added, err, want)
			}
		}
		if diff := cmp.Diff([]account.Workspace{w}, listed(t, tab, id.Workspace{})); diff != "" {
			t.Errorf("listed (-registered +listed):\n%s", diff)
		}
		_, err := s.Register(t.Context(), id.NewWorkspace(time.Now()))
		domaintest.WantKind(t, "Register of a workspace that is not there", err, fault.NotFound)
		if got := listed(t, tab, id.Workspace{}); len(got) != 1 {
			t.Errorf("%d workspaces are listed, want the one that is there", len(got))
		}
	})
}

func TestRegisterAndCreateBearOthers(t *testing.T) {
	tab := domaintest.NewTable(t)
	w := mustWorkspace(t, account.New(&domaintest.Contending{Table: tab, Times: 2}, account.Options{}), "contended")
	unlist(t, tab, w.ID)
	if added, err := account.New(&domaintest.Contending{Table: tab, Times: 2}, account.Options{}).Register(t.Context(), w.ID); err != nil || !added {
		t.Errorf("Register among others: %v, %v, want it done", added, err)
	}
	_, err := account.New(&domaintest.Contending{Table: tab, Times: 100}, account.Options{}).Register(t.Context(), w.ID)
	domaintest.WantKind(t, "Register while others never let go", err, fault.Throttled)
}

func TestAnEntryWithoutItsWorkspaceIsPassedOver(t *testing.T) {
	tab := domaintest.NewTable(t)
	s := account.New(tab, account.Options{})
	gone, there := mustWorkspace(t, s, "gone"), mustWorkspace(t, s, "there")
	if _, err := tab.Write(t.Context(), table.Delete(schema.WorkspaceKey(gone.ID), table.Present())); err != nil {
		t.Fatal(err)
	}
	if got := listed(t, tab, id.Workspace{}); len(got) != 1 || got[0].ID != there.ID {
		t.Errorf("listed: %v, want the one that is there", got)
	}
}

func TestKeysAreFoundFromEveryWorkspaceTheyReach(t *testing.T) {
	onEachEngine(t, func(t *testing.T, tab table.Table) {
		s := account.New(tab, account.Options{})
		a, b, c := mustWorkspace(t, s, "a"), mustWorkspace(t, s, "b"), mustWorkspace(t, s, "c")
		_, onlyA := mustKey(t, s, access.Viewer, a.ID)
		_, both := mustKey(t, s, access.Editor, a.ID, b.ID)
		_, onlyB := mustKey(t, s, access.Owner, b.ID)
		_, last := mustKey(t, s, access.Owner, c.ID)
		unlist(t, tab, c.ID) // asked for itself, it counts nevertheless
		for _, tt := range []struct {
			name string
			w    id.Workspace
			want []account.Key
		}{
			{"the home of two", a.ID, []account.Key{onlyA, both}},
			{"one that a key reaches from its home", b.ID, []account.Key{both, onlyB}},
			{"one that is not registered", c.ID, []account.Key{last}},
		} {
			var got []account.Key
			polltest.Eventually(t, tt.name, func() bool {
				var err error
				if got, err = s.KeysReaching(t.Context(), tt.w); err != nil {
					t.Fatalf("KeysReaching: %v", err)
				}
				return len(got) >= len(tt.want)
			})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
		}
		if got, err := s.FindKey(t.Context(), both.ID); err != nil || got.Home != a.ID {
			t.Errorf("FindKey: %+v, %v, want the key with its home", got, err)
		}
		_, err := s.FindKey(t.Context(), id.NewKey(time.Now()))
		domaintest.WantKind(t, "FindKey of a key that nobody has", err, fault.NotFound)
		_, err = s.KeysReaching(t.Context(), id.NewWorkspace(time.Now()))
		domaintest.WantKind(t, "KeysReaching a workspace that is not there", err, fault.NotFound)
	})
}

func TestWhatEnumeratesTellsOfATableThatIsOut(t *testing.T) {
	s := account.New(domaintest.Broken{Err: fault.New(fault.Unavailable, "no answer")}, account.Options{})
	ctx, w := t.Context(), id.NewWorkspace(time.Now())
	for name, call := range map[string]func(context.Context) error{
		"Register":     func(ctx context.Context) error { _, err := s.Register(ctx, w); return err },
		"KeysReaching": func(ctx context.Context) error { _, err := s.KeysReaching(ctx, w); return err },
		"FindKey":      func(ctx context.Context) error { _, err := s.FindKey(ctx, id.NewKey(time.Now())); return err },
	} {
		domaintest.WantKind(t, name, call(ctx), fault.Unavailable)
	}
}
