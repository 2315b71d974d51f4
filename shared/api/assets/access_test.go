package assets_test

import (
	"fmt"
	"testing"
)

// TestWhoMayDoWhat asks every route of ours for everybody, on things of both workspaces. Refusals come before anything is said about the thing's
// state, and write nothing.
func TestWhoMayDoWhat(t *testing.T) {
	type call struct {
		name, method, path, body string
		reads                    bool // viewers may
		done                     int  // the status for who may
	}
	const readers, writers = true, false
	inShapes(t, func(t *testing.T, c *client) {
		calls := func(form, parts created) []call {
			return []call{
				{"sign parts", "POST", "/assets/" + parts.AssetID + "/parts", "", writers, 200},
				{"list parts", "GET", "/assets/" + parts.AssetID + "/parts", "", readers, 200},
				{"sign the parts of a form", "POST", "/assets/" + form.AssetID + "/parts", "", writers, 409},
				{"list the parts of a form", "GET", "/assets/" + form.AssetID + "/parts", "", readers, 409},
				{"complete without parts", "POST", "/assets/" + parts.AssetID + "/complete", "", writers, 409},
				{"complete with parts", "POST", "/assets/" + parts.AssetID + "/complete", `{"parts":[{"part_number":1,"etag":"x"}]}`, writers, 409},
				{"the form again", "POST", "/assets/" + form.AssetID + "/upload", "", writers, 200},
				{"retry with a source", "POST", "/assets/" + form.AssetID + "/retry", `{"source":"https://example.com/a.png"}`, writers, 409},
				{"change", "PATCH", "/assets/" + form.AssetID, `{"description":"seen"}`, writers, 200},
				{"content", "GET", "/assets/" + form.AssetID + "/content", "", readers, 409},
			}
		}
		form, parts := c.reserve(t, "image/png"), c.beginParts(t, 6*mib).created
		var foreign created
		c.decode(t, c.do(t, request{method: "POST", path: "/assets", key: c.keys.stranger,
			body: object("source", "multipart", "workspace_id", c.other.ID.String(), "size_bytes", 6*mib)}), 201, &foreign)
		for _, in := range calls(form, parts) {
			for who, key := range map[string]string{"owner": c.keys.owner, "editor": c.keys.editor, "viewer": c.keys.viewer, "stranger": c.keys.stranger,
				"revoked": c.keys.revoked, "nobody": ""} {
				want := in.done
				switch {
				case who == "nobody" || who == "revoked":
					want = 401
				case who == "stranger":
					want = 404
				case who == "viewer" && !in.reads:
					want = 403
				}
				c.judge(t, fmt.Sprintf("%s by %s", in.name, who), request{method: in.method, path: in.path, key: key, body: in.body}, want)
			}
		}
		for _, in := range calls(foreign, foreign) {
			c.judge(t, in.name+" of another's", request{method: in.method, path: in.path, key: c.keys.owner, body: in.body}, 404)
		}
	})
}

// judge sends a request and holds its status; what is refused writes nothing.
func (c *client) judge(t *testing.T, name string, in request, want int) {
	t.Helper()
	since, objects := c.position(), c.objects()
	got := c.do(t, in)
	if got.status != want {
		t.Errorf("%s was answered %d %s, want %d", name, got.status, got.body, want)
	}
	if wrote := c.written(since, objects); want >= 400 && len(wrote) > 0 {
		t.Errorf("%s wrote %v", name, wrote)
	}
}
