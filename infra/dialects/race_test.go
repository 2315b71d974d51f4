package dialects_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/assetry/assetry/infra/orderer"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/product/catalog"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

const (
	races    = 12 // on each driver
	racers   = 8  // requests of one race, which begin at once
	raceSize = 2  // inputs of an order
	perScan  = 3  // deliverables of one: a report, a picture, a page
)

// race is an order with two ready inputs, and what several clients of both APIs ask for at the same moment.
type race struct {
	*world
	random *rand.Rand
	order  string
	inputs []string

	mu     sync.Mutex
	did    []string
	gone   map[string]bool // inputs whose deletion was answered
	states []string        // of the order, as submissions and cancellations were answered
}

// TestBothDialectsAtOnce lets clients of both APIs submit, cancel and change an order, and delete and retry its inputs, all at once. Whoever wins:
// an order that was submitted keeps its inputs and is delivered once, what was deleted is gone, and what is counted as open is open.
func TestBothDialectsAtOnce(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open)
		for n := range races {
			r := w.newRace(t, uint64(n))
			r.run(t)
			r.hear(t)
			r.judge(t)
			if t.Failed() {
				t.Fatalf("race %d: order %s, inputs %q:\n%s", n, r.order, r.inputs, strings.Join(r.did, "\n"))
			}
		}
		w.nothingOpen(t)
	})
}

func (w *world) newRace(t *testing.T, seed uint64) *race {
	t.Helper()
	r := &race{world: w, random: rand.New(rand.NewPCG(seed, 7)), gone: map[string]bool{}}
	o, err := w.orders.Begin(t.Context(), fmt.Sprintf("Race %d", seed))
	if err != nil {
		t.Fatal(err)
	}
	r.order = o.ID
	for i := range raceSize {
		a := w.scan(t, int(seed)*raceSize+i)
		r.inputs = append(r.inputs, a)
		if err := w.orders.Ask(t.Context(), `mutation ($o: ID!, $a: ID!) { attachAsset(order_id: $o, asset_id: $a) { order_id } }`, orderer.Vars{"o": o.ID, "a": a}, &o); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// deeds are what racers do, with an input.
var deeds = []struct {
	name string
	do   func(r *race, t *testing.T, input string) error
}{
	{"submit", func(r *race, t *testing.T, _ string) error { return r.state(r.orders.Submit(t.Context(), r.order)) }},
	{"submit", func(r *race, t *testing.T, _ string) error { return r.state(r.orders.Submit(t.Context(), r.order)) }},
	{"delete by the other API", (*race).remove},
	{"delete by the other API", (*race).remove},
	{"retry by the other API", func(r *race, _ *testing.T, input string) error {
		status, answer, err := r.call("POST", "/assets/"+"asset_"+input+"/retry", "", nil)
		return expect(status, answer, err, http.StatusConflict, http.StatusNotFound)
	}},
	{"abandon", func(r *race, t *testing.T, input string) error {
		var s orderer.Session
		return r.orders.Ask(t.Context(), `mutation ($a: ID!) { abandonUpload(asset_id: $a) { asset_id } }`, orderer.Vars{"a": input}, &s)
	}},
	{"cancel", (*race).cancel},
	{"rename", func(r *race, t *testing.T, _ string) error {
		var o orderer.Order
		return r.orders.Ask(t.Context(), `mutation ($o: ID!) { updateOrder(order_id: $o, order_name: "Renamed") { order_id } }`, orderer.Vars{"o": r.order}, &o)
	}},
}

// run lets racers go.
func (r *race) run(t *testing.T) {
	var ready, done sync.WaitGroup
	begin := make(chan struct{})
	for range racers {
		deed, input := deeds[r.random.IntN(len(deeds))], r.inputs[r.random.IntN(len(r.inputs))]
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-begin
			err := deed.do(r, t, input)
			r.mu.Lock()
			r.did = append(r.did, fmt.Sprintf("%s (%s): %v", deed.name, input, err))
			r.mu.Unlock()
			var no *orderer.Refusal
			if err != nil && (!errors.As(err, &no) || no.Code == "INTERNAL") {
				t.Errorf("%s: %v", deed.name, err)
			}
		})
	}
	ready.Wait()
	close(begin)
	done.Wait()
}

// state keeps what an order was answered to be.
func (r *race) state(o orderer.Order, err error) error {
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.states = append(r.states, o.Status)
	}
	return err
}

func (r *race) cancel(t *testing.T, _ string) error {
	var o orderer.Order
	err := r.orders.Ask(t.Context(), `mutation ($o: ID!) { cancelOrder(order_id: $o) { order_status } }`, orderer.Vars{"o": r.order}, &o)
	return r.state(o, err)
}

func (r *race) remove(_ *testing.T, input string) error {
	status, answer, err := r.call("DELETE", "/assets/"+"asset_"+input, "", nil)
	if err == nil && status/100 == 2 {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.gone[input] = true
		return nil
	}
	return expect(status, answer, err, http.StatusConflict, http.StatusNotFound)
}

// expect takes some statuses, success, and 503: to try again.
func expect(status int, answer []byte, err error, some ...int) error {
	if err == nil && status/100 != 2 && status != http.StatusServiceUnavailable && status != http.StatusTooManyRequests && !slices.Contains(some, status) {
		err = fmt.Errorf("%d %s", status, answer)
	}
	return err
}

// hear tells orders of the table's changes: in any order, some twice, and some not at all, as after an outage. Then a visit looks at the order.
func (r *race) hear(t *testing.T) {
	t.Helper()
	for {
		changes, next, err := r.db.Changes(t.Context(), r.seen, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if r.seen = next; len(changes) == 0 {
			break
		}
		r.changes = append(r.changes, changes...)
	}
	changes := slices.Concat(r.changes, r.changes)
	r.changes = nil
	r.random.Shuffle(len(changes), func(i, j int) { changes[i], changes[j] = changes[j], changes[i] })
	for _, c := range changes {
		if r.random.IntN(3) == 0 {
			continue
		}
		if err := r.services.Orders().InputChanged(t.Context(), c); err != nil {
			t.Errorf("the change of %s: %v", c.Key, err)
		}
	}
	if _, err := r.services.Orders().Settle(t.Context(), r.ws, r.id(t)); err != nil {
		t.Errorf("Settle: %v", err)
	}
}

func (r *race) id(t *testing.T) id.Order {
	t.Helper()
	o, err := id.ParseOrder(r.order)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// judge holds the order against what its clients were answered, and lets it be worked on.
func (r *race) judge(t *testing.T) {
	t.Helper()
	o, err := r.services.Orders().Find(t.Context(), r.ws, r.id(t))
	if err != nil {
		t.Fatal(err)
	}
	there := 0
	for _, in := range r.inputs {
		a, err := id.ParseAsset(in)
		if err != nil {
			t.Fatal(err)
		}
		found, err := r.services.Assets().Find(t.Context(), r.ws, a)
		if err != nil && !fault.Is(err, fault.NotFound) {
			t.Fatal(err)
		}
		if (err == nil) == r.gone[in] {
			t.Errorf("input %s was deleted: %t, and is there: %t", in, r.gone[in], err == nil)
		}
		_, err = r.db.Get(t.Context(), schema.InputKey(o.ID, a), table.Strong)
		if (err == nil) != found.Orders.Has(o.ID) {
			t.Errorf("input %s has a row of its order: %t, and names it: %t", in, err == nil, found.Orders.Has(o.ID))
		}
		if err == nil {
			there++
		}
	}
	if there != o.Inputs {
		t.Errorf("the order has %d inputs and rows of %d", o.Inputs, there)
	}
	for _, s := range r.states {
		if s == "PROCESSING" && o.Status != order.Processing || s == "CANCELLED" && o.Status != order.Cancelled {
			t.Errorf("the order was answered as %s, and is %s", s, o.Status)
		}
	}
	switch o.Status {
	case order.Processing:
		r.work(t, o)
	case order.Drafted, order.Initialized:
		if err := r.cancel(t, ""); err != nil {
			t.Errorf("cancel what is left: %v", err)
		}
	case order.Cancelled:
	default:
		t.Errorf("the order is %s", o.Status)
	}
}

// work lets three workers be at an order at once, and holds that it is delivered once.
func (r *race) work(t *testing.T, o order.Order) {
	t.Helper()
	var workers sync.WaitGroup
	for range 3 {
		workers.Go(func() {
			if err := r.services.Processing(catalog.Products()...).Work(t.Context(), r.ws, o.ID, o.Attempt); err != nil {
				t.Errorf("a worker: %v", err)
			}
		})
	}
	workers.Wait()
	got, err := r.orders.Look(t.Context(), r.order)
	if err != nil || got.Status != "COMPLETED" || len(got.Deliverables) != perScan*o.Inputs {
		t.Errorf("the order of %d inputs ended as %+v, %v", o.Inputs, got, err)
	}
}

// nothingOpen holds the counters of the workspace: every order has ended.
func (w *world) nothingOpen(t *testing.T) {
	t.Helper()
	it, err := w.db.Get(t.Context(), schema.OrderCountKey(w.ws), table.Strong)
	if err != nil || it.Int(schema.OpenOrders) != 0 || it.Int(schema.OpenUploads) != 0 {
		t.Errorf("%d orders and %d uploads are counted as open, %v", it.Int(schema.OpenOrders), it.Int(schema.OpenUploads), err)
	}
}
