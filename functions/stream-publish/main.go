// Command stream-publish publishes domain events: the table's stream, changes of an asset's state.
package main

import (
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/trigger"
	"github.com/assetry/assetry/shared/trigger/change"
)

func main() {
	s := boot.AWS()
	web.Warm(s.WarmTable)
	trigger.Lambda(change.Publish(s))
}
