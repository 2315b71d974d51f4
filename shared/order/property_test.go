package order_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/tabletest"
)

// history is a random sequence of everything that may happen to orders and their inputs.
type history struct {
	*world
	t      *rapid.T
	orders []id.Order
	assets []id.Asset
	urls   map[id.Asset]string // of uploads that take bytes
	stream []table.Change      // changes that are still to be delivered
	within int                 // how many actions are under way inside each other
	cut    context.CancelFunc  // ends the action that is under way
	ctx    context.Context
}

// step is one thing that may happen. It may be cut off in the middle.
func (h *history) step() {
	actions := []func(){
		h.begin, h.upload, h.upload, h.send, h.send, h.finish, h.finish, h.finish, h.attach, h.attach, h.abandon,
		h.submit, h.submit, h.submit, h.cancel, h.delete, h.retry, h.deliver, h.deliver, h.deliver, h.duplicate, h.lose, h.visit, h.end, h.end, h.expire, h.update,
	}
	before := h.ctx
	h.ctx, h.cut = context.WithCancel(context.Background())
	actions[rapid.IntRange(0, len(actions)-1).Draw(h.t, "action")]()
	h.cut()
	h.ctx = before
	h.fetch()
}

// ok accepts success, what an action may say, and the faults that were injected; everything else is a bug.
func (h *history) ok(what string, err error, also ...fault.Kind) bool {
	if err == nil {
		return true
	}
	if errors.Is(err, context.Canceled) {
		return false
	}
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		for _, e := range joined.Unwrap() {
			h.ok(what, e, also...)
		}
		return false
	}
	for _, k := range append(also, fault.Throttled, fault.Unavailable, fault.Conflict, fault.NotFound) {
		if fault.Is(err, k) {
			return false
		}
	}
	h.t.Fatalf("%s: %v", what, err)
	return false
}

func (h *history) anOrder() (id.Order, bool) {
	if len(h.orders) == 0 {
		return id.Order{}, false
	}
	return rapid.SampledFrom(h.orders).Draw(h.t, "order"), true
}

func (h *history) anAsset() (id.Asset, bool) {
	if len(h.assets) == 0 {
		return id.Asset{}, false
	}
	return rapid.SampledFrom(h.assets).Draw(h.t, "asset"), true
}

func (h *history) begin() {
	d := draft()
	d.ID = id.NewOrder(h.ws.ID, h.clock.Now())
	h.orders = append(h.orders, d.ID) // it may be there although the answer was lost
	_, err := h.Initialize(h.ctx, h.client, d)
	h.ok("Initialize", err)
}

func (h *history) update() {
	if o, is := h.anOrder(); is {
		_, err := h.Update(h.ctx, h.client, o, order.Change{SqFt: to(int64(rapid.IntRange(0, 3).Draw(h.t, "sqft")))})
		h.ok("Update", err)
	}
}

func (h *history) upload() {
	o, is := h.anOrder()
	if !is {
		return
	}
	u := single()
	u.ID = id.NewAsset(h.ws.ID, h.clock.Now())
	h.assets = append(h.assets, u.ID)
	se, err := h.BeginUpload(h.ctx, h.client, o, u)
	if h.ok("BeginUpload", err) {
		h.urls[u.ID] = se.PutURL
	}
}

func (h *history) send() {
	a, is := h.anAsset()
	if !is || h.urls[a] == "" {
		return
	}
	body := picture
	if rapid.IntRange(0, 3).Draw(h.t, "good") > 0 {
		body = scan(1)
	}
	h.world.send(h.t, h.urls[a], body)
	delete(h.urls, a)
}

func (h *history) finish() {
	if a, is := h.anAsset(); is {
		_, err := h.FinalizeUpload(h.ctx, h.client, a, id.Order{}, "", nil)
		h.ok("FinalizeUpload", err)
	}
}

func (h *history) attach() {
	o, is := h.anOrder()
	a, also := h.anAsset()
	if is && also {
		_, err := h.Attach(h.ctx, h.client, o, a)
		h.ok("Attach", err)
	}
}

func (h *history) abandon() {
	if a, is := h.anAsset(); is {
		_, err := h.Abandon(h.ctx, h.client, a)
		h.ok("Abandon", err)
	}
}

func (h *history) submit() {
	if o, is := h.anOrder(); is {
		_, err := h.Submit(h.ctx, h.client, o)
		h.ok("Submit", err, fault.Invalid)
	}
}

func (h *history) cancel() {
	if o, is := h.anOrder(); is {
		_, err := h.Cancel(h.ctx, h.client, o)
		h.ok("Cancel", err)
	}
}

func (h *history) delete() {
	if a, is := h.anAsset(); is {
		h.ok("Delete", h.world.assets.Delete(h.ctx, h.client, a))
	}
}

func (h *history) retry() {
	if a, is := h.anAsset(); is {
		_, way, err := h.uploads.Retry(h.ctx, h.client, a, "")
		if h.ok("Retry", err) && way.Put != nil {
			h.urls[a] = way.Put.URL
		}
	}
}

// expire is the sweeper that gives an upload up.
func (h *history) expire() {
	a, is := h.anAsset()
	if !is {
		return
	}
	found, err := h.world.assets.Find(h.ctx, h.ws.ID, a)
	if h.ok("Find", err) && found.State == asset.Pending {
		_, err := h.uploads.Expire(h.ctx, found)
		h.ok("Expire", err)
	}
}

// fetch takes what the feed has to tell of assets.
func (h *history) fetch() {
	for _, c := range h.changes(h.t) {
		if _, _, _, is := schema.ParseAssetKey(c.Key); is {
			h.stream = append(h.stream, c)
		}
	}
}

func (h *history) change() int {
	if len(h.stream) == 0 {
		return -1
	}
	return rapid.IntRange(0, len(h.stream)-1).Draw(h.t, "change")
}

func (h *history) deliver() {
	if i := h.change(); i >= 0 {
		c := h.stream[i]
		if err := h.InputChanged(h.ctx, c); h.ok("InputChanged", err) {
			h.stream = slices.DeleteFunc(h.stream, func(d table.Change) bool { return d.Seq == c.Seq })
		}
	}
}

func (h *history) duplicate() {
	if i := h.change(); i >= 0 {
		h.ok("InputChanged", h.InputChanged(h.ctx, h.stream[i]))
	}
}

func (h *history) lose() {
	if i := h.change(); i >= 0 {
		h.stream = slices.Delete(h.stream, i, i+1)
	}
}

func (h *history) visit() {
	h.clock.Advance(time.Duration(rapid.IntRange(1, 30).Draw(h.t, "minutes")) * time.Minute)
	defer h.alone()()
	_, err := h.Visit(h.ctx)
	h.ok("Visit", err)
}

// alone draws the trouble of what goes on in many goroutines from one seed, until the returned function is called: a history has one order of draws.
func (h *history) alone() func() {
	if h.hooked.before == nil {
		return func() {}
	}
	random, cut := rand.New(rand.NewPCG(rapid.Uint64().Draw(h.t, "seed"), 1)), h.cut
	h.hooked.before = nil
	h.table.Script(func(tabletest.Call) tabletest.Fault { // which one call at a time asks
		switch random.IntN(60) {
		case 0:
			cut()
		case 1, 2, 3:
			return []tabletest.Fault{tabletest.Throttle, tabletest.LoseCall, tabletest.LoseAnswer}[random.IntN(3)]
		}
		return tabletest.None
	})
	return func() {
		h.hooked.before = h.meanwhile
		h.table.Script(h.fault)
	}
}

// end is a worker that comes to an end with some attempt.
func (h *history) end() {
	o, is := h.anOrder()
	if !is {
		return
	}
	attempt, w := rapid.IntRange(1, 2).Draw(h.t, "attempt"), h.ws.ID
	if rapid.Bool().Draw(h.t, "completes") {
		_, err := h.Complete(h.ctx, w, o, attempt)
		h.ok("Complete", err)
		return
	}
	_, err := h.Fail(h.ctx, w, o, attempt, "said by the test")
	h.ok("Fail", err)
}

// meanwhile lets other things happen before a write, or ends the action there.
func (h *history) meanwhile() {
	switch n := rapid.IntRange(0, 23).Draw(h.t, "meanwhile"); {
	case n == 0:
		h.cut()
	case n < 5 && h.within < 2:
		h.within++
		cut := h.cut
		for range rapid.IntRange(1, 3).Draw(h.t, "steps meanwhile") {
			h.step()
		}
		h.cut = cut
		h.within--
	}
}

func (h *history) fault(tabletest.Call) tabletest.Fault {
	return rapid.SampledFrom(append(make([]tabletest.Fault, 22), tabletest.Throttle, tabletest.LoseCall, tabletest.LoseAnswer)).Draw(h.t, "fault")
}

// quiet ends all trouble until the returned function is called.
func (h *history) quiet() func() {
	before := h.hooked.before
	h.hooked.before = nil
	h.table.Script(nil)
	return func() {
		h.hooked.before = before
		h.table.Script(h.fault)
	}
}

// run checks histories on one table: each is a workspace of its own.
func run(t *testing.T, db domaintest.Driver, trouble bool) {
	w := newWorld(t, db)
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{world: w, t: rt, urls: map[id.Asset]string{}}
		w.clock.Advance(32 * 24 * time.Hour) // the orders of the history before are over, or their drafts have expired
		w.hooked.before = nil
		w.table.Script(nil)
		w.ws = w.mustWorkspace(t)
		w.client = clientOf(w.ws.ID, access.Editor)
		h.changes(rt)
		if trouble {
			w.hooked.before = h.meanwhile
			w.table.Script(h.fault)
		}
		for range rapid.IntRange(5, 50).Draw(rt, "steps") {
			h.step()
			if trouble {
				h.observe()
			} else {
				h.consistent()
			}
		}
		h.settle()
		h.verify()
	})
}

// Whatever is repeated, reordered, lost, cut off at any write or done in the middle of something else: the status of an order agrees with its
// inputs, the counters with both, nothing that is held changes or goes, and in the end no order waits for what cannot come.
func TestOrdersAgreeWithTheirInputs(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		db := open(t)
		domaintest.Checks(t, histories(t, 30))
		run(t, db, false)
	})
}

func TestOrdersAgreeWithTheirInputsInTrouble(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		db := open(t)
		domaintest.Checks(t, histories(t, 50))
		run(t, db, true)
	})
}

// histories is how many a driver tries of some: DynamoDB Local runs the same code, far slower.
func histories(t *testing.T, n int) int {
	if strings.HasSuffix(t.Name(), "dynamo") {
		return n / 10
	}
	return n
}
