package assets

import (
	"net/http"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/api/web"
)

type workspaceAnswer struct {
	WorkspaceID string `json:"workspace_id"`
	Name        string `json:"name"`
	Role        string `json:"role"`
	CreatedAt   int64  `json:"created_at"` // Unix milliseconds
}

type workspacesAnswer struct {
	Workspaces []workspaceAnswer `json:"workspaces"`
}

// Workspaces is GET /workspaces: those the key reaches, oldest first.
func Workspaces(s AccountServices) http.Handler {
	return route(http.MethodGet, patternWorkspaces, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		answer := workspacesAnswer{Workspaces: []workspaceAnswer{}}
		for _, id := range p.Workspaces() {
			found, err := s.Accounts().Workspace(r.Context(), id)
			if err != nil {
				return err
			}
			answer.Workspaces = append(answer.Workspaces, workspaceAnswer{
				WorkspaceID: id.String(), Name: found.Name, Role: string(p.Grants[id]), CreatedAt: found.CreatedAt.UnixMilli(),
			})
		}
		return web.JSON(w, http.StatusOK, answer)
	})
}
