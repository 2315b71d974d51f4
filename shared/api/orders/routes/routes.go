// Package routes lists the routes of the Orders API with their functions and handlers.
//
// It is for infra only: whoever imports it links every handler.
package routes

import (
	"github.com/assetry/assetry/shared/api/orders"
	"github.com/assetry/assetry/shared/api/orders/oauth"
	"github.com/assetry/assetry/shared/api/orders/surface"
	"github.com/assetry/assetry/shared/api/web"
)

// Services is what all routes together need.
type Services interface {
	oauth.Services
	orders.Services
}

// Routes are all routes of the API.
func Routes(s Services) web.Rows {
	of := surface.Rows()
	rows := of.All("orders-graphql", orders.Graphql(s))
	rows = append(rows,
		of.With("orders-token", oauth.Token(s)),
		of.With("orders-revoke", oauth.Revoke(s)))
	return append(rows, of.All("orders-docs", orders.Docs())...)
}
