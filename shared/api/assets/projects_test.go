package assets_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/api/assets"
)

// projectBody is a project as a client reads it.
type projectBody struct {
	ProjectID    string  `json:"project_id"`
	WorkspaceID  string  `json:"workspace_id"`
	Name         string  `json:"name"`
	Origin       *string `json:"origin"`
	CreatedAt    int64   `json:"created_at"`
	LastModified *int64  `json:"last_modified"`
}

func (c *client) createProject(t *testing.T, name string) string {
	t.Helper()
	var p projectBody
	c.run(t, scenario{request{method: "POST", path: "/projects", key: c.keys.owner,
		body: object("name", name, "workspace_id", c.home.ID.String())}, 201, []string{"+project"}}, &p)
	return p.ProjectID
}

func TestWorkspaces(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		var got struct {
			Workspaces []map[string]any `json:"workspaces"`
		}
		c.run(t, scenario{request: request{method: "GET", path: "/workspaces", key: c.keys.viewer}, status: 200}, &got)
		entry := func(id, name string, created int64) map[string]any {
			return map[string]any{"workspace_id": id, "name": name, "role": "viewer", "created_at": float64(created)}
		}
		want := []map[string]any{
			entry(c.home.ID.String(), "Home", c.home.CreatedAt.UnixMilli()), entry(c.third.ID.String(), "Third", c.third.CreatedAt.UnixMilli()),
		}
		if diff := cmp.Diff(want, got.Workspaces); diff != "" {
			t.Errorf("workspaces (-want +got):\n%s", diff)
		}
	})
}

func TestProjects(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		spring, summer := c.createProject(t, "Spring campaign"), c.createProject(t, "Summer 🌞")
		var p projectBody
		raw := c.run(t, scenario{request: request{method: "GET", path: "/projects/" + spring, key: c.keys.viewer}, status: 200}, &p)
		want := projectBody{ProjectID: spring, WorkspaceID: c.home.ID.String(), Name: "Spring campaign", CreatedAt: p.CreatedAt}
		if diff := cmp.Diff(want, p); diff != "" || p.CreatedAt == 0 {
			t.Errorf("the project is %s (-want +got):\n%s", raw.body, diff)
		}
		fields := []string{"created_at", "last_modified", "name", "origin", "project_id", "workspace_id"}
		if diff := cmp.Diff(fields, keysOf(t, raw.body)); diff != "" {
			t.Errorf("fields (-want +got):\n%s", diff)
		}
		workspace := c.home.ID.String()
		first, next := c.listProjects(t, "workspace_id", workspace, "limit", "1")
		second, end := c.listProjects(t, "workspace_id", workspace, "limit", "1", "cursor", next)
		if diff := cmp.Diff([]string{summer, spring}, append(first, second...)); diff != "" || end != "" {
			t.Errorf("pages (-want +got):\n%s", diff)
		}
		if found, _ := c.listProjects(t, "workspace_id", workspace, "query", "camp"); !cmp.Equal(found, []string{spring}) {
			t.Errorf("query found %v", found)
		}
	})
}

func (c *client) listProjects(t *testing.T, pairs ...string) (ids []string, next string) {
	t.Helper()
	var page struct {
		Projects []projectBody `json:"projects"`
		Meta     struct {
			NextCursor *string `json:"next_cursor"`
		} `json:"meta"`
	}
	c.run(t, scenario{request: request{method: "GET", path: "/projects" + query(pairs...), key: c.keys.viewer}, status: 200}, &page)
	for _, p := range page.Projects {
		ids = append(ids, p.ProjectID)
	}
	if page.Meta.NextCursor != nil {
		next = *page.Meta.NextCursor
	}
	return ids, next
}

// node is a node as a client reads it.
type node struct {
	NodeID  string  `json:"node_id"`
	Type    string  `json:"type"`
	AssetID string  `json:"asset_id"`
	Height  *int    `json:"height"`
	Width   *int    `json:"width"`
	Label   *string `json:"label"`
	URL     string  `json:"url"`
}

func (c *client) nodes(t *testing.T, project, query string) (ns []node, next *string) {
	t.Helper()
	var page struct {
		Nodes []node `json:"nodes"`
		Meta  struct {
			NextCursor *string `json:"next_cursor"`
		} `json:"meta"`
	}
	c.run(t, scenario{request: request{method: "GET", path: "/projects/" + project + "/nodes" + query, key: c.keys.viewer}, status: 200}, &page)
	return page.Nodes, page.Meta.NextCursor
}

func TestAttachAndNodes(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		prj := c.createProject(t, "Spring")
		a := c.direct(t, c.keys.editor, c.home.ID.String(), "a.png")
		attach := request{method: "POST", path: "/projects/" + prj + "/assets/" + a.AssetID + "/attach", key: c.keys.editor}
		var first, again map[string]string
		c.run(t, scenario{attach, 200, []string{"+node"}}, &first)
		c.run(t, scenario{request: attach, status: 200}, &again)
		want := map[string]string{
			"asset_id": a.AssetID, "project_id": prj, "node_id": first["node_id"],
			"canvas_url": "http://" + testHost + "/api/v1/projects/" + prj + "/nodes",
		}
		if diff := cmp.Diff([]map[string]string{want, want}, []map[string]string{first, again}); diff != "" {
			t.Errorf("attach and attach again (-want +got):\n%s", diff)
		}
		canvas := request{method: "GET", path: strings.TrimPrefix(first["canvas_url"], "http://"+testHost+assets.Base), key: c.keys.viewer}
		c.run(t, scenario{request: canvas, status: 200}, nil)
		pdf := c.reserveOn(t, prj, "application/pdf")
		ns, _ := c.nodes(t, prj, "")
		wantNodes := []node{
			{NodeID: ns[0].NodeID, Type: "text", AssetID: pdf.AssetID, Label: new("x"), URL: pdf.URL},
			{NodeID: first["node_id"], Type: "image", AssetID: a.AssetID, Height: new(2), Width: new(2), Label: new("a.png"), URL: a.URL},
		}
		if diff := cmp.Diff(wantNodes, ns); diff != "" {
			t.Errorf("nodes (-want +got):\n%s", diff)
		}
		page, next := c.nodes(t, prj, "?limit=1")
		rest, end := c.nodes(t, prj, query("limit", "1", "cursor", *next))
		if diff := cmp.Diff(wantNodes, append(page, rest...)); diff != "" || end != nil {
			t.Errorf("nodes by pages (-want +got):\n%s", diff)
		}
	})
}

// reserveOn begins an upload on a project.
func (c *client) reserveOn(t *testing.T, project, contentType string) (a created) {
	t.Helper()
	c.decode(t, c.do(t, request{method: "POST", path: "/assets", key: c.keys.editor, body: object("source", "signed-url",
		"workspace_id", c.home.ID.String(), "project_id", project, "content_type", contentType, "file_name", "x")}), 201, &a)
	return a
}

func TestNodeTypes(t *testing.T) {
	s := newStack(t)
	c := newClient(s, shapes[0])
	prj := c.createProject(t, "Kinds")
	kinds := []string{"image/heic", "video/quicktime", "audio/mpeg", "application/pdf", "application/octet-stream"}
	for _, kind := range kinds {
		c.reserveOn(t, prj, kind)
	}
	ns, _ := c.nodes(t, prj, "")
	var got []string
	for _, n := range ns {
		got = append([]string{n.Type}, got...)
	}
	if diff := cmp.Diff([]string{"image", "video", "audio", "text", "text"}, got); diff != "" {
		t.Errorf("types of nodes for %v (-want +got):\n%s", kinds, diff)
	}
}

func TestAttachRefuses(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		prj, a := c.createProject(t, "Spring"), c.reserve(t, "image/png")
		elsewhere := c.direct(t, c.keys.owner, c.third.ID.String(), "a.png")
		foreign := c.direct(t, c.keys.stranger, c.other.ID.String(), "a.png")
		attach := func(key, project, asset string) request {
			return request{method: "POST", path: "/projects/" + project + "/assets/" + asset + "/attach", key: key}
		}
		c.refused(t, attach(c.keys.viewer, prj, a.AssetID), 403, "forbidden")
		c.refused(t, attach(c.keys.stranger, prj, a.AssetID), 404, "not_found")
		c.refused(t, attach(c.keys.editor, prj, foreign.AssetID), 404, "not_found")
		c.refused(t, attach(c.keys.editor, "prj_x", a.AssetID), 404, "not_found")
		c.refused(t, attach(c.keys.editor, prj, "asset_x"), 404, "not_found")
		c.refused(t, attach(c.keys.owner, prj, elsewhere.AssetID), 400, "input_validation_error", "asset_id")
	})
}
