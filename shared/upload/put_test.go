package upload_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/media"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/upload"
)

// points is an xyz of about n bytes; each seed is another file.
func points(seed, n int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%d.%03d %d.5 -%d.25\n", i, seed, i%7, seed)
	}
	return b.Bytes()
}

// xyz is the draft of a list of points.
func (w *world) xyz() upload.Draft {
	return upload.Draft{Workspace: w.ws.ID, Name: "room.xyz", Format: media.FormatXYZ}
}

// beginPut announces a list of points by a bare PUT.
func (w *world) beginPut(t testing.TB, size int64) (asset.Asset, upload.PutGrant) {
	t.Helper()
	a, g, err := w.uploads.BeginPut(context.Background(), w.who, w.xyz(), size)
	if err != nil {
		t.Fatalf("begin put: %v", err)
	}
	return a, g
}

// put sends a body to an address as a client does that knows nothing of us, and gives the status of the bucket's answer.
func (w *world) put(t failer, address string, body []byte, headers ...string) int {
	t.Helper()
	req, err := http.NewRequest(http.MethodPut, address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := w.server.HTTP().Do(req)
	if err != nil {
		t.Fatalf("put: %v", err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

func (w *world) mustPut(t failer, address string, body []byte, headers ...string) {
	t.Helper()
	if status := w.put(t, address, body, headers...); status != http.StatusOK {
		t.Fatalf("the bucket answered %d to a PUT, want 200", status)
	}
}

func TestABarePutBindsTheHostAndTheLengthThatWasSaid(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	body := points(1, 2000)
	size := int64(len(body))
	for name, c := range map[string]struct {
		size    int64
		signed  string
		body    []byte
		headers []string
		want    int
	}{
		"no header":                              {0, "host", body, nil, 200},
		"any type":                               {0, "host", body, []string{"Content-Type", "application/x-www-form-urlencoded"}, 200},
		"any language, name and user agent":      {0, "host", body, []string{"Content-Language", "de", "Content-Disposition", "inline", "User-Agent", "curl/8"}, 200},
		"a length that was not said":             {0, "host", body[:100], nil, 200},
		"the length that was said":               {size, "content-length;host", body, []string{"Content-Type", "text/plain"}, 200},
		"a shorter body than was said":           {size, "content-length;host", body[:100], nil, 403},
		"a longer body than was said":            {size, "content-length;host", append(bytes.Clone(body), 'x'), nil, 403},
		"no bytes where a length was said":       {size, "content-length;host", nil, nil, 403},
		"no bytes, which are judged and refused": {0, "host", nil, nil, 200},
	} {
		t.Run(name, func(t *testing.T) {
			a, g := w.beginPut(t, c.size)
			u, err := url.Parse(g.URL)
			if err != nil || u.Query().Get("X-Amz-SignedHeaders") != c.signed {
				t.Errorf("signed are %q, %v; want %q", u.Query().Get("X-Amz-SignedHeaders"), err, c.signed)
			}
			if a.Via != asset.ViaPut || a.State != asset.Pending || !g.Expires.Equal(a.GrantUntil) {
				t.Errorf("begun %+v with %+v", a, g)
			}
			if d := cmp.Diff(a, w.get(t, a.ID)); d != "" {
				t.Errorf("get differs from what begin answered (-begin +get):\n%s", d)
			}
			if got := w.put(t, g.URL, c.body, c.headers...); got != c.want {
				t.Errorf("the bucket answered %d, want %d", got, c.want)
			}
		})
	}
}

func TestLifeOfABarePut(t *testing.T) {
	ctx := context.Background()
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		w.begin(t) // fills the caches of a warm function
		body := points(1, 3000)
		complete := func(a asset.Asset) (asset.Asset, error) { return w.uploads.Complete(ctx, w.who, a.ID) }

		t.Run("the event makes it ready, and complete answers the same", func(t *testing.T) {
			a, g := w.beginPut(t, 0)
			if got, err := complete(a); !fault.Is(err, fault.Conflict) || got.State != asset.Pending || !strings.Contains(err.Error(), "upload address") {
				t.Errorf("complete before the bytes = %s, %v", got.State, err)
			}
			w.mustPut(t, g.URL, body, "Content-Type", "image/png")
			w.deliverAll(t)
			ready := w.get(t, a.ID)
			if ready.State != asset.Ready || ready.Type != "model/x-xyz" || ready.Size != int64(len(body)) || ready.Format != media.FormatXYZ {
				t.Fatalf("after the event: %+v", ready)
			}
			again, err := complete(a)
			if d := cmp.Diff(ready, again); err != nil || d != "" {
				t.Errorf("complete differs, %v (-ready +again):\n%s", err, d)
			}
			w.wantOnly(t, ready, body)
		})
		t.Run("complete makes it ready, and the late event writes nothing", func(t *testing.T) {
			a, g := w.beginPut(t, int64(len(body)))
			w.mustPut(t, g.URL, body)
			ready, err := complete(a)
			if err != nil || ready.State != asset.Ready {
				t.Fatalf("complete = %+v, %v", ready, err)
			}
			w.deliverAll(t)
			if d := cmp.Diff(ready, w.get(t, a.ID)); d != "" {
				t.Errorf("the event changed it (-before +after):\n%s", d)
			}
			w.wantOnly(t, ready, body)
		})
		t.Run("what is something else fails, and the next attempt is another PUT", func(t *testing.T) {
			a, g := w.beginPut(t, 0)
			w.mustPut(t, g.URL, picture(1), "Content-Type", "model/x-xyz")
			failed, err := complete(a)
			if err != nil || failed.State != asset.Failed || failed.Cause != asset.Rejected || !strings.Contains(failed.Failure, "image/png") {
				t.Fatalf("complete = %+v, %v", failed, err)
			}
			w.mustCleanUp(t)
			w.deliverAll(t)
			if vs := w.versions(t, a); len(vs) > 0 {
				t.Errorf("rejected bytes are left: %+v", vs)
			}
			next, way, err := w.uploads.Retry(ctx, w.who, a.ID, "")
			if err != nil || way.Put == nil || way.Form != nil || way.Parts != nil || next.Generation != 2 || next.State != asset.Pending {
				t.Fatalf("retry = %+v, %+v, %v", next, way, err)
			}
			w.mustPut(t, g.URL, points(9, 500)) // the first attempt's address, which still works
			w.mustPut(t, way.Put.URL, body)
			w.deliverAll(t)
			ready := w.get(t, a.ID)
			if ready.State != asset.Ready {
				t.Fatalf("after the second attempt: %+v", ready)
			}
			w.wantOnly(t, ready, body)
		})
		t.Run("it is granted again for the same attempt", func(t *testing.T) {
			a, g := w.beginPut(t, 0)
			w.clock.Advance(10 * time.Minute)
			again, renewed, err := w.uploads.RegrantPut(ctx, w.who, a.ID)
			if err != nil || again.Generation != 1 || !renewed.Expires.After(g.Expires) || !renewed.Expires.Equal(again.GrantUntil) {
				t.Fatalf("regrant = %+v, %+v, %v", again, renewed, err)
			}
			w.mustPut(t, renewed.URL, body)
			ready, err := complete(a)
			if err != nil || ready.State != asset.Ready {
				t.Fatalf("complete = %+v, %v", ready, err)
			}
			_, _, err = w.uploads.RegrantPut(ctx, w.who, a.ID)
			domaintest.WantKind(t, "regrant of a ready asset", err, fault.Conflict)
		})
		t.Run("one that nobody sends expires", func(t *testing.T) {
			a, _ := w.beginPut(t, 0)
			w.clock.Advance(3 * time.Hour)
			w.mustSweep(t)
			if got := w.get(t, a.ID); got.State != asset.Failed || got.Cause != asset.Expired || !strings.Contains(got.Failure, "upload address") {
				t.Errorf("after three hours: %+v", got)
			}
		})
	})
}

// Whoever has the address can send other bytes as long as it works, and later if they began in time.
func TestReadyBytesOfABarePutNeverChange(t *testing.T) {
	ctx := context.Background()
	body, other := points(1, 3000), points(2, 3000)
	for name, settle := range map[string]func(t *testing.T, w *world, a asset.Asset){
		"the event of the second is delivered":               func(t *testing.T, w *world, _ asset.Asset) { w.deliverAll(t) },
		"its event comes twice, and the first one once more": func(t *testing.T, w *world, _ asset.Asset) { w.again(t) },
		"its event is lost, and the sweeper comes": func(t *testing.T, w *world, _ asset.Asset) {
			w.take(0)
			w.clock.Advance(3 * time.Hour)
			w.mustSweep(t)
		},
		"its event is lost, and the asset is completed again": func(t *testing.T, w *world, a asset.Asset) {
			w.take(0)
			if got, err := w.uploads.Complete(ctx, w.who, a.ID); err != nil || got.State != asset.Ready {
				t.Errorf("complete = %s, %v", got.State, err)
			}
			w.clock.Advance(3 * time.Hour)
			w.mustSweep(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, drivers.SQLite(t))
			w.sweptUntilNow(t)
			a, g := w.beginPut(t, 0)
			w.mustPut(t, g.URL, body)
			w.deliverAll(t)
			ready := w.get(t, a.ID)
			if ready.State != asset.Ready {
				t.Fatalf("after the first: %+v", ready)
			}
			w.mustPut(t, g.URL, other, "Content-Type", "text/html")
			if vs := w.versions(t, a); len(vs) != 2 {
				t.Fatalf("the bucket holds %d versions, want the first and the second", len(vs))
			}
			settle(t, w, a)
			if d := cmp.Diff(ready, w.get(t, a.ID)); d != "" {
				t.Errorf("the asset changed (-before +after):\n%s", d)
			}
			w.wantOnly(t, ready, body)
		})
	}
}

// again delivers what waits twice over, the last first.
func (w *world) again(t testing.TB) {
	t.Helper()
	w.mu.Lock()
	waiting := w.arrived
	w.mu.Unlock()
	for range 2 {
		for i := range waiting {
			if err := w.deliver(waiting[len(waiting)-1-i]); err != nil {
				t.Fatalf("deliver: %v", err)
			}
		}
	}
	w.deliverAll(t)
}

// A client may send any header with a bare PUT. The object then says what it wants: nothing of it counts.
func TestNothingThatABarePutSaysOfItselfIsBelieved(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	d := upload.Draft{Workspace: w.ws.ID, Declared: "image/png", MaxSize: 1000}
	size := strconv.Itoa(len(points(1, 5000)))
	for name, c := range map[string]struct {
		body    []byte
		claims  map[string]string
		want    asset.State
		failure string
	}{
		"a picture that claims to be a page":                     {picture(1), nil, asset.Ready, ""},
		"a page that claims to be a picture":                     {html, nil, asset.Failed, "HTML"},
		"too many bytes, announced by themselves":                {points(1, 5000), map[string]string{"size": size}, asset.Failed, "at most 1000"},
		"a size that is none":                                    {picture(1), map[string]string{"size": "many"}, asset.Ready, ""},
		"a checksum of something else":                           {picture(1), map[string]string{"checksum": "CRC32:AAAAAA=="}, asset.Ready, ""},
		"a film that was announced as a picture":                 {[]byte("\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isomisom"), nil, asset.Failed, "MP4"},
		"points that were not announced, and claim to be a scan": {points(1, 500), nil, asset.Failed, "plain text"},
	} {
		t.Run(name, func(t *testing.T) {
			a, _, err := w.uploads.BeginPut(ctx, w.who, d, 0)
			if err != nil {
				t.Fatal(err)
			}
			// S3 refuses metadata that was not signed, but the domain does not rely on it: somebody else writes what a client could.
			_, err = w.direct.Put(ctx, a.Source().Key(), bytes.NewReader(c.body), int64(len(c.body)), blob.PutOptions{Type: "text/html", Meta: c.claims})
			if err != nil {
				t.Fatal(err)
			}
			w.deliverAll(t)
			got := w.get(t, a.ID)
			if got.State != c.want || !strings.Contains(got.Failure, c.failure) {
				t.Errorf("it is %s: %q; want %s with %q", got.State, got.Failure, c.want, c.failure)
			}
		})
	}
}

func TestABarePutIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	for name, c := range map[string]struct {
		edit  func(*upload.Draft)
		size  int64
		field string
	}{
		"more than S3 takes":            {nil, upload.MaxForm + 1, "size_bytes"},
		"fewer than no bytes":           {nil, -1, "size_bytes"},
		"more than the draft allows":    {func(d *upload.Draft) { d.MaxSize = 10 }, 11, "size_bytes"},
		"a format that is not known":    {func(d *upload.Draft) { d.Format = "las" }, 0, "format"},
		"a type that is not its format": {func(d *upload.Draft) { d.Declared = "image/png" }, 0, "content_type"},
		"a checksum":                    {func(d *upload.Draft) { d.Checksum = blob.SHA256.Of(nil) }, 0, "checksum"},
	} {
		t.Run(name, func(t *testing.T) {
			d := w.xyz()
			if c.edit != nil {
				c.edit(&d)
			}
			spent := cost(t, func(ctx context.Context) error {
				_, _, err := w.uploads.BeginPut(ctx, w.who, d, c.size)
				fs := fault.FieldsOf(err)
				if !fault.Is(err, fault.Invalid) || len(fs) != 1 || fs[0].Name != c.field {
					t.Errorf("begin = %v; want it to be about %s", err, c.field)
				}
				return nil
			})
			if spent.Requests > 0 {
				t.Errorf("it took %d requests", spent.Requests)
			}
		})
	}
	form, _ := w.begin(t)
	_, _, err := w.uploads.RegrantPut(t.Context(), w.who, form.ID)
	domaintest.WantKind(t, "regrant of a form", err, fault.Conflict)
	a, _ := w.beginPut(t, 0)
	_, _, err = w.uploads.Regrant(t.Context(), w.who, a.ID)
	domaintest.WantKind(t, "a form for a PUT", err, fault.Conflict)
	viewer := access.Principal{Key: w.who.Key, Grants: map[id.Workspace]access.Role{w.ws.ID: access.Viewer}}
	_, _, err = w.uploads.BeginPut(t.Context(), viewer, w.xyz(), 0)
	domaintest.WantKind(t, "begin by a viewer", err, fault.Forbidden)
	_, _, err = w.uploads.RegrantPut(t.Context(), viewer, a.ID)
	domaintest.WantKind(t, "regrant by a viewer", err, fault.Forbidden)
}

// What a bare PUT costs a warm function: as much as a form, and one read, because the object cannot be believed.
func TestCostOfABarePut(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		w.begin(t)
		var a asset.Asset
		var g upload.PutGrant
		want := func(what string, want, got spent) {
			t.Helper()
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s (-want +got):\n%s", what, d)
			}
		}
		want("begin: the row", spent{0, 1, 1, map[string]int{}}, cost(t, func(ctx context.Context) (err error) {
			a, g, err = w.uploads.BeginPut(ctx, w.who, w.xyz(), 0)
			return err
		}))
		w.mustPut(t, g.URL, points(1, 2000))
		e, _ := w.take(0)
		src, _ := schema.ParseSource(e.Key)
		arrived := func(ctx context.Context) error { return w.uploads.Arrived(ctx, src, e.Version) }
		want("the event: the row is read, a range, and settled", spent{1, 1, 2, map[string]int{"GetObject": 1}}, cost(t, arrived))
		want("the event again: the row is read", spent{1, 0, 1, map[string]int{}}, cost(t, arrived))
		want("complete: the row is read", spent{1, 0, 1, map[string]int{}}, cost(t, func(ctx context.Context) error {
			_, err := w.uploads.Complete(ctx, w.who, a.ID)
			return err
		}))
	})
}
