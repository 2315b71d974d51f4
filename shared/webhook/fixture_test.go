package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/webhook"
)

// receiver stands for the servers of all webhooks: it answers as the test says and keeps what came.
type receiver struct {
	mu     sync.Mutex
	answer func(url string) (int, error) // nil: 200
	during func()                        // runs while a send is on its way
	got    []sent
	flying map[string]int // sends on their way, by address and asset or order
	clash  bool           // two were on their way at once for one of them at one address
}

// sent is one request as it began.
type sent struct {
	url     string
	headers map[string]string
	body    string
	subject string // asset or order
	version int64
}

var errUnreachable = errors.New("nobody listens at the address")

func (r *receiver) Check(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.Hostname() == "10.0.0.1" {
		return fault.BadField("url", "%.60q is not an https address", address)
	}
	return nil
}

func (r *receiver) Send(ctx context.Context, address string, headers map[string]string, body []byte) (int, error) {
	var e struct {
		Data  bus.Detail
		Order struct {
			ID      string `json:"order_id"`
			Version int64
		}
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return 0, err
	}
	subject, version := e.Data.Asset+e.Order.ID, e.Data.Version+e.Order.Version // of one of the two
	on := address + " " + subject
	r.mu.Lock()
	r.got = append(r.got, sent{address, headers, string(body), subject, version})
	if r.flying == nil {
		r.flying = map[string]int{}
	}
	r.flying[on]++
	r.clash = r.clash || subject != "" && r.flying[on] > 1
	answer, during := r.answer, r.during
	r.mu.Unlock()
	if during != nil {
		during()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flying[on]--
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if answer == nil {
		return 200, nil
	}
	return answer(address)
}

// says makes the receiver answer a status from now on.
func (r *receiver) says(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = func(string) (int, error) { return status, nil }
	if status == 0 {
		r.answer = func(string) (int, error) { return 0, errUnreachable }
	}
}

// requests are what came so far.
func (r *receiver) requests() []sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]sent(nil), r.got...)
}

// versions are the asset versions that came so far to an address.
func (r *receiver) versions(address string) (vs []int64) {
	for _, s := range r.requests() {
		if s.url == address {
			vs = append(vs, s.version)
		}
	}
	return vs
}

// house is the real service on a fresh table, with a workspace and principals.
type house struct {
	*webhook.Service
	*receiver
	table    table.Table
	clock    *domaintest.Clock
	root     secret.Root
	w        id.Workspace
	owner    access.Principal
	stranger access.Principal // owner of another workspace
	failures atomic.Int64     // attempts that were told of as failed
}

func newHouse(t testing.TB) *house { return newHouseOn(t, domaintest.NewTable(t)) }

// onBothDrivers runs a test on SQLite and on DynamoDB Local.
func onBothDrivers(t *testing.T, f func(t *testing.T, h *house)) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) { f(t, newHouseOn(t, open(t))) })
}

func newHouseOn(t testing.TB, db table.Table) *house {
	t.Helper()
	h := &house{receiver: &receiver{}, table: db, clock: domaintest.NewClock(), root: secret.NewRoot()}
	// The table's own clock is the machine's, so what expires must be of today.
	h.clock.Advance(time.Since(h.clock.Now()).Truncate(time.Millisecond))
	h.w = id.NewWorkspace(h.clock.Now())
	h.owner = grant(h.w, access.Owner)
	h.stranger = grant(id.NewWorkspace(h.clock.Now()), access.Owner)
	h.Service = h.with(db)
	return h
}

// with is another service on a table, with the same receiver.
func (h *house) with(db table.Table) *webhook.Service {
	return webhook.New(webhook.Parts{
		Table: db, Root: func() secret.Root { return h.root }, Sealer: page.NewSealer(h.root), Sender: h.receiver,
	}, webhook.Options{Now: h.clock.Now, Failed: func(webhook.Delivery) { h.failures.Add(1) }})
}

func grant(w id.Workspace, r access.Role) access.Principal {
	return access.Principal{Key: id.NewKey(time.Now()), Grants: map[id.Workspace]access.Role{w: r}}
}

const address = "https://hooks.example/in?token=s3cret"

// mustCreate makes a webhook for some types; none is all.
func (h *house) mustCreate(t testing.TB, address string, types ...bus.Type) webhook.Webhook {
	t.Helper()
	h.clock.Advance(time.Millisecond)
	wh, _, err := h.Create(t.Context(), h.owner, h.w, webhook.Spec{URL: address, Events: types})
	if err != nil {
		t.Fatalf("Create: %v", err)
	}
	return wh
}

// event is an event of an asset of the workspace at a version.
func (h *house) event(a id.Asset, ty bus.Type, version int64) bus.Event {
	return bus.Event{Type: ty, Time: h.clock.Now().Truncate(time.Second), Detail: bus.Detail{
		SchemaVersion: bus.SchemaVersion, ID: fmt.Sprintf("%s:%d", a, version), Workspace: h.w.String(), Asset: a.String(), Version: version,
		Generation: 1, State: asset.Ready, Name: "Poster of the summer.png", Type: "image/png", Size: 1_234_567, Width: 4000, Height: 3000,
		ETag: "d41d8cd98f00b204e9800998ecf8427e", Project: id.NewProject(h.w, h.clock.Now()).String(),
	}}
}

// orderEvent is an event of an order that a client of the workspace created, at a version.
func (h *house) orderEvent(c access.Principal, o id.Order, version int64, status string) bus.Event {
	return bus.Event{Type: bus.OrderUpdated, Time: h.clock.Now().Truncate(time.Second), Detail: bus.Detail{
		SchemaVersion: bus.SchemaVersion, ID: fmt.Sprintf("%s:%d", o, version), Workspace: h.w.String(), Version: version,
		Order: &bus.OrderDetail{
			Order: o.String(), Client: c.Client.String(), Status: status, Metadata: `{"floor": 2, "a": 1.10}`, Product: "areaplan", Name: "Town hall",
		},
	}}
}

func (h *house) newOrder() id.Order { return id.NewOrder(h.w, h.clock.Now()) }

// newClient is a client of the workspace, with a role there.
func (h *house) newClient(r access.Role) access.Principal {
	h.clock.Advance(time.Millisecond)
	c := id.NewClient(h.w, h.clock.Now())
	return access.Principal{Key: c.Key(), Client: c, Grants: map[id.Workspace]access.Role{h.w: r}}
}

// mustOwn makes the webhook of a client.
func (h *house) mustOwn(t testing.TB, c access.Principal, address string) webhook.Webhook {
	t.Helper()
	h.clock.Advance(time.Millisecond)
	wh, _, err := h.CreateOwn(t.Context(), c, id.Webhook{}, address)
	if err != nil {
		t.Fatalf("CreateOwn: %v", err)
	}
	return wh
}

func (h *house) newAsset() id.Asset { return id.NewAsset(h.w, h.clock.Now()) }

func (h *house) mustHandle(t testing.TB, e bus.Event) {
	t.Helper()
	if err := h.Handle(t.Context(), e); err != nil {
		t.Fatalf("Handle(%s): %v", e.Detail.ID, err)
	}
}

func (h *house) mustDue(t testing.TB) int {
	t.Helper()
	n, err := h.Due(t.Context())
	if err != nil {
		t.Fatalf("Due: %v", err)
	}
	return n
}

// deliveries are all of a webhook, newest first.
func (h *house) deliveries(t testing.TB, wh id.Webhook) (all []webhook.Delivery) {
	t.Helper()
	for cursor := ""; ; {
		ds, next, err := h.DeliveriesOf(t.Context(), wh, cursor, 100)
		if err != nil {
			t.Fatalf("Deliveries: %v", err)
		}
		if all = append(all, ds...); next == "" {
			return all
		}
		cursor = next
	}
}

// only is the one delivery of a webhook.
func (h *house) only(t testing.TB, wh id.Webhook) webhook.Delivery {
	t.Helper()
	ds := h.deliveries(t, wh)
	if len(ds) != 1 {
		t.Fatalf("webhook %s has %d deliveries, want 1: %v", wh, len(ds), ds)
	}
	return ds[0]
}

func (h *house) get(t testing.TB, wh id.Webhook) webhook.Webhook {
	t.Helper()
	got, err := h.Get(t.Context(), h.owner, h.w, wh)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	return got
}

// dueRows counts the rows that lead Due somewhere for the house's workspace.
func (h *house) dueRows(t testing.TB) (n int) {
	t.Helper()
	for shard := range schema.WebhookDueShards {
		pg, err := h.table.Query(t.Context(), table.Query{PK: schema.WebhookDuePartition(shard), Limit: table.MaxQuery})
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range pg.Items {
			if it.Str(schema.Workspace) == h.w.String() {
				n++
			}
		}
	}
	return n
}

// rowsOf counts the rows of a webhook's deliveries, deleted or not.
func (h *house) rowsOf(t testing.TB, wh id.Webhook) int {
	t.Helper()
	pg, err := h.table.Query(t.Context(), table.Query{PK: wh.String(), Limit: table.MaxQuery})
	if err != nil {
		t.Fatal(err)
	}
	return len(pg.Items)
}

// runOut lets time pass until nothing is due any more.
func (h *house) runOut(t testing.TB) {
	t.Helper()
	for range 200 {
		if h.dueRows(t) == 0 {
			return
		}
		h.clock.Advance(7 * time.Hour) // more than any wait
		h.mustDue(t)
	}
	t.Fatalf("after weeks %d deliveries are still due", h.dueRows(t))
}

func contains(t testing.TB, what, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%s is %q, want it to say %q", what, text, p)
		}
	}
}
