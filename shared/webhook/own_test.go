package webhook_test

import (
	"errors"
	"flag"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/webhook"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

func TestAClientHasOneWebhookOfItsOwn(t *testing.T) {
	h := newHouse(t)
	c := h.newClient(access.Editor)
	if _, err := h.Own(t.Context(), c); !fault.Is(err, fault.NotFound) {
		t.Errorf("Own of a client without one gave %v, want %q", err, fault.NotFound)
	}
	wh, secret, err := h.CreateOwn(t.Context(), c, id.Webhook{}, address)
	if err != nil || secret == "" {
		t.Fatalf("CreateOwn gave the secret %q, %v", secret, err)
	}
	want := webhook.Webhook{ID: wh.ID, Workspace: h.w, Client: c.Client, URL: address, Enabled: true, Epoch: 1, CreatedBy: c.Key, Version: 1}
	got, err := h.Own(t.Context(), c)
	if diff := cmp.Diff([]webhook.Webhook{want, want}, []webhook.Webhook{wh, got}); diff != "" || err != nil {
		t.Errorf("CreateOwn and Own gave %v (-want +got):\n%s", err, diff)
	}
	_, _, err = h.CreateOwn(t.Context(), c, id.Webhook{}, address)
	domaintest.WantKind(t, "a second CreateOwn", err, fault.Conflict)
	_, _, err = h.CreateOwn(t.Context(), c, wh.ID, address)
	domaintest.WantKind(t, "CreateOwn under the same id", err, fault.Duplicate)
	h.mustOwn(t, h.newClient(access.Editor), address)
	if all, _, err := h.List(t.Context(), h.owner, h.w, "", 100); err != nil || len(all) != 0 {
		t.Errorf("the workspace lists %v, %v; webhooks of clients are not among its own", all, err)
	}
}

func TestTheSecretIsShownAgainToARepeat(t *testing.T) {
	h := newHouse(t)
	c := h.newClient(access.Editor)
	wh, first, err := h.CreateOwn(t.Context(), c, id.Webhook{}, address)
	if err != nil {
		t.Fatal(err)
	}
	got, shown, err := h.ShowOwn(t.Context(), c, wh.ID)
	if err != nil || got.ID != wh.ID || shown != first {
		t.Errorf("ShowOwn = %s, the same secret: %t, %v", got.ID, shown == first, err)
	}
	_, rotated, err := h.RotateOwn(t.Context(), c, wh.ID)
	if err != nil || rotated == first {
		t.Fatalf("RotateOwn gave the same secret: %t, %v", rotated == first, err)
	}
	if _, shown, err := h.ShowOwn(t.Context(), c, wh.ID); err != nil || shown != rotated {
		t.Errorf("ShowOwn after a rotation gave the present secret: %t, %v", shown == rotated, err)
	}
	_, _, err = h.ShowOwn(t.Context(), h.newClient(access.Editor), wh.ID)
	domaintest.WantKind(t, "ShowOwn by another client", err, fault.NotFound)
}

func TestOfManyWhoCreateAtOnceOneDoes(t *testing.T) {
	onBothDrivers(t, func(t *testing.T, h *house) {
		c := h.newClient(access.Editor)
		var made atomic.Int64
		domaintest.Together(8, func(int) {
			switch _, _, err := h.CreateOwn(t.Context(), c, id.Webhook{}, address); {
			case err == nil:
				made.Add(1)
			case !fault.Is(err, fault.Conflict):
				t.Errorf("CreateOwn: %v", err)
			}
		})
		if made.Load() != 1 {
			t.Errorf("%d of 8 were made, want 1", made.Load())
		}
	})
}

func TestCreateOwnSucceedsWhenTheFirstAnswerWasLost(t *testing.T) {
	h := newHouse(t)
	c := h.newClient(access.Editor)
	wh, secret, err := h.with(domaintest.Repeating{Table: h.table}).CreateOwn(t.Context(), c, id.Webhook{}, address)
	if err != nil || secret == "" {
		t.Fatalf("CreateOwn gave the secret %q, %v", secret, err)
	}
	if got, err := h.Own(t.Context(), c); err != nil || got.ID != wh.ID {
		t.Errorf("Own = %v, %v, want %s", got.ID, err, wh.ID)
	}
}

func TestWhoMayDoWhatWithAWebhookOfItsOwn(t *testing.T) {
	h := newHouse(t)
	mine := h.newClient(access.Editor)
	wh := h.mustOwn(t, mine, address)
	reader := mine
	reader.Grants = map[id.Workspace]access.Role{h.w: access.Viewer}
	other := h.newClient(access.Editor)
	h.mustOwn(t, other, address)
	steps := map[string]func(p access.Principal) error{
		"create": func(p access.Principal) error {
			_, _, err := h.CreateOwn(t.Context(), p, id.Webhook{}, address)
			return err
		},
		"update": func(p access.Principal) error { _, err := h.UpdateOwn(t.Context(), p, wh.ID, address); return err },
		"rotate": func(p access.Principal) error { _, _, err := h.RotateOwn(t.Context(), p, wh.ID); return err },
		"delete": func(p access.Principal) error { _, err := h.DeleteOwn(t.Context(), p, wh.ID); return err },
	}
	for _, tt := range []struct {
		name           string
		who            access.Principal
		create, change fault.Kind
	}{
		{"an API key", h.owner, fault.Forbidden, fault.Forbidden},
		{"nobody", access.Principal{}, fault.Forbidden, fault.Forbidden},
		{"the client with the scope read", reader, fault.Forbidden, fault.Forbidden},
		{"another client of the workspace", other, fault.Conflict, fault.NotFound},
	} {
		for verb, do := range steps {
			want := tt.change
			if verb == "create" {
				want = tt.create
			}
			domaintest.WantKind(t, verb+" by "+tt.name, do(tt.who), want)
		}
	}
	if got, err := h.Own(t.Context(), reader); err != nil || got.ID != wh.ID {
		t.Errorf("Own with the scope read = %v, %v, want %s", got.ID, err, wh.ID)
	}
	_, err := h.Own(t.Context(), h.owner)
	domaintest.WantKind(t, "Own by an API key", err, fault.Forbidden)
}

func TestAddressesOfClientsAreCheckedLikeAnyOther(t *testing.T) {
	h := newHouse(t)
	c := h.newClient(access.Editor)
	_, _, err := h.CreateOwn(t.Context(), c, id.Webhook{}, "https://10.0.0.1/")
	domaintest.WantKind(t, "CreateOwn at an inner address", err, fault.Invalid)
	wh := h.mustOwn(t, c, address)
	_, err = h.UpdateOwn(t.Context(), c, wh.ID, "ftp://a.example")
	domaintest.WantKind(t, "UpdateOwn to another scheme", err, fault.Invalid)
	if fs := fault.FieldsOf(err); len(fs) != 1 || fs[0].Name != "url" {
		t.Errorf("the refusal names %v, want url", fs)
	}
}

// The body that the published schema documents, to the byte.
func TestWhatIsSentOfAnOrder(t *testing.T) {
	h := newHouse(t)
	h.clock.Advance(time.Date(2030, 5, 17, 9, 30, 2, 0, time.UTC).Sub(h.clock.Now()))
	c := h.newClient(access.Editor)
	_, secret, err := h.CreateOwn(t.Context(), c, id.Webhook{}, address)
	if err != nil {
		t.Fatal(err)
	}
	o, err := id.ParseOrder("194cce76-172b-7465-b59e-18e4ee8dd820")
	if err != nil {
		t.Fatal(err)
	}
	failed := h.orderEvent(c, o, 7, "ERROR")
	failed.Detail.Order.Failure = "Scan 1 has 12 points; at least 100 are needed."
	plain := h.orderEvent(c, o, 8, "INITIALIZED")
	plain.Detail.Order.Metadata = ""
	bodies := ""
	for _, e := range []bus.Event{failed, plain} {
		e.Time = time.Date(2030, 5, 17, 9, 30, 2, 0, time.FixedZone("", 7200))
		h.mustHandle(t, e)
		r := h.last(t)
		bodies += r.body + "\n"
		if !signedBy(t, secret, r) || r.headers[webhook.HeaderID] != e.Detail.ID {
			t.Errorf("the receiver refuses %s under the id %s", r.body, r.headers[webhook.HeaderID])
		}
	}
	const golden = "testdata/order.updated.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(bodies), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), bodies); diff != "" {
		t.Errorf("bodies (-want +got):\n%s", diff)
	}
}

func TestAnOrderIsToldToItsClientAlone(t *testing.T) {
	h := newHouse(t)
	mine, other, silent := h.newClient(access.Editor), h.newClient(access.Editor), h.newClient(access.Editor)
	h.mustOwn(t, mine, "https://mine.example/")
	h.mustOwn(t, other, "https://other.example/")
	h.mustCreate(t, "https://workspace.example/")
	e := h.orderEvent(mine, h.newOrder(), 2, "INITIALIZED")
	for range 3 { // the queue may deliver again
		h.mustHandle(t, e)
	}
	h.mustHandle(t, h.orderEvent(silent, h.newOrder(), 2, "INITIALIZED"))
	h.mustHandle(t, h.event(h.newAsset(), bus.AssetReady, 2))
	for url, want := range map[string]int{"https://mine.example/": 1, "https://other.example/": 0, "https://workspace.example/": 1} {
		if n := len(h.versions(url)); n != want {
			t.Errorf("%s got %d requests, want %d", url, n, want)
		}
	}
	broken := h.orderEvent(mine, h.newOrder(), 2, "INITIALIZED")
	broken.Detail.Order.Client = "somebody"
	if err := h.Handle(t.Context(), broken); err == nil {
		t.Error("an event of an order without a client gave no error")
	}
	broken.Detail.Order = nil
	if err := h.Handle(t.Context(), broken); err == nil {
		t.Error("an event without an order gave no error")
	}
}

func TestAnOlderTransitionOfAnOrderIsNotSentAfterALaterOne(t *testing.T) {
	h := newHouse(t)
	c := h.newClient(access.Editor)
	wh := h.mustOwn(t, c, address)
	o := h.newOrder()
	h.mustHandle(t, h.orderEvent(c, o, 3, "PROCESSING"))
	h.mustHandle(t, h.orderEvent(c, o, 2, "UPLOADING"))
	h.mustHandle(t, h.orderEvent(c, h.newOrder(), 2, "UPLOADING")) // another order has a sequence of its own
	if diff := cmp.Diff([]int64{3, 2}, h.versions(wh.URL)); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	for _, d := range h.deliveries(t, wh.ID) {
		if late := d.Event == o.String()+":2"; late != (d.State == webhook.Superseded) || late != (d.Failure == "A later version of the order had been sent.") {
			t.Errorf("delivery of %s is %s: %s", d.Event, d.State, d.Failure)
		}
	}
}

// What fails is tried again, and what was given up counts against the webhook that it was for: a later one of the same client begins anew.
func TestAWebhookOfAClientIsTriedAgainDisabledAndMadeAnew(t *testing.T) {
	h := newHouse(t)
	c := h.newClient(access.Editor)
	first := h.mustOwn(t, c, address)
	h.says(500)
	h.mustHandle(t, h.orderEvent(c, h.newOrder(), 2, "INITIALIZED"))
	h.clock.Advance(2 * time.Minute)
	if n := h.mustDue(t); n != 1 {
		t.Fatalf("Due took %d, want the delivery that failed", n)
	}
	h.says(410)
	h.clock.Advance(time.Hour)
	h.mustDue(t)
	if got, err := h.Own(t.Context(), c); err != nil || got.Enabled || got.Failures != 1 || h.only(t, first.ID).State != webhook.Dead {
		t.Errorf("after 410 the webhook is %+v, %v, want it disabled by one dead delivery", got, err)
	}
	h.says(200)
	e := h.orderEvent(c, h.newOrder(), 2, "INITIALIZED")
	h.mustHandle(t, e)
	if n := len(h.deliveries(t, first.ID)); n != 1 {
		t.Errorf("a disabled webhook has %d deliveries, want the first alone", n)
	}
	if got, err := h.UpdateOwn(t.Context(), c, first.ID, address); err != nil || !got.Enabled || got.Failures != 0 {
		t.Errorf("UpdateOwn = %+v, %v, want it enabled", got, err)
	}
	h.mustHandle(t, e)
	if d := h.deliveries(t, first.ID)[0]; d.State != webhook.Delivered {
		t.Errorf("after it was enabled the delivery is %s, want %s", d.State, webhook.Delivered)
	}
}

func TestWhatWasForADeletedWebhookDoesNotReachTheNext(t *testing.T) {
	h := newHouse(t)
	c := h.newClient(access.Editor)
	first := h.mustOwn(t, c, "https://first.example/")
	h.says(500)
	h.mustHandle(t, h.orderEvent(c, h.newOrder(), 2, "INITIALIZED"))
	if _, err := h.DeleteOwn(t.Context(), c, first.ID); err != nil {
		t.Fatal(err)
	}
	_, err := h.DeleteOwn(t.Context(), c, first.ID)
	domaintest.WantKind(t, "DeleteOwn again", err, fault.NotFound)
	next, _, err := h.CreateOwn(t.Context(), c, id.Webhook{}, "https://next.example/")
	if err != nil || next.ID == first.ID {
		t.Fatalf("CreateOwn = %s, %v, want another webhook than %s", next.ID, err, first.ID)
	}
	_, err = h.DeleteOwn(t.Context(), c, first.ID)
	domaintest.WantKind(t, "DeleteOwn of the first one", err, fault.NotFound)
	_, err = h.UpdateOwn(t.Context(), c, first.ID, address)
	domaintest.WantKind(t, "UpdateOwn of the first one", err, fault.NotFound)
	h.runOut(t)
	if n := len(h.versions(next.URL)); n != 0 || h.rowsOf(t, first.ID) != 0 {
		t.Errorf("the next webhook got %d requests, and the first has %d deliveries left; want none", n, h.rowsOf(t, first.ID))
	}
	if got, err := h.Own(t.Context(), c); err != nil || got.Failures != 0 || !got.Enabled {
		t.Errorf("the next webhook is %+v, %v; want no failures of the first", got, err)
	}
}

// The last attempt may end after the webhook was deleted and made anew: the failure is the first one's.
func TestADeathThatComesTooLateCountsForNobody(t *testing.T) {
	h := newHouse(t)
	c := h.newClient(access.Editor)
	first := h.mustOwn(t, c, address)
	h.says(410)
	h.during = func() {
		h.during = nil
		_, err := h.DeleteOwn(t.Context(), c, first.ID)
		_, _, again := h.CreateOwn(t.Context(), c, id.Webhook{}, address)
		if err := errors.Join(err, again); err != nil {
			t.Error(err)
		}
	}
	h.mustHandle(t, h.orderEvent(c, h.newOrder(), 2, "INITIALIZED"))
	if got, err := h.Own(t.Context(), c); err != nil || got.ID == first.ID || got.Failures != 0 || !got.Enabled || got.Version != 1 {
		t.Errorf("the next webhook is %+v, %v; want it untouched", got, err)
	}
	if d := h.only(t, first.ID); d.State != webhook.Dead {
		t.Errorf("the delivery is %s, want %s", d.State, webhook.Dead)
	}
}

func TestTheStreamTellsWhichWebhookWasDeleted(t *testing.T) {
	h := newHouse(t)
	c := h.newClient(access.Editor)
	wh := h.mustOwn(t, c, address)
	pg, err := h.table.Query(t.Context(), table.Query{PK: h.w.String(), Limit: table.MaxQuery})
	if err != nil || len(pg.Items) != 1 {
		t.Fatalf("the workspace has %v, %v; want the one row", pg.Items, err)
	}
	row := pg.Items[0]
	for _, tt := range []struct {
		name string
		c    table.Change
		ok   bool
	}{
		{"a delete", table.Change{Key: row.Key(), Old: row}, true},
		{"a change", table.Change{Key: row.Key(), Old: row, New: row}, false},
		{"the delete of something else", table.Change{Key: table.Key{PK: h.w.String(), SK: "workspace"}}, false},
	} {
		if got, ok := webhook.Deleted(tt.c); ok != tt.ok || ok && got != wh.ID {
			t.Errorf("Deleted of %s = %s, %t, want %t", tt.name, got, ok, tt.ok)
		}
	}
	for range 2 { // the stream may tell of it again
		if err := h.RemoveOf(t.Context(), h.w, c.Client); err != nil {
			t.Errorf("RemoveOf: %v", err)
		}
	}
	_, err = h.Own(t.Context(), c)
	domaintest.WantKind(t, "Own after RemoveOf", err, fault.NotFound)
}
