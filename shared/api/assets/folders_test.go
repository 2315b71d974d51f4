package assets_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func (c *client) foldersPath() string {
	return "/workspaces/" + c.home.ID.String() + "/library/folders"
}

func (c *client) createFolder(t *testing.T, body string) map[string]string {
	t.Helper()
	var got map[string]string
	in := request{method: "POST", path: c.foldersPath(), key: c.keys.editor, body: body}
	c.run(t, scenario{in, 201, []string{"+folder", "+foldername"}}, &got)
	return got
}

func TestFolders(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		f := c.createFolder(t, object("name", "Stimmung 🎨"))
		want := map[string]string{"folder_id": f["folder_id"], "name": "Stimmung 🎨", "workspace_id": c.home.ID.String()}
		if diff := cmp.Diff(want, f); diff != "" || !strings.HasPrefix(f["folder_id"], "fld_") {
			t.Errorf("the folder (-want +got):\n%s", diff)
		}
		twice := request{method: "POST", path: c.foldersPath(), key: c.keys.editor, body: object("name", "STIMMUNG 🎨")}
		c.refused(t, twice, 409, "conflict")
		gone := request{method: "DELETE", path: c.foldersPath() + "/" + f["folder_id"], key: c.keys.editor}
		raw := c.run(t, scenario{gone, 200, []string{"-folder", "-foldername"}}, nil)
		wantBody := `{"deleted":true,"folder_id":"` + f["folder_id"] + `","workspace_id":"` + c.home.ID.String() + `"}` + "\n"
		if string(raw.body) != wantBody {
			t.Errorf("delete answered %s, want %s", raw.body, wantBody)
		}
		c.refused(t, gone, 404, "not_found")
	})
}

func TestFolderWithoutAName(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		var names []string
		for _, body := range []string{"", "{}", "null", `{"name": null}`} {
			names = append(names, c.createFolder(t, body)["name"])
		}
		want := []string{"Untitled folder", "Untitled folder 2", "Untitled folder 3", "Untitled folder 4"}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("names (-want +got):\n%s", diff)
		}
	})
}

func TestFolderItems(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		f := c.createFolder(t, object("name", "Notes"))["folder_id"]
		add := func(body string) request {
			return request{method: "POST", path: c.foldersPath() + "/" + f + "/items", key: c.keys.editor, body: body}
		}
		for _, body := range []string{
			object("type", "text", "text", "Warm light,\nshallow depth", "description", "A prompt"), object("text", "x"),
		} {
			var got map[string]any
			c.run(t, scenario{add(body), 201, []string{"+folderitem", "~folder"}}, &got)
			node, _ := got["saved_node_id"].(string)
			want := map[string]any{"folder_id": f, "saved_node_id": node, "workspace_id": c.home.ID.String(), "url": nil}
			if diff := cmp.Diff(want, got); diff != "" || !strings.HasPrefix(node, "node_") {
				t.Errorf("the item (-want +got):\n%s", diff)
			}
		}
		for _, tt := range []struct{ body, field string }{
			{object("type", "image"), "source"},
			{object(), "source"},
			{object("source", "http://example.com/a.png"), "source"},
			{object("type", "image", "source", ""), "source"},
			{object("type", "image", "source", "https://127.0.0.1/a.png"), "source"},
			{object("type", "image", "source", "https://example.com/a.png", "text", "x"), "text"},
			{object("source", "https://example.com/a.png", "description", strings.Repeat("x", 1_001)), "description"},
			{object("type", "text", "text", "x", "source", "https://example.com/a.png"), "source"},
			{object("type", "text"), "text"},
			{object("text", ""), "text"},
			{object("text", strings.Repeat("x", 10_001)), "text"},
			{object("text", "x", "description", strings.Repeat("x", 1_001)), "description"},
			{object("type", "video", "text", "x"), "type"},
			{object("kind", "text", "text", "x"), "kind"},
		} {
			c.refused(t, add(tt.body), 400, "input_validation_error", tt.field)
		}
		viewer := add(object("text", "x"))
		viewer.key = c.keys.viewer
		c.refused(t, viewer, 403, "forbidden")
	})
}

func TestFolderWithItemsIsDeletedWhenAsked(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		f := c.createFolder(t, object("name", "Full"))["folder_id"]
		add := request{method: "POST", path: c.foldersPath() + "/" + f + "/items", key: c.keys.editor, body: object("text", "x")}
		c.run(t, scenario{add, 201, []string{"+folderitem", "~folder"}}, nil)
		remove := func(query string) request {
			return request{method: "DELETE", path: c.foldersPath() + "/" + f + "?" + query, key: c.keys.editor}
		}
		for _, query := range []string{"", "delete_items=false", "delete_items="} {
			c.refused(t, remove(query), 409, "conflict")
		}
		for _, query := range []string{"delete_items=yes", "delete_items=TRUE", "delete_items=1", "delete_items=true&delete_items=true"} {
			c.refused(t, remove(query), 400, "input_validation_error", "delete_items")
		}
		c.run(t, scenario{remove("delete_items=true"), 200, []string{"-folder", "-foldername"}}, nil)
	})
}
