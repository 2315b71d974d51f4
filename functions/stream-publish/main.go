// Command stream-publish publishes domain events: the table's stream, changes of an asset's state.
package main

import (
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/trigger"
	"github.com/assetry/assetry/shared/trigger/change"
)

func main() {
	trigger.Lambda(change.Publish(boot.AWS(boot.Bus)))
}
