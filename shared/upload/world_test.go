package upload_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"sync"
	"testing"
	"time"

	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/blob/blobtest"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/link"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/project"
	"github.com/assetry/assetry/shared/remote"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/tabletest"
	"github.com/assetry/assetry/shared/upload"
)

func TestMain(m *testing.M) { versitytest.Main(m) }

// world is everything an upload meets, real but for the injected faults.
type world struct {
	table  *tabletest.FaultyTable
	feed   table.Feed
	bucket *blobtest.Bucket
	direct blob.Bucket // the same without faults, as somebody else reaches it
	server *versitytest.Server
	clock  *domaintest.Ahead
	fault  func(blobtest.Call) blobtest.Fault // of the bucket; nil is none
	remote remote.Files                       // nil where nothing is imported
	how    upload.ImportOptions
	holds  asset.Holds // nil: nobody holds an asset

	accounts *account.Service
	assets   *asset.Service
	projects *project.Service
	links    *link.Service
	uploads  *upload.Service
	ws       account.Workspace
	who      access.Principal

	mu      sync.Mutex
	arrived []versity.Event     // not yet delivered
	seen    func(versity.Event) // hears of each as it comes; nil is nobody
	fed     string              // position of the clean-up in the feed
	heard   []string            // what the service told of
	took    time.Duration       // to the last that became ready
}

func newWorld(t testing.TB, db domaintest.Driver) *world {
	w := &world{table: tabletest.Faulty(db), feed: db, clock: &domaintest.Ahead{}, server: versitytest.Start(t)}
	w.server.OnEvent(func(e versity.Event) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.arrived = append(w.arrived, e)
		if w.seen != nil {
			w.seen(e)
		}
	})
	w.direct = s3blob.New(w.server.Client(), w.server.Bucket, s3blob.Options{})
	w.bucket = blobtest.Wrap(w.direct, func(c blobtest.Call) blobtest.Fault {
		if w.fault == nil {
			return blobtest.None
		}
		return w.fault(c)
	})
	w.boot()
	ctx := context.Background()
	ws, err := w.accounts.CreateWorkspace(ctx, "Test")
	if err != nil {
		t.Fatal(err)
	}
	w.ws = ws
	w.who = access.Principal{Key: id.NewKey(time.Now()), Grants: map[id.Workspace]access.Role{ws.ID: access.Owner}}
	return w
}

// boot builds the services anew, as another process would have them.
func (w *world) boot() {
	root := secret.NewRoot()
	sealer := page.NewSealer(root)
	w.accounts = account.New(w.table, account.Options{Now: w.clock.Now})
	w.assets = asset.New(w.table, w.accounts, sealer, asset.Options{Now: w.clock.Now, Holds: w.holds})
	w.projects = project.New(w.table, w.assets, sealer, project.Options{Now: w.clock.Now})
	w.links = link.NewService(link.New(root), w.assets, w.accounts, w.bucket, link.Options{Now: w.clock.Now})
	w.uploads = upload.New(upload.Parts{
		Table: w.table, Bucket: w.bucket, Assets: w.assets, Workspaces: w.accounts,
		Folders: folder.New(w.table, folder.Options{Now: w.clock.Now}), Projects: w.projects, Remote: w.remote,
	}, upload.Options{
		Now: w.clock.Now, Import: w.how, Holds: w.holds,
		Begun: func(a asset.Asset) { w.hear("begun", a, 0) },
		Ready: func(a asset.Asset, took time.Duration) { w.hear("ready", a, took) },
	})
}

// hear keeps what the service tells of.
func (w *world) hear(what string, a asset.Asset, took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard, w.took = append(w.heard, fmt.Sprint(what, " ", a.Generation)), took
}

// begin announces a picture.
func (w *world) begin(t testing.TB) (asset.Asset, upload.Grant) {
	t.Helper()
	a, g, err := w.uploads.Begin(context.Background(), w.who, upload.Draft{Workspace: w.ws.ID, Name: "a.png", Declared: "image/png"})
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	return a, g
}

// failer is a test or a property's run.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// send posts a form as a client does, and gives the status of the bucket's answer.
func (w *world) send(t failer, g upload.Grant, body []byte) int {
	t.Helper()
	var buf bytes.Buffer
	m := multipart.NewWriter(&buf)
	for k, v := range g.Fields {
		if err := m.WriteField(k, v); err != nil {
			t.Fatal(err)
		}
	}
	part, err := m.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="a.png"`}, "Content-Type": {"image/png"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	res, err := w.server.HTTP().Post(g.URL, m.FormDataContentType(), &buf)
	if err != nil {
		t.Fatalf("send the form: %v", err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

func (w *world) mustSend(t testing.TB, g upload.Grant, body []byte) {
	t.Helper()
	if status := w.send(t, g, body); status != http.StatusNoContent {
		t.Fatalf("the bucket answered %d to a good form, want 204", status)
	}
}

// take removes an event from those that wait; ok is false when none does.
func (w *world) take(i int) (e versity.Event, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i >= len(w.arrived) {
		return e, false
	}
	e = w.arrived[i]
	w.arrived = append(w.arrived[:i:i], w.arrived[i+1:]...)
	return e, true
}

func (w *world) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.arrived)
}

func (w *world) deliver(e versity.Event) error {
	src, ok := schema.ParseSource(e.Key)
	if !ok {
		return fmt.Errorf("event of a key that is not ours: %s", e.Key)
	}
	return w.uploads.Arrived(context.Background(), src, e.Version)
}

// deliverAll delivers what waits, in order.
func (w *world) deliverAll(t testing.TB) {
	t.Helper()
	for {
		e, ok := w.take(0)
		if !ok {
			return
		}
		if err := w.deliver(e); err != nil {
			t.Fatalf("deliver %s %s: %v", e.Key, e.Version, err)
		}
	}
}

// cleanUp runs the clean-up consumer over all new changes of assets.
func (w *world) cleanUp() error {
	ctx := context.Background()
	for {
		cs, next, err := w.feed.Changes(ctx, w.fed, 100)
		if err != nil {
			return err
		}
		for _, c := range cs {
			if _, _, _, ok := schema.ParseAssetKey(c.Key); !ok {
				continue
			}
			if err := w.uploads.CleanUp(ctx, c); err != nil {
				return err
			}
		}
		if len(cs) == 0 && next == w.fed {
			return nil
		}
		w.fed = next
	}
}

func (w *world) mustCleanUp(t testing.TB) {
	t.Helper()
	if err := w.cleanUp(); err != nil {
		t.Fatalf("clean up: %v", err)
	}
}

// sweptUntilNow makes the sweeper one that has just come through everything, so that the next sweep does not begin a day back.
func (w *world) sweptUntilNow(t testing.TB) {
	t.Helper()
	k := schema.SweepKey()
	_, err := w.table.Write(context.Background(), table.Put(table.Item{
		table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK),
		schema.Hour: table.String(w.clock.Now().UTC().Format(schema.HourFormat)),
	}, table.Absent()))
	if err != nil {
		t.Fatalf("note where the sweeper is: %v", err)
	}
}

func (w *world) mustSweep(t testing.TB) {
	t.Helper()
	if _, err := w.uploads.Sweep(context.Background()); err != nil {
		t.Fatalf("sweep: %v", err)
	}
}

func (w *world) get(t testing.TB, a id.Asset) asset.Asset {
	t.Helper()
	got, err := w.assets.Get(context.Background(), w.who, a)
	if err != nil {
		t.Fatalf("get %s: %v", a, err)
	}
	return got
}

// versions lists what the bucket holds of an asset.
func (w *world) versions(t testing.TB, a asset.Asset) []blob.Version {
	t.Helper()
	vs, err := w.bucket.Versions(context.Background(), schema.ObjectPrefix(a.Workspace, a.ID), 0)
	if err != nil {
		t.Fatal(err)
	}
	return vs
}

// wantOnly complains unless the bucket holds exactly the version the asset names, with these bytes.
func (w *world) wantOnly(t testing.TB, a asset.Asset, body []byte) {
	t.Helper()
	vs := w.versions(t, a)
	if len(vs) != 1 || vs[0].Version != a.Object || vs[0].Key != a.Source().Key() {
		t.Errorf("the bucket holds %+v, want only version %s of %s", vs, a.Object, a.Source().Key())
		return
	}
	got, o, err := w.bucket.Read(context.Background(), a.Source().Key(), a.Object, 0, int64(len(body))+1)
	if err != nil || !bytes.Equal(got, body) {
		t.Errorf("version %s holds %d bytes, %v; want the %d that were verified", a.Object, len(got), err, len(body))
	}
	if o.ETag != a.ETag || o.Size != a.Size {
		t.Errorf("the asset says ETag %s and %d bytes, the bucket %s and %d", a.ETag, a.Size, o.ETag, o.Size)
	}
}

// picture is a real PNG; each shade is another file.
func picture(shade uint8) []byte {
	img := image.NewGray(image.Rect(0, 0, 8, 6))
	img.SetGray(1, 1, color.Gray{Y: shade})
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

var html = []byte("<!doctype html><script>alert(document.domain)</script>")

func objectPrefix(w id.Workspace, a id.Asset) string { return schema.ObjectPrefix(w, a) }
