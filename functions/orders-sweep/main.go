// Command orders-sweep looks after orders that nothing else looks after: a schedule.
package main

import (
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/trigger"
	"github.com/assetry/assetry/shared/trigger/orders"
)

func main() {
	s := boot.AWS(boot.Table, boot.Bucket)
	web.Warm(s.WarmTable)
	trigger.Lambda(orders.Sweep(s))
}
