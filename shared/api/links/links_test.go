package links_test

import (
	"bytes"
	"image"
	"image/png"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/links"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/link"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
	"github.com/assetry/assetry/shared/upload"
)

func TestMain(m *testing.M) { versitytest.Main(m) }

// stack is what a link needs, on a real table and a real bucket.
type stack struct {
	accounts  *account.Service
	assets    *asset.Service
	uploads   *upload.Service
	links     *link.Service
	workspace account.Workspace
	owner     access.Principal
}

func (s *stack) Links() *link.Service { return s.links }

func newStack(t *testing.T) *stack {
	t.Helper()
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "table.db"), sqlite.Options{Indexes: schema.Indexes()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	engine := versitytest.Start(t)
	bucket, root := s3blob.New(engine.Client(), engine.Bucket, s3blob.Options{}), secret.NewRoot()
	s := &stack{accounts: account.New(db, account.Options{})}
	s.assets = asset.New(db, s.accounts, page.NewSealer(root), asset.Options{})
	s.links = link.NewService(link.New(root), s.assets, s.accounts, bucket, link.Options{})
	s.uploads = upload.New(upload.Parts{Table: db, Bucket: bucket, Assets: s.assets, Workspaces: s.accounts}, upload.Options{})
	if s.workspace, err = s.accounts.CreateWorkspace(t.Context(), "Home"); err != nil {
		t.Fatal(err)
	}
	key, _, err := s.accounts.IssueKey(t.Context(), "test", map[id.Workspace]access.Role{s.workspace.ID: access.Owner})
	if err == nil {
		s.owner, err = s.accounts.Authenticate(t.Context(), key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// picture makes a ready asset and gives its path and bytes.
func (s *stack) picture(t *testing.T) (a asset.Asset, path string, file []byte) {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, 2, 3))); err != nil {
		t.Fatal(err)
	}
	a, err := s.uploads.Direct(t.Context(), s.owner, upload.Draft{Workspace: s.workspace.ID, Name: "Äpfel.png"}, b.Bytes())
	if err != nil || a.State != asset.Ready {
		t.Fatalf("Direct = %s, %v", a.State, err)
	}
	return a, "/l/" + s.links.Token(a, s.workspace), b.Bytes()
}

// answer is what came back, and what was logged.
type answer struct {
	status int
	header http.Header
	body   string
	log    string
}

// shapes are the ways a request reaches the handler.
var shapes = map[string]func(t *testing.T, h http.Handler, r *http.Request) answer{
	"handler": func(_ *testing.T, h http.Handler, r *http.Request) answer {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return answer{status: w.Code, header: w.Result().Header, body: w.Body.String()}
	},
	"event": func(t *testing.T, h http.Handler, r *http.Request) answer {
		e := events.APIGatewayV2HTTPRequest{Version: "2.0", RawPath: r.URL.Path, Headers: map[string]string{"host": r.Host}}
		e.RequestContext.HTTP.Method = r.Method
		got, err := web.Invoke(h)(r.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		a := answer{status: got.StatusCode, header: http.Header{}, body: got.Body}
		for name, v := range got.Headers {
			a.header.Set(name, v)
		}
		return a
	},
}

// inShapes runs a test once in every shape.
func inShapes(t *testing.T, test func(t *testing.T, s *stack, send func(method, path string) answer)) {
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			s := newStack(t)
			h := links.Open(s)
			test(t, s, func(method, path string) answer {
				t.Helper()
				var log bytes.Buffer
				r := httptest.NewRequest(method, path, nil)
				r = r.WithContext(web.WithLogger(t.Context(), slog.New(slog.NewTextHandler(&log, nil))))
				got := shape(t, h, r)
				got.log = log.String()
				checkProtected(t, path, got)
				return got
			})
		})
	}
}

// checkProtected holds what every answer owes the token and the signed address.
func checkProtected(t *testing.T, path string, got answer) {
	t.Helper()
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Robots-Tag": "noindex",
	} {
		if v := got.header.Get(name); v != want {
			t.Errorf("%s is %q, want %q", name, v, want)
		}
	}
	if !strings.HasPrefix(got.header.Get("Request-Id"), "req_") {
		t.Errorf("Request-Id is %q", got.header.Get("Request-Id"))
	}
	token := strings.TrimPrefix(path, "/l/")
	if strings.Contains(got.log, token) || strings.Contains(strings.ToLower(got.log), "x-amz-") || strings.Contains(got.body, token) {
		t.Errorf("the token or the address was given away: body %q, log %q", got.body, got.log)
	}
}

// follow asks for an address as any client does.
func follow(t *testing.T, method, address string) (status int, header http.Header, body []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, body
}

func TestOpenLeadsToTheBytes(t *testing.T) {
	inShapes(t, func(t *testing.T, s *stack, send func(method, path string) answer) {
		_, path, file := s.picture(t)
		got := send("GET", path)
		if got.status != http.StatusFound || got.body != "" {
			t.Fatalf("GET answered %d %q", got.status, got.body)
		}
		status, header, body := follow(t, "GET", got.header.Get("Location"))
		if status != 200 || !bytes.Equal(body, file) || header.Get("Content-Type") != "image/png" {
			t.Errorf("the address answers %d, %d bytes of %s; want the picture", status, len(body), header.Get("Content-Type"))
		}
		want := `inline; filename="_pfel.png"; filename*=UTF-8''%C3%84pfel.png`
		if d := header.Get("Content-Disposition"); d != want {
			t.Errorf("Content-Disposition is %s, want %s", d, want)
		}
	})
}

func TestOpenSignsForTheMethodAsked(t *testing.T) {
	inShapes(t, func(t *testing.T, s *stack, send func(method, path string) answer) {
		_, path, file := s.picture(t)
		got := send("HEAD", path)
		if got.status != http.StatusFound || got.body != "" {
			t.Fatalf("HEAD answered %d %q", got.status, got.body)
		}
		r, err := http.NewRequestWithContext(t.Context(), "HEAD", got.header.Get("Location"), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 || resp.ContentLength != int64(len(file)) {
			t.Errorf("HEAD of the address answers %d with length %d, want 200 and %d", resp.StatusCode, resp.ContentLength, len(file))
		}
		if status, _, _ := follow(t, "GET", got.header.Get("Location")); status != http.StatusForbidden {
			t.Errorf("GET with an address signed for HEAD answers %d, want 403", status)
		}
	})
}

const deadBody = `{"message":"`

func TestOpenLeadsNowhere(t *testing.T) {
	inShapes(t, func(t *testing.T, s *stack, send func(method, path string) answer) {
		dead := func(name, method, path string) {
			t.Helper()
			got := send(method, path)
			if got.status != http.StatusNotFound || got.header.Get("Location") != "" {
				t.Errorf("%s answered %d with Location %q, want 404", name, got.status, got.header.Get("Location"))
			}
			if method == "GET" && (!strings.HasPrefix(got.body, deadBody) || got.header.Get("Content-Type") != "application/json") {
				t.Errorf("%s answered %q of %s", name, got.body, got.header.Get("Content-Type"))
			}
		}
		a, path, _ := s.picture(t)
		pending, _, err := s.uploads.Begin(t.Context(), s.owner, upload.Draft{Workspace: s.workspace.ID})
		if err != nil {
			t.Fatal(err)
		}
		dead("an asset without bytes", "GET", "/l/"+s.links.Token(pending, s.workspace))
		dead("a token with another last character", "GET", path[:len(path)-1]+swap(path[len(path)-1]))
		dead("a token that is cut", "GET", path[:len(path)-4])
		dead("a token with more at its end", "GET", path+"AAAA")
		dead("a token that is none", "GET", "/l/not-a-token")
		dead("a token of zero bytes", "GET", "/l/%00%00")
		dead("a token of 100,000 characters", "GET", "/l/"+strings.Repeat("A", 100_000))
		dead("HEAD of a token that is none", "HEAD", "/l/not-a-token")
		if err := s.assets.Delete(t.Context(), s.owner, a.ID); err != nil {
			t.Fatal(err)
		}
		dead("a deleted asset", "GET", path)
		_, path, _ = s.picture(t)
		if _, err := s.accounts.RotateLinks(t.Context(), s.workspace.ID); err != nil {
			t.Fatal(err)
		}
		dead("a link that was rotated away", "GET", path)
	})
}

func swap(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

func TestForgedTokensReadNothing(t *testing.T) {
	s := newStack(t)
	_, path, _ := s.picture(t)
	ctx, meter := table.WithMeter(web.WithLogger(t.Context(), slog.New(slog.DiscardHandler)))
	r := httptest.NewRequest("GET", path[:len(path)-1]+swap(path[len(path)-1]), nil).WithContext(ctx)
	w := httptest.NewRecorder()
	links.Open(s).ServeHTTP(w, r)
	if _, _, requests := meter.Spent(); w.Code != 404 || requests != 0 {
		t.Errorf("a forged token is answered %d after %d requests to the table, want 404 after none", w.Code, requests)
	}
}

func TestOpenTakesGETAndHEAD(t *testing.T) {
	inShapes(t, func(t *testing.T, s *stack, send func(method, path string) answer) {
		_, path, _ := s.picture(t)
		got := send("POST", path)
		if got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != "GET, HEAD" {
			t.Errorf("POST answered %d with Allow %q, want 405 with GET, HEAD", got.status, got.header.Get("Allow"))
		}
	})
	want := []web.Endpoint{{Method: "GET", Pattern: "/l/{token}"}, {Method: "HEAD", Pattern: "/l/{token}"}}
	if got := links.Endpoints(); len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("Endpoints() = %v, want %v", got, want)
	}
}
