package assets_test

import (
	"bytes"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// badInput is one request that must be refused without anything being written.
type badInput struct {
	name string
	request
}

// badRequests are what clients send that they should not, for a stack with a pending asset.
func (c *client) badRequests(t *testing.T, a created, foreign created) []badInput {
	var list []badInput
	list = append(list, c.badCredentials(a)...)
	list = append(list, c.badIDs(a, foreign)...)
	list = append(list, c.badBodies(a)...)
	list = append(list, c.badValues()...)
	list = append(list, c.badForms(t)...)
	list = append(list, c.badWebhooks()...)
	return append(list, c.badQueries()...)
}

func (c *client) badCredentials(a created) []badInput {
	get := request{method: "GET", path: "/assets/" + a.AssetID}
	as := func(auth string) request { in := get; in.auth = auth; return in }
	by := func(method, path, body string) request {
		return request{method: method, path: path, key: c.keys.viewer, body: body}
	}
	body := object("source", "signed-url", "workspace_id", c.home.ID.String())
	kind := "multipart/form-data; boundary=b"
	direct := "--b\r\nContent-Disposition: form-data; name=\"workspace_id\"\r\n\r\n" + c.home.ID.String() +
		"\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nx\r\n--b--\r\n"
	return []badInput{
		{"no key", get},
		{"an empty key", as("Bearer ")},
		{"another scheme", as("Basic " + c.keys.owner)},
		{"a key without a scheme", as(c.keys.owner)},
		{"a key that is none", as("Bearer sk_live_x")},
		{"a key with a typing error", as("Bearer " + c.keys.owner[:len(c.keys.owner)-1])},
		{"a revoked key", as("Bearer " + c.keys.revoked)},
		{"two keys", as("Bearer " + c.keys.owner + ", Bearer " + c.keys.owner)},
		{"a viewer creates", by("POST", "/assets", body)},
		{"a viewer creates from bytes", request{method: "POST", path: "/assets", key: c.keys.viewer, body: direct, kind: kind}},
		{"a viewer completes", by("POST", "/assets/"+a.AssetID+"/complete", "")},
		{"a viewer retries", by("POST", "/assets/"+a.AssetID+"/retry", "")},
		{"a viewer deletes", by("DELETE", "/assets/"+a.AssetID, "")},
		{"a viewer creates a project", by("POST", "/projects", object("name", "x", "workspace_id", c.home.ID.String()))},
		{"a viewer creates a folder", by("POST", c.foldersPath(), "")},
		{"a viewer creates a folder by using it", by("POST", "/assets", object("source", "signed-url", "workspace_id", c.home.ID.String(), "folder", "new"))},
	}
}

func (c *client) badIDs(a, foreign created) []badInput {
	at := func(method, path string) request { return request{method: method, path: path, key: c.keys.editor} }
	unknown := a.AssetID[:len(a.AssetID)-12] + "0000" + a.AssetID[len(a.AssetID)-8:]
	list := []badInput{
		{"an asset that never was", at("GET", "/assets/"+unknown)},
		{"an asset of another workspace", at("GET", "/assets/"+foreign.AssetID)},
		{"completing an asset of another workspace", at("POST", "/assets/"+foreign.AssetID+"/complete")},
		{"retrying an asset of another workspace", at("POST", "/assets/"+foreign.AssetID+"/retry")},
		{"deleting an asset of another workspace", at("DELETE", "/assets/"+foreign.AssetID)},
		{"an id without its prefix", at("GET", "/assets/"+strings.TrimPrefix(a.AssetID, "asset_"))},
		{"an id in capitals", at("GET", "/assets/asset_"+strings.ToUpper(a.AssetID[6:]))},
		{"an id of another kind", at("GET", "/assets/"+c.home.ID.String())},
		{"a project that is none", at("GET", "/projects/prj_x")},
		{"nodes of a project that is none", at("GET", "/projects/prj_x/nodes")},
		{"a folder in another's workspace", at("POST", "/workspaces/"+c.other.ID.String()+"/library/folders")},
		{"a folder in a workspace that is none", at("POST", "/workspaces/ws_x/library/folders")},
		{"deleting a folder that is none", at("DELETE", c.foldersPath()+"/fld_x")},
		{"another method", at("PUT", "/assets")},
		{"another method on an asset", at("PUT", "/assets/"+a.AssetID)},
		{"HEAD is not a method here", at("HEAD", "/assets")},
		{"a path that is nowhere", at("GET", "/nowhere")},
		{"a slash at the end", at("GET", "/assets/")},
	}
	for _, trick := range []string{"..", "%2e%2e", "asset_%2F", "a%2Fb", "%00", a.AssetID + "%00", "%25", "%3F", a.AssetID + "%3Fx=1", "%23",
		"%5C", "%0D%0AX-Evil:%201", "asset_*", "%C0%AF", strings.Repeat("x", 5000)} {
		name := strings.ReplaceAll(trick, a.AssetID, "ASSET")
		if len(name) > 40 {
			name = fmt.Sprintf("%.10s... of %d characters", name, len(name))
		}
		list = append(list, badInput{"path trick " + name, at("GET", "/assets/"+trick)})
	}
	return list
}

func (c *client) badBodies(a created) []badInput {
	post := func(body, kind string) request {
		return request{method: "POST", path: "/assets", key: c.keys.editor, body: body, kind: kind}
	}
	w := c.home.ID.String()
	good := object("source", "signed-url", "workspace_id", w)
	deep := strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000)
	return []badInput{
		{"no body", post("", "application/json")},
		{"no body and no type", post("", "-")},
		{"broken JSON", post(`{"source": "signed-url", `, "")},
		{"JSON that is no object", post(`["signed-url"]`, "")},
		{"null", post("null", "")},
		{"JSON and more", post(good+good, "")},
		{"not UTF-8", post("{\"source\": \"\xff\"}", "")},
		{"nested too deep", post(deep, "")},
		{"a body of two megabytes", post(`{"source": "`+strings.Repeat("x", 2<<20)+`"}`, "")},
		{"a field twice", post(`{"source": "signed-url", "source": "signed-url", "workspace_id": "`+w+`"}`, "")},
		{"unknown fields", post(object("source", "signed-url", "workspace_id", w, "visibility", "public", "Source", "x"), "")},
		{"wrong types", post(`{"source": 1, "workspace_id": ["x"], "file_name": {}, "content_type": true}`, "")},
		{"null where a value must be", post(`{"source": null, "workspace_id": null}`, "")},
		{"no type", post(good, "-")},
		{"a form in a URL's encoding", post("source=signed-url&workspace_id="+w, "application/x-www-form-urlencoded")},
		{"text", post(good, "text/plain")},
		{"XML", post("<source/>", "application/xml")},
		{"another charset", post(good, "application/json; charset=utf-16")},
		{"a type that is none", post(good, "application/json; ;;")},
		{"complete with a field", request{method: "POST", path: "/assets/" + a.AssetID + "/complete", key: c.keys.editor, body: `{"force": true}`}},
		{"a project without a name", request{method: "POST", path: "/projects", key: c.keys.editor, body: object("workspace_id", w)}},
		{"a project with a name too long", request{method: "POST", path: "/projects", key: c.keys.editor, body: object("workspace_id", w, "name", strings.Repeat("x", 256))}},
		{"a project in another's workspace", request{method: "POST", path: "/projects", key: c.keys.editor, body: object("workspace_id", c.other.ID.String(), "name", "x")}},
		{"a folder with an empty name", request{method: "POST", path: c.foldersPath(), key: c.keys.editor, body: object("name", "")}},
		{"a folder with a name like an id", request{method: "POST", path: c.foldersPath(), key: c.keys.editor, body: object("name", "fld_x")}},
		{"a folder with an unknown field", request{method: "POST", path: c.foldersPath(), key: c.keys.editor, body: object("title", "x")}},
	}
}

func (c *client) badValues() []badInput {
	w := c.home.ID.String()
	with := func(pairs ...any) request {
		all := append([]any{"source", "signed-url", "workspace_id", w}, pairs...)
		return request{method: "POST", path: "/assets", key: c.keys.editor, body: object(all...)}
	}
	return []badInput{
		{"nothing that is required", request{method: "POST", path: "/assets", key: c.keys.editor, body: "{}"}},
		{"empty values", with("source", "", "workspace_id", "", "file_name", "", "content_type", "", "folder", "", "project_id", "")},
		{"a source that is an address in capitals", with("source", "HTTP://example.com/cat.png")},
		{"a source that is something else", with("source", "ftp://example.com/cat.png")},
		{"a workspace that does not parse", with("workspace_id", "ws_x")},
		{"a workspace without its prefix", with("workspace_id", "x")},
		{"another's workspace", with("workspace_id", c.other.ID.String())},
		{"a project that does not parse", with("project_id", "prj_x")},
		{"a folder that is none", with("folder", "fld_x")},
		{"a folder of 256 characters", with("folder", strings.Repeat("x", 256))},
		{"a name of 256 characters", with("file_name", strings.Repeat("ä", 256))},
		{"a name of 100,000 characters", with("file_name", strings.Repeat("x", 100_000))},
		{"a name with a line break", with("file_name", "a\nb")},
		{"a name with a zero byte", with("file_name", "a\x00b")},
		{"a type that is not taken", with("content_type", "text/html")},
		{"a type that is none", with("content_type", "picture")},
	}
}

func (c *client) badForms(t *testing.T) []badInput {
	w := []string{"workspace_id", c.home.ID.String()}
	png := picture(t, 1, 1)
	built := func(file []byte, before ...string) request {
		body, kind := form(t, "a.png", file, before, nil)
		return request{method: "POST", path: "/assets", key: c.keys.editor, body: body, kind: kind}
	}
	edit := func(old, new string) request {
		in := built(png, w...)
		in.body = strings.Replace(in.body, old, new, 1)
		return in
	}
	typed := func(kind string) request { in := built(png, w...); in.kind = kind; return in }
	twice := built(png, w...)
	boundary := strings.TrimPrefix(twice.kind, "multipart/form-data; boundary=")
	half := twice.body[:strings.LastIndex(twice.body, "--"+boundary+"--")]
	twice.body = half + half[strings.Index(half[2:], "--"+boundary)+2:] + "--" + boundary + "--\r\n"
	cut := twice
	cut.body = half[:len(half)-10]
	return []badInput{
		{"a form without a boundary", typed("multipart/form-data")},
		{"a form with an empty boundary", typed(`multipart/form-data; boundary=""`)},
		{"a form with another boundary", typed("multipart/form-data; boundary=other")},
		{"a form of another kind", typed("multipart/mixed; boundary=x")},
		{"a form without a body", request{method: "POST", path: "/assets", key: c.keys.editor, kind: "multipart/form-data; boundary=x"}},
		{"a form with JSON in it", request{method: "POST", path: "/assets", key: c.keys.editor, kind: "multipart/form-data; boundary=x", body: "{}"}},
		{"a form that is cut off", cut},
		{"two files", twice},
		{"no file", edit(`name="file"; filename="a.png"`, `name="folder"`)},
		{"a file part without a filename", edit(`; filename="a.png"`, "")},
		{"a part without a name", edit(`name="workspace_id"`, "")},
		{"no workspace", built(png)},
		{"an empty workspace", built(png, "workspace_id", "")},
		{"another's workspace in a form", built(png, "workspace_id", c.other.ID.String())},
		{"an unknown field in a form", built(png, append(w, "source", "direct")...)},
		{"empty fields in a form", built(png, append(w, "file_name", "", "folder", "", "project_id", "", "content_type", "")...)},
		{"a name of 256 characters in a form", built(png, append(w, "file_name", strings.Repeat("x", 256))...)},
		{"a name of 100,000 characters in a form", built(png, append(w, "file_name", strings.Repeat("x", 100_000))...)},
		{"a filename with a control character", edit(`filename="a.png"`, "filename=\"a\x07.png\"")},
		{"an empty file", built(nil, w...)},
		{"a page instead of a picture", built([]byte("<html></html>"), w...)},
		{"a picture that was declared as a film", built(png, append(w, "content_type", "video/mp4")...)},
		{"a picture that was cut off", built(png[:len(png)-6], w...)},
		{"a type that is not taken in a form", built(png, append(w, "content_type", "text/html")...)},
	}
}

func (c *client) badQueries() []badInput {
	get := func(path string) request { return request{method: "GET", path: path, key: c.keys.editor} }
	list := []badInput{
		{"a cursor that is none", get("/assets?cursor=abc")},
		{"a cursor of 100,000 characters", get("/assets?cursor=" + strings.Repeat("A", 100_000))},
		{"a cursor with a zero byte", get("/assets?cursor=%00")},
		{"a query of 100,000 characters", get("/assets?query=" + strings.Repeat("x", 100_000))},
		{"a query of dots", get("/assets?query=...")},
		{"a query with a zero byte", get("/assets?query=a%00b")},
		{"a query that is not UTF-8", get("/assets?query=%FF")},
		{"a broken percent sign", get("/assets?query=100%")},
		{"a parameter twice", get("/assets?limit=1&limit=2")},
		{"a workspace that does not parse in a list", get("/assets?workspace_id=ws_x")},
		{"another's workspace in a list", get("/assets?workspace_id=" + c.other.ID.String())},
		{"a project that does not parse in a list", get("/assets?project_id=prj_x")},
		{"projects without a workspace", get("/projects")},
		{"projects of an empty workspace", get("/projects?workspace_id=")},
		{"projects of another's workspace", get("/projects?workspace_id=" + c.other.ID.String())},
		{"projects with a broken cursor", get("/projects?cursor=abc&workspace_id=" + c.home.ID.String())},
		{"projects with a limit of 101", get("/projects?limit=101&workspace_id=" + c.home.ID.String())},
	}
	for _, limit := range []string{"0", "-1", "101", "abc", "1.5", "1e1", "%2B1", "01", "99999999999999999999"} {
		list = append(list, badInput{"a limit of " + limit, get("/assets?limit=" + limit)})
	}
	return list
}

// TestBadInput sends everything in every shape. The answers must be the same in all shapes and those of the golden file; nothing may be
// written.
func TestBadInput(t *testing.T) {
	var first []byte
	for _, sh := range shapes {
		t.Run(sh.name, func(t *testing.T) {
			c := newClient(newStack(t), sh)
			a, foreign := c.reserve(t, "image/png"), c.direct(t, c.keys.stranger, c.other.ID.String(), "a.png")
			normal := strings.NewReplacer(c.home.ID.String(), "HOME", c.other.ID.String(), "OTHER", a.AssetID, "ASSET", foreign.AssetID, "FOREIGN")
			since, objects := c.position(), c.objects()
			var got bytes.Buffer
			for _, bad := range c.badRequests(t, a, foreign) {
				answer := c.do(t, bad.request)
				if answer.status < 400 || answer.status > 499 {
					t.Errorf("%s was answered %d %s", bad.name, answer.status, answer.body)
				}
				fmt.Fprintf(&got, "%s\n    %d%s %s\n", bad.name, answer.status, headersOf(answer.header), normal.Replace(strings.TrimSpace(string(answer.body))))
			}
			if wrote := c.written(since, objects); len(wrote) > 0 {
				t.Errorf("bad input wrote %v", wrote)
			}
			golden(t, "badinput.golden", got.Bytes())
			if first == nil {
				first = got.Bytes()
			}
			if diff := cmp.Diff(string(first), got.String()); diff != "" {
				t.Errorf("this shape answers otherwise (-%s +%s):\n%s", shapes[0].name, sh.name, diff)
			}
		})
	}
}

// headersOf are the headers of an error that clients act on.
func headersOf(h http.Header) string {
	var b strings.Builder
	for _, name := range []string{"Allow", "Retry-After", "WWW-Authenticate", "X-Should-Retry"} {
		if v := h.Get(name); v != "" {
			fmt.Fprintf(&b, " [%s: %s]", name, v)
		}
	}
	return b.String()
}

// golden compares with a file in testdata, or rewrites it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs; look at it, and run with -update if it is right (-want +got):\n%s", path, diff)
	}
}
