// Command orders-docs serves the schema of the Orders API as text and as a page made of it: GET /v1/graphql/schema and GET /v1/graphql/docs.
package main

import (
	"github.com/assetry/assetry/shared/api/orders"
	"github.com/assetry/assetry/shared/api/web"
)

func main() { web.Lambda(orders.Docs()) }
