// Command work-order runs the steps of submitted orders' products: the queue that a rule of the event bus feeds with order.submitted.
package main

import (
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/product/catalog"
	"github.com/assetry/assetry/shared/trigger"
	"github.com/assetry/assetry/shared/trigger/orders"
)

func main() {
	s := boot.AWS(boot.Table, boot.Bucket)
	web.Warm(s.WarmTable)
	trigger.Lambda(orders.Work(s, catalog.Products()...))
}
