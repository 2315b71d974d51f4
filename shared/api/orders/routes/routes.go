// Package routes lists the routes of the Orders API with their functions and handlers.
//
// It is for infra only: whoever imports it links every handler.
package routes

import "github.com/assetry/assetry/shared/api/web"

// Services is what all routes together need.
type Services interface{}

// Routes are all routes of the API.
func Routes(Services) web.Rows {
	return web.Rows{}
}
