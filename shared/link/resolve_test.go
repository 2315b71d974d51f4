package link_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/link"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
)

func TestMain(m *testing.M) { versitytest.Main(m) }

// house is the real services on a fresh table and a fresh bucket.
type house struct {
	*link.Service
	minter   *link.Minter
	table    table.Table
	bucket   blob.Bucket
	accounts *account.Service
	w        account.Workspace
	now      *time.Time
}

func newHouse(t *testing.T) house {
	t.Helper()
	server := versitytest.Start(t)
	now := time.Now()
	h := house{
		minter: link.New(secret.NewRoot()), table: domaintest.NewTable(t),
		bucket: s3blob.New(server.Client(), server.Bucket, s3blob.Options{}), now: &now,
	}
	clock := func() time.Time { return *h.now }
	h.accounts = account.New(h.table, account.Options{Now: clock})
	assets := asset.New(h.table, h.accounts, page.NewSealer(secret.NewRoot()), asset.Options{})
	h.Service = link.NewService(h.minter, assets, h.accounts, h.bucket, link.Options{Now: clock})
	var err error
	if h.w, err = h.accounts.CreateWorkspace(t.Context(), "links"); err != nil {
		t.Fatalf("CreateWorkspace: %v", err)
	}
	return h
}

// mustReady stores bytes under the type that a client claimed and a row that says what was found.
func (h house) mustReady(t *testing.T, file, found, claimed, body string) asset.Asset {
	t.Helper()
	a := asset.Asset{
		ID: id.NewAsset(h.w.ID, time.Now()), Workspace: h.w.ID, Version: 1, State: asset.Ready, Generation: 1,
		Name: file, Via: asset.ViaDirect, CreatedBy: id.NewKey(time.Now()), Type: found, Size: int64(len(body)),
	}
	o := h.put(t, a, claimed, body)
	a.Object, a.ETag = o.Version, o.ETag
	if _, err := h.table.Write(t.Context(), table.Put(a.Row(), table.Absent())); err != nil {
		t.Fatalf("write asset: %v", err)
	}
	return a
}

func (h house) put(t *testing.T, a asset.Asset, claimed, body string) blob.Object {
	t.Helper()
	o, err := h.bucket.Put(t.Context(), a.Source().Key(), strings.NewReader(body), int64(len(body)), blob.PutOptions{Type: claimed})
	if err != nil {
		t.Fatalf("put object: %v", err)
	}
	return o
}

func fetch(t *testing.T, method, url string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s: read: %v", method, err)
	}
	return res, string(b)
}

func TestResolveLeadsToTheBytesUnderTheTypeThatWasFound(t *testing.T) {
	h := newHouse(t)
	for _, tt := range []struct{ name, file, found, claimed, wantType, wantDisposition string }{
		{"a picture is shown", "é.png", "image/png", "text/html", "image/png", `inline; filename="_.png"; filename*=UTF-8''%C3%A9.png`},
		{"a film is shown", "a.mp4", "video/mp4", "video/mp4", "video/mp4", `inline; filename="a.mp4"; filename*=UTF-8''a.mp4`},
		{"a document is a download", "a.pdf", "application/pdf", "application/pdf", "application/octet-stream", `attachment; filename="a.pdf"; filename*=UTF-8''a.pdf`},
		{"a picture with a script is a download", "a.svg", "image/svg+xml", "image/svg+xml", "application/octet-stream", `attachment; filename="a.svg"; filename*=UTF-8''a.svg`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := h.mustReady(t, tt.file, tt.found, tt.claimed, "the bytes")
			ways := map[string]func() (string, error){
				"GET":                func() (string, error) { return h.Resolve(t.Context(), h.Token(a, h.w), "GET") },
				"HEAD":               func() (string, error) { return h.Resolve(t.Context(), h.Token(a, h.w), "HEAD") },
				"its content by GET": func() (string, error) { return h.Content(t.Context(), a) },
			}
			for method, address := range ways {
				url, err := address()
				if err != nil {
					t.Fatalf("%s: %v", method, err)
				}
				want := "the bytes"
				if method == "HEAD" {
					want = ""
				}
				res, body := fetch(t, strings.TrimPrefix(method, "its content by "), url)
				if res.StatusCode != 200 || body != want {
					t.Errorf("%s = %d %q, want 200 %q", method, res.StatusCode, body, want)
				}
				if got := res.Header.Get("Content-Type"); got != tt.wantType {
					t.Errorf("%s: Content-Type = %q, want %q", method, got, tt.wantType)
				}
				if got := res.Header.Get("Content-Disposition"); got != tt.wantDisposition {
					t.Errorf("%s: Content-Disposition = %q, want %q", method, got, tt.wantDisposition)
				}
			}
		})
	}
}

func TestResolveNamesAnAssetThatHasNoName(t *testing.T) {
	h := newHouse(t)
	a := h.mustReady(t, "", "image/jpeg", "image/jpeg", "x")
	url, err := h.Resolve(t.Context(), h.Token(a, h.w), "GET")
	if err != nil {
		t.Fatalf("Resolve: %v", err)
	}
	res, _ := fetch(t, "GET", url)
	if want := `filename="` + a.ID.String() + `.jpg"`; !strings.Contains(res.Header.Get("Content-Disposition"), want) {
		t.Errorf("Content-Disposition = %q, want %s in it", res.Header.Get("Content-Disposition"), want)
	}
}

func TestResolvePinsTheVersion(t *testing.T) {
	h := newHouse(t)
	a := h.mustReady(t, "a.png", "image/png", "image/png", "verified")
	h.put(t, a, "text/html", "<script>")
	url, err := h.Resolve(t.Context(), h.Token(a, h.w), "GET")
	if err != nil {
		t.Fatalf("Resolve: %v", err)
	}
	if _, body := fetch(t, "GET", url); body != "verified" {
		t.Errorf("the link leads to %q, want the version that was verified", body)
	}
	if res, body := fetch(t, "GET", strings.Replace(url, a.Object, "null", 1)); res.StatusCode != 403 || body == "<script>" {
		t.Errorf("another version by the same signature = %d, want 403", res.StatusCode)
	}
}

func TestContentOfAnAssetThatIsNotReadyIsAConflict(t *testing.T) {
	h := newHouse(t)
	a := h.mustReady(t, "a.png", "image/png", "image/png", "x")
	for _, state := range []asset.State{asset.Pending, asset.Failed} {
		a.State = state
		if url, err := h.Content(t.Context(), a); url != "" || !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), string(state)) {
			t.Errorf("Content of a %s asset = %q, %v; want a conflict that says so", state, url, err)
		}
	}
}

func TestResolveRefuses(t *testing.T) {
	h := newHouse(t)
	ready := h.mustReady(t, "a.png", "image/png", "image/png", "x")
	missing, pending, failed := ready, ready, ready
	missing.ID = id.NewAsset(h.w.ID, time.Now())
	for a, state := range map[*asset.Asset]asset.State{&pending: asset.Pending, &failed: asset.Failed} {
		a.ID, a.State = id.NewAsset(h.w.ID, time.Now()), state
		if _, err := h.table.Write(t.Context(), table.Put(a.Row(), table.Absent())); err != nil {
			t.Fatal(err)
		}
	}
	nowhere := id.NewWorkspace(time.Now())
	mint := func(w id.Workspace, a id.Asset, epoch int, expires time.Time) string {
		return h.minter.Mint(link.Claims{Workspace: w, Asset: a, Epoch: epoch, Expires: expires})
	}
	for _, tt := range []struct {
		name, token, method string
		want                fault.Kind
	}{
		{"an asset that waits for its bytes", h.Token(pending, h.w), "GET", fault.NotFound},
		{"an asset that failed", h.Token(failed, h.w), "GET", fault.NotFound},
		{"an asset that is not there", h.Token(missing, h.w), "GET", fault.NotFound},
		{"a workspace that is not there", mint(nowhere, id.NewAsset(nowhere, time.Now()), 1, time.Time{}), "GET", fault.NotFound},
		{"an epoch before the workspace's", mint(h.w.ID, ready.ID, 0, time.Time{}), "GET", fault.NotFound},
		{"a link that ended", mint(h.w.ID, ready.ID, 1, h.now.Add(-time.Second)), "HEAD", fault.NotFound},
		{"a token that is made up", strings.Repeat("A", 71), "GET", fault.NotFound},
		{"another method", h.Token(ready, h.w), "PUT", fault.MethodNotAllowed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := h.Resolve(t.Context(), tt.token, tt.method)
			domaintest.WantKind(t, "Resolve", err, tt.want)
		})
	}
}

func TestResolveReadsNothingForATokenThatIsNotOurs(t *testing.T) {
	h := newHouse(t)
	a := h.mustReady(t, "a.png", "image/png", "image/png", "x")
	foreign := link.New(secret.NewRoot()).Mint(link.Claims{Workspace: h.w.ID, Asset: a.ID, Epoch: 1})
	_, _, requests := domaintest.Spent(t, func(ctx context.Context) {
		_, err := h.Resolve(ctx, foreign, "GET")
		domaintest.WantKind(t, "Resolve", err, fault.NotFound)
	})
	if requests != 0 {
		t.Errorf("%d requests, want none", requests)
	}
}

func TestResolveDiesWithTheRotationOfLinks(t *testing.T) {
	h := newHouse(t)
	a := h.mustReady(t, "a.png", "image/png", "image/png", "x")
	old := h.Token(a, h.w)
	if again := h.Token(a, h.w); again != old {
		t.Errorf("Token again = %q, want the same", again)
	}
	rotated, err := h.accounts.RotateLinks(t.Context(), h.w.ID)
	if err != nil {
		t.Fatalf("RotateLinks: %v", err)
	}
	_, err = h.Resolve(t.Context(), old, "GET")
	domaintest.WantKind(t, "Resolve of a link from before", err, fault.NotFound)
	if _, err := h.Resolve(t.Context(), h.Token(a, rotated), "GET"); err != nil {
		t.Errorf("Resolve of a link from after: %v", err)
	}
}
