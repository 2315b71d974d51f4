package upload_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/upload"
)

// holder takes hold of assets as orders do, by rows of its own in the same table.
type holder struct{ table table.Table }

var _ asset.Holds = holder{}

// Holding reads the rows of orders.
func (h holder) Holding(ctx context.Context, w id.Workspace, orders []id.Order) (id.Order, bool, error) {
	for _, o := range orders {
		it, err := h.table.Get(ctx, schema.OrderKey(w, o), table.Strong)
		if err == nil && it.Str(schema.OrderStatus) == "PROCESSING" {
			return o, true, nil
		}
		if err != nil && err != table.ErrNotFound {
			return o, false, err
		}
	}
	return id.Order{}, false, nil
}

// take makes an order hold an asset as it is: one transaction that counts in the asset's version.
func (h holder) take(ctx context.Context, o id.Order, a asset.Asset) error {
	k := schema.OrderKey(a.Workspace, o)
	return table.Decide(ctx, h.table, []table.Write{
		table.Put(table.Item{
			table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK), schema.OrderStatus: table.String("PROCESSING"),
		}, table.Absent()),
		table.Update(a.Key(), table.All(
			table.Eq(schema.Generation, table.Int(int64(a.Generation))), table.Eq(schema.State, table.String(a.State)),
		), table.Add(schema.Version, table.Int(1))),
	})
}

// release ends a hold.
func (h holder) release(t testing.TB, w id.Workspace, o id.Order) {
	t.Helper()
	if _, err := h.table.Write(context.Background(), table.Delete(schema.OrderKey(w, o), table.Present())); err != nil {
		t.Fatal(err)
	}
}

// holding is a world whose assets can be held.
func holding(t testing.TB, db domaintest.Driver) (*world, holder) {
	w := newWorld(t, db)
	h := holder{w.table}
	w.holds = h
	w.boot()
	return w, h
}

// beginFor announces a list of points for an order.
func (w *world) beginFor(t testing.TB, o id.Order) (asset.Asset, upload.PutGrant) {
	t.Helper()
	d := w.xyz()
	d.Orders = asset.OrdersOf(o)
	a, g, err := w.uploads.BeginPut(context.Background(), w.who, d, 0)
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	return a, g
}

func TestAHeldAssetIsNeitherDeletedNorRetried(t *testing.T) {
	ctx := context.Background()
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w, h := holding(t, open(t))
		o := id.NewOrder(w.ws.ID, w.clock.Now())
		wantHeld := func(what string, err error) {
			t.Helper()
			if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), o.String()) || !strings.Contains(err.Error(), "cancel the order") {
				t.Errorf("%s = %v; want a conflict that names order %s and what to do", what, err, o)
			}
		}
		ready, g := w.beginFor(t, o)
		w.mustPut(t, g.URL, points(1, 1000))
		w.deliverAll(t)
		ready = w.get(t, ready.ID)
		bad, g := w.beginFor(t, o)
		w.mustPut(t, g.URL, html)
		w.deliverAll(t)
		bad = w.get(t, bad.ID)
		if ready.State != asset.Ready || bad.State != asset.Failed || !ready.Orders.Has(o) {
			t.Fatalf("begun with %+v and %+v", ready, bad)
		}

		if err := h.take(ctx, o, ready); err != nil {
			t.Fatal(err)
		}
		wantHeld("delete", w.assets.Delete(ctx, w.who, ready.ID))
		_, way, err := w.uploads.Retry(ctx, w.who, bad.ID, "")
		wantHeld("retry", err)
		if way != (upload.Way{}) {
			t.Errorf("the retry granted %+v", way)
		}
		if got := w.get(t, ready.ID); got.Version != ready.Version+1 {
			t.Errorf("the row is of version %d, want that of the hold, %d", got.Version, ready.Version+1)
		}

		h.release(t, w.ws.ID, o)
		if _, way, err := w.uploads.Retry(ctx, w.who, bad.ID, ""); err != nil || way.Put == nil {
			t.Errorf("retry once it is free = %+v, %v", way, err)
		}
		if err := w.assets.Delete(ctx, w.who, ready.ID); err != nil {
			t.Errorf("delete once it is free: %v", err)
		}
	})
}

func TestAHoldAndADeleteAtOnceHaveOneWinner(t *testing.T) {
	ctx := context.Background()
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w, h := holding(t, open(t))
		for range 8 {
			o := id.NewOrder(w.ws.ID, time.Now())
			a, g := w.beginFor(t, o)
			w.mustPut(t, g.URL, points(1, 1000))
			w.deliverAll(t)
			a = w.get(t, a.ID)
			var held, deleted error
			var wg sync.WaitGroup
			wg.Go(func() { held = h.take(ctx, o, a) })
			wg.Go(func() { deleted = w.assets.Delete(ctx, w.who, a.ID) })
			wg.Wait()
			_, err := w.assets.Get(ctx, w.who, a.ID)
			switch {
			case held == nil && fault.Is(deleted, fault.Conflict) && err == nil:
			case table.Refused(held) != nil && deleted == nil && fault.Is(err, fault.NotFound):
			default:
				t.Errorf("hold: %v; delete: %v; then get: %v", held, deleted, err)
			}
		}
	})
}

// A service that is told of no holder is one of a function that nobody can hold anything of; it asks nobody.
func TestWithoutHoldersNothingIsHeld(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	a, _ := w.beginFor(t, id.NewOrder(w.ws.ID, w.clock.Now()))
	if err := asset.Free(t.Context(), nil, a); err != nil {
		t.Errorf("Free = %v", err)
	}
	if err := w.assets.Delete(t.Context(), w.who, a.ID); err != nil {
		t.Errorf("delete: %v", err)
	}
	h := holder{w.table}
	b, _ := w.beginPut(t, 0)
	if spent := cost(t, func(ctx context.Context) error { return asset.Free(ctx, h, b) }); spent.Requests > 0 {
		t.Errorf("an asset of no order was asked for with %d requests", spent.Requests)
	}
	domaintest.WantKind(t, "get", func() error { _, err := w.assets.Get(t.Context(), w.who, a.ID); return err }(), fault.NotFound)
}
