// Command folders-add-item adds a text, or an image by its address, to a library folder: POST /api/v1/workspaces/{workspaceId}/library/folders/{folderId}/items of the Assets API.
package main

import (
	"github.com/assetry/assetry/shared/api/assets"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/boot"
)

func main() {
	s := boot.AWS(boot.Table, boot.Bucket, boot.RootKey)
	web.Warm(s.Warm)
	web.Lambda(assets.FolderItemsAdd(s))
}
