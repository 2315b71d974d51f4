// Package dialects joins the routes of every dialect: which function answers where, and with which handler. The local stack serves them, the
// house and cost tests hold them against the template and the samples.
package dialects

import (
	"net/http"
	"slices"

	assets "github.com/assetry/assetry/shared/api/assets/routes"
	"github.com/assetry/assetry/shared/api/fallback"
	"github.com/assetry/assetry/shared/api/health"
	"github.com/assetry/assetry/shared/api/links"
	orders "github.com/assetry/assetry/shared/api/orders/routes"
	"github.com/assetry/assetry/shared/api/web"
)

// Fallback is the name of the function that answers what no route matches.
const Fallback = "fallback"

// Services is what all routes together need.
type Services interface {
	assets.Services
	orders.Services
	links.Services
}

// Routes are all routes of all dialects. A function with two methods has a row for each. The region is what the function health tells.
func Routes(s Services, region string) web.Rows {
	return slices.Concat(assets.Routes(s), orders.Routes(s),
		rows(links.Function, links.Open(s), links.Endpoints()),
		rows(health.Function, health.Handler(region), health.Endpoints()))
}

func rows(function string, h http.Handler, at []web.Endpoint) (list web.Rows) {
	for _, e := range at {
		list = append(list, web.Row{Name: function, Endpoint: e, Handler: h})
	}
	return list
}

// Handlers are the handlers of all functions that answer requests, by the functions' names, Fallback among them.
func Handlers(s Services, region string) map[string]http.Handler {
	hs := map[string]http.Handler{Fallback: fallback.Handler()}
	for _, f := range Routes(s, region) {
		hs[f.Name] = f.Handler
	}
	return hs
}
