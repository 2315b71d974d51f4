// Command webhooks-rotate-secret gives a webhook another secret and shows it: POST /api/v1/workspaces/{workspaceId}/webhooks/{webhookId}/rotate-secret of the Assets API.
package main

import (
	"github.com/assetry/assetry/shared/api/assets"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/boot"
)

func main() {
	s := boot.AWS(boot.Table, boot.RootKey)
	web.Warm(s.Warm)
	web.Lambda(assets.WebhooksRotateSecret(s))
}
