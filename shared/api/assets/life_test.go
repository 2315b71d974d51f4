package assets_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// retrieved is AssetRetrieve as a client reads it.
type retrieved struct {
	AssetID           string    `json:"asset_id"`
	Name              *string   `json:"name"`
	Description       *string   `json:"description"`
	WorkspaceID       string    `json:"workspace_id"`
	URL               string    `json:"url"`
	ContentType       string    `json:"content_type"`
	UploadContentType *string   `json:"upload_content_type"`
	SizeBytes         *int64    `json:"size_bytes"`
	UploadedVia       string    `json:"uploaded_via"`
	CreatedAt         time.Time `json:"created_at"`
	Status            string    `json:"status"`
	FailureMessage    *string   `json:"failure_message"`
	Width             *int      `json:"width"`
	Height            *int      `json:"height"`
	FolderID          *string   `json:"folder_id"`
	ETag              *string   `json:"etag"`
	Checksum          *sum      `json:"checksum"`
	Progress          *come     `json:"progress"`
}

// sum is a checksum as a client reads it.
type sum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"value"`
}

// come is how far an asset has come.
type come struct {
	ReceivedBytes *int64 `json:"received_bytes"`
	ExpectedBytes *int64 `json:"expected_bytes"`
}

func (c *client) retrieve(t *testing.T, key, asset string) (a retrieved) {
	t.Helper()
	c.run(t, scenario{request: request{method: "GET", path: "/assets/" + asset, key: key}, status: 200}, &a)
	return a
}

// reserve begins a signed upload of a declared type.
func (c *client) reserve(t *testing.T, contentType string) created {
	t.Helper()
	var a created
	got := c.do(t, request{method: "POST", path: "/assets", key: c.keys.editor,
		body: object("source", "signed-url", "workspace_id", c.home.ID.String(), "content_type", contentType, "file_name", "x")})
	c.decode(t, got, 201, &a)
	return a
}

// direct creates a ready asset with a name.
func (c *client) direct(t *testing.T, key, workspace, name string) created {
	t.Helper()
	var a created
	body, kind := form(t, name, picture(t, 2, 2), []string{"workspace_id", workspace}, nil)
	c.decode(t, c.do(t, request{method: "POST", path: "/assets", key: key, body: body, kind: kind}), 201, &a)
	return a
}

// failed creates an asset whose bytes were refused.
func (c *client) failed(t *testing.T) created {
	t.Helper()
	a := c.reserve(t, "image/png")
	c.send(t, a, []byte("<html><script>alert(1)</script></html>"))
	c.decode(t, c.action(t, a, "complete"), 200, nil)
	return a
}

func (c *client) action(t *testing.T, a created, verb string) answer {
	t.Helper()
	return c.do(t, request{method: "POST", path: "/assets/" + a.AssetID + "/" + verb, key: c.keys.editor})
}

func TestRetrieveAnswersEveryField(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		since := time.Now().Truncate(time.Millisecond)
		a := c.reserve(t, "image/png")
		raw := c.run(t, scenario{request: request{method: "GET", path: "/assets/" + a.AssetID, key: c.keys.viewer}, status: 200}, nil)
		want := []string{"asset_id", "checksum", "content_type", "created_at", "description", "etag", "failure_message", "folder_id", "height", "name",
			"progress", "size_bytes", "status", "upload_content_type", "uploaded_via", "url", "width", "workspace_id"}
		if diff := cmp.Diff(want, keysOf(t, raw.body)); diff != "" {
			t.Errorf("fields (-want +got):\n%s", diff)
		}
		got := c.retrieve(t, c.keys.viewer, a.AssetID)
		wantAsset := retrieved{
			AssetID: a.AssetID, Name: new("x"), WorkspaceID: c.home.ID.String(), URL: a.URL, ContentType: "image/png",
			UploadContentType: new("image/png"), UploadedVia: "signed_url", Status: "pending_upload", CreatedAt: got.CreatedAt,
		}
		if diff := cmp.Diff(wantAsset, got); diff != "" {
			t.Errorf("a pending asset (-want +got):\n%s", diff)
		}
		if got.CreatedAt.Before(since) || got.CreatedAt.After(time.Now()) {
			t.Errorf("created_at is %s, want between %s and now", got.CreatedAt, since)
		}
	})
}

func TestCompleteSettles(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		a := c.reserve(t, "image/png")
		complete := request{method: "POST", path: "/assets/" + a.AssetID + "/complete", key: c.keys.editor}
		early := c.refused(t, complete, 409, "conflict")
		if early.header.Get("X-Should-Retry") != "false" {
			t.Error("a conflict does not tell the client to stay")
		}
		c.send(t, a, picture(t, 3, 4))
		var done created
		raw := c.run(t, scenario{complete, 200, []string{"~asset"}}, &done)
		want := []string{"asset_id", "failure_message", "status", "url", "visibility", "workspace_id"}
		if diff := cmp.Diff(want, keysOf(t, raw.body)); diff != "" || done.Status != "ready" || done.FailureMessage != nil || done.URL != a.URL {
			t.Errorf("complete answered %s", raw.body)
		}
		for _, body := range []string{"", "{}", "null"} {
			again := complete
			again.body = body
			c.run(t, scenario{request: again, status: 200}, &done)
			if done.Status != "ready" {
				t.Errorf("complete again with the body %q is %s", body, done.Status)
			}
		}
	})
}

func TestRetryAfterAFailure(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		a := c.reserve(t, "image/png")
		retry := request{method: "POST", path: "/assets/" + a.AssetID + "/retry", key: c.keys.editor}
		c.refused(t, retry, 409, "conflict")
		c.send(t, a, []byte("<html></html>"))
		var failed created
		c.run(t, scenario{request{method: "POST", path: "/assets/" + a.AssetID + "/complete", key: c.keys.editor}, 200, []string{"~asset"}}, &failed)
		if failed.Status != "failed" || failed.FailureMessage == nil || *failed.FailureMessage == "" {
			t.Fatalf("HTML declared as a picture is %+v", failed)
		}
		if got := c.retrieve(t, c.keys.editor, a.AssetID); got.Status != "failed" || got.FailureMessage == nil || got.SizeBytes != nil {
			t.Errorf("the failed asset is %+v", got)
		}
		var again created
		raw := c.run(t, scenario{retry, 200, []string{"+due", "~asset"}}, &again)
		want := []string{"asset_id", "expires_at", "failure_message", "status", "upload", "upload_url", "url", "visibility", "workspace_id"}
		if diff := cmp.Diff(want, keysOf(t, raw.body)); diff != "" || again.Status != "pending_upload" || again.AssetID != a.AssetID {
			t.Fatalf("retry answered %s", raw.body)
		}
		if again.Upload.FormFields["key"] == a.Upload.FormFields["key"] {
			t.Error("the retry grants the key of the attempt that failed")
		}
		c.refused(t, retry, 409, "conflict")
		c.send(t, again, picture(t, 1, 1))
		var done created
		c.decode(t, c.action(t, again, "complete"), 200, &done)
		if done.Status != "ready" {
			t.Errorf("after the retry the asset is %s", done.Status)
		}
		c.refused(t, retry, 409, "conflict")
	})
}

func TestDelete(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		a := c.direct(t, c.keys.editor, c.home.ID.String(), "a.png")
		gone := request{method: "DELETE", path: "/assets/" + a.AssetID, key: c.keys.editor}
		got := c.run(t, scenario{gone, 204, []string{"+gone", "-asset"}}, nil)
		if len(got.body) != 0 {
			t.Errorf("204 has the body %q", got.body)
		}
		c.run(t, scenario{request: gone, status: 204}, nil)
		for _, in := range []request{
			{method: "GET", path: "/assets/" + a.AssetID, key: c.keys.editor},
			{method: "POST", path: "/assets/" + a.AssetID + "/complete", key: c.keys.editor},
			{method: "POST", path: "/assets/" + a.AssetID + "/retry", key: c.keys.editor},
			{method: "DELETE", path: "/assets/" + a.AssetID, key: c.keys.stranger},
		} {
			c.refused(t, in, 404, "not_found")
		}
		if list := c.list(t, c.keys.editor, ""); len(list.Assets) != 0 {
			t.Errorf("the list shows %v", list.Assets)
		}
	})
}
