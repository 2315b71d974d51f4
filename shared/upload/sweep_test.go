package upload_test

import (
	"context"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/tabletest"
)

func TestASweeperThatFailsForDaysForgetsNothing(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		a, _ := w.begin(t)
		w.table.Script(func(c tabletest.Call) tabletest.Fault { // no hour is ever come through
			if c.Verb == tabletest.VerbQuery {
				return tabletest.Throttle
			}
			return tabletest.None
		})
		for range 40 {
			if _, err := w.uploads.Sweep(context.Background()); err == nil {
				t.Fatal("a sweep that could read nothing did not say so")
			}
			w.clock.Advance(time.Hour)
		}
		w.table.Script(nil)
		w.mustSweep(t)
		if got := w.get(t, a.ID); got.State != asset.Failed || got.Cause != asset.Expired {
			t.Errorf("the asset is %s (%s), want failed (expired)", got.State, got.Cause)
		}
	})
}

// The markers of one hour cannot be read, those of the next lead to the same workspace: what was created in the first hour must not be passed over.
func TestASweepThatCannotReadAnHourComesBackToIt(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		for _, watermark := range []bool{false, true} {
			w := newWorld(t, open(t))
			if watermark {
				w.begin(t)
				w.clock.Advance(2 * time.Hour)
				w.mustSweep(t)
			}
			early, _ := w.begin(t)
			w.clock.Advance(time.Hour)
			late, _ := w.begin(t)
			w.clock.Advance(2 * time.Hour)
			hidden := schema.ActiveKey(early.CreatedAt(), w.ws.ID).PK
			w.table.Script(func(c tabletest.Call) tabletest.Fault {
				if c.Verb == tabletest.VerbQuery && c.Keys[0].PK == hidden {
					return tabletest.Throttle
				}
				return tabletest.None
			})
			if _, err := w.uploads.Sweep(context.Background()); err == nil {
				t.Fatal("a sweep that could not read an hour did not say so")
			}
			w.table.Script(nil)
			w.mustSweep(t)
			for name, a := range map[string]asset.Asset{"of the hidden hour": early, "of the next": late} {
				if got := w.get(t, a.ID); got.State != asset.Failed {
					t.Errorf("with a watermark: %t: the asset %s is %s, want failed", watermark, name, got.State)
				}
			}
		}
	})
}

// What an old address brought, and nobody told of, goes although the present attempt is still open.
func TestSweepRemovesWhatAnEarlierAttemptBroughtWhileTheNextIsOpen(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	w.sweptUntilNow(t)
	a, old := w.beginPut(t, 0)
	w.abandon(t, a)
	w.mustCleanUp(t)
	_, way, err := w.uploads.Retry(ctx, w.who, a.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	w.mustCleanUp(t)
	w.mustPut(t, old.URL, points(1, 1000))
	w.take(0) // its event is lost
	w.clock.Advance(3 * time.Hour)
	w.mustSweep(t)
	if got := w.get(t, a.ID); got.Cause != asset.Expired || len(w.versions(t, a)) > 0 {
		t.Fatalf("it is %+v, and the bucket holds %+v", got, w.versions(t, a))
	}
	body := points(2, 1000)
	w.mustPut(t, way.Put.URL, body) // late, but of the present attempt
	w.clock.Advance(time.Hour)
	w.mustSweep(t)
	w.deliverAll(t)
	if got := w.get(t, a.ID); got.State != asset.Ready {
		t.Errorf("after late bytes: %+v", got)
	}
	w.wantOnly(t, w.get(t, a.ID), body)
}
