package folder_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/folder"
)

func TestCreate(t *testing.T) {
	h := newHouse(t)
	var f folder.Folder
	read, write, requests := domaintest.Spent(t, func(ctx context.Context) {
		var err error
		if f, err = h.Create(ctx, h.editor, h.w, "Sommer 🏖️ 2026"); err != nil {
			t.Fatalf("Create: %v", err)
		}
	})
	want := folder.Folder{ID: f.ID, Workspace: h.w, Name: "Sommer 🏖️ 2026"}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Errorf("Create (-want +got):\n%s", diff)
	}
	if read != 0 || write != 4 || requests != 1 {
		t.Errorf("Create cost %v read and %v write units in %d requests, want 0, 4, 1", read, write, requests)
	}
}

func TestCreateRefuses(t *testing.T) {
	h := newHouse(t)
	h.mustCreate(t, "Été")
	for _, tt := range []struct {
		name, title string
		who         access.Principal
		want        fault.Kind
	}{
		{"a name that is taken", "Été", h.editor, fault.Conflict},
		{"a name that is taken but for case and accents", "ETE", h.editor, fault.Conflict},
		{"256 characters", strings.Repeat("x", 256), h.editor, fault.Invalid},
		{"a line break", "a\nb", h.editor, fault.Invalid},
		{"broken UTF-8", "a\xff", h.editor, fault.Invalid},
		{"a name like an id", "fld_summer", h.editor, fault.Invalid},
		{"a viewer's key", "new", h.viewer, fault.Forbidden},
		{"a viewer's key and no name", "", h.viewer, fault.Forbidden},
		{"a stranger's key", "new", h.stranger, fault.NotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := h.Create(t.Context(), tt.who, h.w, tt.title)
			domaintest.WantKind(t, "Create", err, tt.want)
		})
	}
	if folders, names := h.rows(t, "folder#"), h.rows(t, "foldername#"); folders != 1 || names != 1 {
		t.Errorf("%d folders and %d names are left, want the first one only", folders, names)
	}
}

func TestCreateConflictNamesTheFolderThatIsThere(t *testing.T) {
	h := newHouse(t)
	f := h.mustCreate(t, "Trips")
	_, err := h.Create(t.Context(), h.owner, h.w, "TRIPS")
	domaintest.WantKind(t, "Create", err, fault.Conflict)
	for _, part := range []string{f.ID.String(), "Trips"} {
		if err != nil && !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not name %q", err, part)
		}
	}
}

func TestCreateWithoutANameCounts(t *testing.T) {
	h := newHouse(t)
	h.mustCreate(t, "untitled FOLDER 3")
	for _, want := range []string{"Untitled folder", "Untitled folder 2", "Untitled folder 4", "Untitled folder 5"} {
		if f := h.mustCreate(t, ""); f.Name != want {
			t.Errorf("Create without a name gave %q, want %q", f.Name, want)
		}
	}
}

func TestCreateWithoutANameCostsAFewRequestsAfterMany(t *testing.T) {
	h := newHouse(t)
	h.mustCreate(t, "")
	for i := 2; i <= 150; i++ {
		h.mustCreate(t, fmt.Sprintf("Untitled folder %d", i))
	}
	_, _, requests := domaintest.Spent(t, func(ctx context.Context) {
		f, err := h.Create(ctx, h.editor, h.w, "")
		if err != nil || f.Name != "Untitled folder 151" {
			t.Errorf("Create without a name gave %q, %v, want number 151", f.Name, err)
		}
	})
	if requests != 4 {
		t.Errorf("%d requests, want 4: three reads and one transaction", requests)
	}
}

func TestCreateWithoutANameAtOnceGivesDifferentNames(t *testing.T) {
	h := newHouse(t)
	domaintest.Together(16, func(int) {
		if _, err := h.Create(t.Context(), h.editor, h.w, ""); err != nil {
			t.Errorf("Create: %v", err)
		}
	})
	if folders, names := h.rows(t, "folder#"), h.rows(t, "foldername#"); folders != 16 || names != 16 {
		t.Errorf("%d folders with %d names, want 16 and 16", folders, names)
	}
}

func TestCreateOfOneNameAtOnceHasOneWinner(t *testing.T) {
	h := newHouse(t)
	var won atomic.Int32
	domaintest.Together(16, func(int) {
		_, err := h.Create(t.Context(), h.editor, h.w, "race")
		if err == nil {
			won.Add(1)
		} else if !fault.Is(err, fault.Conflict) {
			t.Errorf("Create: %v, want a conflict for the losers", err)
		}
	})
	if won.Load() != 1 || h.rows(t, "folder#") != 1 {
		t.Errorf("%d winners and %d folders, want 1 and 1", won.Load(), h.rows(t, "folder#"))
	}
}

func TestCreateSucceedsWhenTheFirstAnswerWasLost(t *testing.T) {
	h := newHouse(t)
	s := folder.New(domaintest.Repeating{Table: h.table}, folder.Options{})
	if _, err := s.Create(t.Context(), h.editor, h.w, "twice"); err != nil {
		t.Errorf("Create: %v", err)
	}
	if n := h.rows(t, "folder#"); n != 1 {
		t.Errorf("%d folders, want 1", n)
	}
}

func TestCreateWaitsForOtherTransactions(t *testing.T) {
	h := newHouse(t)
	s := folder.New(&domaintest.Contending{Table: h.table, Times: 3}, folder.Options{})
	if _, err := s.Create(t.Context(), h.editor, h.w, "patient"); err != nil {
		t.Errorf("Create behind three other transactions: %v", err)
	}
	s = folder.New(&domaintest.Contending{Table: h.table, Times: 1000}, folder.Options{})
	_, err := s.Create(t.Context(), h.editor, h.w, "never")
	domaintest.WantKind(t, "Create behind endless transactions", err, fault.Throttled)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Create(ctx, h.editor, h.w, "gone"); err == nil {
		t.Error("Create under a context that is over gave no error")
	}
}
