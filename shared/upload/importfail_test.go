package upload_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/upload"
)

func TestASourceThatFailsSaysHow(t *testing.T) {
	for name, c := range map[string]struct {
		size int
		edit func(*origin)
		max  int64
		says string
	}{
		"gone":                        {edit: func(o *origin) { o.meets = refuse(0, http.StatusNotFound) }, says: "404"},
		"denied":                      {edit: func(o *origin) { o.meets = refuse(0, http.StatusForbidden) }, says: "403"},
		"overloaded for good":         {edit: func(o *origin) { o.meets = refuse(0, http.StatusServiceUnavailable) }, says: "503"},
		"too large, and says so":      {size: 3000, max: 2999, says: "at most 2999"},
		"too large, and does not say": {size: 3000, edit: func(o *origin) { o.mute = true }, max: 2999, says: "2999"},
		"too large by far, by ranges": {size: 2*part + 1, max: 2 * part, says: "at most"},
		"connections that break": {edit: func(o *origin) {
			o.meets = func(w http.ResponseWriter, _ *http.Request, _ int) bool { return cut(w, 100) }
		}, says: "source"},
		"changed half-way":             {size: 3 * part, edit: func(o *origin) { o.meets = changes(o, 2) }, says: "changed"},
		"expired half-way, by ranges":  {size: 3 * part, edit: func(o *origin) { o.meets = refuse(2, http.StatusUnauthorized) }, says: "retry to go on"},
		"ranges that it gives no more": {size: 3 * part, edit: func(o *origin) { o.meets = forgets(o, 2) }, says: "source"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOrigin(t, file(max(c.size, 100), 1))
			if c.edit != nil {
				c.edit(o)
			}
			w := newImports(t, drivers.SQLite(t), o, quick)
			a := w.beginImport(t, o.address(), c.max)
			w.workAll(t)
			w.wantFailed(t, a.ID, asset.Source, c.says)
			if vs := w.versions(t, a); len(vs) > 0 {
				t.Errorf("bytes are there: %+v", vs)
			}
			w.clock.Advance(26 * time.Hour)
			w.mustSweep(t)
			w.clock.Advance(2 * time.Hour)
			w.mustSweep(t)
			if us := w.openUploads(t, a); len(us) > 0 {
				t.Errorf("a day later uploads are still open: %+v", us)
			}
		})
	}
}

// changes makes the file another one after some answers.
func changes(o *origin, after int) func(http.ResponseWriter, *http.Request, int) bool {
	return func(w http.ResponseWriter, _ *http.Request, n int) bool {
		if n > after {
			w.Header().Set("ETag", `"second"`)
		}
		return true
	}
}

// forgets makes the origin give the whole file where a range is asked for, after some answers.
func forgets(o *origin, after int) func(http.ResponseWriter, *http.Request, int) bool {
	return func(_ http.ResponseWriter, r *http.Request, n int) bool {
		if n > after {
			r.Header.Del("Range")
		}
		return true
	}
}

func TestARetryGoesOnWhereTheSourceFailed(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		moved bool // the retry brings another address
		etag  string
		again bool // everything has to be copied again
	}{
		"by the same address":                         {etag: `"first"`},
		"by another address with the same strong tag": {moved: true, etag: `"first"`},
		"another file under another address":          {moved: true, etag: `"other"`, again: true},
		"another address that does not say":           {moved: true, etag: "", again: true},
	} {
		t.Run(name, func(t *testing.T) {
			body := file(4*part+5, 2)
			o := newOrigin(t, body)
			o.meets = refuse(3, http.StatusForbidden)
			w := newImports(t, drivers.SQLite(t), o, quick)
			a := w.beginImport(t, o.address(), 0)
			w.workAll(t)
			failed := w.wantFailed(t, a.ID, asset.Source, "403", "24 hours")
			if failed.Received != 3*part || failed.Expected != int64(len(body)) {
				t.Errorf("%d of %d bytes are shown, want three parts of %d", failed.Received, failed.Expected, len(body))
			}
			o.set(func(o *origin) { o.meets, o.etag, o.served = nil, c.etag, 0 })
			source := ""
			if c.moved {
				source = o.URL + "/elsewhere.png?" + secretQuery
			}
			next, way, err := w.uploads.Retry(ctx, w.who, a.ID, source)
			if err != nil || next.State != asset.Pending || next.Generation != 1 || way != (upload.Way{}) {
				t.Fatalf("retry = %s, generation %d, %+v, %v", next.State, next.Generation, way, err)
			}
			if got := w.get(t, a.ID); got.State != asset.Pending || got.Version != next.Version || got.Received != 3*part {
				t.Errorf("after the retry: %+v, answered %+v", got, next)
			}
			w.workAll(t)
			w.wantImported(t, a.ID, body)
			_, served := o.counts()
			if want := int64(part + 5); c.again && served < int64(len(body)) || !c.again && served > want+10 {
				t.Errorf("the source served %d bytes after the retry; all again: %t", served, c.again)
			}
		})
	}
}

func TestARetryOfAnImport(t *testing.T) {
	ctx := context.Background()
	t.Run("after rejected bytes it begins the next generation", func(t *testing.T) {
		o := newOrigin(t, html)
		w := newImports(t, drivers.SQLite(t), o, quick)
		a := w.beginImport(t, o.address(), 0)
		w.workAll(t)
		w.wantFailed(t, a.ID, asset.Rejected, "HTML")
		w.mustCleanUp(t)
		o.set(func(o *origin) { o.body, o.etag = picture(4), `"second"` })
		next, _, err := w.uploads.Retry(ctx, w.who, a.ID, "")
		if err != nil || next.Generation != 2 {
			t.Fatalf("retry = generation %d, %v", next.Generation, err)
		}
		w.workAll(t)
		w.wantImported(t, a.ID, picture(4))
	})
	t.Run("large rejected bytes leave nothing", func(t *testing.T) {
		body := file(2*part, 1)
		copy(body, "<!doctype html><script>")
		o := newOrigin(t, body)
		w := newImports(t, drivers.SQLite(t), o, quick)
		a := w.beginImport(t, o.address(), 0)
		w.workAll(t)
		w.wantFailed(t, a.ID, asset.Rejected, "HTML")
		w.deliverAll(t)
		w.mustCleanUp(t)
		if vs, us := w.versions(t, a), w.openUploads(t, a); len(vs)+len(us) > 0 {
			t.Errorf("left: %+v, %+v", vs, us)
		}
	})
	t.Run("of a pending or ready one is a conflict, and complete says to wait", func(t *testing.T) {
		o := newOrigin(t, picture(1))
		w := newImports(t, drivers.SQLite(t), o, quick)
		a := w.beginImport(t, o.address(), 0)
		_, _, err := w.uploads.Retry(ctx, w.who, a.ID, "")
		domaintest.WantKind(t, "retry of a pending import", err, fault.Conflict)
		_, err = w.uploads.Complete(ctx, w.who, a.ID)
		domaintest.WantKind(t, "complete of a pending import", err, fault.Conflict)
		w.workAll(t)
		_, _, err = w.uploads.Retry(ctx, w.who, a.ID, "")
		domaintest.WantKind(t, "retry of a ready import", err, fault.Conflict)
	})
	t.Run("with a bad address changes nothing", func(t *testing.T) {
		o := newOrigin(t, picture(1))
		o.meets = refuse(0, http.StatusNotFound)
		w := newImports(t, drivers.SQLite(t), o, quick)
		a := w.beginImport(t, o.address(), 0)
		w.workAll(t)
		_, _, err := w.uploads.Retry(ctx, w.who, a.ID, "http://10.0.0.1/")
		domaintest.WantKind(t, "retry", err, fault.Invalid)
		w.wantFailed(t, a.ID, asset.Source)
	})
	t.Run("when the address is no longer kept wants it again", func(t *testing.T) {
		o := newOrigin(t, picture(1))
		o.meets = refuse(0, http.StatusNotFound)
		w := newImports(t, drivers.SQLite(t), o, quick)
		a := w.beginImport(t, o.address(), 0)
		w.workAll(t)
		w.dropImportRow(t, a.ID)
		_, at := w.requests(t, "")
		_, _, err := w.uploads.Retry(ctx, w.who, a.ID, "")
		domaintest.WantKind(t, "retry", err, fault.Invalid)
		o.set(func(o *origin) { o.meets = nil })
		if _, _, err := w.uploads.Retry(ctx, w.who, a.ID, o.address()); err != nil {
			t.Fatal(err)
		}
		es, _ := w.requests(t, at)
		if len(es) != 1 {
			t.Fatalf("requests %+v, want one", es)
		}
		if err := w.work(es[0]); err != nil {
			t.Fatal(err)
		}
		w.wantImported(t, a.ID, picture(1))
	})
}

func TestAChecksumOfAnImportIsCompared(t *testing.T) {
	for name, size := range map[string]int{"small": 3000, "in parts": part + 1} {
		t.Run(name, func(t *testing.T) {
			body := file(size, 1)
			o := newOrigin(t, body)
			w := newImports(t, drivers.SQLite(t), o, quick)
			for says, sum := range map[string]blob.Checksum{
				"right": blob.CRC64NVME.Of(body), "wrong": blob.CRC64NVME.Of(body[1:]), "none": {Algorithm: blob.CRC64NVME},
			} {
				d := upload.Draft{Workspace: w.ws.ID, Declared: "image/png", Checksum: sum}
				a, err := w.uploads.BeginImport(t.Context(), w.who, d, o.address(), 0)
				if err != nil {
					t.Fatal(err)
				}
				w.workAll(t)
				if says == "wrong" {
					w.wantFailed(t, a.ID, asset.Rejected, sum.Value)
					if us := w.openUploads(t, a); len(us) > 0 {
						t.Errorf("uploads are left open: %+v", us)
					}
					continue
				}
				if got := w.wantImported(t, a.ID, body); got.Checksum != blob.CRC64NVME.Of(body) {
					t.Errorf("checksum %s: the asset keeps %s, want the file's", says, got.Checksum)
				}
			}
		})
	}
}

func TestADeleteEndsAnImport(t *testing.T) {
	ctx := context.Background()
	for name, at := range map[string]string{
		"before a worker comes": "", "when the upload was begun": "StartParts", "when a part was written": "StreamPart",
		"when the parts were joined": "CompleteParts", "when the bytes are read": "Read",
	} {
		t.Run(name, func(t *testing.T) {
			o := newOrigin(t, file(3*part, 1))
			w := newImports(t, drivers.SQLite(t), o, quick)
			a := w.beginImport(t, o.address(), 0)
			es, _ := w.requests(t, "")
			remove := sync.OnceFunc(func() {
				if err := w.assets.Delete(ctx, w.who, a.ID); err != nil {
					t.Errorf("delete: %v", err)
				}
			})
			if at == "" {
				remove()
			}
			w.fault = w.onCall(at, remove)
			err := w.work(es[0])
			w.fault = nil
			if err != nil {
				t.Logf("the worker said %v", err)
				if err := w.work(es[0]); err != nil {
					t.Errorf("the request delivered again: %v", err)
				}
			}
			w.deliverAll(t)
			w.mustCleanUp(t)
			w.clock.Advance(3 * time.Hour)
			w.mustSweep(t)
			if vs, us := w.versions(t, a), w.openUploads(t, a); len(vs)+len(us) > 0 {
				t.Errorf("left: %+v, %+v", vs, us)
			}
			if row := w.importRow(t, a.ID); row != nil {
				t.Errorf("the address is still kept: %v", row)
			}
		})
	}
}

func TestNothingThatIsToldHasTheQuery(t *testing.T) {
	o := newOrigin(t, file(2*part, 1))
	o.meets = refuse(1, http.StatusForbidden)
	w := newImports(t, drivers.SQLite(t), o, quick)
	a := w.beginImport(t, o.address(), 0)
	es, _ := w.requests(t, "")
	for _, e := range es {
		b, err := e.Detail.JSON()
		if err != nil || strings.Contains(string(b), "://") || strings.Contains(string(b), secretQuery) {
			t.Errorf("the event tells the address: %s, %v", b, err)
		}
	}
	w.workAll(t)
	w.wantFailed(t, a.ID, asset.Source, o.URL+"/a.png")
}
