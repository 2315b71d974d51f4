package upload_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/tabletest"
	"github.com/assetry/assetry/shared/upload"
)

// leave takes the row away by which an asset is an input of each of its orders.
func leave(a asset.Asset) (ws []table.Write) {
	for _, o := range a.Orders.IDs() {
		ws = append(ws, table.Delete(schema.InputKey(o, a.ID), table.Present()))
	}
	return ws
}

func (w *world) abandon(t testing.TB, a asset.Asset) asset.Asset {
	t.Helper()
	got, err := w.uploads.Abandon(context.Background(), w.who, w.get(t, a.ID), leave)
	if err != nil || got.State != asset.Failed || got.Cause != asset.Abandoned {
		t.Fatalf("abandon = %+v, %v", got, err)
	}
	return got
}

func TestAnAbandonedUploadIsFailedForGood(t *testing.T) {
	ctx := context.Background()
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		t.Run("it leaves its orders in the same transaction, and a repeat writes nothing", func(t *testing.T) {
			o := id.NewOrder(w.ws.ID, w.clock.Now())
			d := w.xyz()
			d.Orders = asset.OrdersOf(o)
			d.Beside = func(a asset.Asset) []table.Write { return []table.Write{note(o, a)} }
			a, _, err := w.uploads.BeginPut(ctx, w.who, d, 0)
			if err != nil {
				t.Fatal(err)
			}
			got := w.abandon(t, a)
			if d := cmp.Diff(got, w.get(t, a.ID)); d != "" || got.Orders.Len() > 0 {
				t.Errorf("get differs from what abandon answered (-abandon +get):\n%s", d)
			}
			if _, err := w.table.Get(ctx, schema.InputKey(o, a.ID), table.Strong); err != table.ErrNotFound {
				t.Errorf("the input's row: %v", err)
			}
			again := cost(t, func(ctx context.Context) error {
				same, err := w.uploads.Abandon(ctx, w.who, got, func(asset.Asset) []table.Write { t.Error("the repeat asked for writes"); return nil })
				if d := cmp.Diff(got, same); d != "" {
					t.Errorf("the repeat differs (-first +repeat):\n%s", d)
				}
				return err
			})
			if again.Requests > 0 {
				t.Errorf("the repeat took %d requests", again.Requests)
			}
		})
		t.Run("bytes that come later are removed, by their event or by the sweeper", func(t *testing.T) {
			w.sweptUntilNow(t)
			for _, lost := range []bool{false, true} {
				a, g := w.beginPut(t, 0)
				w.abandon(t, a)
				w.mustCleanUp(t)
				w.mustPut(t, g.URL, points(1, 1000))
				if lost {
					w.take(0)
					w.clock.Advance(2 * time.Hour)
					w.mustSweep(t)
				}
				w.deliverAll(t)
				if vs := w.versions(t, a); len(vs) > 0 {
					t.Errorf("event lost: %v; the bucket holds %+v", lost, vs)
				}
				if got := w.get(t, a.ID); got.Cause != asset.Abandoned {
					t.Errorf("event lost: %v; it is %+v", lost, got)
				}
			}
		})
		t.Run("bytes that had come go with the clean-up", func(t *testing.T) {
			a, g := w.beginPut(t, 0)
			w.mustPut(t, g.URL, points(1, 1000))
			e, _ := w.take(0)
			w.abandon(t, a)
			w.mustCleanUp(t)
			if vs := w.versions(t, a); len(vs) > 0 {
				t.Errorf("the bucket holds %+v", vs)
			}
			if err := w.deliver(e); err != nil {
				t.Errorf("the late event: %v", err)
			}
		})
		t.Run("its parts are aborted, and no more are taken", func(t *testing.T) {
			a, g, err := w.uploads.BeginOpenParts(ctx, w.who, w.xyz(), 2, 0)
			if err != nil {
				t.Fatal(err)
			}
			w.sendOpen(t, g, points(1, 1000))
			w.abandon(t, a)
			w.mustCleanUp(t)
			if us := w.uploadsOf(t, a); len(us) > 0 {
				t.Errorf("open uploads: %+v", us)
			}
			if status, _ := w.sendPart(t, g.Parts[1], points(2, 1000)); status != http.StatusNotFound {
				t.Errorf("a part after that was answered %d, want 404", status)
			}
			got, err := w.uploads.CompleteParts(ctx, w.who, a.ID, nil)
			if err != nil || got.Cause != asset.Abandoned {
				t.Errorf("complete = %+v, %v", got, err)
			}
			_, _, err = w.uploads.SignParts(ctx, w.who, a.ID, upload.PartsQuery{})
			domaintest.WantKind(t, "sign parts", err, fault.Conflict)
		})
		t.Run("an expired one is no longer waited for", func(t *testing.T) {
			a, g := w.beginPut(t, 0)
			w.mustPut(t, g.URL, points(1, 1000))
			e, _ := w.take(0)
			w.clock.Advance(3 * time.Hour)
			expired := w.get(t, a.ID)
			expired.State, expired.Cause = asset.Failed, asset.Expired
			if _, err := w.table.Write(ctx, table.Put(expired.Row(), table.Present())); err != nil {
				t.Fatal(err)
			}
			w.abandon(t, a)
			if err := w.deliver(e); err != nil {
				t.Error(err)
			}
			if got := w.get(t, a.ID); got.Cause != asset.Abandoned || len(w.versions(t, a)) > 0 {
				t.Errorf("after its bytes: %+v", got)
			}
		})
		t.Run("it can be retried, as it belongs to no order", func(t *testing.T) {
			a, _ := w.beginPut(t, 0)
			w.abandon(t, a)
			w.mustCleanUp(t)
			next, way, err := w.uploads.Retry(ctx, w.who, a.ID, "")
			if err != nil || way.Put == nil {
				t.Fatalf("retry = %+v, %v", next, err)
			}
			w.mustPut(t, way.Put.URL, points(1, 1000))
			w.deliverAll(t)
			w.mustCleanUp(t)
			ready := w.get(t, a.ID)
			if ready.State != asset.Ready || ready.Generation != 2 {
				t.Fatalf("after its bytes: %+v", ready)
			}
			w.wantOnly(t, ready, points(1, 1000))
		})
	})
}

func TestWhatCannotBeAbandoned(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	a, g := w.beginPut(t, 0)
	stale := a
	viewer := access.Principal{Key: w.who.Key, Grants: map[id.Workspace]access.Role{w.ws.ID: access.Viewer}}
	_, err := w.uploads.Abandon(ctx, viewer, a, nil)
	domaintest.WantKind(t, "by a viewer", err, fault.Forbidden)
	w.mustPut(t, g.URL, points(1, 1000))
	w.deliverAll(t)
	ready := w.get(t, a.ID)
	for name, of := range map[string]asset.Asset{"a ready asset": ready, "one that was read before it was ready": stale} {
		got, err := w.uploads.Abandon(ctx, w.who, of, nil)
		if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "ready") {
			t.Errorf("%s: %+v, %v; want a conflict", name, got, err)
		}
	}
	if d := cmp.Diff(ready, w.get(t, a.ID)); d != "" {
		t.Errorf("the asset changed (-before +after):\n%s", d)
	}
	if err := w.assets.Delete(ctx, w.who, a.ID); err != nil {
		t.Fatal(err)
	}
	_, err = w.uploads.Abandon(ctx, w.who, stale, nil)
	domaintest.WantKind(t, "a deleted asset", err, fault.NotFound)
}

func TestWhatLosesBesideAnAbandonLetsNothingBeWritten(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	a, _ := w.beginFor(t, id.NewOrder(w.ws.ID, w.clock.Now()))
	_, err := w.uploads.Abandon(ctx, w.who, a, leave) // of a row that was never there
	r := table.Refused(err)
	if r == nil || len(r.Reasons) != 1 || r.Reasons[0] != table.ConditionLost {
		t.Errorf("abandon = %v; want the reasons of what was to be beside it", err)
	}
	if d := cmp.Diff(a, w.get(t, a.ID)); d != "" {
		t.Errorf("the asset changed (-before +after):\n%s", d)
	}
	w.table.FailNth(tabletest.VerbTransact, 1, tabletest.LoseAnswer)
	_, err = w.uploads.Abandon(ctx, w.who, a, nil)
	domaintest.WantKind(t, "abandon whose answer is lost", err, fault.Unavailable)
	if got := w.abandon(t, a); got.Version != a.Version+1 {
		t.Errorf("the repeat wrote version %d", got.Version)
	}
}

func TestAnAbandonedImportStops(t *testing.T) {
	ctx := context.Background()
	body := file(3*part, 1)
	o := newOrigin(t, body)
	w := newImports(t, drivers.SQLite(t), o, quick)
	d := w.draft()
	d.MaxSize = 1 << 30
	a, err := w.uploads.BeginImport(ctx, w.who, d, o.address(), 0)
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	given := make(chan struct{})
	o.set(func(o *origin) {
		o.meets = func(_ http.ResponseWriter, _ *http.Request, n int) bool {
			if n == 2 { // in the middle of the work
				once.Do(func() { w.abandon(t, a); w.mustCleanUp(t); close(given) })
			}
			return true
		}
	})
	es, _ := w.requests(t, "")
	if err := w.work(es[0]); err != nil {
		t.Errorf("the worker: %v", err)
	}
	<-given
	w.mustCleanUp(t)
	w.deliverAll(t)
	if got := w.get(t, a.ID); got.Cause != asset.Abandoned {
		t.Errorf("it is %+v", got)
	}
	if row := w.importRow(t, a.ID); row != nil {
		t.Errorf("the address is kept: %v", row)
	}
	if us, vs := w.openUploads(t, a), w.versions(t, a); len(us)+len(vs) > 0 {
		t.Errorf("left are %+v and %+v", us, vs)
	}
	_, _, err = w.uploads.Retry(ctx, w.who, a.ID, "")
	if fs := fault.FieldsOf(err); len(fs) != 1 || fs[0].Name != "source" {
		t.Errorf("retry without an address = %v", err)
	}
	o.set(func(o *origin) { o.meets = nil })
	if _, _, err := w.uploads.Retry(ctx, w.who, a.ID, o.address()); err != nil {
		t.Fatal(err)
	}
	es, _ = w.requests(t, "")
	if err := w.work(es[len(es)-1]); err != nil {
		t.Error(err)
	}
	w.wantImported(t, a.ID, body)
}

func TestAnAbandonAndACompleteAtOnceHaveOneWinner(t *testing.T) {
	ctx := context.Background()
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		body := points(1, 1000)
		for range 8 {
			a, g := w.beginPut(t, 0)
			w.mustPut(t, g.URL, body)
			var abandoned error
			var wg sync.WaitGroup
			wg.Go(func() { _, abandoned = w.uploads.Abandon(ctx, w.who, a, nil) })
			wg.Go(func() {
				if _, err := w.uploads.Complete(ctx, w.who, a.ID); err != nil {
					t.Errorf("complete: %v", err)
				}
			})
			wg.Wait()
			w.mustCleanUp(t)
			w.deliverAll(t)
			got := w.get(t, a.ID)
			switch {
			case got.State == asset.Ready && fault.Is(abandoned, fault.Conflict):
				w.wantOnly(t, got, body)
			case got.Cause == asset.Abandoned && abandoned == nil && len(w.versions(t, a)) == 0:
			default:
				t.Errorf("abandon: %v; it is %s (%s), and the bucket holds %d versions", abandoned, got.State, got.Cause, len(w.versions(t, a)))
			}
		}
	})
}
