package upload_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/importer"
	"github.com/assetry/assetry/shared/upload"
)

func TestAnImportCopiesItsSource(t *testing.T) {
	for name, c := range map[string]struct {
		size int
		edit func(*origin)
		how  upload.ImportOptions
		hops int // requests for workers
	}{
		"a small file, in one request":                           {size: 4000, hops: 1},
		"a file of exactly one part":                             {size: part, hops: 1},
		"three parts by ranges":                                  {size: 2*part + 1000, hops: 1},
		"parts that fit exactly":                                 {size: 2 * part, hops: 1},
		"several ranges at once":                                 {size: 4*part + 7, how: upload.ImportOptions{Part: part, Parallel: 4, Pause: time.Millisecond}, hops: 1},
		"a worker for each part after the first two":             {size: 3*part + 7, how: upload.ImportOptions{Part: part, Parallel: 1, Time: time.Nanosecond, Pause: time.Millisecond}, hops: 3},
		"only the time of the last change tells it apart":        {size: 2*part + 1, edit: func(o *origin) { o.etag, o.modified = "", "Sat, 21 Nov 2026 12:00:00 GMT" }, hops: 1},
		"nothing tells it apart: in one go":                      {size: 2*part + 1, edit: func(o *origin) { o.etag = "" }, hops: 1},
		"a weak ETag alone: in one go":                           {size: 2*part + 1, edit: func(o *origin) { o.etag = `W/"x"` }, hops: 1},
		"no ranges, a small file":                                {size: 4000, edit: func(o *origin) { o.plain = true }, hops: 1},
		"no ranges: in one go":                                   {size: 2*part + 1, edit: func(o *origin) { o.plain = true }, hops: 1},
		"no ranges, parts that fit exactly":                      {size: 2 * part, edit: func(o *origin) { o.plain = true }, hops: 1},
		"no length, a small file":                                {size: 4000, edit: func(o *origin) { o.mute = true }, hops: 1},
		"no length: in one go":                                   {size: 2*part + 1, edit: func(o *origin) { o.mute = true }, hops: 1},
		"overloaded three times before each answer":              {size: part + 1, edit: func(o *origin) { o.meets = overloaded(4) }, hops: 1},
		"connections that break now and then, by ranges":         {size: 2*part + 9, edit: func(o *origin) { o.meets = breaking }, hops: 1},
		"connections that break at first, without ranges":        {size: part + 9, edit: func(o *origin) { o.plain, o.meets = true, breaksFirst }, hops: 1},
		"connections that break at first, without ranges, large": {size: 2*part + 9, edit: func(o *origin) { o.plain, o.meets = true, breaksLate }, hops: 1},
	} {
		t.Run(name, func(t *testing.T) {
			body := file(c.size, 1)
			o := newOrigin(t, body)
			if c.edit != nil {
				c.edit(o)
			}
			if c.how == (upload.ImportOptions{}) {
				c.how = quick
			}
			w := newImports(t, drivers.SQLite(t), o, c.how)
			a := w.beginImport(t, o.address(), 0)
			if a.Via != asset.ViaURL || a.State != asset.Pending {
				t.Errorf("begun: %+v", a)
			}
			if n := w.workAll(t); n != c.hops {
				t.Errorf("%d workers were asked for, want %d", n, c.hops)
			}
			got := w.wantImported(t, a.ID, body)
			if got.Type != "image/png" || got.Width != 8 {
				t.Errorf("found %s of width %d", got.Type, got.Width)
			}
		})
	}
}

func TestAnImportWithoutANameHasThatOfItsAddress(t *testing.T) {
	w := newImports(t, drivers.SQLite(t), newOrigin(t, picture(1)), quick)
	w.remote = importer.New(importer.Options{})
	w.boot()
	for name, c := range map[string]struct{ sent, address, want string }{
		"the last in the path":           {"", "https://files.example.com/a/summer.png?sig=x", "summer.png"},
		"percent-encoded":                {"", "https://files.example.com/%C3%A9t%C3%A9%20a.png", "été a.png"},
		"none for a folder":              {"", "https://files.example.com/a/", ""},
		"none without a path":            {"", "https://files.example.com", ""},
		"none for one with a line in it": {"", "https://files.example.com/a%0Ab.png", ""},
		"none for one that is too long":  {"", "https://files.example.com/" + strings.Repeat("a", 300), ""},
		"what is sent comes before that": {"b.png", "https://files.example.com/a.png", "b.png"},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := w.uploads.BeginImport(context.Background(), w.who, upload.Draft{Workspace: w.ws.ID, Name: c.sent}, c.address, 0)
			if err != nil || a.Name != c.want {
				t.Errorf("the name is %q, %v; want %q", a.Name, err, c.want)
			}
		})
	}
}

// overloaded answers every request but each nth with 503.
func overloaded(nth int) func(http.ResponseWriter, *http.Request, int) bool {
	return func(w http.ResponseWriter, _ *http.Request, n int) bool {
		if n%nth == 0 {
			return true
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return false
	}
}

// breaking cuts every second answer off half-way through what it promised.
func breaking(w http.ResponseWriter, r *http.Request, n int) bool {
	if n%2 == 0 {
		return true
	}
	panic(http.ErrAbortHandler)
}

// cut promises a body and breaks the connection within it.
func cut(w http.ResponseWriter, bytes int) bool {
	w.Header().Set("Content-Length", "40000000")
	_, _ = w.Write(make([]byte, bytes))
	panic(http.ErrAbortHandler)
}

func breaksFirst(w http.ResponseWriter, _ *http.Request, n int) bool { return n > 2 || cut(w, 1000) }
func breaksLate(w http.ResponseWriter, r *http.Request, n int) bool {
	if n > 2 {
		return true
	}
	return cut(w, part+part/2)
}

func TestAnImportOnBothTables(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		body := file(2*part+1, 3)
		o := newOrigin(t, body)
		w := newImports(t, open(t), o, upload.ImportOptions{Part: part, Parallel: 1, Time: time.Nanosecond, Pause: time.Millisecond})
		a := w.beginImport(t, o.address(), 0)
		w.workAll(t)
		w.wantImported(t, a.ID, body)
	})
}

func TestBadAddressesAreRefusedBeforeAnythingIsWritten(t *testing.T) {
	o := newOrigin(t, picture(1))
	w := newImports(t, drivers.SQLite(t), o, quick)
	w.remote = importer.New(importer.Options{})
	w.boot()
	for name, address := range map[string]string{
		"plain http": "http://files.example.com/a.png", "no address": "hello", "userinfo": "https://me:secret@files.example.com/a.png",
		"an address of a private network": "https://10.0.0.7/a.png", "the metadata service": "https://169.254.169.254/latest",
		"100 kB of it": "https://files.example.com/" + strings.Repeat("a", 100<<10),
	} {
		t.Run(name, func(t *testing.T) {
			before := w.table.Calls("")
			_, err := w.uploads.BeginImport(context.Background(), w.who, upload.Draft{Workspace: w.ws.ID}, address, 0)
			domaintest.WantKind(t, "begin", err, fault.Invalid)
			if fs := fault.FieldsOf(err); len(fs) != 1 || fs[0].Name != "source" {
				t.Errorf("fields %+v, want source", fs)
			}
			if n := w.table.Calls("") - before; n != 0 {
				t.Errorf("%d calls of the table", n)
			}
		})
	}
	_, err := w.uploads.BeginImport(context.Background(), w.who, upload.Draft{Workspace: w.ws.ID, Declared: "text/x", Checksum: blob.Checksum{Algorithm: blob.SHA256, Value: "x"}}, "http://x", 0)
	if fs := fault.FieldsOf(err); len(fs) != 3 {
		t.Errorf("fields %+v, want all three that are wrong", fs)
	}
}
