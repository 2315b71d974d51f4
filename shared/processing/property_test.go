package processing_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/order"
)

// TestOrdersEndWhateverHappens lets a few orders meet requests that come in any order, twice or never, workers that die or fail at any call, time
// that passes, and sweeps that are cut off. Afterwards, when nothing breaks any more, each order ends as its inputs deserve, and nothing is left.
func TestOrdersEndWhateverHappens(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		db := open(t)
		domaintest.Checks(t, map[bool]int{true: 30, false: 1}[isLocal(db)])
		w := newWorld(t, db)
		w.how.Bytes, w.how.Slots = 1500, 2
		rapid.Check(t, func(rt *rapid.T) { w.live(t, rt) })
	})
}

// fate is an order and what is to come of it.
type fate struct {
	order order.Order
	lines int
	bad   bool
}

func (w *world) live(t *testing.T, rt *rapid.T) {
	var fates []fate
	var old []bus.Event
	for range rapid.IntRange(1, 3).Draw(rt, "orders") {
		fates = append(fates, w.draw(t, rt))
	}
	for range rapid.IntRange(0, 12).Draw(rt, "happenings") {
		switch rapid.SampledFrom([]string{"request", "request", "request", "lost", "late", "time", "sweep"}).Draw(rt, "what") {
		case "request":
			if e, ok := w.next(t); ok {
				w.broken(rt, func() { _ = w.handle(w.process(), e) })
				old = append(old, e)
			}
		case "lost":
			w.next(t)
		case "late":
			if len(old) > 0 {
				e := rapid.SampledFrom(old).Draw(rt, "an old request")
				w.broken(rt, func() { _ = w.handle(w.process(), e) })
			}
		case "time":
			w.clock.Advance(time.Duration(rapid.IntRange(1, 20).Draw(rt, "minutes")) * time.Minute)
		case "sweep":
			w.broken(rt, func() { _, _ = w.sweeper().Visit(t.Context()) })
		}
	}
	for _, f := range fates {
		w.wantFate(t, rt, f)
	}
}

// draw submits an order.
func (w *world) draw(t *testing.T, rt *rapid.T) fate {
	f := fate{lines: rapid.IntRange(100, 200).Draw(rt, "lines"), bad: rapid.IntRange(0, 4).Draw(rt, "bad if 0") == 0}
	body := scan(f.lines)
	if f.bad {
		body = append(body, "BAD\n"...)
	}
	f.order = w.submit(t, w.ws, w.client, []asset.Asset{w.ready(t, w.ws, w.client, "room 0.xyz", body)}...)
	return f
}

// broken does something while a fault lies in wait.
func (w *world) broken(rt *rapid.T, do func()) {
	w.meet(spot{
		bucket: rapid.IntRange(0, 3).Draw(rt, "in the bucket if 0") == 0,
		nth:    rapid.IntRange(1, 60).Draw(rt, "at call"),
		lost:   rapid.Bool().Draw(rt, "done, its answer lost"),
		dies:   rapid.Bool().Draw(rt, "it dies"),
	})
	defer w.heal()
	do()
}

// wantFate lets an order come to its end, and looks at it.
func (w *world) wantFate(t *testing.T, rt *rapid.T, f fate) {
	o := w.settle(t, f.order)
	for range 2 {
		w.clock.Advance(lastLook)
		w.sweep(t)
		w.run(t)
	}
	got := w.deliverables(t, o)
	switch {
	case f.bad && (o.Status != order.Error || len(got) != 0):
		rt.Fatalf("an order for a bad scan is %s with %d deliverables", o.Status, len(got))
	case o.Status == order.Error && !f.bad:
		// its workers were killed too often at one place
		if len(got) != 0 {
			rt.Fatalf("an order that failed has %d deliverables", len(got))
		}
	case !f.bad && (len(got) != 2 || got["room 0.xyz.report.json"] != fmt.Sprintf(`{"lines":%d}`, f.lines)):
		rt.Fatalf("an order for %d lines is %s with %v", f.lines, o.Status, got)
	}
	if w.wantNothingLeft(t, o); t.Failed() {
		rt.FailNow()
	}
}

// checks is how many histories a test draws, unless somebody says so on the command line.
