package order_test

import (
	"context"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/table"
)

// priced is an operation and what it may consume of the table.
type priced struct {
	name        string
	do          func(context.Context) error
	read, write float64
	requests    int
}

// TestWhatOrdersCost holds the capacity of the main operations, on rows under 1 KB and functions that are warm: a transaction costs double,
// and an order's row is written a second time in its index.
func TestWhatOrdersCost(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		w.mustUpload(t, w.mustBegin(t)) // from here on the workspace, its counters and the hour's marker are known
		o, full, end := w.mustBegin(t), w.mustBegin(t), w.mustBegin(t)
		for range order.MaxInputs {
			w.mustReady(t, w.mustUpload(t, full))
		}
		ready := w.mustReady(t, w.mustUpload(t, end))
		w.hearAll(t)
		var se order.Session
		var cs []table.Change
		submit := func(o order.Order) func(context.Context) error {
			return func(ctx context.Context) error { return second(w.Submit(ctx, w.client, o.ID)) }
		}
		hear := func(ctx context.Context) error {
			for _, c := range cs {
				if err := w.InputChanged(ctx, c); err != nil {
					return err
				}
			}
			return nil
		}
		w.forgetVisits(t)
		w.price(t, []priced{
			{"visit when nothing is due", func(ctx context.Context) error { return second(w.Visit(ctx)) }, 8, 0, 16},
			{"begin an order", func(ctx context.Context) error { return second(w.Initialize(ctx, w.client, draft())) }, 0, 7, 2},
			{"read an order", func(ctx context.Context) error { return second(w.Get(ctx, w.client, o.ID)) }, 1, 0, 1},
			{"list ten", func(ctx context.Context) error {
				_, _, err := w.List(ctx, w.client, w.ws.ID, "", "", 10)
				return err
			}, 1, 0, 1},
			{"begin an upload", func(ctx context.Context) (err error) {
				se, err = w.BeginUpload(ctx, w.client, o.ID, single())
				return err
			}, 1, 12, 2},
			{"attach an asset", func(ctx context.Context) error { return second(w.Attach(ctx, w.client, o.ID, ready.ID)) }, 2, 8, 3},
			{"submit it", submit(o), 4, 15, 5},
			{"submit it again", submit(o), 1, 0, 1},
			{"submit forty inputs", submit(full), 43, 169, 5},
			{"ask who holds forty's first", func(ctx context.Context) error {
				_, _, err := w.Holding(ctx, w.ws.ID, []id.Order{full.ID})
				return err
			}, 1, 0, 1},
		})
		w.changes(t)
		w.mustReady(t, se)
		cs = w.changes(t)
		w.price(t, []priced{
			{"hear that the last input is ready", hear, 4, 14, 4},
			{"hear it again", hear, 4, 0, 3},
			{"complete it", func(ctx context.Context) error { return second(w.Complete(ctx, w.ws.ID, o.ID, 1)) }, 1, 8, 2},
			{"cancel another", func(ctx context.Context) error { return second(w.Cancel(ctx, w.client, end.ID)) }, 6, 8, 7},
		})
	})
}

func (w *world) price(t *testing.T, all []priced) {
	t.Helper()
	for _, p := range all {
		w.clock.Advance(time.Millisecond)
		read, write, requests := domaintest.Spent(t, func(ctx context.Context) {
			if err := p.do(ctx); err != nil {
				t.Errorf("%s: %v", p.name, err)
			}
		})
		if read != p.read || requests != p.requests || write != p.write {
			t.Errorf("%s: %v read units, %v write units, %d requests; want %v, %v, %d", p.name, read, write, requests, p.read, p.write, p.requests)
		}
	}
}
