package order_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/product"
	"github.com/assetry/assetry/shared/remote"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/tabletest"
	"github.com/assetry/assetry/shared/upload"
)

func TestMain(m *testing.M) { versitytest.Main(m) }

// nowhere takes every https address, and has no file.
type nowhere struct{ remote.Files }

func (nowhere) Check(address string) error {
	if !strings.HasPrefix(address, "https://") {
		return fault.BadField("source", "%.60q is not an https address", address)
	}
	return nil
}

// world is everything that orders meet, real but for the sources of imports.
type world struct {
	*order.Service
	table  *tabletest.FaultyTable
	hooked *hooked // between the services and the table
	feed   table.Feed
	bucket blob.Bucket
	server *versitytest.Server
	clock  *domaintest.Ahead
	root   secret.Root

	accounts *account.Service
	assets   *asset.Service
	uploads  *upload.Service
	options  order.Options
	work     order.Worker
	ws       account.Workspace
	client   access.Principal // of the workspace
	reader   access.Principal // the same client, with the scope to read alone
	stranger access.Principal // a client of another workspace
	fed      string           // position in the feed
}

// hooked is a table that lets something happen before each call.
type hooked struct {
	table.Table
	before func()
}

func (h *hooked) meanwhile() {
	if h.before != nil {
		h.before()
	}
}

func (h *hooked) Write(ctx context.Context, w table.Write) (table.Item, error) {
	h.meanwhile()
	return h.Table.Write(ctx, w)
}

func (h *hooked) Transact(ctx context.Context, ws []table.Write) error {
	h.meanwhile()
	return h.Table.Transact(ctx, ws)
}

func newWorld(t testing.TB, db domaintest.Driver) *world {
	t.Helper()
	w := &world{table: tabletest.Faulty(db), feed: db, clock: &domaintest.Ahead{}, server: versitytest.Start(t), root: secret.NewRoot()}
	w.server.OnEvent(func(versity.Event) {})
	w.bucket = s3blob.New(w.server.Client(), w.server.Bucket, s3blob.Options{})
	w.hooked = &hooked{Table: w.table}
	w.boot()
	w.ws = w.mustWorkspace(t)
	w.client = clientOf(w.ws.ID, access.Editor)
	w.reader = clientOf(w.ws.ID, access.Viewer)
	w.stranger = clientOf(w.mustWorkspace(t).ID, access.Editor)
	return w
}

// boot builds the services anew, as another process would have them.
func (w *world) boot() {
	sealer := page.NewSealer(w.root)
	w.accounts = account.New(w.hooked, account.Options{Now: w.clock.Now})
	holds := order.Holder{Table: w.hooked}
	w.assets = asset.New(w.hooked, w.accounts, sealer, asset.Options{Now: w.clock.Now, Holds: holds})
	w.uploads = upload.New(upload.Parts{Table: w.hooked, Bucket: w.bucket, Assets: w.assets, Workspaces: w.accounts, Remote: nowhere{}},
		upload.Options{Now: w.clock.Now, Holds: holds})
	w.options.Now = w.clock.Now
	w.Service = order.New(order.Parts{Table: w.hooked, Bucket: w.bucket, Assets: w.assets, Uploads: w.uploads, Sealer: sealer, Work: w.work}, w.options)
}

// with builds the services anew with other options.
func (w *world) with(o order.Options) *world {
	w.options = o
	w.boot()
	return w
}

func (w *world) mustWorkspace(t testing.TB) account.Workspace {
	t.Helper()
	ws, err := w.accounts.CreateWorkspace(t.Context(), "Test")
	if err != nil {
		t.Fatal(err)
	}
	return ws
}

func clientOf(w id.Workspace, r access.Role) access.Principal {
	c := id.NewClient(w, time.Now())
	return access.Principal{Client: c, Key: c.Key(), Grants: map[id.Workspace]access.Role{w: r}}
}

// scan are points; each number is another file.
func scan(n int) []byte {
	var b bytes.Buffer
	for i := range 200 {
		fmt.Fprintf(&b, "%d.5 %d.25 %d\n", n, i, i%7)
	}
	return b.Bytes()
}

var picture = []byte("\x89PNG\r\n\x1a\n and nothing that a picture has")

func draft() order.Draft { return order.Draft{Name: "Flat 7", Product: product.Areaplan} }

func (w *world) mustBegin(t testing.TB) order.Order {
	t.Helper()
	o, err := w.Initialize(t.Context(), w.client, draft())
	if err != nil {
		t.Fatalf("Initialize: %v", err)
	}
	return o
}

func single() order.Upload { return order.Upload{Format: "xyz", Way: order.WaySingle} }

// mustUpload begins an upload of one PUT.
func (w *world) mustUpload(t testing.TB, o order.Order) order.Session {
	t.Helper()
	se, err := w.BeginUpload(t.Context(), w.client, o.ID, single())
	if err != nil {
		t.Fatalf("BeginUpload: %v", err)
	}
	return se
}

// failer is a test or a property's run.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// send puts bytes where a client would.
func (w *world) send(t failer, url string, body []byte) (etag string, status int) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPut, url, bytes.NewReader(body))
	if err != nil {
		t.Fatalf("make request: %v", err)
	}
	res, err := w.server.HTTP().Do(req)
	if err != nil {
		t.Fatalf("send: %v", err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.Header.Get("ETag"), res.StatusCode
}

// mustReady sends an upload's bytes and finishes it.
func (w *world) mustReady(t testing.TB, se order.Session) asset.Asset {
	t.Helper()
	if _, status := w.send(t, se.PutURL, scan(1)); status != http.StatusOK {
		t.Fatalf("the bucket answered %d", status)
	}
	done, err := w.FinalizeUpload(t.Context(), w.client, se.Asset.ID, id.Order{}, "", nil)
	if err != nil || done.Status != order.StatusReady {
		t.Fatalf("FinalizeUpload = %s %q, %v; want ready", done.Status, done.Asset.Failure, err)
	}
	return done.Asset
}

// mustFail sends an upload bytes that are no scan.
func (w *world) mustFail(t testing.TB, se order.Session) asset.Asset {
	t.Helper()
	w.send(t, se.PutURL, picture)
	done, err := w.FinalizeUpload(t.Context(), w.client, se.Asset.ID, id.Order{}, "", nil)
	if err != nil || done.Status != order.StatusFailed {
		t.Fatalf("FinalizeUpload = %s, %v; want failed", done.Status, err)
	}
	return done.Asset
}

// changes are what the feed has to tell since it was asked last.
func (w *world) changes(t failer) (all []table.Change) {
	t.Helper()
	for {
		cs, next, err := w.feed.Changes(context.Background(), w.fed, 1000)
		if err != nil {
			t.Fatalf("read the feed: %v", err)
		}
		if len(cs) == 0 && next == w.fed {
			return all
		}
		all, w.fed = append(all, cs...), next
	}
}

// hear is what the stream's consumer does with a change.
func (w *world) hear(c table.Change) error {
	if err := w.uploads.CleanUp(context.Background(), c); err != nil {
		if _, _, _, ok := schema.ParseAssetKey(c.Key); ok {
			return err
		}
	}
	return w.InputChanged(context.Background(), c)
}

// hearAll delivers all that happened.
func (w *world) hearAll(t testing.TB) {
	t.Helper()
	for _, c := range w.changes(t) {
		if _, _, _, ok := schema.ParseAssetKey(c.Key); !ok {
			continue
		}
		if err := w.hear(c); err != nil {
			t.Fatalf("change of %s: %v", c.Key, err)
		}
	}
}

func (w *world) mustGet(t testing.TB, o order.Order) order.Order {
	t.Helper()
	got, err := w.Get(t.Context(), w.client, o.ID)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	return got
}

func (w *world) mustSubmit(t testing.TB, o order.Order) order.Order {
	t.Helper()
	got, err := w.Submit(t.Context(), w.client, o.ID)
	if err != nil {
		t.Fatalf("Submit: %v", err)
	}
	return got
}

// mustInputs are the ids of an order's inputs.
func (w *world) mustInputs(t testing.TB, o order.Order) (ids []id.Asset) {
	t.Helper()
	ins, err := w.Inputs(t.Context(), w.client, o.ID)
	if err != nil {
		t.Fatalf("Inputs: %v", err)
	}
	for _, in := range ins {
		ids = append(ids, in.Asset.ID)
	}
	return ids
}

// mustProcess makes an order with one ready input that is in Processing.
func (w *world) mustProcess(t testing.TB) (order.Order, asset.Asset) {
	t.Helper()
	o := w.mustBegin(t)
	a := w.mustReady(t, w.mustUpload(t, o))
	if o = w.mustSubmit(t, o); o.Status != order.Processing {
		t.Fatalf("Submit = %s, want PROCESSING", o.Status)
	}
	return o, a
}

// open is what the workspace counts as open: orders, uploads.
func (w *world) open(t failer) (orders, uploads int64) {
	t.Helper()
	it, err := w.table.Get(context.Background(), schema.OrderCountKey(w.ws.ID), table.Strong)
	if err != nil {
		t.Fatalf("read the counters: %v", err)
	}
	return it.Int(schema.OpenOrders), it.Int(schema.OpenUploads)
}

func (w *world) wantOpen(t testing.TB, orders, uploads int64) {
	t.Helper()
	if o, u := w.open(t); o != orders || u != uploads {
		t.Errorf("%d orders and %d uploads are open, want %d and %d", o, u, orders, uploads)
	}
}

// wantFields complains unless an error is about exactly these arguments.
func wantFields(t testing.TB, err error, names ...string) {
	t.Helper()
	if !fault.Is(err, fault.Invalid) {
		t.Errorf("got error %v, want one about %v", err, names)
		return
	}
	var got []string
	for _, f := range fault.FieldsOf(err) {
		got = append(got, f.Name)
	}
	if fmt.Sprint(got) != fmt.Sprint(names) {
		t.Errorf("the error is about %v, want %v: %v", got, names, err)
	}
}

func wantKind(t testing.TB, err error, k fault.Kind) {
	t.Helper()
	if !fault.Is(err, k) {
		t.Errorf("got error %v, want kind %q", err, k)
	}
}

func to[T any](v T) *T { return &v }
