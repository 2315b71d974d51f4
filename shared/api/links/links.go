// Package links answers the stable links of assets: GET and HEAD /l/{token}.
//
// A token is the right to read: there is no key. The answer is a redirect to a short-lived address of the bucket that is
// signed for the method asked, so that HEAD follows it too. Neither the token nor the address may stay anywhere: nothing is
// cached, no referrer is sent on, and logs name only the route's pattern.
package links

import (
	"net/http"

	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/link"
)

// Function is the name of the function that answers links.
const Function = "open-link"

const (
	pattern    = link.Path + "{token}"
	paramToken = "token"
)

// Services is what the route needs.
type Services interface {
	Links() *link.Service
}

// Endpoints are method and path of the route, without its handler.
func Endpoints() []web.Endpoint {
	return []web.Endpoint{
		{Method: http.MethodGet, Pattern: pattern},
		{Method: http.MethodHead, Pattern: pattern},
	}
}

// Open is GET and HEAD /l/{token}: 302 to the bytes, 404 for a token that leads nowhere, also while its asset is not ready.
func Open(s Services) http.Handler {
	return web.Route("GET HEAD", pattern, dialect{}, func(w http.ResponseWriter, r *http.Request) error {
		if owner, ok := s.Links().Owner(web.PathValue(r, paramToken)); ok {
			web.SetWorkspace(r.Context(), owner)
		}
		to, err := s.Links().Resolve(r.Context(), web.PathValue(r, paramToken), r.Method)
		if err != nil {
			return err
		}
		protect(w.Header())
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
		return nil
	})
}
