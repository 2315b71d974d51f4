// Command on-webhook-event sends events to webhooks: the queue of asset.* from the event bus.
package main

import (
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/trigger"
	"github.com/assetry/assetry/shared/trigger/webhooks"
)

func main() {
	s := boot.AWS(boot.Table, boot.RootKey)
	web.Warm(s.Warm)
	trigger.Lambda(webhooks.Handler(s))
}
