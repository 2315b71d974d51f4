package folder

import (
	"context"
	"fmt"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/name"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// countPage is up to how many items a refusal counts: one read, whose price is that of the items.
const countPage = 20

// Delete removes a folder and frees its name. A folder with items is fault.Conflict, and nothing is removed, unless withItems says that they
// may go: then they do a little later (RemoveItems). Assets stay either way. Of many who delete it at once one succeeds; to the others, and
// afterwards, it is fault.NotFound.
//
// What is refused is seen before, and held by the version of the folder: every new item counts it (see entered). The items themselves are
// counted, so nothing has to be kept in step with them.
func (s *Service) Delete(ctx context.Context, p access.Principal, w id.Workspace, f id.Folder, withItems bool) error {
	if err := access.Authorize(p, access.DeleteFolder, w); err != nil {
		return err
	}
	for range maxTries {
		found, version, err := s.read(ctx, w, f)
		if err != nil {
			return err
		}
		held := table.Present()
		if !withItems {
			if err := s.checkEmpty(ctx, w, f); err != nil {
				return err
			}
			held = table.Eq(schema.Version, table.Int(version))
		}
		again, err := s.remove(ctx, found, held)
		if !again {
			return err
		}
		// An item came between the look and the write: look again.
	}
	return fault.New(fault.Throttled, "Items are being added to the folder at this moment; wait a moment and repeat.")
}

// remove deletes both rows of a folder if the condition on the first holds. again says that it does not, and that the folder is there.
func (s *Service) remove(ctx context.Context, f Folder, held table.Cond) (again bool, err error) {
	err = table.Decide(ctx, s.t, []table.Write{
		table.Delete(schema.FolderKey(f.Workspace, f.ID), held),
		table.Delete(schema.FolderNameKey(f.Workspace, name.Fold(f.Name)), table.Eq(schema.FolderID, table.String(f.ID.String()))),
	})
	if refused := table.Refused(err); refused != nil && refused.Reasons[0] == table.ConditionLost {
		if refused.Current[0] == nil {
			return false, access.Missing("folder")
		}
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("delete folder %s: %w", f.ID, err)
	}
	return false, nil
}

// checkEmpty refuses a folder that has items, with their number.
func (s *Service) checkEmpty(ctx context.Context, w id.Workspace, f id.Folder) error {
	prefix := schema.FolderItemPrefix(f)
	page, err := s.t.Query(ctx, table.Query{PK: schema.WorkspaceKey(w).PK, From: prefix, To: schema.AfterPrefix(prefix), Limit: countPage})
	if err != nil {
		return fmt.Errorf("count the items of folder %s: %w", f, err)
	}
	count := fmt.Sprint(len(page.Items))
	switch {
	case len(page.Items) == 0:
		return nil
	case page.Next != nil:
		count = fmt.Sprintf("more than %d", len(page.Items))
	}
	return fault.New(fault.Conflict, "The folder is not empty (items: %s). Repeat with delete_items=true to delete it and its items.", count)
}

// removePage is how many items of a deleted folder are read at once.
const removePage = 100

// RemoveItems removes what is left in a folder that was deleted. It is for the consumer of the table's changes: it asks for no principal, may be
// called again, and goes on where a call that failed stopped.
func (s *Service) RemoveItems(ctx context.Context, w id.Workspace, f id.Folder) error {
	prefix := schema.FolderItemPrefix(f)
	q := table.Query{
		PK: schema.WorkspaceKey(w).PK, From: prefix, To: schema.AfterPrefix(prefix), Limit: removePage,
	}
	for {
		page, err := s.t.Query(ctx, q)
		if err != nil {
			return fmt.Errorf("list items of deleted folder %s: %w", f, err)
		}
		for _, it := range page.Items {
			_, err := s.t.Write(ctx, table.Delete(it.Key(), table.Present()))
			if current, lost := table.Lost(err); lost && current == nil {
				continue // somebody else removed it
			}
			if err != nil {
				return fmt.Errorf("remove item of deleted folder %s: %w", f, err)
			}
		}
		if page.Next == nil {
			return nil
		}
		q.After = page.Next
	}
}
