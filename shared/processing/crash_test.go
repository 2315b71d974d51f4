package processing_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/blob/blobtest"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/table/sqlite"
	"github.com/assetry/assetry/shared/tabletest"
)

// lastLook is how long after its end an attempt is looked at once more.
const lastLook = time.Hour

// spot is where a worker meets a fault: at the nth call of the table or of the bucket.
type spot struct {
	bucket bool
	nth    int
	lost   bool // it was done, but the answer was lost; else it was not done
	dies   bool // the worker reaches nothing any more; else it meets this one fault
}

func (s spot) String() string {
	where, what, then := "table", "was not done", "the worker goes on"
	if s.bucket {
		where = "bucket"
	}
	if s.lost {
		what = "was done and its answer lost"
	}
	if s.dies {
		then = "the worker dies"
	}
	return fmt.Sprintf("call %d of the %s %s, %s", s.nth, where, what, then)
}

// meet lets workers meet the fault from now on, and says whether they came to it.
func (w *world) meet(s spot) (reached func() bool) {
	n, dead, hit := 0, false, false
	next := func(here bool) (fails, lost bool) {
		if dead {
			return true, false
		}
		if !here {
			return false, false
		}
		if n++; n < s.nth || n > s.nth && !s.dies {
			return false, false
		}
		hit, dead = true, s.dies
		return true, s.lost
	}
	w.table.Script(func(tabletest.Call) tabletest.Fault {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch fails, lost := next(!s.bucket); {
		case fails && lost:
			return tabletest.LoseAnswer
		case fails:
			return tabletest.LoseCall
		}
		return tabletest.None
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = func(blobtest.Call) blobtest.Fault { // called under mu
		switch fails, lost := next(s.bucket); {
		case fails && lost:
			return blobtest.Lost
		case fails:
			return blobtest.Unavailable
		}
		return blobtest.None
	}
	return func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return hit
	}
}

// heal ends all faults.
func (w *world) heal() {
	w.table.Script(nil)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = nil
}

// TestAWorkerMayMeetAFaultAnywhere breaks every call that the work on an order makes, one run each, in both kinds: it was not done, and it was
// done and nobody heard. In half of the runs the worker is dead from then on. The order has one checkpoint, two steps and four deliverables. Each call
// is broken in one of the four ways.
func TestAWorkerMayMeetAFaultAnywhere(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		db := open(t)
		stride := 4
		if !isLocal(db) {
			stride = 60 // the machine is the same, and every call is a request
		}
		for i, s := range []spot{
			{}, {lost: true}, {dies: true}, {lost: true, dies: true},
			{bucket: true}, {bucket: true, lost: true}, {bucket: true, dies: true}, {bucket: true, lost: true, dies: true},
		} {
			if !isLocal(db) && i%4 != 3 {
				continue
			}
			w := newWorld(t, db)
			w.how.Bytes = 2500
			for s.nth = 1 + i%4; w.survives(t, s); s.nth += stride {
			}
			if least := map[bool]int{true: 10, false: 40}[s.bucket]; isLocal(db) && s.nth < least {
				t.Errorf("only the first %d calls were broken: %s", s.nth, s)
			}
		}
	})
}

// isLocal says whether a table is a file of this process.
func isLocal(db domaintest.Driver) bool {
	_, local := db.(*sqlite.DB)
	return local
}

// survives lets one order meet a fault and be gone on with. reached says whether there was such a call.
func (w *world) survives(t *testing.T, s spot) (reached bool) {
	t.Helper()
	o := w.ordered(t, 200, 5)
	hit := w.meet(s)
	for {
		e, ok := w.next(t)
		if !ok {
			break
		}
		_ = w.handle(w.process(), e) // its failure is what this is about
		if hit() && s.dies {
			break
		}
	}
	w.heal()
	if o = w.settle(t, o); o.Status != order.Completed {
		t.Fatalf("%s: the order is %s: %s", s, o.Status, o.Failure)
	}
	for range 3 { // who died at the very end left something to tidy up
		w.clock.Advance(lastLook / 2)
		w.sweep(t)
		w.run(t)
	}
	w.wantDelivered(t, o, 200, 5)
	if t.Failed() {
		t.Fatalf("after: %s", s)
	}
	return hit()
}

// TestAWorkerThatDiesAtOnePlaceIsNotTriedForEver kills every worker at the same call.
func TestAWorkerThatDiesAtOnePlaceIsNotTriedForEver(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	o := w.ordered(t, 50)
	for i := range 40 {
		w.meet(spot{bucket: true, nth: 1, dies: true}) // the first read of the scan
		for {
			e, ok := w.next(t)
			if !ok {
				break
			}
			_ = w.handle(w.process(), e)
		}
		w.heal()
		if o = w.get(t, o); o.Status != order.Processing {
			break
		}
		w.clock.Advance(lastLook / 10)
		w.sweep(t)
		if i == 39 {
			t.Fatalf("the order is still in work: %v", w.work(t, o))
		}
	}
	if o.Status != order.Error {
		t.Fatalf("the order is %s", o.Status)
	}
	w.wantNothingLeft(t, o)
}

// TestASweeperMayMeetAFaultAnywhere breaks every call of a sweep that finds a worker dead, and one that tidies up.
func TestASweeperMayMeetAFaultAnywhere(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	for _, s := range []spot{{}, {lost: true}, {dies: true}, {lost: true, dies: true}} {
		for s.nth = 1; ; s.nth++ {
			o := w.ordered(t, 20)
			w.meet(spot{bucket: true, nth: 4, dies: true})
			e, _ := w.next(t)
			_ = w.handle(w.process(), e)
			w.heal()
			w.clock.Advance(lastLook / 10)
			hit := w.meet(s)
			w.sweep(t)
			w.heal()
			if w.settle(t, o); t.Failed() {
				t.Fatalf("after: %s", s)
			}
			w.clock.Advance(lastLook / 10)
			w.sweep(t)
			w.wantDelivered(t, o, 20)
			if !hit() {
				break
			}
		}
	}
}
