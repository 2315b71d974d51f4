package folder_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/id"
)

// abandoned are all folders that were deleted and still have items, by as many calls as it takes.
func abandoned(t *testing.T, h house) (all []id.Folder, calls int) {
	t.Helper()
	after := id.Folder{}
	for more := true; more; calls++ {
		var found []id.Folder
		var err error
		if found, after, more, err = h.Abandoned(t.Context(), h.w, after); err != nil {
			t.Fatalf("Abandoned: %v", err)
		}
		all = append(all, found...)
	}
	return all, calls
}

func TestAbandonedFindsDeletedFoldersWhoseItemsStayed(t *testing.T) {
	folders := 104 // more than one call looks at
	onBoth(t, func(t *testing.T, h house) {
		defer func() { folders = 8 }() // the second engine has enough with one call
		if got, calls := abandoned(t, h); len(got) != 0 || calls != 1 {
			t.Errorf("a workspace without folders: %v in %d calls", got, calls)
		}
		var deleted []id.Folder
		for i := range folders {
			f := h.mustCreate(t, fmt.Sprint("folder ", i))
			if _, err := h.AddText(t.Context(), h.editor, h.w, f.ID, "an item", ""); err != nil {
				t.Fatal(err)
			}
			if i%4 != 0 {
				continue
			}
			if _, err := h.AddText(t.Context(), h.editor, h.w, f.ID, "another", ""); err != nil {
				t.Fatal(err)
			}
			if err := h.Delete(t.Context(), h.owner, h.w, f.ID, true); err != nil {
				t.Fatal(err)
			}
			deleted = append(deleted, f.ID)
		}
		got, calls := abandoned(t, h)
		if diff := cmp.Diff(deleted, got); diff != "" || calls != 1+folders/100 {
			t.Errorf("in %d calls (-deleted +found):\n%s", calls, diff)
		}
		for _, f := range got {
			if err := h.RemoveItems(t.Context(), h.w, f); err != nil {
				t.Fatal(err)
			}
		}
		if got, _ := abandoned(t, h); len(got) != 0 {
			t.Errorf("after their items were removed: %v", got)
		}
	})
}

func TestAbandonedTellsOfATableThatIsOut(t *testing.T) {
	out := errors.New("out of order")
	_, _, _, err := folder.New(domaintest.Broken{Err: out}, folder.Options{}).Abandoned(t.Context(), id.Workspace{}, id.Folder{})
	if !errors.Is(err, out) {
		t.Errorf("Abandoned: %v, want the table's error", err)
	}
}
