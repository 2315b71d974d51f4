package assets

import (
	"context"
	"net/http"
	"strings"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/link"
	"github.com/assetry/assetry/shared/project"
)

// NodeServices is what ProjectNodes needs.
type NodeServices interface {
	Accounts() *account.Service
	Projects() *project.Service
	Links() *link.Service
	PublicURL() string
}

type nodeAnswer struct {
	NodeID  string  `json:"node_id"`
	Type    string  `json:"type"`
	AssetID string  `json:"asset_id"`
	Height  *int    `json:"height"`
	Width   *int    `json:"width"`
	Label   *string `json:"label"`
	URL     string  `json:"url"`
}

type nodesAnswer struct {
	Nodes []nodeAnswer `json:"nodes"`
	Meta  meta         `json:"meta"`
}

// ProjectNodes is GET /projects/{projectId}/nodes: the assets on a project, newest first.
func ProjectNodes(s NodeServices) http.Handler {
	return route(http.MethodGet, patternProjectNodes, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		prj, err := projectID(web.PathValue(r, paramProject))
		if err != nil {
			return err
		}
		q, err := readQuery(r)
		if err != nil {
			return err
		}
		cursor, limit := q.text("cursor"), q.limit()
		if err := q.err(); err != nil {
			return err
		}
		views, next, err := s.Projects().Nodes(r.Context(), p, prj, cursor, limit)
		if err != nil {
			return err
		}
		links := newLinker(r, s)
		answer := nodesAnswer{Nodes: make([]nodeAnswer, len(views)), Meta: meta{nullable(next)}}
		for i, v := range views {
			if answer.Nodes[i], err = links.node(r.Context(), v); err != nil {
				return err
			}
		}
		return web.JSON(w, http.StatusOK, answer)
	})
}

func (l *linker) node(ctx context.Context, v project.NodeView) (nodeAnswer, error) {
	u, err := l.url(ctx, v.Asset)
	return nodeAnswer{
		NodeID: v.Node.ID.String(), Type: nodeType(v.Asset), AssetID: assetPrefix + v.Asset.ID.String(),
		Height: nullable(v.Asset.Height), Width: nullable(v.Asset.Width), Label: nullable(v.Asset.Name), URL: u,
	}, err
}

// nodeType is the first half of the content type. The contract knows one kind of document, text: a PDF is one, and so is what nobody has
// described yet.
func nodeType(a asset.Asset) string {
	kind, _, _ := strings.Cut(contentType(a), "/")
	switch kind {
	case "image", "video", "audio":
		return kind
	}
	return "text"
}
