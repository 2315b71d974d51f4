package change

import (
	"context"
	"strings"

	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/upload"
	"github.com/assetry/assetry/shared/webhook"
)

// CleanUpServices is what clean-up needs.
type CleanUpServices interface {
	Uploads() *upload.Service
	Folders() *folder.Service
	Webhooks() *webhook.Service
}

// CleanUp removes what changes leave behind: bytes of failed, superseded and deleted attempts, the items of deleted
// folders, and the deliveries of deleted webhooks.
func CleanUp(s CleanUpServices) Consumer {
	return Each(func(ctx context.Context, c table.Change) error {
		if _, _, _, ok := schema.ParseAssetKey(c.Key); ok {
			return s.Uploads().CleanUp(ctx, c)
		}
		if w, f, ok := deletedFolder(c); ok {
			return s.Folders().RemoveItems(ctx, w, f)
		}
		if _, wh, ok := schema.ParseWebhookKey(c.Key); ok && c.New == nil {
			return s.Webhooks().RemoveDeliveries(ctx, wh)
		}
		return nil
	})
}

func deletedFolder(c table.Change) (w id.Workspace, f id.Folder, ok bool) {
	rest, is := strings.CutPrefix(c.Key.SK, schema.FolderPrefix)
	if c.New != nil || !is {
		return w, f, false
	}
	w, err := id.ParseWorkspace(c.Key.PK)
	if err != nil {
		return w, f, false
	}
	u, err := id.Parse(rest)
	return w, id.Folder(u), err == nil
}
