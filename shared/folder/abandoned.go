package folder

import (
	"context"
	"errors"
	"fmt"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// abandonedPage is how many folders with items one call looks at.
const abandonedPage = 100

// Abandoned finds folders of a workspace that were deleted and still have items, for which RemoveItems was not called. It looks at a page of folders with items
// after one (the zero id: from the first), one small read and a look each, and says where to go on; more is false at the end. For
// operators.
func (s *Service) Abandoned(ctx context.Context, w id.Workspace, after id.Folder) (found []id.Folder, last id.Folder, more bool, err error) {
	from := schema.FolderItemsPrefix
	if after != (id.Folder{}) {
		from = schema.AfterPrefix(schema.FolderItemPrefix(after))
	}
	for range abandonedPage {
		q := table.Query{PK: schema.WorkspaceKey(w).PK, From: from, To: schema.AfterPrefix(schema.FolderItemsPrefix), Limit: 1}
		page, err := s.t.Query(ctx, q)
		if err != nil {
			return nil, after, false, fmt.Errorf("look for items of folders in %s: %w", w, err)
		}
		if len(page.Items) == 0 {
			return found, after, false, nil
		}
		f, ok := schema.ParseFolderItem(page.Items[0].Key().SK)
		if !ok {
			return nil, after, false, fmt.Errorf("row %s is no item of a folder", page.Items[0].Key())
		}
		_, err = s.t.Get(ctx, schema.FolderKey(w, f), table.Strong)
		if errors.Is(err, table.ErrNotFound) {
			found, err = append(found, f), nil
		}
		if err != nil {
			return nil, after, false, fmt.Errorf("look for folder %s: %w", f, err)
		}
		after, from = f, schema.AfterPrefix(schema.FolderItemPrefix(f))
	}
	return found, after, true, nil
}
