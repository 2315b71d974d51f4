// Package fallback answers every path that no route matches, in the dialect of the path's prefix. It knows all APIs by their
// methods and patterns only and links none of their handlers.
package fallback

import (
	"net/http"
	"slices"
	"strings"

	"github.com/assetry/assetry/shared/api/assets"
	"github.com/assetry/assetry/shared/api/health"
	"github.com/assetry/assetry/shared/api/links"
	"github.com/assetry/assetry/shared/api/orders/surface"
	"github.com/assetry/assetry/shared/api/web"
)

// Handler answers 404, or 405 with Allow where the path exists with other methods.
func Handler() http.Handler {
	return web.Fallback(Endpoints(), dialect)
}

// Endpoints are method and path of every route of every API.
func Endpoints() []web.Endpoint {
	return slices.Concat(assets.Endpoints(), links.Endpoints(), surface.Endpoints(), health.Endpoints())
}

// dialect chooses by prefix; nil is the plain one.
func dialect(path string) web.Dialect {
	if path == assets.Base || strings.HasPrefix(path, assets.Base+"/") {
		return assets.Dialect{}
	}
	return surface.DialectOf(path)
}
