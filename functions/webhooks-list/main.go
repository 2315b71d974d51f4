// Command webhooks-list lists the webhooks of a workspace: GET /api/v1/workspaces/{workspaceId}/webhooks of the Assets API.
package main

import (
	"github.com/assetry/assetry/shared/api/assets"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/boot"
)

func main() {
	s := boot.AWS(boot.Table, boot.RootKey)
	web.Warm(s.Warm)
	web.Lambda(assets.WebhooksList(s))
}
