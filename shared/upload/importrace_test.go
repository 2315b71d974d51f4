package upload_test

import (
	"context"

	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob/blobtest"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/tabletest"
	"github.com/assetry/assetry/shared/upload"
)

// onCall is a script of the bucket that does something before the first call of a method, and lets everything pass.
func (w *world) onCall(method string, do func()) func(blobtest.Call) blobtest.Fault {
	return func(c blobtest.Call) blobtest.Fault {
		if c.Method == method {
			do()
		}
		return blobtest.None
	}
}

// dropImportRow removes the row of an import, as its expiry does.
func (w *world) dropImportRow(t testing.TB, a id.Asset) {
	t.Helper()
	if _, err := w.table.Write(t.Context(), table.Delete(schema.ImportKey(a), table.Present())); err != nil {
		t.Fatal(err)
	}
}

// dying makes the nth call of a run, to table or bucket, the last that the worker makes: it panics there, before or after the call was done.
type dying struct {
	mu    sync.Mutex
	calls int
	at    int
}

func (d *dying) step() (dies bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	return d.calls >= d.at
}

// The worker of an import dies at any call that it makes, with the call done or not. The request delivered again, once the lease is over, ends as
// if nothing had been; and nothing is left over.
func TestAWorkerMayDieBetweenAnyTwoSteps(t *testing.T) {
	for name, size := range map[string]int{"small": 3000, "in parts": 2*part + 3} {
		for how, lost := range map[string][2]any{
			"before it": {tabletest.LoseCall, blobtest.Unavailable}, "after it": {tabletest.LoseAnswer, blobtest.Lost},
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				body := file(size, 1)
				o := newOrigin(t, body)
				for at := 1; ; at++ {
					w := newImports(t, drivers.SQLite(t), o, upload.ImportOptions{Part: part, Parallel: 1, Pause: time.Millisecond, Beat: time.Hour})
					a := w.beginImport(t, o.address(), 0)
					es, _ := w.requests(t, "")
					d := &dying{at: at}
					ctx, die := context.WithCancel(context.Background())
					w.table.Script(func(tabletest.Call) tabletest.Fault {
						if d.step() {
							die()
							return lost[0].(tabletest.Fault)
						}
						return tabletest.None
					})
					w.fault = func(blobtest.Call) blobtest.Fault {
						if d.step() {
							die()
							return lost[1].(blobtest.Fault)
						}
						return blobtest.None
					}
					err := w.workUnder(ctx, es[0])
					w.table.Script(nil)
					w.fault = nil
					died := ctx.Err() != nil
					die()
					w.clock.Advance(2 * time.Minute) // its lease is over
					if err != nil {
						w.boot()
						if err := w.work(es[0]); err != nil {
							t.Fatalf("dead at call %d (%v), the request delivered again: %v", at, err, err)
						}
					}
					w.workAll(t)
					w.wantImported(t, a.ID, body)
					if !died {
						t.Logf("a run makes %d calls", at-1)
						return
					}
				}
			})
		}
	}
}

// Each call fails once, in each way that it can; the run mends it, or the request delivered again does.
func TestAnImportBearsEveryFault(t *testing.T) {
	body := file(2*part+3, 1)
	o := newOrigin(t, body)
	for name, f := range map[string][2]any{
		"throttled": {tabletest.Throttle, blobtest.Throttled}, "no call": {tabletest.LoseCall, blobtest.Unavailable}, "no answer": {tabletest.LoseAnswer, blobtest.Lost},
	} {
		t.Run(name, func(t *testing.T) {
			for at := 1; ; at++ {
				w := newImports(t, drivers.SQLite(t), o, upload.ImportOptions{Part: part, Parallel: 1, Pause: time.Millisecond, Beat: time.Hour})
				a := w.beginImport(t, o.address(), 0)
				es, _ := w.requests(t, "")
				var calls atomic.Int64
				w.table.Script(func(tabletest.Call) tabletest.Fault {
					if calls.Add(1) == int64(at) {
						return f[0].(tabletest.Fault)
					}
					return tabletest.None
				})
				w.fault = func(blobtest.Call) blobtest.Fault {
					if calls.Add(1) == int64(at) {
						return f[1].(blobtest.Fault)
					}
					return blobtest.None
				}
				err := w.work(es[0])
				met := calls.Load() >= int64(at)
				w.table.Script(nil)
				w.fault = nil
				if err != nil {
					w.clock.Advance(2 * time.Minute)
					if err := w.work(es[0]); err != nil {
						t.Fatalf("fault at call %d, the request delivered again: %v", at, err)
					}
				}
				w.workAll(t)
				w.wantImported(t, a.ID, body)
				if !met {
					return
				}
			}
		})
	}
}

func TestOneWorkerAtATime(t *testing.T) {
	body := file(3*part, 1)
	o := newOrigin(t, body)
	w := newImports(t, drivers.SQLite(t), o, upload.ImportOptions{Part: part, Parallel: 2, Pause: time.Millisecond})
	a := w.beginImport(t, o.address(), 0)
	es, _ := w.requests(t, "")
	errs := make([]error, 4)
	domaintest.Together(len(errs), func(i int) { errs[i] = w.work(es[0]) })
	worked := 0
	for _, err := range errs {
		if err == nil {
			worked++
			continue
		}
		domaintest.WantKind(t, "a second worker", err, fault.Unavailable)
	}
	if worked == 0 {
		t.Error("nobody worked")
	}
	w.wantImported(t, a.ID, body)
	if _, served := o.counts(); served > int64(len(body))+part {
		t.Errorf("the source served %d bytes for a file of %d", served, len(body))
	}
	if err := w.work(es[0]); err != nil {
		t.Errorf("the request delivered once more: %v", err)
	}
}

// A worker that was held up for longer than its lease comes back after another has taken over: it writes nothing more.
func TestAWorkerThatLostItsLeaseStops(t *testing.T) {
	body := file(3*part, 1)
	o := newOrigin(t, body)
	w := newImports(t, drivers.SQLite(t), o, quick)
	a := w.beginImport(t, o.address(), 0)
	es, _ := w.requests(t, "")
	var other error
	taken := false
	w.fault = func(c blobtest.Call) blobtest.Fault {
		if c.Method == "CompleteParts" && !taken {
			taken = true
			w.clock.Advance(2 * time.Minute)
			other = w.work(es[0])
		}
		return blobtest.None
	}
	if err := w.work(es[0]); err != nil {
		t.Errorf("the first worker: %v", err)
	}
	w.fault = nil
	if other != nil {
		t.Errorf("the second worker: %v", other)
	}
	w.wantImported(t, a.ID, body)
}

func TestASilentImportIsWokenAndGivenUpInTheEnd(t *testing.T) {
	t.Run("a lost request is made again", func(t *testing.T) {
		o := newOrigin(t, picture(1))
		w := newImports(t, drivers.SQLite(t), o, quick)
		a := w.beginImport(t, o.address(), 0)
		_, at := w.requests(t, "") // nobody takes it
		w.clock.Advance(2 * time.Hour)
		w.mustSweep(t)
		es, _ := w.requests(t, at)
		if len(es) != 1 || es[0].Detail.Version != 2 {
			t.Fatalf("the sweep asked for %+v, want a second request", es)
		}
		if err := w.work(es[0]); err != nil {
			t.Fatal(err)
		}
		w.wantImported(t, a.ID, picture(1))
	})
	t.Run("one that nobody works on fails", func(t *testing.T) {
		o := newOrigin(t, picture(1))
		w := newImports(t, drivers.SQLite(t), o, quick)
		a := w.beginImport(t, o.address(), 0)
		for range 12 {
			w.clock.Advance(2 * time.Hour)
			w.mustSweep(t)
		}
		w.wantFailed(t, a.ID, asset.Source, "did not finish")
		if es, _ := w.requests(t, ""); len(es) != 4 {
			t.Errorf("%d workers were asked for, want the first and three more", len(es))
		}
		if _, _, err := w.uploads.Retry(t.Context(), w.who, a.ID, ""); err != nil {
			t.Fatal(err)
		}
		w.workAll(t)
		w.wantImported(t, a.ID, picture(1))
	})
}

func TestAnImportShowsItsProgress(t *testing.T) {
	body := file(3*part, 1)
	o := newOrigin(t, body)
	w := newImports(t, drivers.SQLite(t), o, upload.ImportOptions{Part: part, Parallel: 1, Time: time.Nanosecond, Pause: time.Millisecond})
	a := w.beginImport(t, o.address(), 0)
	es, _ := w.requests(t, "")
	if err := w.work(es[0]); err != nil {
		t.Fatal(err)
	}
	got := w.get(t, a.ID)
	if got.State != asset.Pending || got.Received != 2*part || got.Expected != 3*part || got.Version != a.Version {
		t.Errorf("after the first worker: %s, %d of %d bytes, version %d; want two of three parts and the version untouched",
			got.State, got.Received, got.Expected, got.Version)
	}
	if !got.GrantUntil.After(a.GrantUntil.Add(-time.Minute)) {
		t.Errorf("it is waited for until %v, at first until %v", got.GrantUntil, a.GrantUntil)
	}
}

// What an import of one part costs: 5 write units and a read unit for its announcement's transaction, its claim and its settling, one request to
// the source and one to the bucket.
func TestWhatASmallImportCosts(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		o := newOrigin(t, picture(1))
		w := newImports(t, open(t), o, upload.ImportOptions{})
		w.beginImport(t, o.address(), 0) // the marker of the hour
		w.workAll(t)
		before, _ := o.counts()
		var a asset.Asset
		read, write, calls := domaintest.Spent(t, func(ctx context.Context) {
			var err error
			if a, err = w.uploads.BeginImport(ctx, w.who, upload.Draft{Workspace: w.ws.ID, Declared: "image/png"}, o.address(), 0); err != nil {
				t.Fatal(err)
			}
		})
		if read != 0 || write != 4 || calls != 1 {
			t.Errorf("the announcement cost %v read and %v write units in %d requests, want 0, 4 and 1", read, write, calls)
		}
		puts := w.bucket.Calls()
		read, write, calls = domaintest.Spent(t, func(ctx context.Context) {
			if err := w.uploads.Import(ctx, w.ws.ID, a.ID, 1); err != nil {
				t.Fatal(err)
			}
		})
		if read != 1 || write != 2 || calls != 3 {
			t.Errorf("the work cost %v read and %v write units in %d requests, want 1, 2 and 3", read, write, calls)
		}
		after, _ := o.counts()
		now := w.bucket.Calls()
		if n := now["Put"] - puts["Put"]; n != 1 || after-before != 1 {
			t.Errorf("%d writes to the bucket and %d requests to the source, want one of each", n, after-before)
		}
		w.wantImported(t, a.ID, picture(1))
	})
}

// The parts of a file go from source to bucket as they come: the memory does not grow with them.
func TestTheMemoryOfAnImportIsBounded(t *testing.T) {
	const size, bound = 40 << 20, 64 << 20
	body := file(size, 1)
	for name, edit := range map[string]func(*origin){"by ranges": nil, "in one go": func(o *origin) { o.plain = true }} {
		t.Run(name, func(t *testing.T) {
			o := newOrigin(t, body)
			if edit != nil {
				edit(o)
			}
			w := newImports(t, drivers.SQLite(t), o, upload.ImportOptions{})
			a := w.beginImport(t, o.address(), 0)
			runtime.GC()
			var start runtime.MemStats
			runtime.ReadMemStats(&start)
			var most atomic.Uint64
			w.fault = func(blobtest.Call) blobtest.Fault {
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				if used := m.HeapAlloc - min(m.HeapAlloc, start.HeapAlloc); used > most.Load() {
					most.Store(used)
				}
				return blobtest.None
			}
			w.workAll(t)
			w.fault = nil
			if n := most.Load(); n > bound {
				t.Errorf("a run used %d bytes, want at most %d", n, bound)
			}
			w.wantImported(t, a.ID, body)
		})
	}
}

func TestAnErrorOfAWorkerTellsNoAddress(t *testing.T) {
	o := newOrigin(t, file(2*part, 1))
	w := newImports(t, drivers.SQLite(t), o, quick)
	w.beginImport(t, o.address(), 0)
	es, _ := w.requests(t, "")
	w.fault = func(c blobtest.Call) blobtest.Fault {
		if c.Method == "StreamPart" {
			return blobtest.Throttled
		}
		return blobtest.None
	}
	err := w.work(es[0])
	if err == nil || strings.Contains(err.Error(), secretQuery) || strings.Contains(err.Error(), o.URL) {
		t.Errorf("the worker said %v, want an error without the address", err)
	}
}
