package assets

import (
	"net/http"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/asset"
)

// Complete is POST /assets/{assetId}/complete: settles what has arrived. A ready asset stays 200, because the bucket's event
// usually wins against the client's call.
func Complete(s UploadServices) http.Handler {
	return post(patternComplete, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		id, err := action(r)
		if err != nil {
			return err
		}
		a, err := s.Uploads().Complete(r.Context(), p, id)
		if err != nil {
			return err
		}
		answer, err := newLinker(r, s).action(r.Context(), a, granted{})
		if err != nil {
			return err
		}
		return web.JSON(w, http.StatusOK, answer)
	})
}

// Retry is POST /assets/{assetId}/retry: a new signed upload for an asset that failed.
func Retry(s UploadServices) http.Handler {
	return post(patternRetry, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		id, err := action(r)
		if err != nil {
			return err
		}
		a, way, err := s.Uploads().Retry(r.Context(), p, id, "")
		if err != nil {
			return err
		}
		var g granted
		if way.Form != nil {
			g = renderGrant(*way.Form)
		}
		answer, err := newLinker(r, s).action(r.Context(), a, g)
		if err != nil {
			return err
		}
		return web.JSON(w, http.StatusOK, answer)
	})
}

// DeleteServices is what Delete needs.
type DeleteServices interface {
	Accounts() *account.Service
	Assets() *asset.Service
}

// Delete is DELETE /assets/{assetId}, ours: 204, also when it is repeated. From then on the asset is 404 and its links are dead.
func Delete(s DeleteServices) http.Handler {
	return route(http.MethodDelete, patternAsset, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		a, err := assetID(web.PathValue(r, paramAsset))
		if err != nil {
			return err
		}
		if err := s.Assets().Delete(r.Context(), p, a); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	})
}
