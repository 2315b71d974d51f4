package assets_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// change sends a PATCH with an If-Match; "" sends none.
func (c *client) change(t *testing.T, asset, ifMatch, body string) request {
	t.Helper()
	in := request{method: http.MethodPatch, path: "/assets/" + asset, key: c.keys.editor, body: body}
	if ifMatch != "" {
		in.header = http.Header{"If-Match": {ifMatch}}
	}
	return in
}

func TestUpdateChangesWhatPeopleSay(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		a := c.direct(t, c.keys.editor, c.home.ID.String(), "a.png")
		before := c.retrieve(t, c.keys.viewer, a.AssetID)
		var got retrieved
		c.run(t, scenario{c.change(t, a.AssetID, "", object("name", "Катя 🐈.png", "description", "two\nlines", "folder", "Mood")), 200,
			[]string{"+folder", "+foldername", "~asset"}}, &got)
		want := before
		want.Name, want.Description, want.FolderID = new("Катя 🐈.png"), new("two\nlines"), got.FolderID
		if diff := cmp.Diff(want, got); diff != "" || got.FolderID == nil {
			t.Errorf("the asset (-want +got):\n%s", diff)
		}
		c.run(t, scenario{c.change(t, a.AssetID, "", object("name", nil, "folder", nil)), 200, []string{"~asset"}}, &got)
		want.Name, want.FolderID = nil, nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("null does not clear (-want +got):\n%s", diff)
		}
		if shown := c.retrieve(t, c.keys.viewer, a.AssetID); !cmp.Equal(shown, got) {
			t.Errorf("PATCH answered %+v, GET %+v", got, shown)
		}
		c.run(t, scenario{c.change(t, a.AssetID, "", object("description", nil)), 200, []string{"~asset"}}, nil)
		c.run(t, scenario{request: c.change(t, a.AssetID, "", object("description", nil)), status: 200}, nil) // it is so already
	})
}

func TestUpdateOnlyOverTheVersionThatWasSeen(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		a := c.direct(t, c.keys.editor, c.home.ID.String(), "a.png")
		seen := c.do(t, request{method: "GET", path: "/assets/" + a.AssetID, key: c.keys.viewer}).header.Get("ETag")
		if seen != `"2"` {
			t.Fatalf("the ETag of a ready asset is %s", seen)
		}
		first := c.run(t, scenario{c.change(t, a.AssetID, seen, object("name", "b.png")), 200, []string{"~asset"}}, nil)
		if etag := first.header.Get("ETag"); etag != `"3"` {
			t.Errorf("the ETag after the change is %s", etag)
		}
		c.refused(t, c.change(t, a.AssetID, seen, object("name", "c.png")), 412, "precondition_failed")
		for _, other := range []string{`"2"`, `"4"`, `W/"3"`, `"03"`, `"+3"`, `""`, `"three"`, `"99999999999999999999"`} {
			c.refused(t, c.change(t, a.AssetID, other, object("name", "c.png")), 412, "precondition_failed")
		}
		for _, broken := range []string{"3", `"3`, `3"`, `"3", "4"`, `w/"3"`, `"a b"`, "**", `*, "3"`, `""3""`} {
			c.refused(t, c.change(t, a.AssetID, broken, object("name", "c.png")), 400, "input_validation_error", "if-match")
		}
		for i, good := range []string{`"3"`, `"4"`, "*", ""} {
			c.run(t, scenario{c.change(t, a.AssetID, good, object("name", fmt.Sprintf("%d.png", i))), 200, []string{"~asset"}}, nil)
		}
	})
}

func TestUpdateRefusesWhatChangesNothingOrTooMuch(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		a := c.direct(t, c.keys.editor, c.home.ID.String(), "a.png")
		long := string(make([]byte, 0, 256))
		for range 256 {
			long += "x"
		}
		for _, tt := range []struct {
			name, body string
			fields     []string
		}{
			{"nothing", `{}`, []string{"body"}},
			{"an unknown field", `{"name": "b", "status": "ready"}`, []string{"status"}},
			{"what cannot be changed", `{"content_type": "image/png"}`, []string{"content_type"}},
			{"numbers and lists", `{"name": 1, "description": [], "folder": {}}`, []string{"name", "description", "folder"}},
			{"empty texts", `{"name": "", "description": "", "folder": ""}`, []string{"name", "description", "folder"}},
			{"a name of 256 characters", object("name", long), []string{"name"}},
			{"a name with a line break", `{"name": "a\nb"}`, []string{"name"}},
			{"a description of 1,001 characters", object("description", long+long+long+long), []string{"description"}},
			{"a description with a zero byte", `{"description": "a\u0000"}`, []string{"description"}},
			{"a list for the body", `[]`, []string{"body"}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				c.refused(t, c.change(t, a.AssetID, "", tt.body), 400, "input_validation_error", tt.fields...)
			})
		}
		c.refused(t, c.change(t, a.AssetID, "", object("folder", "fld_x")), 400, "input_validation_error", "folder")
		c.refused(t, c.change(t, "asset_x", "", object("name", "b")), 404, "not_found")
	})
}
