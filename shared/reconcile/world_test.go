package reconcile_test

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/project"
	"github.com/assetry/assetry/shared/reconcile"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/search"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo/dynamotest"
	"github.com/assetry/assetry/shared/upload"
)

func TestMain(m *testing.M) { versitytest.Main(m) }

// onEachEngine runs a test on SQLite and on DynamoDB.
func onEachEngine(t *testing.T, f func(t *testing.T, w *world)) {
	t.Run("sqlite", func(t *testing.T) { f(t, newWorld(t, domaintest.NewTable(t), domaintest.NewTable(t))) })
	t.Run("dynamo", func(t *testing.T) {
		f(t, newWorld(t, dynamotest.Open(t, schema.Indexes()...), dynamotest.Open(t)))
	})
}

// world is a product whose stream nobody follows.
type world struct {
	table, found table.Table
	bucket       blob.Bucket
	accounts     *account.Service
	assets       *asset.Service
	uploads      *upload.Service
	folders      *folder.Service
	projects     *project.Service
	index        *search.Service
	bus          *memory
	ws           id.Workspace
	who          access.Principal
	clock        domaintest.Ahead
}

// memory is a bus that keeps events, and refuses those that a test names.
type memory struct {
	mu      sync.Mutex
	events  []bus.Event
	refuses func(bus.Event) bool
	err     error // of every request, of which then nothing is known
}

func (m *memory) Publish(_ context.Context, es []bus.Event) (failed []int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return nil, m.err
	}
	for i, e := range es {
		if m.refuses != nil && m.refuses(e) {
			failed = append(failed, i)
			continue
		}
		m.events = append(m.events, e)
	}
	return failed, nil
}

// told are the types of the events by asset, in order.
func (m *memory) told() map[string][]bus.Type {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string][]bus.Type{}
	for _, e := range m.events {
		out[e.Detail.Asset] = append(out[e.Detail.Asset], e.Type)
	}
	return out
}

func newWorld(t *testing.T, db, found table.Table) *world {
	t.Helper()
	server := versitytest.Start(t)
	w := &world{table: db, found: found, bucket: s3blob.New(server.Client(), server.Bucket, s3blob.Options{}), bus: &memory{}}
	sealer := page.NewSealer(secret.NewRoot())
	w.accounts = account.New(db, account.Options{Now: w.clock.Now})
	w.folders = folder.New(db, folder.Options{Now: w.clock.Now})
	w.assets = asset.New(db, w.accounts, sealer, asset.Options{Now: w.clock.Now, Folders: w.folders})
	w.projects = project.New(db, w.assets, sealer, project.Options{Now: w.clock.Now})
	w.index = search.New(db, found, w.accounts)
	w.uploads = upload.New(upload.Parts{
		Table: db, Bucket: w.bucket, Assets: w.assets, Workspaces: w.accounts, Folders: w.folders, Projects: w.projects,
	}, upload.Options{Now: w.clock.Now})
	ws, err := w.accounts.CreateWorkspace(t.Context(), "Cut off")
	if err != nil {
		t.Fatal(err)
	}
	w.ws = ws.ID
	w.who = access.Principal{Key: id.NewKey(time.Now()), Grants: map[id.Workspace]access.Role{ws.ID: access.Owner}}
	return w
}

// service reconciles as another process would.
func (w *world) service(o reconcile.Options) *reconcile.Service {
	return reconcile.New(reconcile.Parts{
		Table: w.table, Accounts: w.accounts, Assets: w.assets, Uploads: w.uploads, Folders: w.folders, Search: w.index, Bus: w.bus,
	}, o)
}

// run reconciles the workspace from its beginning to its end, each page by a process of its own that knows the cursor's text only.
func (w *world) run(t *testing.T, o reconcile.Options) (all reconcile.Report) {
	t.Helper()
	for text := reconcile.Begin(w.ws).String(); ; {
		at, err := reconcile.ParseCursor(text)
		if err != nil {
			t.Fatal(err)
		}
		r, next, done, err := w.service(o).Page(t.Context(), at)
		if err != nil {
			t.Fatalf("Page at %s: %v", at, err)
		}
		all.Add(r)
		if done {
			return all
		}
		if next == at {
			t.Fatalf("the cursor stays at %s", at)
		}
		text = next.String()
	}
}

// picture is a good PNG.
func picture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 4, 4))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (w *world) direct(t *testing.T, name string) asset.Asset {
	t.Helper()
	a, err := w.uploads.Direct(t.Context(), w.who, upload.Draft{Workspace: w.ws, Name: name, Declared: "image/png"}, picture(t))
	if err != nil {
		t.Fatalf("Direct: %v", err)
	}
	return a
}

func (w *world) begin(t *testing.T, name string) asset.Asset {
	t.Helper()
	a, _, err := w.uploads.Begin(t.Context(), w.who, upload.Draft{Workspace: w.ws, Name: name, Declared: "image/png"})
	if err != nil {
		t.Fatalf("Begin: %v", err)
	}
	return a
}

// put brings bytes to an object key, without its event.
func (w *world) put(t *testing.T, src schema.Source, body []byte) blob.Object {
	t.Helper()
	o, err := w.bucket.Put(t.Context(), src.Key(), bytes.NewReader(body), int64(len(body)), blob.PutOptions{Type: "image/png"})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// rejected is an asset whose bytes were no good.
func (w *world) rejected(t *testing.T, name string) asset.Asset {
	t.Helper()
	a := w.begin(t, name)
	o := w.put(t, a.Source(), []byte("no picture at all"))
	if err := w.uploads.Arrived(t.Context(), a.Source(), o.Version); err != nil {
		t.Fatal(err)
	}
	return w.get(t, a.ID)
}

func (w *world) get(t *testing.T, a id.Asset) asset.Asset {
	t.Helper()
	got, err := w.assets.Find(t.Context(), w.ws, a)
	if err != nil {
		t.Fatalf("find %s: %v", a, err)
	}
	return got
}

// objects are the keys that the bucket has versions of, and how many uploads are open.
func (w *world) objects(t *testing.T) (keys []string, uploads int) {
	t.Helper()
	vs, err := w.bucket.Versions(t.Context(), "w/", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vs {
		keys = append(keys, v.Key)
	}
	us, err := w.bucket.Uploads(t.Context(), "w/")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(keys)
	return keys, len(us)
}

func keysOf(as ...asset.Asset) (keys []string) {
	for _, a := range as {
		keys = append(keys, a.Source().Key())
	}
	slices.Sort(keys)
	return keys
}
