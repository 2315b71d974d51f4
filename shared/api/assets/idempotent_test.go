package assets_test

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/idempotency"
	"github.com/assetry/assetry/shared/table"
)

// keyedCase is a POST that succeeds, once, and another request to the same address.
type keyedCase struct {
	path   string
	body   string
	kind   string // Content-Type; "" is JSON where there is a body
	other  string // another body
	status int    // of success
	field  string // of its answer, and of a duplicate's fields
	id     string // what field says; "" is what the answer says
	owner  bool   // an editor may not
}

// keyedCases are such requests, by function: every POST route has one.
func (c *client) keyedCases(t *testing.T) map[string]keyedCase {
	t.Helper()
	ws, a, failed := c.home.ID.String(), c.reserve(t, "image/png"), c.failed(t)
	form, parts := c.reserve(t, "image/png"), c.beginParts(t, 6*mib)
	c.send(t, a, picture(t, 2, 2))
	project, f := c.createProject(t, "keyed"), c.createFolder(t, object("name", "keyed"))["folder_id"]
	cases := map[string]keyedCase{
		"assets-create": {
			path: "/assets", body: object("source", "signed-url", "workspace_id", ws, "project_id", project),
			other: object("source", "signed-url", "workspace_id", ws), status: 201, field: "asset_id",
		},
		"assets-complete":   {path: "/assets/" + a.AssetID + "/complete", other: "{}", status: 200, field: "asset_id", id: a.AssetID},
		"assets-retry":      {path: "/assets/" + failed.AssetID + "/retry", other: "{}", status: 200, field: "asset_id", id: failed.AssetID},
		"assets-upload":     {path: "/assets/" + form.AssetID + "/upload", other: "{}", status: 200, field: "asset_id", id: form.AssetID},
		"assets-parts-sign": {path: "/assets/" + parts.AssetID + "/parts", other: "{}", status: 200, field: "asset_id", id: parts.AssetID},
		"assets-attach": {
			path: "/projects/" + project + "/assets/" + a.AssetID + "/attach", other: "{}", status: 200, field: "asset_id", id: a.AssetID,
		},
		"projects-create": {
			path: "/projects", body: object("name", "one", "workspace_id", ws), other: object("name", "two", "workspace_id", ws),
			status: 201, field: "project_id",
		},
		"folders-create": {path: c.foldersPath(), other: object("name", "two"), status: 201, field: "folder_id"},
		"folders-add-item": {
			path: c.foldersPath() + "/" + f + "/items", body: object("type", "text", "text", "one"), other: object("type", "text", "text", "two"),
			status: 201, field: "saved_node_id",
		},
	}
	maps.Copy(cases, c.keyedWebhooks(t))
	return cases
}

// TestEveryPostHonoursTheKey walks the routes, so that none is forgotten.
func TestEveryPostHonoursTheKey(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		cases := c.keyedCases(t)
		for _, r := range c.routes {
			if r.Method != http.MethodPost {
				continue
			}
			k, ok := cases[r.Name]
			if !ok {
				t.Errorf("%s has no case in keyedCases: say what it is sent, and what a repeat is told", r.Name)
				continue
			}
			t.Run(r.Name, func(t *testing.T) { c.honours(t, k, r.Name) })
		}
	})
}

// honours sends a request under a key, again, after a crash's time, and with another body.
func (c *client) honours(t *testing.T, k keyedCase, key string) {
	c.late = 0
	in := request{method: "POST", path: k.path, key: c.keys.editor, body: k.body, kind: k.kind, once: key + " #1"}
	if k.owner {
		in.key = c.keys.owner
	}
	first := c.do(t, in)
	var made map[string]any
	if err := json.Unmarshal(first.body, &made); err != nil || first.status != k.status {
		t.Fatalf("the first answered %d %s (%v), want %d", first.status, first.body, err, k.status)
	}
	id := k.id
	if id == "" {
		id, _ = made[k.field].(string)
	}
	c.duplicate(t, in, k.field, id)
	other := in
	other.body = k.other
	c.refused(t, other, 422, "idempotency_conflict")
	c.late = idempotency.Remembered - time.Minute
	again := c.do(t, in)
	wantDuplicate(t, again, k.field, id)
	c.duplicate(t, in, k.field, id)
	for _, bad := range []string{" ", strings.Repeat("x", 256), "a,b", "é"} {
		malformed := in
		malformed.once = bad
		c.refused(t, malformed, 400, "input_validation_error", "Idempotency-Key")
	}
	in.key, in.once = c.keys.viewer, key+" #2"
	c.refusedAndForgotten(t, in)
	c.late = 0
}

// duplicate sends a repeat, which must be told so and change nothing.
func (c *client) duplicate(t *testing.T, in request, field, id string) {
	t.Helper()
	wantDuplicate(t, c.refused(t, in, 409, "idempotency_duplicate", field), field, id)
}

func wantDuplicate(t *testing.T, got answer, field, id string) {
	t.Helper()
	var body refusal
	if err := json.Unmarshal(got.body, &body); err != nil || got.status != 409 || len(body.Error.Fields) != 1 {
		t.Fatalf("a repeat answered %d %s (%v), want a duplicate that names one thing", got.status, got.body, err)
	}
	if f := body.Error.Fields[0]; f.Field != field || f.Message != id || id == "" {
		t.Errorf("a repeat names %s %q, want %s %q", f.Field, f.Message, field, id)
	}
	if stay := got.header.Get("X-Should-Retry"); stay != "false" {
		t.Errorf("a repeat's x-should-retry is %q, want false", stay)
	}
}

// refusedAndForgotten sends what a role may not do twice: the refusal must not become a duplicate, and must leave no marker.
func (c *client) refusedAndForgotten(t *testing.T, in request) {
	t.Helper()
	for range 2 {
		since, objects := c.position(), c.objects()
		if got := c.do(t, in); got.status != 403 {
			t.Errorf("a viewer's POST %s answered %d %s, want 403", in.path, got.status, got.body)
		}
		if diff := cmp.Diff([]string{"+once", "-once"}, c.written(since, objects)); diff != "" {
			t.Errorf("a refusal wrote (-want +got):\n%s", diff)
		}
	}
}

func TestAHeaderSentTwiceIsRefused(t *testing.T) {
	c := newClient(newStack(t), shapes[0])
	h, _ := c.find(mustRequest(t, "POST", "/projects", ""))
	r := mustRequest(t, "POST", "/projects", object("name", "x", "workspace_id", c.home.ID.String()))
	r.Header["Idempotency-Key"] = []string{"a", "b"}
	r.Header.Set("Authorization", "Bearer "+c.keys.editor)
	r.Header.Set("Content-Type", "application/json")
	got, err := sendStraight(h, r, nil)
	if err != nil || got.status != 400 || !strings.Contains(string(got.body), "was sent 2 times") {
		t.Errorf("two keys answered %d %s, %v; want 400", got.status, got.body, err)
	}
}

func mustRequest(t *testing.T, method, path, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+testHost+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// form is a direct upload under a boundary.
func formOf(t *testing.T, boundary string, file []byte, fields ...string) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.SetBoundary(boundary); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		if err := w.WriteField(fields[i], fields[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	p, err := w.CreateFormFile("file", "a.png")
	if err == nil {
		_, err = p.Write(file)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

// A client draws a new boundary for each try; the form is the same all the same.
func TestAFormIsKnownByWhatItSays(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		ws := c.home.ID.String()
		send := func(boundary string, file []byte, fields ...string) request {
			body, kind := formOf(t, boundary, file, fields...)
			return request{method: "POST", path: "/assets", key: c.keys.editor, body: body, kind: kind, once: "form"}
		}
		var a created
		c.decode(t, c.do(t, send("one", picture(t, 1, 1), "workspace_id", ws)), 201, &a)
		c.duplicate(t, send("two", picture(t, 1, 1), "workspace_id", ws), "asset_id", a.AssetID)
		for name, other := range map[string]request{
			"other bytes":    send("one", picture(t, 1, 2), "workspace_id", ws),
			"another field":  send("one", picture(t, 1, 1), "workspace_id", ws, "file_name", "b.png"),
			"no form at all": {method: "POST", path: "/assets", key: c.keys.editor, body: object("source", "signed-url", "workspace_id", ws), once: "form"},
		} {
			t.Run(name, func(t *testing.T) { c.refused(t, other, 422, "idempotency_conflict") })
		}
		torn := send("one", picture(t, 1, 1), "workspace_id", ws)
		torn.body, torn.once = torn.body[:len(torn.body)-20], "torn"
		c.do(t, torn)
		whole := send("one", picture(t, 1, 1), "workspace_id", ws)
		whole.once = "torn"
		c.decode(t, c.do(t, whole), 201, &a)
	})
}

// deadlines is a table that notes how long the callers of a transaction have left: folders are made by one.
type deadlines struct {
	table.Table
	left *time.Duration
}

func (d deadlines) Transact(ctx context.Context, ws []table.Write) error {
	if end, ok := ctx.Deadline(); ok {
		*d.left = time.Until(end)
	}
	return d.Table.Transact(ctx, ws)
}

func TestNobodyRunsLongerThanTheLease(t *testing.T) {
	var left time.Duration
	c := newClient(newStackBehind(t, func(db table.Table) table.Table { return deadlines{db, &left} }), shapes[0])
	c.decode(t, c.do(t, request{method: "POST", path: c.foldersPath(), key: c.keys.editor, once: "k"}), 201, nil)
	if left <= 0 || left > idempotency.Run {
		t.Errorf("a request with a key has %s left, want at most %s", left, idempotency.Run)
	}
}
