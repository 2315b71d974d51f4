// Package surface is what of the Orders API can be known without its engine: where it answers, and the form of its refusals. The function fallback
// tells 404 from 405 by it, and so starts without a schema.
package surface

import (
	"net/http"
	"slices"
	"strings"

	"github.com/assetry/assetry/shared/api/web"
)

// Where this API answers.
const (
	Base    = "/v1/authentication" // the routes of OAuth 2.0 begin with it
	Token   = Base + "/token"
	Revoke  = Base + "/revoke"
	GraphQL = "/v1/graphql"
	Schema  = GraphQL + "/schema"
	Docs    = GraphQL + "/docs"
)

// rows are the routes.
var rows = web.Rows{
	{Name: "orders-graphql", Endpoint: web.Endpoint{Method: http.MethodPost, Pattern: GraphQL}},
	{Name: "orders-graphql", Endpoint: web.Endpoint{Method: http.MethodGet, Pattern: GraphQL}},
	{Name: "orders-token", Endpoint: web.Endpoint{Method: http.MethodPost, Pattern: Token}},
	{Name: "orders-revoke", Endpoint: web.Endpoint{Method: http.MethodPost, Pattern: Revoke}},
	{Name: "orders-docs", Endpoint: web.Endpoint{Method: http.MethodGet, Pattern: Docs}},
	{Name: "orders-docs", Endpoint: web.Endpoint{Method: http.MethodGet, Pattern: Schema}},
}

// Endpoints are method and path of every route, without handlers: what package web's Fallback needs to tell 405 from 404.
func Endpoints() []web.Endpoint { return rows.Endpoints() }

// Rows are the functions of this API with where they answer, without handlers.
func Rows() web.Rows { return slices.Clone(rows) }

// DialectOf is the form of refusals at a path of this API; nil is for other paths.
func DialectOf(path string) web.Dialect {
	switch {
	case within(path, Base):
		return OAuth{}
	case within(path, GraphQL):
		return Errors{}
	}
	return nil
}

func within(path, base string) bool { return path == base || strings.HasPrefix(path, base+"/") }
