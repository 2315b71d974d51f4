// Command webhooks-deliveries lists what was sent to a webhook: GET /api/v1/workspaces/{workspaceId}/webhooks/{webhookId}/deliveries of the Assets API.
package main

import (
	"github.com/assetry/assetry/shared/api/assets"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/boot"
)

func main() {
	s := boot.AWS(boot.Table, boot.RootKey)
	web.Warm(s.Warm)
	web.Lambda(assets.WebhooksDeliveries(s))
}
