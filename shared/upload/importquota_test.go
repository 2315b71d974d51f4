package upload_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/tabletest"
	"github.com/assetry/assetry/shared/upload"
)

// limited is a world whose workspaces import so many bytes a day.
func limited(t testing.TB, db domaintest.Driver, o *origin, aDay int64, edit ...func(*upload.ImportOptions)) *world {
	t.Helper()
	how := quick
	how.BytesADay = aDay
	for _, e := range edit {
		e(&how)
	}
	return newImports(t, db, o, how)
}

// counted is what the workspace has imported on the clock's day, by the count.
func (w *world) counted(t testing.TB) int64 {
	t.Helper()
	it, err := w.table.Get(context.Background(), schema.ImportedKey(w.ws.ID, w.clock.Now()), table.Strong)
	if err != nil && err != table.ErrNotFound {
		t.Fatal(err)
	}
	return it.Int(schema.Imported)
}

func TestAnImportCountsItsBytesOnce(t *testing.T) {
	for name, c := range map[string]struct {
		size int
		edit func(*origin)
		how  func(*upload.ImportOptions)
	}{
		"a small file":                         {size: 4000},
		"several parts":                        {size: 2*part + 9},
		"a worker for each part":               {size: 3*part + 7, how: func(o *upload.ImportOptions) { o.Time = time.Nanosecond }},
		"in one go":                            {size: 2*part + 1, edit: func(o *origin) { o.plain = true }},
		"no length, a small file":              {size: 4000, edit: func(o *origin) { o.mute = true }},
		"no length, several parts":             {size: 2*part + 9, edit: func(o *origin) { o.mute = true }},
		"of a source that breaks":              {size: 2*part + 9, edit: func(o *origin) { o.plain, o.meets = true, cutShort }},
		"overloaded three times before it can": {size: part + 1, edit: func(o *origin) { o.meets = overloaded(4) }},
	} {
		t.Run(name, func(t *testing.T) {
			body := file(c.size, 1)
			o := newOrigin(t, body)
			if c.edit != nil {
				c.edit(o)
			}
			edits := []func(*upload.ImportOptions){}
			if c.how != nil {
				edits = append(edits, c.how)
			}
			w := limited(t, drivers.SQLite(t), o, int64(c.size), edits...)
			a := w.beginImport(t, o.address(), 0)
			w.workAll(t)
			w.wantImported(t, a.ID, body)
			if got := w.counted(t); got != int64(c.size) {
				t.Errorf("%d bytes are counted, want %d", got, c.size)
			}
		})
	}
}

func TestAnImportBeyondTheDaysLimitIsRefusedUntilTheNext(t *testing.T) {
	ctx := context.Background()
	for name, edit := range map[string]func(*origin){
		"that says how long it is":          func(*origin) {},
		"that does not say how long it is":  func(o *origin) { o.mute = true },
		"that can only be had as one piece": func(o *origin) { o.plain = true },
	} {
		t.Run(name, func(t *testing.T) {
			body := file(2*part+9, 1)
			o := newOrigin(t, body)
			edit(o)
			w := limited(t, drivers.SQLite(t), o, int64(len(body))+part)
			first := w.beginImport(t, o.address(), 0)
			w.workAll(t)
			w.wantImported(t, first.ID, body)

			second := w.beginImport(t, o.address(), 0)
			w.workAll(t)
			tomorrow := w.clock.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
			w.wantFailed(t, second.ID, asset.Source, fmt.Sprint(int64(len(body))+part), "a day", "Retry the asset after "+tomorrow.Format(time.RFC3339))

			if _, _, err := w.uploads.Retry(ctx, w.who, second.ID, ""); err != nil {
				t.Fatal(err)
			}
			w.workAll(t)
			w.wantFailed(t, second.ID, asset.Source, "a day")
			w.clock.Advance(tomorrow.Sub(w.clock.Now()) + time.Minute)
			if _, _, err := w.uploads.Retry(ctx, w.who, second.ID, ""); err != nil {
				t.Fatal(err)
			}
			w.workAll(t)
			w.wantImported(t, second.ID, body)
			if got := w.counted(t); got > int64(len(body)) || got == 0 {
				t.Errorf("%d bytes are counted on the next day, want at most %d", got, len(body))
			}
		})
	}
}

func TestASourceLargerThanADaysLimitIsToldSo(t *testing.T) {
	o := newOrigin(t, file(4000, 1))
	w := limited(t, drivers.SQLite(t), o, 3999)
	a := w.beginImport(t, o.address(), 0)
	w.workAll(t)
	w.wantFailed(t, a.ID, asset.Source, "4000 bytes", "at most 3999 a day", "another way in")
	if got := w.counted(t); got != 0 {
		t.Errorf("%d bytes are counted, want none", got)
	}
}

// What an attempt goes on with it does not copy again, and what it does copy again counts again.
func TestAnAttemptThatGoesOnCountsWhatIsLeft(t *testing.T) {
	ctx := context.Background()
	body := file(4*part, 1)
	o := newOrigin(t, body)
	o.meets = refuse(3, http.StatusForbidden)
	w := limited(t, drivers.SQLite(t), o, 100*part)
	a := w.beginImport(t, o.address(), 0)
	w.workAll(t)
	failed := w.wantFailed(t, a.ID, asset.Source)
	if failed.Received != 3*part || w.counted(t) != 4*part {
		t.Fatalf("%d bytes are there and %d counted", failed.Received, w.counted(t))
	}
	o.set(func(o *origin) { o.meets = nil })
	if _, _, err := w.uploads.Retry(ctx, w.who, a.ID, ""); err != nil {
		t.Fatal(err)
	}
	w.workAll(t)
	w.wantImported(t, a.ID, body)
	if got := w.counted(t); got != 5*part {
		t.Errorf("%d bytes are counted, want four parts and one", got)
	}
}

func TestACountWhoseAnswerIsLostCountsOnce(t *testing.T) {
	for nth := 1; nth <= 2; nth++ { // the announcing transaction comes before it: of the count, the first makes it and the second adds
		o := newOrigin(t, file(4000, 1))
		w := limited(t, drivers.SQLite(t), o, 1<<20)
		before := w.beginImport(t, o.address(), 0)
		if nth == 2 {
			w.workAll(t)
		}
		a := before
		if nth == 2 {
			a = w.beginImport(t, o.address(), 0)
		}
		counts, lost := 0, false
		w.table.Script(func(c tabletest.Call) tabletest.Fault {
			if c.Verb != tabletest.VerbTransact || lost || c.Keys[0] != schema.ImportedKey(w.ws.ID, w.clock.Now()) {
				return tabletest.None
			}
			if counts++; nth == 1 && counts == 1 { // it finds no count that it could add to
				return tabletest.None
			}
			lost = true
			return tabletest.LoseAnswer
		})
		es, _ := w.requests(t, "")
		err := w.work(es[len(es)-1])
		if !lost || !fault.Is(err, fault.Unavailable) {
			t.Fatalf("%d: lost %v, the worker: %v", nth, lost, err)
		}
		w.table.Script(nil)
		if err := w.work(es[len(es)-1]); err != nil {
			t.Fatal(err)
		}
		w.wantImported(t, a.ID, o.body)
		if got := w.counted(t); got != int64(nth)*4000 {
			t.Errorf("%d bytes are counted, want those of %d files", got, nth)
		}
	}
}

func TestImportsAtOnceStayWithinADaysLimit(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		const files, fit = 8, 5
		o := newOrigin(t, file(4000, 1))
		w := limited(t, open(t), o, fit*4000+1)
		var all []asset.Asset
		for range files {
			all = append(all, w.beginImport(t, o.address(), 0))
		}
		es, _ := w.requests(t, "")
		var wg sync.WaitGroup
		for _, e := range append([]bus.Event{}, es...) {
			wg.Go(func() {
				for err := w.work(e); err != nil; err = w.work(e) {
					if !fault.Is(err, fault.Throttled) && !fault.Is(err, fault.Unavailable) {
						t.Errorf("the worker: %v", err)
						return
					}
				}
			})
		}
		wg.Wait()
		ready := 0
		for _, a := range all {
			switch got := w.get(t, a.ID); {
			case got.State == asset.Ready:
				ready++
			case got.State != asset.Failed || !strings.Contains(got.Failure, "a day"):
				t.Errorf("asset %+v", got)
			}
		}
		if got := w.counted(t); ready != fit || got != fit*4000 {
			t.Errorf("%d files are ready and %d bytes counted, want %d and %d", ready, got, fit, fit*4000)
		}
	})
}

func TestWithoutALimitNothingIsCounted(t *testing.T) {
	o := newOrigin(t, file(4000, 1))
	w := limited(t, drivers.SQLite(t), o, 0)
	a := w.beginImport(t, o.address(), 0)
	w.workAll(t)
	w.wantImported(t, a.ID, o.body)
	if got := w.counted(t); got != 0 {
		t.Errorf("%d bytes are counted", got)
	}
}

func TestCostOfCountingAnImport(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		o := newOrigin(t, file(4000, 1))
		run := func(aDay int64) spent {
			w := limited(t, open(t), o, aDay, func(o *upload.ImportOptions) { o.Beat = time.Hour }) // renewals of the lease depend on time
			w.beginImport(t, o.address(), 0)                                                        // makes the count, and fills the caches
			w.workAll(t)
			w.beginImport(t, o.address(), 0)
			es, _ := w.requests(t, "")
			return cost(t, func(ctx context.Context) error { return w.workUnder(ctx, es[len(es)-1]) })
		}
		without, with := run(0), run(1<<20)
		if got := with.Write - without.Write; got != 4 || with.Read != without.Read || with.Requests-without.Requests != 1 {
			t.Errorf("counting costs %v write units in %d requests, want 4 in one: %+v, %+v", got, with.Requests-without.Requests, without, with)
		}
	})
}

// cutShort breaks the first connection in the middle of the file.
func cutShort(w http.ResponseWriter, _ *http.Request, n int) bool {
	if n > 1 {
		return true
	}
	w.Header().Set("Content-Length", strconv.Itoa(2*part+9))
	_, _ = w.Write(file(part+100, 1))
	panic(http.ErrAbortHandler)
}
