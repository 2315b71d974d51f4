package processing_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/product"
	"github.com/assetry/assetry/shared/schema"
)

// TestABacklogOfOneTenantDoesNotHoldUpAnother has one tenant submit many orders whose work does not end, and then another one order. Three workers take the
// requests in turn, as a queue gives them: the second tenant is served while the first one's are still at it.
func TestABacklogOfOneTenantDoesNotHoldUpAnother(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		w.how.Slots = 2
		const backlog = 20
		var theirs []order.Order
		a := w.ready(t, w.ws, w.client, "room 0.xyz", scan(10))
		for range backlog {
			if len(theirs) == backlog/2 {
				a = w.ready(t, w.ws, w.client, "room 0.xyz", scan(10)) // an asset is in so many orders at most
			}
			theirs = append(theirs, w.submit(t, w.ws, w.client, a))
		}
		other, client := w.tenant(t)
		ours := w.submit(t, other, client, w.ready(t, other, client, "room 0.xyz", scan(10)))

		release, at := make(chan struct{}), &busy{now: map[bool]int{}, most: map[bool]int{}}
		w.product.before = func(_ context.Context, task *product.Task) error {
			first := task.Job.Order != ours.ID.String()
			at.begin(first)
			defer at.end(first)
			if first {
				<-release
			}
			return nil
		}
		w.pump(t)
		queue := make(chan bus.Event, len(w.requests))
		for _, e := range w.requests {
			queue <- e
		}
		w.requests = nil
		close(queue)
		var workers sync.WaitGroup
		for range 3 {
			workers.Go(func() {
				for e := range queue {
					if err := w.handle(w.process(), e); err != nil {
						t.Errorf("work: %v", err)
					}
				}
			})
		}
		for until := time.Now().Add(time.Minute); w.get(t, ours).Status != order.Completed; {
			if time.Now().After(until) {
				t.Error("the second tenant waits for the first")
				break
			}
		}
		close(release)
		workers.Wait()
		w.run(t) // no sweep: who leaves a place wakes who waits
		for i, o := range theirs {
			if now := w.get(t, o); now.Status != order.Completed {
				t.Errorf("order %d of the backlog is %s", i, now.Status)
			}
			w.wantNothingLeft(t, o)
		}
		if at.most[true] != 2 {
			t.Errorf("%d orders of the first tenant were in work at once, want 2", at.most[true])
		}
	})
}

// busy counts who is in work.
type busy struct {
	mu        sync.Mutex
	now, most map[bool]int
}

func (b *busy) begin(who bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now[who]++
	b.most[who] = max(b.most[who], b.now[who])
}

func (b *busy) end(who bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now[who]--
}

func TestPlacesAreGivenInTheOrderOfWaiting(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	w.how.Slots = 1
	var made []string
	inside := false
	var os []order.Order
	var as []asset.Asset
	for i := range 4 {
		as = append(as, w.ready(t, w.ws, w.client, fmt.Sprintf("room %d.xyz", i), scan(10)))
	}
	for _, a := range as {
		os = append(os, w.submit(t, w.ws, w.client, a))
	}
	w.product.before = func(_ context.Context, task *product.Task) error {
		made = append(made, task.Job.Order)
		if inside {
			return nil
		}
		inside = true
		w.run(t) // all others find no place
		return nil
	}
	e, _ := w.next(t)
	if err := w.handle(w.process(), e); err != nil {
		t.Fatal(err)
	}
	w.run(t)
	var want []string
	for _, o := range os {
		want = append(want, o.ID.String())
		w.wantNothingLeft(t, o)
	}
	if fmt.Sprint(made) != fmt.Sprint(want) {
		t.Errorf("made in the order %v, want %v", made, want)
	}
}

func TestAPlaceThatADeadWorkerLeftIsTakenByWhoWaits(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	w.how.Slots = 1
	first := w.ordered(t, 10)
	e, _ := w.next(t)
	w.meet(spot{bucket: true, nth: 1, dies: true})
	_ = w.handle(w.process(), e)
	w.heal()
	second := w.ordered(t, 20)
	w.run(t)
	if now := w.get(t, second); now.Status != order.Processing || len(w.rows(t, schema.WaitPartition(w.ws), "0")) != 1 {
		t.Fatalf("the second order is %s, want it to wait", now.Status)
	}
	w.settle(t, second)
	w.settle(t, first)
	w.wantDelivered(t, first, 10)
	w.wantDelivered(t, second, 20)
}
