package acceptance_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// refusal is one bad request and the answer it must get. Nothing may be written for it.
type refusal struct {
	name   string
	method string
	path   string // below /api/v1, exactly as it goes over the wire
	header http.Header
	body   string
	status int    // wanted; 0: any of 4xx
	code   string // wanted; "": any
	field  string // must be among the blamed; "": none must
	// gateway marks what API Gateway refuses before any function sees it; its body is {"message": ...}.
	gateway bool
	// unreadable marks what is no HTTP at all, so that the server answers by itself, in words of its own.
	unreadable bool
}

// errorBody is the contract's error, with no further properties.
type errorBody struct {
	Error *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Fields  []struct {
			Field   string `json:"field"`
			Message string `json:"message"`
		} `json:"fields"`
	} `json:"error"`
}

func TestBadInputIsRefusedAndWritesNothing(t *testing.T) {
	s := start(t, t.TempDir()) // of its own, because everything is listed again and again
	c := newClient(s)
	existing, err := c.create(t.Context(), "existing.png")
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range [][]refusal{
		badJSON(c), badForms(c), badQueries(c), badPaths(c, existing.ID), badKeys(c), badMethodsAndSizes(c),
	} {
		for _, r := range group {
			t.Run(r.name, func(t *testing.T) {
				before := c.everything(t)
				r.check(t, c.send(t, r))
				if diff := cmp.Diff(before, c.everything(t)); diff != "" {
					t.Errorf("the refused request changed something:\n%s", diff)
				}
			})
		}
	}
	if strings.Contains(s.stderr.String()+s.stdout.String(), "goroutine ") {
		t.Error("a handler panicked")
	}
}

// send writes the request byte for byte, because net/http corrects or refuses some of them, and reads one answer.
func (c *client) send(t *testing.T, r refusal) answer {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.API, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var head bytes.Buffer
	fmt.Fprintf(&head, "%s /api/v1%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", r.method, r.path, strings.TrimPrefix(c.API, "http://"))
	header := r.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if _, set := header["Authorization"]; !set {
		header.Set("Authorization", "Bearer "+c.Key)
	}
	if r.body != "" || r.method == "POST" {
		header.Set("Content-Length", fmt.Sprint(len(r.body)))
	}
	for name, values := range header {
		for _, v := range values {
			fmt.Fprintf(&head, "%s: %s\r\n", name, v)
		}
	}
	head.WriteString("\r\n")
	written := make(chan error, 1)
	go func() { // the server may answer before it has read everything
		_, err := io.Copy(conn, io.MultiReader(&head, strings.NewReader(r.body)))
		written <- err
	}()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("no answer: %v (sending ended with %v)", err, <-written)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read the answer: %v", err)
	}
	return answer{resp.StatusCode, resp.Header, b}
}

func (r refusal) check(t *testing.T, got answer) {
	t.Helper()
	if r.status != 0 && got.status != r.status || got.status/100 != 4 {
		want := "any 4xx"
		if r.status != 0 {
			want = fmt.Sprint(r.status)
		}
		t.Errorf("status %d %.300s, want %s", got.status, got.body, want)
	}
	if r.unreadable {
		return
	}
	if mediaType := got.header.Get("Content-Type"); !strings.HasPrefix(mediaType, "application/json") {
		t.Errorf("Content-Type %q, want application/json", mediaType)
	}
	if r.gateway {
		var body struct{ Message string }
		if err := json.Unmarshal(got.body, &body); err != nil || body.Message == "" {
			t.Errorf("body %.300q, want API Gateway's message", got.body)
		}
		return
	}
	if id := got.header.Get("Request-Id"); !regexp.MustCompile(`^req_\S+$`).MatchString(id) {
		t.Errorf("request-id %q, want req_...", id)
	}
	d := json.NewDecoder(bytes.NewReader(got.body))
	d.DisallowUnknownFields()
	var body errorBody
	if err := d.Decode(&body); err != nil || body.Error == nil {
		t.Fatalf("body %.300q is not the contract's error: %v", got.body, err)
	}
	if body.Error.Code == "" || r.code != "" && body.Error.Code != r.code {
		t.Errorf("code %q, want %q", body.Error.Code, r.code)
	}
	if strings.TrimSpace(body.Error.Message) == "" {
		t.Error("the error has no message")
	}
	if len(got.body) > 4096 {
		t.Errorf("the error has %d bytes: it repeats what was sent", len(got.body))
	}
	r.checkFields(t, body)
}

func (r refusal) checkFields(t *testing.T, body errorBody) {
	t.Helper()
	var blamed []string
	for _, f := range body.Error.Fields {
		if f.Field == "" || f.Message == "" {
			t.Errorf("the field %+v says nothing", f)
		}
		blamed = append(blamed, f.Field)
	}
	if r.field != "" && !slices.Contains(blamed, r.field) {
		t.Errorf("the fields %q are blamed, want %q among them", blamed, r.field)
	}
}

// TestCursorsOfOtherListsAreRefused takes real cursors to lists they were not made for.
func TestCursorsOfOtherListsAreRefused(t *testing.T) {
	c := newClient(anyStack(t))
	for n := range 2 {
		if _, err := c.create(t.Context(), fmt.Sprintf("%d.png", n)); err != nil {
			t.Fatal(err)
		}
		body := map[string]string{"name": fmt.Sprintf("project %d", n), "workspace_id": c.Workspace}
		if got, err := c.call(t.Context(), "POST", "/projects", body); err != nil || got.status/100 != 2 {
			t.Fatalf("POST /projects = %d %s, %v", got.status, got.body, err)
		}
	}
	assets, projects := "/assets?limit=1&workspace_id="+c.Workspace, "/projects?limit=1&workspace_id="+c.Workspace
	ofAssets, ofProjects := c.cursor(t, assets), c.cursor(t, projects)
	if ofAssets == "" || ofProjects == "" {
		t.Fatal("a page of one of two has no cursor")
	}
	changed := []byte(ofAssets)
	changed[len(changed)/2] ^= 1
	for name, path := range map[string]string{
		"a cursor of projects for assets":               assets + "&cursor=" + url.QueryEscape(ofProjects),
		"a cursor of assets for projects":               projects + "&cursor=" + url.QueryEscape(ofAssets),
		"a cursor of one workspace for all":             "/assets?limit=1&cursor=" + url.QueryEscape(ofAssets),
		"a cursor of a list for a search":               assets + "&query=x&cursor=" + url.QueryEscape(ofAssets),
		"a cursor with one bit changed":                 assets + "&cursor=" + url.QueryEscape(string(changed)),
		"a cursor with its last character cut off":      assets + "&cursor=" + url.QueryEscape(ofAssets[:len(ofAssets)-1]),
		"a cursor with something behind it":             assets + "&cursor=" + url.QueryEscape(ofAssets+"A"),
		"a cursor twice, of which one is not the other": assets + "&cursor=" + url.QueryEscape(ofAssets) + "&cursor=x",
	} {
		t.Run(name, func(t *testing.T) {
			r := refusal{method: "GET", path: path, status: 400, code: "input_validation_error", field: "cursor"}
			r.check(t, c.send(t, r))
		})
	}
}

// cursor is where the page after the first begins.
func (c *client) cursor(t *testing.T, path string) string {
	t.Helper()
	got, err := c.call(t.Context(), "GET", path, nil)
	if err != nil || got.status != http.StatusOK {
		t.Fatalf("GET %s = %d %s, %v", path, got.status, got.body, err)
	}
	var page struct {
		Meta struct {
			Next string `json:"next_cursor"`
		} `json:"meta"`
	}
	if err := json.Unmarshal(got.body, &page); err != nil {
		t.Fatal(err)
	}
	return page.Meta.Next
}

func TestWrongMethodNamesTheRightOnes(t *testing.T) {
	c := newClient(anyStack(t))
	got := c.send(t, refusal{method: "PUT", path: "/assets"})
	allow := got.header.Get("Allow")
	if got.status != http.StatusMethodNotAllowed || !strings.Contains(allow, "GET") || !strings.Contains(allow, "POST") {
		t.Errorf("PUT /assets = %d, Allow: %q; want 405 with GET and POST", got.status, allow)
	}
}

func TestLongestNamesAreTaken(t *testing.T) {
	c := newClient(anyStack(t))
	for name, fileName := range map[string]string{
		"one character":      "x",
		"255 letters":        strings.Repeat("x", 255),
		"255 emoji":          strings.Repeat("🏖", 255),
		"right to left":      "صورة.png",
		"quotes and slashes": `"a'\b/c<d>&%00.png`,
	} {
		t.Run(name, func(t *testing.T) {
			a, err := c.create(t.Context(), fileName)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.call(t.Context(), "GET", "/assets/"+a.ID, nil)
			var body struct{ Name string }
			if err != nil || json.Unmarshal(got.body, &body) != nil || body.Name != fileName {
				t.Errorf("the name came back as %q, %v; want %q", body.Name, err, fileName)
			}
		})
	}
}
