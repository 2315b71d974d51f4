package assets

import (
	"net/http"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/link"
)

// ContentServices is what Content needs.
type ContentServices interface {
	Accounts() *account.Service
	Assets() *asset.Service
	Links() *link.Service
}

// Content is GET /assets/{assetId}/content, ours: 302 to the bytes of a ready asset, for a key that may read it. Unlike the asset's link, the
// address it leads to ends by itself, and none is left when the key is revoked.
func Content(s ContentServices) http.Handler {
	return route(http.MethodGet, patternContent, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		id, err := assetID(web.PathValue(r, paramAsset))
		if err != nil {
			return err
		}
		a, err := s.Assets().Get(r.Context(), p, id)
		if err != nil {
			return err
		}
		web.SetWorkspace(r.Context(), a.Workspace)
		to, err := s.Links().Content(r.Context(), a)
		if err != nil {
			return err
		}
		w.Header().Set("Cache-Control", "no-store") // the address is signed for minutes
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
		return nil
	})
}
