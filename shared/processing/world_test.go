package processing_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
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
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/processing"
	"github.com/assetry/assetry/shared/product"
	"github.com/assetry/assetry/shared/project"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/tabletest"
	"github.com/assetry/assetry/shared/upload"
)

func TestMain(m *testing.M) { versitytest.Main(m) }

// world is everything that the work on orders meets, real but for the injected faults.
type world struct {
	table  *tabletest.FaultyTable // as workers reach it
	inner  domaintest.Driver      // the same without faults, as everybody else does
	bucket *blobtest.Bucket
	direct blob.Bucket
	server *versitytest.Server
	clock  *domaintest.Ahead

	mu      sync.Mutex
	fault   func(blobtest.Call) blobtest.Fault // of the bucket, for workers; nil is none
	arrived []versity.Event                    // not yet delivered

	product  *lines
	how      processing.Options
	accounts *account.Service
	assets   *asset.Service // without faults
	uploads  *upload.Service
	orders   *order.Service
	client   access.Principal
	ws       id.Workspace

	fed      string      // position in the feed
	requests []bus.Event // order.submitted that nobody took yet
	told     []string    // statuses of order.updated
}

func newWorld(t testing.TB, db domaintest.Driver) *world {
	w := &world{table: tabletest.Faulty(db), inner: db, clock: &domaintest.Ahead{}, server: versitytest.Start(t), product: &lines{}}
	w.server.OnEvent(func(e versity.Event) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.arrived = append(w.arrived, e)
	})
	w.direct = s3blob.New(w.server.Client(), w.server.Bucket, s3blob.Options{})
	w.bucket = blobtest.Wrap(w.direct, func(c blobtest.Call) blobtest.Fault {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.fault == nil {
			return blobtest.None
		}
		return w.fault(c)
	})
	w.how = processing.Options{Now: w.clock.Now, Beat: time.Hour, Pause: time.Microsecond}
	w.accounts = account.New(db, account.Options{Now: w.clock.Now})
	w.assets, w.uploads, w.orders = w.services(db, w.direct)
	w.ws, w.client = w.tenant(t)
	return w
}

// services are those of a process that reaches the engines so.
func (w *world) services(db table.Table, b blob.Bucket, products ...string) (*asset.Service, *upload.Service, *order.Service) {
	sealer := page.NewSealer(secret.NewRoot())
	holds := order.Holder{Table: db}
	assets := asset.New(db, w.accounts, sealer, asset.Options{Now: w.clock.Now, Holds: holds})
	uploads := upload.New(upload.Parts{
		Table: db, Bucket: b, Assets: assets, Workspaces: w.accounts, Folders: folder.New(db, folder.Options{Now: w.clock.Now}),
		Projects: project.New(db, assets, sealer, project.Options{Now: w.clock.Now}),
	}, upload.Options{Now: w.clock.Now, Holds: holds})
	orders := order.New(order.Parts{Table: db, Bucket: b, Assets: assets, Uploads: uploads, Sealer: sealer}, order.Options{
		Now: w.clock.Now, Products: append(products, w.product.Name()),
	})
	return assets, uploads, orders
}

// tenant is another workspace, and a client of it.
func (w *world) tenant(t testing.TB) (id.Workspace, access.Principal) {
	t.Helper()
	ws, err := w.accounts.CreateWorkspace(t.Context(), "Test")
	if err != nil {
		t.Fatal(err)
	}
	c := id.NewClient(ws.ID, w.clock.Now())
	return ws.ID, access.Principal{Client: c, Key: c.Key(), Grants: map[id.Workspace]access.Role{ws.ID: access.Editor}}
}

// process is another process of work-order, over engines with faults.
func (w *world) process() *processing.Service {
	assets, uploads, orders := w.services(w.table, w.bucket)
	return processing.New(processing.Parts{
		Table: w.table, Bucket: w.bucket, Assets: assets, Uploads: uploads, Orders: orders, Products: []product.Product{w.product},
	}, w.how)
}

// sweeper is a process of orders-sweep.
func (w *world) sweeper() *order.Service {
	assets, uploads, orders := w.services(w.table, w.bucket)
	p := processing.New(processing.Parts{Table: w.table, Bucket: w.bucket, Assets: assets, Uploads: uploads, Orders: orders}, w.how)
	return order.New(order.Parts{
		Table: w.table, Bucket: w.bucket, Assets: assets, Uploads: uploads, Sealer: page.NewSealer(secret.NewRoot()), Work: p.Visit,
	}, order.Options{Now: w.clock.Now, Products: []string{w.product.Name()}})
}

// scan is the text of a scan that has some lines.
func scan(lines int) []byte {
	var b bytes.Buffer
	for i := range lines {
		fmt.Fprintf(&b, "%d.5 %d.25 1.75\n", i%97, i%89)
	}
	return b.Bytes()
}

// ready is a ready scan of a workspace.
func (w *world) ready(t testing.TB, ws id.Workspace, who access.Principal, name string, body []byte) asset.Asset {
	t.Helper()
	a, err := w.uploads.Direct(t.Context(), who, upload.Draft{Workspace: ws, Name: name, Format: "xyz"}, body)
	if err != nil || a.State != asset.Ready {
		t.Fatalf("bring %s: %s, %v", name, a.State, err)
	}
	return a
}

// submit orders what is made of some scans by the client of a workspace.
func (w *world) submit(t testing.TB, ws id.Workspace, who access.Principal, scans ...asset.Asset) order.Order {
	t.Helper()
	o, err := w.orders.Initialize(t.Context(), who, order.Draft{Name: "Office", Product: w.product.Name()})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range scans {
		if _, err := w.orders.Attach(t.Context(), who, o.ID, a.ID); err != nil {
			t.Fatal(err)
		}
	}
	if o, err = w.orders.Submit(t.Context(), who, o.ID); err != nil || o.Status != order.Processing {
		t.Fatalf("submit: %s, %v", o.Status, err)
	}
	return o
}

// ordered is a submitted order for scans of so many lines each.
func (w *world) ordered(t testing.TB, sizes ...int) order.Order {
	t.Helper()
	var as []asset.Asset
	for i, n := range sizes {
		as = append(as, w.ready(t, w.ws, w.client, fmt.Sprintf("room %d.xyz", i), scan(n)))
	}
	return w.submit(t, w.ws, w.client, as...)
}

// pump brings the changes of the table to those that follow them.
func (w *world) pump(t testing.TB) {
	t.Helper()
	for {
		cs, next, err := w.inner.Changes(t.Context(), w.fed, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cs {
			w.follow(t, c)
		}
		if len(cs) == 0 && next == w.fed {
			return
		}
		w.fed = next
	}
}

func (w *world) follow(t testing.TB, c table.Change) {
	t.Helper()
	e, ok, err := bus.FromChange(c)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case ok && e.Type == bus.OrderSubmitted:
		w.requests = append(w.requests, e)
	case ok && e.Type == bus.OrderUpdated:
		w.told = append(w.told, e.Detail.Order.Status)
	}
	if _, _, _, isAsset := schema.ParseAssetKey(c.Key); isAsset {
		if err := w.uploads.CleanUp(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if err := w.orders.InputChanged(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
}

// objects delivers what the bucket has told of.
func (w *world) objects(t testing.TB) {
	t.Helper()
	w.mu.Lock()
	es := w.arrived
	w.arrived = nil
	w.mu.Unlock()
	for _, e := range es {
		if src, ok := schema.ParseSource(e.Key); ok {
			if err := w.uploads.Arrived(t.Context(), src, e.Version); err != nil {
				t.Fatalf("event of %s: %v", e.Key, err)
			}
		}
	}
}

// handle lets a process do one request.
func (w *world) handle(p *processing.Service, e bus.Event) error {
	ws, err := id.ParseWorkspace(e.Detail.Workspace)
	if err != nil {
		return err
	}
	o, err := id.ParseOrder(e.Detail.Order.Order)
	if err != nil {
		return err
	}
	return p.Work(context.Background(), ws, o, e.Detail.Order.Attempt)
}

// next takes a request off those that wait; ok is false when none does.
func (w *world) next(t testing.TB) (e bus.Event, ok bool) {
	t.Helper()
	w.pump(t)
	if len(w.requests) == 0 {
		return e, false
	}
	e, w.requests = w.requests[0], w.requests[1:]
	return e, true
}

// run does all requests, one after another, and gives how many there were.
func (w *world) run(t testing.TB) (n int) {
	t.Helper()
	for {
		e, ok := w.next(t)
		if !ok {
			return n
		}
		if err := w.handle(w.process(), e); err != nil {
			t.Logf("request %s: %v", e.Detail.ID, err)
		}
		n++
	}
}

// settle lets time pass, with sweeps and all that follows, until an order has ended.
func (w *world) settle(t testing.TB, o order.Order) order.Order {
	t.Helper()
	for range 60 {
		w.run(t)
		if now := w.get(t, o); now.Status != order.Processing {
			return now
		}
		w.clock.Advance(3 * time.Minute)
		w.sweep(t)
	}
	t.Fatalf("order %s does not end: %+v", o.ID, w.work(t, o))
	return o
}

func (w *world) sweep(t testing.TB) {
	t.Helper()
	if _, err := w.sweeper().Visit(t.Context()); err != nil {
		t.Logf("sweep: %v", err)
	}
}

func (w *world) get(t testing.TB, o order.Order) order.Order {
	t.Helper()
	now, err := w.orders.Find(t.Context(), o.Workspace, o.ID)
	if err != nil {
		t.Fatal(err)
	}
	return now
}

// work is the row of the work on an order; nil where there is none.
func (w *world) work(t testing.TB, o order.Order) table.Item {
	t.Helper()
	its, err := w.inner.BatchGet(t.Context(), []table.Key{schema.WorkKey(o.ID)}, table.Strong)
	if err != nil {
		t.Fatal(err)
	}
	return its[0]
}

// rows are those of an order whose sort keys begin with a prefix.
func (w *world) rows(t testing.TB, pk, prefix string) []table.Item {
	t.Helper()
	pg, err := w.inner.Query(t.Context(), table.Query{PK: pk, From: prefix, To: schema.AfterPrefix(prefix), Limit: table.MaxQuery})
	if err != nil {
		t.Fatal(err)
	}
	return pg.Items
}

// deliverables are those of an order, by name, with their bytes.
func (w *world) deliverables(t testing.TB, o order.Order) map[string]string {
	t.Helper()
	as, err := w.orders.Deliverables(t.Context(), w.client, o.ID)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, a := range as {
		if a.State != asset.Ready || a.CreatedBy != o.Client.Key() || !a.Orders.Has(o.ID) {
			t.Errorf("deliverable %s: %s by %s of %v, want it ready, by the client, of the order", a.Name, a.State, a.CreatedBy, a.Orders)
		}
		b, _, err := w.direct.Read(t.Context(), a.Source().Key(), a.Object, 0, a.Size)
		if err != nil {
			t.Fatal(err)
		}
		out[a.Name] = string(b)
	}
	return out
}

// wantDelivered makes sure that an order is completed with the reports of its scans, and that nothing else is left of it.
func (w *world) wantDelivered(t testing.TB, o order.Order, sizes ...int) {
	t.Helper()
	if now := w.get(t, o); now.Status != order.Completed {
		t.Fatalf("the order is %s (%s), want it completed", now.Status, now.Failure)
	}
	got := w.deliverables(t, o)
	for i, n := range sizes {
		if name, want := fmt.Sprintf("room %d.xyz.report.json", i), fmt.Sprintf(`{"lines":%d}`, n); got[name] != want {
			t.Errorf("%s holds %q, want %q", name, got[name], want)
		}
		if len(got[fmt.Sprintf("room %d.xyz.view.png", i)]) == 0 {
			t.Errorf("scan %d has no view", i)
		}
	}
	if len(got) != 2*len(sizes) {
		t.Errorf("%d deliverables, want %d", len(got), 2*len(sizes))
	}
	w.wantNothingLeft(t, o)
}

// wantNothingLeft makes sure that an order which ended left neither checkpoints nor places, and no asset that is not its deliverable or input.
func (w *world) wantNothingLeft(t testing.TB, o order.Order) {
	t.Helper()
	vs, err := w.direct.Versions(t.Context(), schema.CheckpointsOf(o.Workspace, o.ID), 0)
	if err != nil || len(vs) != 0 {
		t.Errorf("checkpoints %v, %v; want none", vs, err)
	}
	for _, it := range w.rows(t, o.Workspace.String(), schema.SlotPrefix) {
		if it.Str(schema.Holder) == o.ID.String() {
			t.Errorf("the order still has place %s", it.Key())
		}
	}
	for _, prefix := range []string{schema.MakingPrefix, schema.WaitPartition(o.Workspace)} {
		pk := schema.OrderParts(o.ID)
		if prefix != schema.MakingPrefix {
			pk, prefix = schema.WaitPartition(o.Workspace), o.ID.String()
		}
		if its := w.rows(t, pk, prefix); len(its) != 0 {
			t.Errorf("left over: %v", its)
		}
	}
	known := map[string]bool{}
	for _, prefix := range []string{schema.InputPrefix, schema.DeliverablesOf(o.Attempt)} {
		for _, it := range w.rows(t, schema.OrderParts(o.ID), prefix) {
			known[it.Key().SK[len(prefix):]] = true
		}
	}
	for _, it := range w.rows(t, schema.AssetPartition(o.Workspace, 0), "0") {
		if a, err := asset.FromRow(it); err != nil || a.Orders.Has(o.ID) && !known[a.ID.String()] {
			t.Errorf("asset %s (%s, %s) is of the order, and is neither its input nor its deliverable: %v", a.ID, a.Name, a.State, err)
		}
	}
}

// lines is a product for tests: it counts the lines of every scan, a step each, and makes a report and a picture of it.
type lines struct {
	mu     sync.Mutex
	chunk  int                                              // lines after which a checkpoint is left; 0: only when time is up
	before func(ctx context.Context, t *product.Task) error // called by every run; nil is nothing
	runs   int
}

func (l *lines) Name() string { return "lines" }

func (l *lines) Plan(j product.Job) []product.Step {
	var out []product.Step
	for i := range j.Inputs {
		out = append(out, product.Step{Name: fmt.Sprint("count ", i)})
	}
	return out
}

// state is what a run leaves for the next.
type state struct {
	Offset int64
	Lines  int
}

func (l *lines) Run(ctx context.Context, t *product.Task) (product.Result, error) {
	l.mu.Lock()
	l.runs++
	before, chunk := l.before, l.chunk
	l.mu.Unlock()
	if before != nil {
		if err := before(ctx, t); err != nil {
			return product.Result{}, err
		}
	}
	var n int
	if _, err := fmt.Sscanf(t.Step.Name, "count %d", &n); err != nil {
		return product.Result{}, err
	}
	var s state
	if t.Checkpoint != nil {
		if err := json.Unmarshal(t.Checkpoint, &s); err != nil {
			return product.Result{}, err
		}
	}
	in := t.Job.Inputs[n]
	done, err := l.count(ctx, t, in, &s, chunk)
	if err != nil {
		return product.Result{}, err
	}
	if !done {
		b, err := json.Marshal(s)
		return product.Result{Checkpoint: b}, err
	}
	var view bytes.Buffer
	if err := png.Encode(&view, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		return product.Result{}, err
	}
	return product.Result{Done: true, Deliverables: []product.Deliverable{
		{Name: in.Name + ".report.json", Type: "application/json", Bytes: fmt.Appendf(nil, `{"lines":%d}`, s.Lines)},
		{Name: in.Name + ".view.png", Type: "image/png", Bytes: view.Bytes()},
	}}, nil
}

// count goes on counting; done is false when it is to be gone on with.
func (l *lines) count(ctx context.Context, t *product.Task, in product.Input, s *state, chunk int) (done bool, err error) {
	r, err := in.Open(ctx, s.Offset)
	if err != nil {
		return false, err
	}
	defer func() { _ = r.Close() }()
	sc := bufio.NewScanner(r)
	for n := 1; sc.Scan(); n++ {
		if sc.Text() == "BAD" {
			return false, product.Refuse("%s is no scan.", in.Name)
		}
		s.Offset += int64(len(sc.Bytes())) + 1
		s.Lines++
		t.Tell(float64(s.Offset) / float64(in.Size))
		if t.IsSpent(int64(len(sc.Bytes()))+1) || chunk > 0 && n == chunk {
			return s.Offset >= in.Size, nil
		}
	}
	return true, sc.Err()
}
