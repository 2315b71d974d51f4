package reconcile_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/reconcile"
	"github.com/assetry/assetry/shared/table"
)

func TestOrdersThatMayHaveChangedSinceAreToldAgain(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		since := w.clock.Now().UTC().Truncate(time.Millisecond)
		early, late := since.Add(-time.Hour), since.Add(time.Minute)
		put := func(status order.Status, began, changed time.Time) id.Order {
			t.Helper()
			o := order.Order{
				ID: id.NewOrder(w.ws, began), Workspace: w.ws, Client: id.NewClient(w.ws, began), Version: 7, Status: status, Name: "Office",
				Product: "areaplan", ChangedAt: changed, SubmittedAt: began, Attempt: 1,
			}
			if _, err := w.table.Write(t.Context(), table.Put(o.Row(), table.Absent())); err != nil {
				t.Fatal(err)
			}
			return o.ID
		}
		put(order.Completed, early, early)
		put(order.Drafted, early, late)
		want := map[string]time.Time{
			put(order.Error, early, late).String():       since,
			put(order.Processing, early, early).String(): since,
			put(order.Completed, late, late).String():    late,
		}
		for range 100 { // more than a page
			put(order.Completed, early, early)
		}
		r := w.run(t, reconcile.Options{Tell: since, Apply: true})
		if r.Orders != 105 || r.Told != 3 {
			t.Errorf("%d orders were looked at and %d told of, want 105 and 3", r.Orders, r.Told)
		}
		got := map[string]time.Time{}
		for _, e := range w.bus.events {
			if e.Type != bus.OrderUpdated || e.Detail.ID != fmt.Sprint(e.Detail.Order.Order, ":7") {
				t.Errorf("event %+v, want that of the row's version", e)
			}
			got[e.Detail.Order.Order] = e.Time
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		if r := w.run(t, reconcile.Options{Apply: true}); r.Orders != 0 {
			t.Errorf("%d orders were looked at where nothing is told", r.Orders)
		}
	})
}
