package folder_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
)

func TestDeleteFreesTheName(t *testing.T) {
	h := newHouse(t)
	f := h.mustCreate(t, "Trips")
	if err := h.Delete(t.Context(), h.editor, h.w, f.ID); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	domaintest.WantKind(t, "Delete again", h.Delete(t.Context(), h.editor, h.w, f.ID), fault.NotFound)
	if again := h.mustCreate(t, "Trips"); again.ID == f.ID {
		t.Error("the new folder has the old id")
	}
}

func TestDeleteRefuses(t *testing.T) {
	h := newHouse(t)
	f := h.mustCreate(t, "stays")
	domaintest.WantKind(t, "Delete by a viewer", h.Delete(t.Context(), h.viewer, h.w, f.ID), fault.Forbidden)
	domaintest.WantKind(t, "Delete by a stranger", h.Delete(t.Context(), h.stranger, h.w, f.ID), fault.NotFound)
	domaintest.WantKind(t, "Delete of an unknown folder", h.Delete(t.Context(), h.owner, h.w, id.NewFolder(h.w, time.Now())), fault.NotFound)
	if h.rows(t, "folder#") != 1 || h.rows(t, "foldername#") != 1 {
		t.Error("a refused Delete removed rows")
	}
}

func TestDeleteAtOnceSucceedsOnce(t *testing.T) {
	h := newHouse(t)
	f := h.mustCreate(t, "race")
	var won atomic.Int32
	domaintest.Together(16, func(int) {
		if err := h.Delete(t.Context(), h.editor, h.w, f.ID); err == nil {
			won.Add(1)
		} else if !fault.Is(err, fault.NotFound) {
			t.Errorf("Delete: %v, want not found for the losers", err)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d deletes succeeded, want 1", won.Load())
	}
	if h.rows(t, "folder#") != 0 || h.rows(t, "foldername#") != 0 {
		t.Error("rows of the folder are left")
	}
}

func TestDeleteAgainstResolveLeavesNoHalfFolder(t *testing.T) {
	h := newHouse(t)
	for range 10 {
		f := h.mustCreate(t, "both")
		domaintest.Together(2, func(i int) {
			if i == 0 {
				if err := h.Delete(t.Context(), h.editor, h.w, f.ID); err != nil {
					t.Errorf("Delete: %v", err)
				}
				return
			}
			if _, err := h.Resolve(t.Context(), h.editor, h.w, "both"); err != nil {
				t.Errorf("Resolve: %v", err)
			}
		})
		folders, names := h.rows(t, "folder#"), h.rows(t, "foldername#")
		if folders != names || folders > 1 {
			t.Fatalf("%d folders and %d names, want as many of each, at most one", folders, names)
		}
		if left, err := h.Resolve(t.Context(), h.editor, h.w, "both"); err != nil {
			t.Fatal(err)
		} else if err := h.Delete(t.Context(), h.editor, h.w, left); err != nil {
			t.Fatalf("Delete what is left: %v", err)
		}
	}
}

func TestRemoveItemsEmptiesOnlyItsFolder(t *testing.T) {
	h := newHouse(t)
	doomed, other := h.mustCreate(t, "doomed"), h.mustCreate(t, "other")
	for range 205 {
		if _, err := h.AddText(t.Context(), h.editor, h.w, doomed.ID, "note", ""); err != nil {
			t.Fatalf("AddText: %v", err)
		}
	}
	if _, err := h.AddText(t.Context(), h.editor, h.w, other.ID, "note", ""); err != nil {
		t.Fatalf("AddText: %v", err)
	}
	if err := h.Delete(t.Context(), h.editor, h.w, doomed.ID); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	domaintest.Together(4, func(int) {
		if err := h.RemoveItems(t.Context(), h.w, doomed.ID); err != nil {
			t.Errorf("RemoveItems: %v", err)
		}
	})
	if n := h.rows(t, "folderitem#"); n != 1 {
		t.Errorf("%d items are left, want the one of the other folder", n)
	}
	_, write, _ := domaintest.Spent(t, func(ctx context.Context) {
		if err := h.RemoveItems(ctx, h.w, doomed.ID); err != nil {
			t.Errorf("RemoveItems again: %v", err)
		}
	})
	if write != 0 {
		t.Errorf("RemoveItems of an empty folder wrote %v units, want nothing", write)
	}
}
