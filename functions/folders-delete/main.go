// Command folders-delete deletes a library folder: DELETE /api/v1/workspaces/{workspaceId}/library/folders/{folderId} of the Assets API.
package main

import (
	"github.com/assetry/assetry/shared/api/assets"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/boot"
)

func main() {
	s := boot.AWS(boot.Table)
	web.Warm(s.WarmTable)
	web.Lambda(assets.FoldersDelete(s))
}
