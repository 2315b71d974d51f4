package assets

import (
	"net/http"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/link"
)

// AssetServices is what the routes need that show assets.
type AssetServices interface {
	Accounts() *account.Service
	Assets() *asset.Service
	Links() *link.Service
	PublicURL() string
}

// Retrieve is GET /assets/{assetId}.
func Retrieve(s AssetServices) http.Handler {
	return route(http.MethodGet, patternAsset, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		id, err := assetID(web.PathValue(r, paramAsset))
		if err != nil {
			return err
		}
		a, err := s.Assets().Get(r.Context(), p, id)
		if err != nil {
			return err
		}
		return showAsset(w, r, s, a)
	})
}

// showAsset answers with an asset as it is, and its version as the ETag.
func showAsset(w http.ResponseWriter, r *http.Request, s AssetServices, a asset.Asset) error {
	answer, err := newLinker(r, s).retrieve(r.Context(), a)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", entityTag(a))
	return web.JSON(w, http.StatusOK, answer)
}

// listAnswer is the answer of GET /assets.
type listAnswer struct {
	Assets []listItem `json:"assets"`
	Meta   meta       `json:"meta"`
}

// List is GET /assets: newest first, pending and failed ones too.
func List(s AssetServices) http.Handler {
	return route(http.MethodGet, patternAssets, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		q, err := listQuery(r)
		if err != nil {
			return err
		}
		if q.Workspace != (id.Workspace{}) {
			web.SetWorkspace(r.Context(), q.Workspace)
		}
		page, err := s.Assets().List(r.Context(), p, q)
		if err != nil {
			return err
		}
		links := newLinker(r, s)
		answer := listAnswer{Assets: make([]listItem, len(page.Assets)), Meta: meta{nullable(page.Next)}}
		for i, a := range page.Assets {
			if answer.Assets[i], err = links.item(r.Context(), a); err != nil {
				return err
			}
		}
		return web.JSON(w, http.StatusOK, answer)
	})
}

func listQuery(r *http.Request) (asset.Query, error) {
	sent, err := readQuery(r)
	if err != nil {
		return asset.Query{}, err
	}
	q := asset.Query{Limit: sent.limit(), Cursor: sent.text("cursor"), Search: sent.text("query")}
	workspace, project := sent.text("workspace_id"), sent.text("project_id")
	if err := sent.err(); err != nil {
		return asset.Query{}, err
	}
	if workspace != "" {
		if q.Workspace, err = workspaceID(workspace); err != nil {
			return asset.Query{}, err
		}
	}
	q.Project, err = optionalProject(project)
	return q, err
}
