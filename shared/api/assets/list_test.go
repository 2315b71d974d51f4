package assets_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// list is a page of assets as a client reads it.
type list struct {
	Assets []struct {
		AssetID   string  `json:"asset_id"`
		Name      *string `json:"name"`
		Status    string  `json:"status"`
		CreatedAt int64   `json:"created_at"`
		ProjectID *string `json:"project_id"`
	} `json:"assets"`
	Meta struct {
		NextCursor *string `json:"next_cursor"`
	} `json:"meta"`
}

func (l list) ids() []string {
	var ids []string
	for _, a := range l.Assets {
		ids = append(ids, a.AssetID)
	}
	return ids
}

// decode wants a status and reads the body into v, which may be nil.
func (c *client) decode(t *testing.T, got answer, status int, v any) {
	t.Helper()
	if got.status != status {
		t.Fatalf("answered %d %s, want %d", got.status, got.body, status)
	}
	if v != nil {
		if err := json.Unmarshal(got.body, v); err != nil {
			t.Fatalf("%s: %v", got.body, err)
		}
	}
}

func (c *client) list(t *testing.T, key, query string) (l list) {
	t.Helper()
	c.run(t, scenario{request: request{method: "GET", path: "/assets" + query, key: key}, status: 200}, &l)
	return l
}

// pages walks a list to its end, as the published client does.
func (c *client) pages(t *testing.T, key string, pairs ...string) (ids []string, pages int) {
	t.Helper()
	cursor := ""
	for {
		l := c.list(t, key, query(append(slices.Clone(pairs), "cursor", cursor)...))
		ids = append(ids, l.ids()...)
		pages++
		if l.Meta.NextCursor == nil {
			return ids, pages
		}
		if len(l.Assets) == 0 {
			t.Fatal("an empty page has a cursor; the published client stops there")
		}
		cursor = *l.Meta.NextCursor
	}
}

func TestListPages(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		var want []string
		for range 7 {
			want = append([]string{c.reserve(t, "image/png").AssetID}, want...)
		}
		for limit, pages := range map[string]int{"1": 7, "3": 3, "7": 1, "100": 1} {
			got, n := c.pages(t, c.keys.viewer, "limit", limit, "workspace_id", c.home.ID.String())
			if diff := cmp.Diff(want, got); diff != "" || n != pages {
				t.Errorf("with limit %s: %d pages, want %d, newest first (-want +got):\n%s", limit, n, pages, diff)
			}
		}
	})
}

func TestListShowsWhatItMust(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		since := time.Now().UnixMilli()
		pending, failed, ready := c.reserve(t, "image/png"), c.failed(t), c.direct(t, c.keys.editor, c.home.ID.String(), "Äpfel.png")
		l := c.list(t, c.keys.viewer, "")
		if diff := cmp.Diff([]string{ready.AssetID, failed.AssetID, pending.AssetID}, l.ids()); diff != "" {
			t.Fatalf("list (-want +got):\n%s", diff)
		}
		for i, status := range []string{"ready", "failed", "pending_upload"} {
			if a := l.Assets[i]; a.Status != status || a.CreatedAt < since || a.CreatedAt > time.Now().UnixMilli() || a.ProjectID != nil {
				t.Errorf("entry %d is %+v, want %s, created in these milliseconds, on no project", i, a, status)
			}
		}
		raw := c.do(t, request{method: "GET", path: "/assets?limit=1", key: c.keys.viewer})
		var page struct{ Assets []json.RawMessage }
		c.decode(t, raw, 200, &page)
		want := []string{"asset_id", "checksum", "content_type", "created_at", "description", "etag", "folder_id", "height", "name", "progress",
			"project_id", "size_bytes", "status", "upload_content_type", "uploaded_via", "url", "width", "workspace_id"}
		if diff := cmp.Diff(want, keysOf(t, page.Assets[0])); diff != "" {
			t.Errorf("fields of an entry (-want +got):\n%s", diff)
		}
	})
}

func TestListOfNothing(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		raw := c.run(t, scenario{request: request{method: "GET", path: "/assets", key: c.keys.stranger}, status: 200}, nil)
		if got, want := string(raw.body), `{"assets":[],"meta":{"next_cursor":null}}`+"\n"; got != want {
			t.Errorf("an empty list is %s, want %s", got, want)
		}
	})
}

func TestListFilters(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		prj := c.createProject(t, "Spring")
		inHome := c.direct(t, c.keys.owner, c.home.ID.String(), "Grüne Äpfel.png").AssetID
		inThird := c.direct(t, c.keys.owner, c.third.ID.String(), "Red apples.png").AssetID
		var onProject created
		c.decode(t, c.do(t, request{method: "POST", path: "/assets", key: c.keys.editor,
			body: object("source", "signed-url", "workspace_id", c.home.ID.String(), "project_id", prj)}), 201, &onProject)
		for _, tt := range []struct {
			name, query string
			want        []string
		}{
			{"all workspaces of the key, by time", "", []string{onProject.AssetID, inThird, inHome}},
			{"empty parameters count as absent", "?cursor=&query=&workspace_id=&project_id=&limit=", []string{onProject.AssetID, inThird, inHome}},
			{"unknown parameters are ignored", "?colour=green&assets[]=1", []string{onProject.AssetID, inThird, inHome}},
			{"one workspace", query("workspace_id", c.third.ID.String()), []string{inThird}},
			{"one project", query("project_id", prj), []string{onProject.AssetID}},
			{"words by their beginning, accents aside", query("query", "apf GRUN"), []string{inHome}},
			{"words in one workspace", query("query", "apple", "workspace_id", c.third.ID.String()), []string{inThird}},
			{"words that nothing has", query("query", "pears"), nil},
		} {
			if diff := cmp.Diff(tt.want, c.list(t, c.keys.owner, tt.query).ids()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
		}
		if l := c.list(t, c.keys.owner, query("project_id", prj)); *l.Assets[0].ProjectID != prj {
			t.Errorf("the entry names project %s, want %s", *l.Assets[0].ProjectID, prj)
		}
	})
}

func TestListHasFiftyEntriesUnlessTold(t *testing.T) {
	s := newStack(t)
	c := newClient(s, shapes[0])
	for i := range 51 {
		c.decode(t, c.do(t, request{method: "POST", path: "/assets", key: c.keys.owner,
			body: object("source", "signed-url", "workspace_id", c.home.ID.String(), "file_name", fmt.Sprint(i))}), 201, nil)
	}
	if l := c.list(t, c.keys.owner, ""); len(l.Assets) != 50 || l.Meta.NextCursor == nil {
		t.Errorf("a page without a limit has %d entries", len(l.Assets))
	}
}

func TestCursorsHoldForTheirList(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		prj := c.createProject(t, "Spring")
		for range 2 {
			c.reserveOn(t, prj, "image/png")
			c.direct(t, c.keys.stranger, c.other.ID.String(), "a.png")
		}
		home, other := c.home.ID.String(), c.other.ID.String()
		cursor := *c.list(t, c.keys.editor, query("limit", "1", "workspace_id", home)).Meta.NextCursor
		foreign := *c.list(t, c.keys.stranger, query("limit", "1", "workspace_id", other)).Meta.NextCursor
		last := len(cursor) - 1
		for name, in := range map[string]request{
			"of another's list":       {path: "/assets" + query("cursor", foreign, "workspace_id", home)},
			"with another query":      {path: "/assets" + query("cursor", cursor, "workspace_id", home, "query", "x")},
			"with another project":    {path: "/assets" + query("cursor", cursor, "workspace_id", home, "project_id", prj)},
			"of assets for nodes":     {path: "/projects/" + prj + "/nodes" + query("cursor", cursor)},
			"of assets for projects":  {path: "/projects" + query("cursor", cursor, "workspace_id", home)},
			"with a changed middle":   {path: "/assets" + query("cursor", cursor[:9]+flip(cursor[9])+cursor[10:], "workspace_id", home)},
			"without its last letter": {path: "/assets" + query("cursor", cursor[:last], "workspace_id", home)},
		} {
			t.Run(name, func(t *testing.T) {
				in.method, in.key = "GET", c.keys.editor
				c.refused(t, in, 400, "input_validation_error", "cursor")
			})
		}
	})
}

// flip is another letter of a cursor's alphabet.
func flip(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}
