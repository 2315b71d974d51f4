package order_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

func (w *world) mustVisit(t testing.TB) int {
	t.Helper()
	n, err := w.Visit(t.Context())
	if err != nil {
		t.Fatalf("Visit: %v", err)
	}
	return n
}

// due counts the rows that lead to an order.
func (w *world) due(t failer, o order.Order) (n int) {
	t.Helper()
	for shard := range schema.OrderDueShards {
		pg, err := w.table.Query(context.Background(), table.Query{PK: schema.OrderDuePartition(shard), Limit: table.MaxQuery})
		if err != nil {
			t.Fatalf("read due rows: %v", err)
		}
		for _, it := range pg.Items {
			if _, oid, err := schema.ParseOrderDue(it.Key()); err != nil || oid == o.ID {
				n++
			}
		}
	}
	return n
}

// forgetVisits removes every row that leads to an order.
func (w *world) forgetVisits(t testing.TB) {
	t.Helper()
	for shard := range schema.OrderDueShards {
		pg, err := w.table.Query(t.Context(), table.Query{PK: schema.OrderDuePartition(shard), Limit: table.MaxQuery})
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range pg.Items {
			if _, err := w.table.Write(t.Context(), table.Delete(it.Key(), table.Present())); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestADraftThatNobodySubmitsIsGivenUp(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t)).with(order.Options{DraftFor: 3 * 24 * time.Hour})
		o, kept := w.mustBegin(t), w.mustBegin(t)
		pending, ready := w.mustUpload(t, o), w.mustUpload(t, o)
		a := w.mustReady(t, ready)
		for day := 1; day <= 4; day++ {
			w.clock.Advance(24 * time.Hour)
			if _, err := w.Update(t.Context(), w.client, kept.ID, order.Change{SqFt: to(int64(day))}); err != nil {
				t.Fatal(err)
			}
			w.mustVisit(t)
			want := order.Initialized
			if day >= 3 {
				want = order.Cancelled
			}
			if got := w.mustGet(t, o); got.Status != want || got.Failure == "" != (day < 3) {
				t.Errorf("after %d days the order is %s: %q", day, got.Status, got.Failure)
			}
		}
		if got := w.mustGet(t, kept); got.Status != order.Drafted {
			t.Errorf("an order that is changed every day is %s", got.Status)
		}
		if se, err := w.Session(t.Context(), w.client, pending.Asset.ID, 0); err != nil || se.Status != order.StatusAbandoned {
			t.Errorf("the pending upload is %s, %v", se.Status, err)
		}
		if got, err := w.assets.Get(t.Context(), w.client, a.ID); err != nil || got.State != asset.Ready {
			t.Errorf("the ready input is %s, %v", got.State, err)
		}
		if n := w.due(t, o); n != 0 {
			t.Errorf("%d rows lead to the order that was given up", n)
		}
		if n := w.due(t, kept); n != 1 {
			t.Errorf("%d rows lead to the order that is kept, want 1", n)
		}
		w.hearAll(t)
		w.wantOpen(t, 1, 0)
	})
}

func TestAVisitDoesWhatALostChangeWouldHaveDone(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	o, bad := w.mustBegin(t), w.mustBegin(t)
	se, worse := w.mustUpload(t, o), w.mustUpload(t, bad)
	w.mustSubmit(t, o)
	w.mustSubmit(t, bad)
	w.mustReady(t, se)
	w.mustFail(t, worse)
	w.changes(t) // nobody hears of them
	w.clock.Advance(6 * time.Minute)
	w.mustVisit(t)
	if got := w.mustGet(t, o); got.Status != order.Processing {
		t.Errorf("the order whose input is ready is %s", got.Status)
	}
	if got := w.mustGet(t, bad); got.Status != order.Initialized || len(got.Problems) == 0 {
		t.Errorf("the order whose input failed is %s", got.Status)
	}
	w.wantOpen(t, 2, 0)
}

func TestAVisitShowsOrdersInProcessingToTheWorker(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	var seen []order.Order
	fails := errors.New("said by the test")
	w.work = func(_ context.Context, o order.Order) (time.Time, error) {
		seen = append(seen, o)
		err := fails
		if fails = nil; o.Status != order.Processing {
			return time.Time{}, err
		}
		return w.clock.Now().Add(20 * time.Minute), err
	}
	w.boot()
	o := w.mustBegin(t)
	w.mustReady(t, w.mustUpload(t, o))
	w.forgetVisits(t) // of the draft, which may come at any time of a day
	w.mustSubmit(t, o)
	w.clock.Advance(6 * time.Minute)
	if _, err := w.Visit(t.Context()); err == nil {
		t.Error("Visit hides the worker's error")
	}
	w.mustVisit(t)
	if len(seen) != 2 || seen[1].ID != o.ID || seen[1].Attempt != 1 {
		t.Fatalf("the worker saw %v, want the order twice", seen)
	}
	w.clock.Advance(10 * time.Minute)
	w.mustVisit(t)
	if len(seen) != 2 {
		t.Errorf("the worker is asked before the time that it said")
	}
	w.clock.Advance(12 * time.Minute)
	w.mustVisit(t)
	if len(seen) != 3 {
		t.Errorf("the worker was asked %d times, want 3", len(seen))
	}
	if _, err := w.Complete(t.Context(), w.ws.ID, o.ID, 1); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(30 * time.Minute)
	w.mustVisit(t)
	w.mustVisit(t)
	if n := w.due(t, o); n != 0 || len(seen) != 4 || seen[3].Status != order.Completed {
		t.Errorf("%d rows lead to a completed order, and the worker saw it %d times; want its end once", n, len(seen))
	}
}

func TestRowsThatLeadToAnOrderBecomeOne(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	o := w.mustBegin(t)
	w.mustUpload(t, o)
	w.mustSubmit(t, o)
	if n := w.due(t, o); n < 2 {
		t.Fatalf("%d rows lead to the order, want one for the draft and one for its inputs", n)
	}
	for range 30 {
		w.clock.Advance(time.Hour)
		w.mustVisit(t)
	}
	if n := w.due(t, o); n != 1 {
		t.Errorf("%d rows lead to the order, want 1", n)
	}
}

func TestAVisitThatIsLateBeginsNothing(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	w.mustBegin(t)
	w.clock.Advance(31 * 24 * time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second) // a visit takes up to ten
	defer cancel()
	if n, err := w.Visit(ctx); n != 0 || err != nil {
		t.Errorf("Visit took %d orders in hand, %v; want none so near the deadline", n, err)
	}
	if n := w.mustVisit(t); n != 1 {
		t.Errorf("Visit took %d orders in hand, want 1", n)
	}
}

func TestAMissingOrdersRowGoes(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	o := w.mustBegin(t)
	if _, err := w.table.Write(t.Context(), table.Delete(o.Key(), table.Present())); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(25 * time.Hour)
	w.mustVisit(t)
	if n := w.due(t, o); n != 0 {
		t.Errorf("%d rows lead to no order", n)
	}
	_, err := w.Settle(t.Context(), w.ws.ID, o.ID)
	wantKind(t, err, fault.NotFound)
}
