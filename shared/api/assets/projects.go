package assets

import (
	"net/http"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/idempotency"
	"github.com/assetry/assetry/shared/project"
)

// ProjectServices is what the routes of projects need.
type ProjectServices interface {
	Accounts() *account.Service
	Projects() *project.Service
}

// ProjectPostServices is what the routes need that make a project or change one.
type ProjectPostServices interface {
	ProjectServices
	Idempotency() *idempotency.Service
}

type createProjectRequest struct {
	Name        string `json:"name"`
	WorkspaceID string `json:"workspace_id"`
}

type projectAnswer struct {
	ProjectID    string  `json:"project_id"`
	WorkspaceID  string  `json:"workspace_id"`
	Name         string  `json:"name"`
	Origin       *string `json:"origin"`        // always null: nothing is imported from elsewhere
	CreatedAt    int64   `json:"created_at"`    // Unix milliseconds
	LastModified *int64  `json:"last_modified"` // always null: a project does not change
}

func renderProject(p project.Project) projectAnswer {
	return projectAnswer{
		ProjectID: p.ID.String(), WorkspaceID: p.Workspace.String(), Name: p.Name, CreatedAt: p.CreatedAt.UnixMilli(),
	}
}

// ProjectsCreate is POST /projects.
func ProjectsCreate(s ProjectPostServices) http.Handler {
	return post(patternProjects, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		var body createProjectRequest
		if err := web.DecodeJSON(r, &body); err != nil {
			return err
		}
		err := checkFields(field{"name", &body.Name, true}, field{"workspace_id", &body.WorkspaceID, true})
		if err != nil {
			return err
		}
		workspace, err := workspaceID(body.WorkspaceID)
		if err != nil {
			return err
		}
		thing, _ := given(r.Context())
		web.SetWorkspace(r.Context(), workspace)
		prj, err := s.Projects().CreateAs(r.Context(), p, project.Project{ID: id.Project(thing), Workspace: workspace, Name: body.Name})
		if err != nil {
			return err
		}
		return web.JSON(w, http.StatusCreated, renderProject(prj))
	})
}

type projectsAnswer struct {
	Projects []projectAnswer `json:"projects"`
	Meta     meta            `json:"meta"`
}

// ProjectsList is GET /projects: those of one workspace, newest first.
func ProjectsList(s ProjectServices) http.Handler {
	return route(http.MethodGet, patternProjects, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		q, err := readQuery(r)
		if err != nil {
			return err
		}
		sent, words, cursor, limit := q.text("workspace_id"), q.text("query"), q.text("cursor"), q.limit()
		q.need("workspace_id", sent)
		if err := q.err(); err != nil {
			return err
		}
		workspace, err := workspaceID(sent)
		if err != nil {
			return err
		}
		web.SetWorkspace(r.Context(), workspace)
		found, next, err := s.Projects().List(r.Context(), p, workspace, words, cursor, limit)
		if err != nil {
			return err
		}
		answer := projectsAnswer{Projects: make([]projectAnswer, len(found)), Meta: meta{nullable(next)}}
		for i, prj := range found {
			answer.Projects[i] = renderProject(prj)
		}
		return web.JSON(w, http.StatusOK, answer)
	})
}

// ProjectsRetrieve is GET /projects/{projectId}.
func ProjectsRetrieve(s ProjectServices) http.Handler {
	return route(http.MethodGet, patternProject, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		id, err := projectID(web.PathValue(r, paramProject))
		if err != nil {
			return err
		}
		prj, err := s.Projects().Get(r.Context(), p, id)
		if err != nil {
			return err
		}
		web.SetWorkspace(r.Context(), prj.Workspace)
		return web.JSON(w, http.StatusOK, renderProject(prj))
	})
}

// AttachServices is what Attach needs.
type AttachServices interface {
	ProjectPostServices
	PublicURL() string
}

type attachAnswer struct {
	AssetID   string `json:"asset_id"`
	CanvasURL string `json:"canvas_url"` // where the project's nodes are listed: there is no other canvas
	NodeID    string `json:"node_id"`
	ProjectID string `json:"project_id"`
}

// Attach is POST /projects/{projectId}/assets/{assetId}/attach.
func Attach(s AttachServices) http.Handler {
	return post(patternAttach, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		prj, err := projectID(web.PathValue(r, paramProject))
		if err != nil {
			return err
		}
		a, err := action(r)
		if err != nil {
			return err
		}
		n, err := s.Projects().Attach(r.Context(), p, prj, a)
		if err != nil {
			return err
		}
		return web.JSON(w, http.StatusOK, attachAnswer{
			AssetID: assetPrefix + n.Asset.String(), CanvasURL: canvasURL(origin(r, s.PublicURL()), n.Project),
			NodeID: n.ID.String(), ProjectID: n.Project.String(),
		})
	})
}

func canvasURL(origin string, p id.Project) string {
	return origin + patternProjects + "/" + p.String() + "/nodes"
}
