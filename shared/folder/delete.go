package folder

import (
	"context"
	"fmt"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/name"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// Delete removes a folder and frees its name; its items go with it a little later (RemoveItems), its assets stay. Of many who delete it at
// once one succeeds; to the others, and afterwards, it is fault.NotFound.
func (s *Service) Delete(ctx context.Context, p access.Principal, w id.Workspace, f id.Folder) error {
	if err := access.Authorize(p, access.DeleteFolder, w); err != nil {
		return err
	}
	found, err := s.read(ctx, w, f)
	if err != nil {
		return err
	}
	err = s.transact(ctx, []table.Write{
		table.Delete(schema.FolderKey(w, f), table.Present()),
		table.Delete(schema.FolderNameKey(w, name.Fold(found.Name)), table.Eq(schema.FolderID, table.String(f.String()))),
	})
	if refused := table.Refused(err); refused != nil && refused.Current[0] == nil {
		return access.Missing("folder")
	}
	if err != nil {
		return fmt.Errorf("delete folder %s: %w", f, err)
	}
	return nil
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
