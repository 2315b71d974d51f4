package upload_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/guard"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/importer"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/upload"
)

// part is the smallest part that the bucket takes before the last.
const part = upload.MinPartSize

// file is a picture of a size: what follows its end is part of no picture, and of the file.
func file(size int, seed uint64) []byte {
	b := make([]byte, size)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := 0; i+8 <= size; i += 8 {
		n := r.Uint64()
		for k := range 8 {
			b[i+k] = byte(n >> (8 * k))
		}
	}
	copy(b, picture(uint8(seed)))
	return b
}

// origin is a server on TLS of the test's own: what imports copy from. A test changes its fields while nobody asks.
type origin struct {
	*httptest.Server
	mu       sync.Mutex
	body     []byte
	etag     string // as sent, with its quotes; "" sends none
	modified string
	plain    bool                                                          // knows no ranges
	mute     bool                                                          // says no length
	meets    func(w http.ResponseWriter, r *http.Request, n int) (ok bool) // before the nth answer; not ok: it has answered
	requests int
	served   int64 // bytes of bodies
}

func newOrigin(t testing.TB, body []byte) *origin {
	t.Helper()
	o := &origin{body: body, etag: `"first"`}
	o.Server = httptest.NewUnstartedServer(http.HandlerFunc(o.answer))
	o.Config.ErrorLog = log.New(io.Discard, "", 0) // connections that a test breaks
	o.StartTLS()
	t.Cleanup(o.Close)
	return o
}

// files reads from this origin, as the local stack does when a flag asks for it.
func (o *origin) files() *importer.Importer {
	roots := x509.NewCertPool()
	roots.AddCert(o.Certificate())
	return importer.New(importer.Options{
		Guard: guard.Options{Permission: guard.Permit(guard.Exceptions{Loopback: true, Ports: []int{0}}), Roots: roots},
	})
}

// address is where the file is, with a secret that must not be told.
func (o *origin) address() string {
	return o.URL + "/a.png?" + secretQuery
}

const secretQuery = "X-Amz-Signature=0123456789abcdef-never-told"

func (o *origin) answer(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	o.requests++
	n, body, meets := o.requests, o.body, o.meets
	etag, modified, plain, mute := o.etag, o.modified, o.plain, o.mute
	o.mu.Unlock()
	w = &counted{w, o}
	if etag != "" {
		w.Header().Set("ETag", etag)
	}
	if modified != "" {
		w.Header().Set("Last-Modified", modified)
	}
	if meets != nil && !meets(w, r, n) {
		return
	}
	switch {
	case mute:
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w.(*counted).ResponseWriter).Flush()
		_, _ = w.Write(body)
	case plain:
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	default:
		http.ServeContent(w, r, "a.png", time.Time{}, bytes.NewReader(body))
	}
}

// counted counts the bytes of bodies.
type counted struct {
	http.ResponseWriter
	o *origin
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	c.o.served += int64(n)
	return n, err
}

// set changes the origin between requests.
func (o *origin) set(edit func(*origin)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	edit(o)
}

func (o *origin) counts() (requests int, served int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.requests, o.served
}

// refuse answers the requests after the nth with a status.
func refuse(after, status int) func(http.ResponseWriter, *http.Request, int) bool {
	return func(w http.ResponseWriter, _ *http.Request, n int) bool {
		if n <= after {
			return true
		}
		w.WriteHeader(status)
		return false
	}
}

// quick are options under which tests need not wait: small parts, one at a time, and hardly a pause.
var quick = upload.ImportOptions{Part: part, Parallel: 1, Pause: time.Millisecond, Beat: 5 * time.Millisecond}

// newImports is a world that imports from an origin.
func newImports(t testing.TB, db domaintest.Driver, o *origin, how upload.ImportOptions) *world {
	t.Helper()
	w := newWorld(t, db)
	w.remote, w.how = o.files(), how
	w.boot()
	return w
}

// beginImport announces an import of a picture.
func (w *world) beginImport(t testing.TB, address string, max int64) asset.Asset {
	t.Helper()
	a, err := w.uploads.BeginImport(context.Background(), w.who, upload.Draft{Workspace: w.ws.ID, Name: "a.png", Declared: "image/png"}, address, max)
	if err != nil {
		t.Fatalf("begin import: %v", err)
	}
	return a
}

// requests are the requests for workers that the feed holds after a position, and the position after them.
func (w *world) requests(t failer, after string) (es []bus.Event, next string) {
	t.Helper()
	for {
		cs, next, err := w.feed.Changes(context.Background(), after, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cs {
			e, ok, err := bus.FromChange(c)
			if err != nil {
				t.Fatal(err)
			}
			if ok && e.Type == bus.ImportRequested {
				es = append(es, e)
			}
		}
		if len(cs) == 0 && next == after {
			return es, next
		}
		after = next
	}
}

// work does one request.
func (w *world) work(e bus.Event) error { return w.workUnder(context.Background(), e) }

func (w *world) workUnder(ctx context.Context, e bus.Event) error {
	a, err := id.ParseAsset(e.Detail.Asset)
	if err != nil {
		return err
	}
	return w.uploads.Import(ctx, w.ws.ID, a, e.Detail.Version)
}

// workAll does every request that the feed holds, until none is new, and gives how many there were.
func (w *world) workAll(t testing.TB) int {
	t.Helper()
	done, at := 0, ""
	for {
		es, next := w.requests(t, at)
		if len(es) == 0 {
			return done
		}
		at = next
		for _, e := range es {
			done++
			if err := w.work(e); err != nil {
				t.Fatalf("request %s: %v", e.Detail.ID, err)
			}
		}
		if done > 1000 {
			t.Fatal("the import asks for workers without end")
		}
	}
}

// importRow is the row of an import; nil is none.
func (w *world) importRow(t failer, a id.Asset) table.Item {
	t.Helper()
	pg, err := w.table.Query(context.Background(), table.Query{PK: schema.ImportKey(a).PK, Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(pg.Items) == 0 {
		return nil
	}
	return pg.Items[0]
}

// openUploads are the multipart uploads that the bucket holds open for an asset.
func (w *world) openUploads(t failer, a asset.Asset) []blob.Upload {
	t.Helper()
	us, err := w.bucket.Uploads(context.Background(), schema.ObjectPrefix(a.Workspace, a.ID))
	if err != nil {
		t.Fatal(err)
	}
	return us
}

// wantImported complains unless the asset is ready with these bytes, and nothing is left of the import once the clean-up ran.
func (w *world) wantImported(t testing.TB, aid id.Asset, body []byte) asset.Asset {
	t.Helper()
	w.deliverAll(t)
	w.mustCleanUp(t)
	a := w.get(t, aid)
	if a.State != asset.Ready || a.Size != int64(len(body)) {
		t.Fatalf("the asset is %s with %d bytes (%s), want ready with %d", a.State, a.Size, a.Failure, len(body))
	}
	w.wantOnly(t, a, body)
	if us := w.openUploads(t, a); len(us) > 0 {
		t.Errorf("uploads are left open: %+v", us)
	}
	if row := w.importRow(t, aid); row != nil {
		t.Errorf("the row of the import is left: %v", row)
	}
	return a
}

// wantFailed complains unless the asset failed for a cause with a message that says so, and tells nothing of the query.
func (w *world) wantFailed(t testing.TB, aid id.Asset, cause asset.Cause, says ...string) asset.Asset {
	t.Helper()
	a := w.get(t, aid)
	if a.State != asset.Failed || a.Cause != cause {
		t.Fatalf("the asset is %s (%s) %q, want failed (%s)", a.State, a.Cause, a.Failure, cause)
	}
	for _, s := range says {
		if !strings.Contains(a.Failure, s) {
			t.Errorf("the message is %q, want it to say %q", a.Failure, s)
		}
	}
	if strings.Contains(a.Failure, "Signature") || strings.Contains(a.Failure, "0123456789abcdef") {
		t.Errorf("the message tells the query: %q", a.Failure)
	}
	return a
}
