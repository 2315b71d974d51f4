// Command orders-graphql answers the queries and mutations of the Orders API: POST and GET /v1/graphql.
// A mutation comes by POST alone.
package main

import (
	"github.com/assetry/assetry/shared/api/orders"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/boot"
)

func main() {
	s := boot.AWS(boot.Table, boot.Bucket, boot.RootKey)
	web.Warm(s.Warm)
	web.Lambda(orders.Graphql(s))
}
