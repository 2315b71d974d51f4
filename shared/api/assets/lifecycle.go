package assets

import (
	"net/http"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
)

// completeRequest is the body of POST /assets/{assetId}/complete, which may be left out. Parts are ours.
type completeRequest struct {
	Parts []completedPart `json:"parts"`
}

type completedPart struct {
	PartNumber int    `json:"part_number"`
	ETag       string `json:"etag"` // with quotes, as the bucket answered it, or without
}

// parts are what the client says it sent; none leaves it to the bucket.
func (b *completeRequest) parts() ([]blob.Part, error) {
	if b == nil || b.Parts == nil {
		return nil, nil
	}
	if len(b.Parts) == 0 {
		return nil, fault.BadField("parts", "is empty; list the parts that were sent, or leave the field out to complete with what the bucket has")
	}
	ps := make([]blob.Part, len(b.Parts))
	for i, sent := range b.Parts {
		ps[i] = blob.Part{Number: sent.PartNumber, ETag: sent.ETag}
	}
	return ps, nil
}

// Complete is POST /assets/{assetId}/complete: settles what has arrived. A ready asset stays 200, because the bucket's event
// usually wins against the client's call.
func Complete(s UploadServices) http.Handler {
	return post(patternComplete, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		id, err := assetID(web.PathValue(r, paramAsset))
		if err != nil {
			return err
		}
		body := &completeRequest{}
		if err := optionalBody(r, &body); err != nil {
			return err
		}
		ps, err := body.parts()
		if err != nil {
			return err
		}
		a, err := s.Uploads().CompleteParts(r.Context(), p, id, ps)
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

// retryRequest is the body of POST /assets/{assetId}/retry, which may be left out. The source is ours.
type retryRequest struct {
	Source *string `json:"source"`
}

// Retry is POST /assets/{assetId}/retry: another attempt at an asset that failed, by the way it came; an import may get another address.
func Retry(s UploadServices) http.Handler {
	return post(patternRetry, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		id, err := assetID(web.PathValue(r, paramAsset))
		if err != nil {
			return err
		}
		body := &retryRequest{}
		if err := optionalBody(r, &body); err != nil {
			return err
		}
		if body == nil {
			body = &retryRequest{}
		}
		if err := checkFields(field{name: "source", sent: body.Source}); err != nil {
			return err
		}
		a, way, err := s.Uploads().Retry(r.Context(), p, id, value(body.Source))
		if err != nil {
			return err
		}
		answer, err := newLinker(r, s).action(r.Context(), a, renderWay(way))
		if err != nil {
			return err
		}
		return web.JSON(w, http.StatusOK, answer)
	})
}

// Upload is POST /assets/{assetId}/upload, ours: the signed form of a pending asset once more, for a client that lost it or took too long.
func Upload(s UploadServices) http.Handler {
	return post(patternUpload, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		id, err := action(r)
		if err != nil {
			return err
		}
		a, g, err := s.Uploads().Regrant(r.Context(), p, id)
		if err != nil {
			return err
		}
		answer, err := newLinker(r, s).action(r.Context(), a, renderGrant(g))
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
