package folder_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

func TestDeleteFreesTheName(t *testing.T) {
	h := newHouse(t)
	f := h.mustCreate(t, "Trips")
	if err := h.Delete(t.Context(), h.editor, h.w, f.ID, false); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	domaintest.WantKind(t, "Delete again", h.Delete(t.Context(), h.editor, h.w, f.ID, false), fault.NotFound)
	if again := h.mustCreate(t, "Trips"); again.ID == f.ID {
		t.Error("the new folder has the old id")
	}
}

func TestDeleteRefuses(t *testing.T) {
	h := newHouse(t)
	f := h.mustCreate(t, "stays")
	domaintest.WantKind(t, "Delete by a viewer", h.Delete(t.Context(), h.viewer, h.w, f.ID, false), fault.Forbidden)
	domaintest.WantKind(t, "Delete by a stranger", h.Delete(t.Context(), h.stranger, h.w, f.ID, false), fault.NotFound)
	domaintest.WantKind(t, "Delete of an unknown folder", h.Delete(t.Context(), h.owner, h.w, id.NewFolder(h.w, time.Now()), false), fault.NotFound)
	if h.rows(t, "folder#") != 1 || h.rows(t, "foldername#") != 1 {
		t.Error("a refused Delete removed rows")
	}
}

func TestDeleteAtOnceSucceedsOnce(t *testing.T) {
	h := newHouse(t)
	f := h.mustCreate(t, "race")
	var won atomic.Int32
	domaintest.Together(16, func(int) {
		if err := h.Delete(t.Context(), h.editor, h.w, f.ID, false); err == nil {
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
				if err := h.Delete(t.Context(), h.editor, h.w, f.ID, false); err != nil {
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
		} else if err := h.Delete(t.Context(), h.editor, h.w, left, false); err != nil {
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
	if err := h.Delete(t.Context(), h.editor, h.w, doomed.ID, true); err != nil {
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

func TestDeleteOfAFolderWithItems(t *testing.T) {
	h := newHouse(t)
	for _, tt := range []struct {
		name, says string
		items      int
	}{
		{"one item", "items: 1)", 1},
		{"as many as are counted", "items: 20)", 20},
		{"more than are counted", "more than 20)", 21},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := h.mustCreate(t, tt.name)
			for range tt.items {
				h.mustAddText(t, f.ID)
			}
			err := h.Delete(t.Context(), h.editor, h.w, f.ID, false)
			domaintest.WantKind(t, "Delete", err, fault.Conflict)
			if err != nil && (!strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "delete_items=true")) {
				t.Errorf("the refusal %q says neither %q nor the way out", err, tt.says)
			}
			if _, err := h.Resolve(t.Context(), h.editor, h.w, f.ID.String()); err != nil {
				t.Errorf("the folder that was refused: %v", err)
			}
			if err := h.Delete(t.Context(), h.editor, h.w, f.ID, true); err != nil {
				t.Errorf("Delete with items: %v", err)
			}
		})
	}
}

func TestDeleteOfAFolderThatWasEmptied(t *testing.T) {
	onBoth(t, func(t *testing.T, h house) {
		f := h.mustCreate(t, "was full")
		item := h.mustAddText(t, f.ID)
		if _, err := h.table.Write(t.Context(), table.Delete(schema.FolderItemKey(h.w, f.ID, item.Node), table.Present())); err != nil {
			t.Fatal(err)
		}
		if err := h.Delete(t.Context(), h.editor, h.w, f.ID, false); err != nil {
			t.Errorf("Delete: %v", err)
		}
	})
}

// between does something between the look at a folder's items and the write that removes the folder, once.
type between struct {
	table.Table
	once *sync.Once
	do   func()
}

func (b between) Transact(ctx context.Context, ws []table.Write) error {
	b.once.Do(b.do)
	return b.Table.Transact(ctx, ws)
}

func TestDeleteSeesAnItemThatComesInBetween(t *testing.T) {
	h := newHouse(t)
	f := h.mustCreate(t, "race")
	s := folder.New(between{h.table, &sync.Once{}, func() { h.mustAddText(t, f.ID) }}, folder.Options{})
	domaintest.WantKind(t, "Delete", s.Delete(t.Context(), h.editor, h.w, f.ID, false), fault.Conflict)
	if h.rows(t, "folder#") != 1 || h.rows(t, "folderitem#") != 1 {
		t.Error("the folder or its item is gone")
	}
}

func TestDeleteGivesUpWhereItemsKeepComing(t *testing.T) {
	h := newHouse(t)
	f := h.mustCreate(t, "busy")
	busy := &churn{Table: h.table, h: h, t: t, f: f.ID}
	err := folder.New(busy, folder.Options{}).Delete(t.Context(), h.editor, h.w, f.ID, false)
	domaintest.WantKind(t, "Delete", err, fault.Throttled)
}

// churn puts an item into a folder and takes it out again before every transaction.
type churn struct {
	table.Table
	h house
	t *testing.T
	f id.Folder
}

func (c *churn) Transact(ctx context.Context, ws []table.Write) error {
	item := c.h.mustAddText(c.t, c.f)
	if _, err := c.Write(ctx, table.Delete(schema.FolderItemKey(c.h.w, c.f, item.Node), table.Present())); err != nil {
		c.t.Fatal(err)
	}
	return c.Table.Transact(ctx, ws)
}

func TestDeleteAgainstAddTextLosesNoItem(t *testing.T) {
	onBoth(t, func(t *testing.T, h house) {
		for range 20 {
			f := h.mustCreate(t, "both")
			var deleted, added error
			domaintest.Together(2, func(i int) {
				if i == 0 {
					deleted = h.Delete(t.Context(), h.editor, h.w, f.ID, false)
					return
				}
				_, added = h.AddText(t.Context(), h.editor, h.w, f.ID, "late", "")
			})
			switch {
			case deleted == nil && fault.Is(added, fault.NotFound):
			case fault.Is(deleted, fault.Conflict) && added == nil:
				if err := h.Delete(t.Context(), h.editor, h.w, f.ID, true); err != nil {
					t.Fatal(err)
				}
			default:
				t.Fatalf("Delete gave %v and AddText %v, want one of them to win", deleted, added)
			}
		}
	})
}

func TestDeleteCosts(t *testing.T) {
	onBoth(t, func(t *testing.T, h house) {
		empty, full := h.mustCreate(t, "empty"), h.mustCreate(t, "full")
		h.mustAddText(t, full.ID)
		for _, tt := range []struct {
			name        string
			f           id.Folder
			withItems   bool
			read, write float64
			requests    int
		}{
			{name: "with items it does not look at them", f: full.ID, withItems: true, read: 1, write: 4, requests: 2},
			{name: "an empty one is looked at", f: empty.ID, read: 2, write: 4, requests: 3},
		} {
			t.Run(tt.name, func(t *testing.T) {
				read, write, requests := domaintest.Spent(t, func(ctx context.Context) {
					if err := h.Delete(ctx, h.editor, h.w, tt.f, tt.withItems); err != nil {
						t.Errorf("Delete: %v", err)
					}
				})
				if read != tt.read || write != tt.write || requests != tt.requests {
					t.Errorf("cost %v read and %v write units in %d requests, want %v, %v, %d", read, write, requests, tt.read, tt.write, tt.requests)
				}
			})
		}
	})
}
