package processing_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/processing"
	"github.com/assetry/assetry/shared/product"
	"github.com/assetry/assetry/shared/product/catalog"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

func TestASubmittedOrderIsCompleted(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		o := w.ordered(t, 100, 3000)
		if n := w.run(t); n != 1 {
			t.Errorf("%d requests for workers, want 1", n)
		}
		w.wantDelivered(t, o, 100, 3000)
		if w.pump(t); len(w.told) == 0 || w.told[len(w.told)-1] != string(order.Completed) {
			t.Errorf("others were told of %v, want the completion last", w.told)
		}
		w.objects(t) // the events of what was written come late
		w.wantDelivered(t, o, 100, 3000)
	})
}

func TestAWorkerWhoseBudgetIsSpentHandsOver(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		w.how.Bytes = 20_000
		o := w.ordered(t, 3000, 10) // 51,000 bytes and a few
		if n := w.run(t); n != 3 {
			t.Errorf("%d requests for workers, want 3", n)
		}
		w.wantDelivered(t, o, 3000, 10)
	})
}

func TestAnOrderThatTakesTooManyRunsFails(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	w.how.Bytes, w.how.Hops = 1000, 5
	o := w.ordered(t, 3000)
	if n := w.run(t); n != 6 {
		t.Errorf("%d requests for workers, want 6", n)
	}
	if now := w.get(t, o); now.Status != order.Error || !strings.Contains(now.Failure, "within 5 runs") {
		t.Errorf("the order is %s: %s", now.Status, now.Failure)
	}
	w.wantNothingLeft(t, o)
}

func TestAProductMayLeaveCheckpointsWithoutHandingOver(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	w.product.chunk = 500
	o := w.ordered(t, 3000)
	if n := w.run(t); n != 1 || w.product.runs != 7 && w.product.runs != 6 {
		t.Errorf("%d requests and %d runs, want 1 and 6 or 7", n, w.product.runs)
	}
	w.wantDelivered(t, o, 3000)
}

func TestAnInputThatIsRefusedFailsTheOrderWithItsText(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		good := w.ready(t, w.ws, w.client, "room 0.xyz", scan(100))
		bad := w.ready(t, w.ws, w.client, "room 1.xyz", append(scan(100), "BAD\n"...))
		o := w.submit(t, w.ws, w.client, good, bad)
		w.run(t)
		o = w.get(t, o)
		if o.Status != order.Error || o.Failure != "room 1.xyz is no scan." {
			t.Fatalf("the order is %s: %s", o.Status, o.Failure)
		}
		w.pump(t)
		w.wantNothingLeft(t, o)
		if got := w.deliverables(t, o); len(got) != 0 {
			t.Errorf("an order that failed has the deliverables %v", got)
		}
	})
}

func TestAProductThatAlwaysFailsIsTriedSoOften(t *testing.T) {
	for name, fail := range map[string]func(context.Context, *product.Task) error{
		"by an error": func(context.Context, *product.Task) error { return errors.New("said by the test") },
		"by a panic":  func(context.Context, *product.Task) error { panic("said by the test") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, drivers.SQLite(t))
			w.product.before = fail
			o := w.ordered(t, 10)
			o = w.settle(t, o)
			if o.Status != order.Error || !strings.Contains(o.Failure, "begun 3 times") || strings.Contains(o.Failure, "said by the test") {
				t.Errorf("the order is %s: %s", o.Status, o.Failure)
			}
			if w.product.runs != 3 {
				t.Errorf("the product ran %d times, want 3", w.product.runs)
			}
			w.wantNothingLeft(t, o)
		})
	}
}

func TestAFailureThatPassesCostsNoOrder(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	left := 2
	w.product.before = func(context.Context, *product.Task) error {
		if left--; left >= 0 {
			return errors.New("said by the test")
		}
		return nil
	}
	o := w.ordered(t, 10)
	w.settle(t, o)
	w.wantDelivered(t, o, 10)
}

func TestAnOrderThatFailedIsMadeAnewFromOtherInputs(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		w.how.Bytes = 1500
		bad := w.ready(t, w.ws, w.client, "room 0.xyz", append(scan(200), "BAD\n"...))
		o := w.submit(t, w.ws, w.client, bad)
		w.run(t)
		if o = w.get(t, o); o.Status != order.Error {
			t.Fatalf("the order is %s", o.Status)
		}
		if _, err := w.orders.Abandon(t.Context(), w.client, bad.ID); err != nil {
			t.Logf("abandon: %v", err)
		}
		if err := w.assets.Delete(t.Context(), w.client, bad.ID); err != nil {
			t.Logf("delete: %v", err)
		}
		w.pump(t)
		good := w.ready(t, w.ws, w.client, "room 0.xyz", scan(50))
		if _, err := w.orders.Attach(t.Context(), w.client, o.ID, good.ID); err != nil {
			t.Fatal(err)
		}
		o, err := w.orders.Submit(t.Context(), w.client, o.ID)
		if err != nil || o.Status != order.Processing || o.Attempt != 2 {
			t.Fatalf("submitted again: %+v, %v", o, err)
		}
		w.run(t)
		w.wantDelivered(t, o, 50)
	})
}

func TestRequestsThatComeAgainChangeNothing(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	o := w.ordered(t, 100)
	e, ok := w.next(t)
	if !ok {
		t.Fatal("nobody was asked to work")
	}
	for range 3 {
		if err := w.handle(w.process(), e); err != nil {
			t.Fatal(err)
		}
		w.wantDelivered(t, o, 100)
	}
	if w.product.runs != 1 {
		t.Errorf("the product ran %d times, want once", w.product.runs)
	}
	e.Detail.Order.Attempt = 7
	if err := w.handle(w.process(), e); err != nil || w.product.runs != 1 {
		t.Errorf("a request for an attempt that never was: %v after %d runs", err, w.product.runs)
	}
}

func TestManyWorkersAtOnceMakeEverythingOnce(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		o := w.ordered(t, 100, 200)
		e, _ := w.next(t)
		domaintest.Together(5, func(int) {
			if err := w.handle(w.process(), e); err != nil {
				t.Errorf("work: %v", err)
			}
		})
		w.settle(t, o)
		w.wantDelivered(t, o, 100, 200)
		if w.product.runs != 2 {
			t.Errorf("the product ran %d times, want once for each scan", w.product.runs)
		}
	})
}

func TestALostRequestIsAskedForAgain(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		o := w.ordered(t, 100)
		if _, ok := w.next(t); !ok { // and nobody gets it
			t.Fatal("nobody was asked to work")
		}
		began := w.clock.Now()
		w.settle(t, o)
		w.wantDelivered(t, o, 100)
		if took := w.clock.Now().Sub(began); took > 10*time.Minute {
			t.Errorf("the order lay for %s", took)
		}
	})
}

func TestAWorkerThatWasFrozenWritesNothing(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		for _, at := range []string{"before its first checkpoint", "in its last step"} {
			t.Run(at, func(t *testing.T) {
				w := newWorld(t, open(t))
				o := w.ordered(t, 100, 100)
				e, _ := w.next(t)
				var before string
				frozen := false
				w.product.before = func(ctx context.Context, task *product.Task) error {
					if frozen || at == "in its last step" && task.Step.Name == "count 0" {
						return nil
					}
					frozen = true
					w.clock.Advance(time.Hour)
					for range 10 { // somebody else does it meanwhile
						w.sweep(t)
						w.run(t)
						w.clock.Advance(3 * time.Minute)
					}
					w.wantDelivered(t, o, 100, 100)
					w.pump(t)
					before = w.fed
					return nil
				}
				if err := w.handle(w.process(), e); err != nil {
					t.Errorf("the frozen worker: %v", err)
				}
				if before == "" {
					t.Fatal("no worker was frozen")
				}
				if w.pump(t); w.fed != before {
					t.Errorf("the feed went on from %s to %s: the worker wrote", before, w.fed)
				}
				w.wantDelivered(t, o, 100, 100)
			})
		}
	})
}

func TestTheHeartKeepsTheLeaseAndStopsAWorkerThatLostIt(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	w.how.Beat = time.Millisecond
	o := w.ordered(t, 10)
	stopped := false
	w.product.before = func(ctx context.Context, task *product.Task) error {
		if stopped {
			return nil
		}
		task.Tell(0.5)
		first := w.work(t, o).Int(schema.LeaseUntil)
		w.clock.Advance(10 * time.Second)
		for until := time.Now().Add(20 * time.Second); ; {
			it := w.work(t, o)
			if it.Int(schema.LeaseUntil) >= first+9000 && it.Int(schema.Percent) == 50 {
				break
			}
			if time.Now().After(until) {
				t.Errorf("the lease and the progress stay at %v", it)
				break
			}
		}
		if percent, known, err := w.orders.Progress(ctx, w.get(t, o)); percent != 50 || !known || err != nil {
			t.Errorf("Progress = %d, %t, %v; want 50", percent, known, err)
		}
		if _, err := w.inner.Write(ctx, table.Update(schema.WorkKey(o.ID), table.Present(), table.Set(schema.Worker, table.String("another")))); err != nil {
			t.Error(err)
		}
		<-ctx.Done() // the heart finds out
		stopped = true
		return ctx.Err()
	}
	e, _ := w.next(t)
	if err := w.handle(w.process(), e); err != nil || !stopped {
		t.Errorf("a worker that lost its lease: %v, stopped: %t", err, stopped)
	}
	w.settle(t, o)
	w.wantDelivered(t, o, 10)
}

func TestTwoScansOfOneNameHaveDeliverablesOfTheirOwn(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	a, b := w.ready(t, w.ws, w.client, "room.xyz", scan(10)), w.ready(t, w.ws, w.client, "room.xyz", scan(20))
	o := w.submit(t, w.ws, w.client, a, b)
	w.run(t)
	got := w.deliverables(t, o)
	if got["room.xyz.report.json"] != `{"lines":10}` || got["room (2).xyz.report.json"] != `{"lines":20}` || len(got) != 4 {
		t.Errorf("deliverables %v", got)
	}
}

func TestDeliverablesAreHeldWhileTheOrderIsInWork(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	o := w.ordered(t, 10, 10)
	checked := false
	w.product.before = func(ctx context.Context, task *product.Task) error {
		if task.Step.Name == "count 0" {
			return nil
		}
		for name := range w.deliverables(t, o) {
			checked = true
			as, err := w.orders.Deliverables(ctx, w.client, o.ID)
			if err != nil || len(as) != 2 {
				t.Fatalf("deliverables %v, %v", as, err)
			}
			if err := w.assets.Delete(ctx, w.client, as[0].ID); err == nil {
				t.Errorf("%s was deleted under its order", name)
			}
		}
		return nil
	}
	w.run(t)
	if !checked {
		t.Fatal("the first step had no deliverables when the second began")
	}
	w.wantDelivered(t, o, 10, 10)
}

func TestAnOrderWithoutTheRowOfItsWorkIsBegunAnew(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	o := w.ordered(t, 10)
	w.next(t)
	if _, err := w.inner.Write(t.Context(), table.Delete(schema.WorkKey(o.ID), table.Present())); err != nil {
		t.Fatal(err)
	}
	w.settle(t, o)
	w.wantDelivered(t, o, 10)
}

func TestTheWorkOnAnOrderThatEndedIsForgotten(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	o := w.ordered(t, 10)
	w.run(t)
	for range 40 {
		w.clock.Advance(3 * time.Minute)
		w.sweep(t)
	}
	w.clock.Advance(25 * time.Hour) // what led to it while it was a draft
	w.sweep(t)
	if it := w.work(t, o); it != nil {
		t.Errorf("the work is kept: %v", it)
	}
	for shard := range schema.OrderDueShards {
		pg, err := w.inner.Query(t.Context(), table.Query{PK: schema.OrderDuePartition(shard), Limit: 10})
		if err != nil || len(pg.Items) != 0 {
			t.Errorf("orders are due: %v, %v", pg.Items, err)
		}
	}
	w.wantDelivered(t, o, 10)
}

func TestEveryProductOfTheCatalogIsMade(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	a := w.ready(t, w.ws, w.client, "room 0.xyz", scan(5000))
	for _, p := range catalog.Products() {
		t.Run(p.Name(), func(t *testing.T) {
			assets, uploads, orders := w.services(w.inner, w.direct, p.Name())
			o, err := orders.Initialize(t.Context(), w.client, order.Draft{Name: "Office", Product: p.Name(), Units: product.Metric})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := orders.Attach(t.Context(), w.client, o.ID, a.ID); err != nil {
				t.Fatal(err)
			}
			if o, err = orders.Submit(t.Context(), w.client, o.ID); err != nil {
				t.Fatal(err)
			}
			s := processing.New(processing.Parts{
				Table: w.inner, Bucket: w.direct, Assets: assets, Uploads: uploads, Orders: orders, Products: catalog.Products(),
			}, w.how)
			if err := s.Work(t.Context(), w.ws, o.ID, 1); err != nil {
				t.Fatal(err)
			}
			if now := w.get(t, o); now.Status != order.Completed {
				t.Fatalf("the order is %s: %s", now.Status, now.Failure)
			}
			as, err := orders.Deliverables(t.Context(), w.client, o.ID)
			if err != nil || len(as) == 0 {
				t.Fatalf("deliverables %v, %v", as, err)
			}
			for _, d := range as {
				if d.State != asset.Ready || !strings.HasPrefix(d.Name, "room 0") {
					t.Errorf("deliverable %s is %s", d.Name, d.State)
				}
			}
			w.wantNothingLeft(t, o)
		})
	}
}
