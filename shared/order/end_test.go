package order_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/tabletest"
	"github.com/assetry/assetry/shared/upload"
)

func TestCancel(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		for _, submitted := range []bool{false, true} {
			o, other := w.mustBegin(t), w.mustBegin(t)
			pending, shared, ready := w.mustUpload(t, o), w.mustUpload(t, o), w.mustUpload(t, o)
			a := w.mustReady(t, ready)
			if _, err := w.Attach(t.Context(), w.client, other.ID, shared.Asset.ID); err != nil {
				t.Fatal(err)
			}
			if submitted {
				w.mustSubmit(t, o)
			}
			got, err := w.Cancel(t.Context(), w.client, o.ID)
			if err != nil || got.Status != order.Cancelled || got.Failure == "" || got.Inputs != 1 {
				t.Fatalf("Cancel = %+v, %v", got, err)
			}
			again, err := w.Cancel(t.Context(), w.client, o.ID)
			if diff := cmp.Diff(got, again); err != nil || diff != "" {
				t.Errorf("a second Cancel: %v, differs:\n%s", err, diff)
			}
			for _, tt := range []struct {
				se     order.Session
				status string
				orders asset.Orders
			}{
				{pending, order.StatusAbandoned, ""},
				{shared, order.StatusPending, asset.OrdersOf(other.ID)},
				{order.Session{Asset: a}, order.StatusReady, asset.OrdersOf(o.ID)},
			} {
				now, err := w.Session(t.Context(), w.client, tt.se.Asset.ID, 0)
				if err != nil || now.Status != tt.status || now.Asset.Orders != tt.orders {
					t.Errorf("input %s is %s in %q, %v; want %s in %q", tt.se.Asset.ID, now.Status, now.Asset.Orders, err, tt.status, tt.orders)
				}
			}
			_, err = w.Submit(t.Context(), w.client, o.ID)
			wantKind(t, err, fault.Conflict)
			if err := w.assets.Delete(t.Context(), w.client, a.ID); err != nil {
				t.Errorf("Delete of an input of a cancelled order: %v", err)
			}
			if _, err := w.Cancel(t.Context(), w.client, other.ID); err != nil {
				t.Fatal(err)
			}
			w.hearAll(t)
			w.wantOpen(t, 0, 0)
		}
	})
}

func TestWhatCannotBeCancelled(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	for _, end := range []func(order.Order) (order.Order, error){
		func(o order.Order) (order.Order, error) { return o, nil },
		func(o order.Order) (order.Order, error) { return w.Complete(t.Context(), w.ws.ID, o.ID, 1) },
		func(o order.Order) (order.Order, error) { return w.Fail(t.Context(), w.ws.ID, o.ID, 1, "No points.") },
	} {
		o, _ := w.mustProcess(t)
		o, err := end(o)
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Cancel(t.Context(), w.client, o.ID)
		wantKind(t, err, fault.Conflict)
		if got := w.mustSubmit(t, o); got.Status != o.Status {
			t.Errorf("a repeat of Submit gives %s, want %s as it stands", got.Status, o.Status)
		}
	}
}

func TestACancellationThatIsCutOffIsGoneOnWith(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	o := w.mustBegin(t)
	se := w.mustUpload(t, o)
	w.table.FailNth(tabletest.VerbTransact, 2, tabletest.LoseCall)
	_, err := w.Cancel(t.Context(), w.client, o.ID)
	wantKind(t, err, fault.Unavailable)
	w.table.Script(nil)
	if got := w.mustGet(t, o); got.Status != order.Cancelled || got.Inputs != 1 {
		t.Fatalf("the order is %s with %d inputs", got.Status, got.Inputs)
	}
	w.clock.Advance(25 * time.Hour)
	w.mustVisit(t)
	if now, err := w.Session(t.Context(), w.client, se.Asset.ID, 0); err != nil || now.Status != order.StatusAbandoned {
		t.Errorf("the upload is %s, %v", now.Status, err)
	}
	w.wantOpen(t, 0, 0)
	if n := w.due(t, o); n != 0 {
		t.Errorf("%d rows lead to an order that has ended", n)
	}
}

// planned is the write of a worker that holds how many deliverables there are.
func planned(k table.Key, n int64) table.Write {
	return table.Update(k, table.Eq("made", table.Int(n)), table.Set("done", table.Bool(true)))
}

func TestCompleteAndFail(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		k := table.Key{PK: "fence#" + w.ws.ID.String(), SK: "fence"}
		if _, err := w.table.Write(t.Context(), table.Put(table.Item{
			table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK), "made": table.Int(2),
		}, table.Absent())); err != nil {
			t.Fatal(err)
		}
		o, _ := w.mustProcess(t)
		_, err := w.Complete(t.Context(), w.ws.ID, o.ID, 1, planned(k, 3))
		var lost *table.TransactError
		if !errors.As(err, &lost) || len(lost.Reasons) != 1 || lost.Reasons[0] != table.ConditionLost {
			t.Errorf("Complete without its deliverables: %v", err)
		}
		if got, err := w.Complete(t.Context(), w.ws.ID, o.ID, 2, planned(k, 2)); err != nil || got.Status != order.Processing {
			t.Errorf("Complete of another attempt = %s, %v", got.Status, err)
		}
		done, err := w.Complete(t.Context(), w.ws.ID, o.ID, 1, planned(k, 2))
		if err != nil || done.Status != order.Completed || done.Failure != "" {
			t.Fatalf("Complete = %+v, %v", done, err)
		}
		again, err := w.Fail(t.Context(), w.ws.ID, o.ID, 1, "late", planned(k, 3))
		if diff := cmp.Diff(done, again); err != nil || diff != "" {
			t.Errorf("Fail after Complete: %v, differs:\n%s", err, diff)
		}
		w.wantOpen(t, 0, 0)
		for _, end := range []error{
			second(w.Update(t.Context(), w.client, o.ID, order.Change{Name: to("x")})),
			second(w.BeginUpload(t.Context(), w.client, o.ID, single())),
		} {
			wantKind(t, end, fault.Conflict)
		}
	})
}

func TestAnOrderInErrorIsOpenedAgainByAnInput(t *testing.T) {
	for name, replace := range map[string]func(t *testing.T, w *world, o order.Order, a asset.Asset) error{
		"an upload": func(t *testing.T, w *world, o order.Order, _ asset.Asset) error {
			return second(w.BeginUpload(t.Context(), w.client, o.ID, single()))
		},
		"an attachment": func(t *testing.T, w *world, o order.Order, _ asset.Asset) error {
			other := w.mustBegin(t)
			a := w.mustReady(t, w.mustUpload(t, other))
			if _, err := w.Cancel(t.Context(), w.client, other.ID); err != nil {
				return err
			}
			return second(w.Attach(t.Context(), w.client, o.ID, a.ID))
		},
		"an abandonment": func(t *testing.T, w *world, _ order.Order, a asset.Asset) error {
			return second(w.Abandon(t.Context(), w.client, a.ID))
		},
		"other details": func(t *testing.T, w *world, o order.Order, _ asset.Asset) error {
			return second(w.Update(t.Context(), w.client, o.ID, order.Change{Units: to("imperial")}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, drivers.SQLite(t))
			o := w.mustBegin(t)
			bad := w.mustReady(t, w.mustUpload(t, o))
			w.mustReady(t, w.mustUpload(t, o))
			w.mustSubmit(t, o)
			failed, err := w.Fail(t.Context(), w.ws.ID, o.ID, 1, "The file holds one line, repeated.")
			if err != nil || failed.Status != order.Error || failed.Failure == "" {
				t.Fatalf("Fail = %+v, %v", failed, err)
			}
			w.wantOpen(t, 0, 0)
			if err := replace(t, w, o, bad); err != nil {
				t.Fatal(err)
			}
			if got := w.mustGet(t, o); got.Status != order.Initialized || got.Failure != "" {
				t.Errorf("the order is %s: %q", got.Status, got.Failure)
			}
			if orders, _ := w.open(t); orders != 1 {
				t.Errorf("%d orders are open, want 1", orders)
			}
			if n := w.due(t, o); n == 0 {
				t.Error("nothing leads to the order that is open again")
			}
			if got := w.mustSubmit(t, o); got.Attempt != 2 {
				t.Errorf("the next submission is attempt %d", got.Attempt)
			}
		})
	}
}

func TestDeliverables(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	o, in := w.mustProcess(t)
	made, _, err := w.uploads.Begin(t.Context(), w.client, upload.Draft{Workspace: w.ws.ID, Declared: "application/pdf", Orders: asset.OrdersOf(o.ID),
		Beside: func(a asset.Asset) []table.Write { return []table.Write{deliverable(o.ID, 1, a.ID)} }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.table.Write(t.Context(), table.Update(made.Key(), table.Present(), table.Set(schema.State, table.String(asset.Ready)))); err != nil {
		t.Fatal(err)
	}
	_, err = w.Downloadable(t.Context(), w.client, made.ID)
	wantKind(t, err, fault.Conflict)
	wantKind(t, w.assets.Delete(t.Context(), w.client, made.ID), fault.Conflict)
	if _, err := w.Complete(t.Context(), w.ws.ID, o.ID, 1); err != nil {
		t.Fatal(err)
	}
	got, err := w.Deliverables(t.Context(), w.reader, o.ID)
	if err != nil || len(got) != 1 || got[0].ID != made.ID {
		t.Errorf("Deliverables = %v, %v", got, err)
	}
	for _, a := range []id.Asset{made.ID, in.ID} {
		if _, err := w.Downloadable(t.Context(), w.reader, a); err != nil {
			t.Errorf("Downloadable(%s): %v", a, err)
		}
	}
	if err := w.assets.Delete(t.Context(), w.client, made.ID); err != nil {
		t.Errorf("Delete of a deliverable of a completed order: %v", err)
	}
	w.hearAll(t)
	pg, err := w.table.Query(t.Context(), table.Query{PK: schema.OrderParts(o.ID), From: schema.DeliverablePrefix, To: schema.AfterPrefix(schema.DeliverablePrefix), Limit: 10})
	if err != nil || len(pg.Items) != 0 {
		t.Errorf("the row of a deleted deliverable stays: %v, %v", pg.Items, err)
	}
	loose, _, err := w.uploads.Begin(t.Context(), w.client, upload.Draft{Workspace: w.ws.ID})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Downloadable(t.Context(), w.client, loose.ID)
	wantKind(t, err, fault.Conflict)
	_, err = w.Downloadable(t.Context(), w.stranger, in.ID)
	wantKind(t, err, fault.NotFound)
}

func deliverable(o id.Order, attempt int, a id.Asset) table.Write {
	k := schema.DeliverableKey(o, attempt, a)
	return table.Put(table.Item{table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK)}, table.Absent())
}
