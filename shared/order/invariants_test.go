package order_test

import (
	"context"
	"slices"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// observe checks what must hold at every moment, whatever was cut off.
func (h *history) observe() {
	defer h.quiet()()
	named := h.consistent()
	for _, a := range h.assets {
		found, err := h.world.assets.Find(context.Background(), h.ws.ID, a)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			h.t.Fatalf("find asset %s: %v", a, err)
		}
		for _, o := range found.Orders.IDs() {
			if !named[o][a] {
				h.t.Fatalf("asset %s names order %s, which does not have it", a, o)
			}
		}
	}
}

// consistent checks every order against its inputs and the counters, and gives which inputs each has.
func (h *history) consistent() map[id.Order]map[id.Asset]bool {
	named := map[id.Order]map[id.Asset]bool{}
	var orders, uploads int64
	for _, oid := range h.orders {
		o, err := h.Find(context.Background(), h.ws.ID, oid)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			h.t.Fatalf("find order %s: %v", oid, err)
		}
		if o.Held() || o.Status == order.Drafted || o.Status == order.Initialized {
			orders++
		}
		named[oid] = map[id.Asset]bool{}
		uploads += h.inputs(o, named[oid])
		n := len(named[oid])
		if n != o.Inputs || (o.Status == order.Drafted) != (n == 0) && (o.Status == order.Drafted || o.Status == order.Initialized) {
			h.t.Fatalf("order %s is %s and says %d inputs; it has %d", oid, o.Status, o.Inputs, n)
		}
	}
	if len(named) == 0 {
		return named
	}
	if gotOrders, gotUploads := h.open(h.t); gotOrders != orders || gotUploads != uploads {
		h.t.Fatalf("%d orders and %d uploads are counted as open; there are %d and %d", gotOrders, gotUploads, orders, uploads)
	}
	return named
}

// inputs checks the inputs of an order and gives how many of them count as open.
func (h *history) inputs(o order.Order, named map[id.Asset]bool) (open int64) {
	pg, err := h.table.Query(context.Background(), table.Query{
		PK: schema.OrderParts(o.ID), From: schema.InputPrefix, To: schema.AfterPrefix(schema.InputPrefix), Limit: 100,
	})
	if err != nil {
		h.t.Fatalf("inputs of %s: %v", o.ID, err)
	}
	for _, it := range pg.Items {
		aid, err := id.ParseAsset(it.Key().SK[len(schema.InputPrefix):])
		if err != nil {
			h.t.Fatal(err)
		}
		named[aid] = true
		if counts, _ := it[schema.Open].(table.Bool); counts {
			open++
		}
		a, err := h.world.assets.Find(context.Background(), h.ws.ID, aid)
		if fault.Is(err, fault.NotFound) && !o.Held() {
			continue // nobody has heard of it yet
		}
		if err != nil || !a.Orders.Has(o.ID) {
			h.t.Fatalf("input %s of order %s (%s): %v, and names %q", aid, o.ID, o.Status, err, a.Orders)
		}
		held := int(it.Int(schema.HeldGen)) == a.Generation && it.Str(schema.HeldObject) == a.Object
		switch {
		case o.Status == order.Processing && (a.State != asset.Ready || !held):
			h.t.Fatalf("order %s is in processing; its input %s is %s, generation %d of %d held", o.ID, aid, a.State, a.Generation, it.Int(schema.HeldGen))
		case o.Status == order.Uploading && int(it.Int(schema.HeldGen)) != a.Generation:
			h.t.Fatalf("order %s waits for generation %d of input %s, which is at %d", o.ID, it.Int(schema.HeldGen), aid, a.Generation)
		}
	}
	return open
}

// settle ends all trouble: what is left of the stream comes twice in any order, and visits make up for what was lost.
func (h *history) settle() {
	h.quiet()
	h.fetch()
	for range 2 {
		for _, c := range h.stream {
			if err := h.InputChanged(context.Background(), c); err != nil {
				h.t.Fatalf("InputChanged without trouble: %v", err)
			}
		}
	}
	h.clock.Advance(25 * time.Hour)
	for range 2 {
		if _, err := h.Visit(context.Background()); err != nil {
			h.t.Fatalf("Visit without trouble: %v", err)
		}
	}
}

// verify checks the end: every order stands where its inputs let it stand, and work is asked for where it is wanted.
func (h *history) verify() {
	h.consistent()
	for _, oid := range h.orders {
		o, err := h.Find(context.Background(), h.ws.ID, oid)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		ins, err := h.InputsOf(context.Background(), o)
		if err != nil || len(ins) != o.Inputs {
			h.t.Fatalf("order %s has %d inputs of %d, %v", oid, len(ins), o.Inputs, err)
		}
		pending := slices.ContainsFunc(ins, func(in order.Input) bool { return in.Asset.State == asset.Pending })
		failed := slices.ContainsFunc(ins, func(in order.Input) bool { return in.Asset.State == asset.Failed })
		switch {
		case o.Status == order.Uploading && (!pending || failed):
			h.t.Fatalf("order %s is still UPLOADING", oid)
		case o.Status == order.Cancelled && pending:
			h.t.Fatalf("order %s is cancelled, and an upload of it is pending", oid)
		case o.Status == order.Processing:
			work, err := h.table.Get(context.Background(), schema.WorkKey(oid), table.Strong)
			if err != nil || int(work.Int(schema.Attempt)) != o.Attempt {
				h.t.Fatalf("order %s is at attempt %d, its work %v, %v", oid, o.Attempt, work, err)
			}
		}
		ended := o.Status == order.Cancelled || o.Status == order.Completed || o.Status == order.Error
		if n := h.due(h.t, o); ended == (n > 0) {
			h.t.Fatalf("order %s is %s, and %d rows lead to it", oid, o.Status, n)
		}
		h.countsOnlyPending(o)
	}
}

// countsOnlyPending checks that nothing is counted as open that is not on its way.
func (h *history) countsOnlyPending(o order.Order) {
	ins, err := h.InputsOf(context.Background(), o)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, in := range ins {
		it, err := h.table.Get(context.Background(), schema.InputKey(o.ID, in.Asset.ID), table.Strong)
		if counts, _ := it[schema.Open].(table.Bool); err != nil || bool(counts) && in.Asset.State != asset.Pending {
			h.t.Fatalf("input %s of order %s (%s) is %s and counts as open, %v", in.Asset.ID, o.ID, o.Status, in.Asset.State, err)
		}
	}
}
