package upload_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/media"
	"github.com/assetry/assetry/shared/upload"
)

// arrive brings bytes by every way that has a client, and gives what became of the asset.
func (w *world) arrive(t *testing.T, d upload.Draft, body []byte, o *origin) map[string]asset.Asset {
	t.Helper()
	ctx := context.Background()
	became := map[string]asset.Asset{}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	a, form, err := w.uploads.Begin(ctx, w.who, d)
	must(err)
	w.mustSend(t, form, body)
	became["by form"] = a
	a, bare, err := w.uploads.BeginPut(ctx, w.who, d, 0)
	must(err)
	w.mustPut(t, bare.URL, body)
	became["by PUT"] = a
	a, planned, err := w.uploads.BeginParts(ctx, w.who, d, int64(len(body)), 0)
	must(err)
	w.sendParts(t, planned, body)
	_, err = w.uploads.Complete(ctx, w.who, a.ID)
	must(err)
	became["by parts"] = a
	a, open, err := w.uploads.BeginOpenParts(ctx, w.who, d, 1, 0)
	must(err)
	w.sendOpen(t, open, body)
	_, err = w.uploads.Complete(ctx, w.who, a.ID)
	must(err)
	became["by parts of the client's own sizes"] = a
	o.set(func(o *origin) { o.body = body })
	a, err = w.uploads.BeginImport(ctx, w.who, d, o.address(), 0)
	must(err)
	became["by address"] = a
	w.workAll(t)
	w.deliverAll(t)
	for way, a := range became {
		became[way] = w.get(t, a.ID)
	}
	return became
}

func TestAFormatIsWhatTheBytesMustBe(t *testing.T) {
	source := newOrigin(t, nil)
	w := newImports(t, drivers.SQLite(t), source, quick)
	scan := w.xyz()
	scan.Format = media.FormatE57
	declared := upload.Draft{Workspace: w.ws.ID, Declared: "chemical/x-xyz"}
	for name, c := range map[string]struct {
		draft upload.Draft
		body  []byte
		want  string // type; "" is failed
		says  string
	}{
		"points":                                    {w.xyz(), points(1, 3000), "model/x-xyz", ""},
		"points under a declared type":              {declared, points(1, 3000), "model/x-xyz", ""},
		"a picture where points were announced":     {w.xyz(), picture(1), "", "announced as xyz, but it is of the type image/png"},
		"a page where points were declared":         {declared, html, "", "announced as xyz, but it is an HTML page"},
		"one line repeated":                         {w.xyz(), []byte(strings.Repeat("1 2 3\n", 500)), "", "all the same"},
		"points where a scan was announced":         {scan, points(1, 3000), "", "announced as e57, but it is plain text"},
		"points that were announced as nothing":     {upload.Draft{Workspace: w.ws.ID}, points(1, 3000), "", "plain text"},
		"the beginning of a scan, cut off":          {scan, e57(4096)[:2048], "", "The E57 file is incomplete"},
		"a scan":                                    {scan, e57(4096), "model/e57", ""},
		"a scan that was announced as nothing":      {upload.Draft{Workspace: w.ws.ID}, e57(4096), "model/e57", ""},
		"a scan that was announced as a picture":    {upload.Draft{Workspace: w.ws.ID, Declared: "image/png"}, e57(4096), "", "announced as image/png, but it is model/e57"},
		"a picture that was declared as a scan":     {upload.Draft{Workspace: w.ws.ID, Declared: "model/e57"}, picture(1), "", "announced as e57, but it is of the type image/png"},
		"a scan of the kind that was not announced": {w.xyz(), e57(4096), "", "announced as xyz, but it is of the type model/e57"},
	} {
		t.Run(name, func(t *testing.T) {
			for way, a := range w.arrive(t, c.draft, c.body, source) {
				if c.want != "" && (a.State != asset.Ready || a.Type != c.want || a.Size != int64(len(c.body))) {
					t.Errorf("%s: %s (%s) of type %q, want ready of %q", way, a.State, a.Failure, a.Type, c.want)
				}
				if c.want == "" && (a.State != asset.Failed || a.Cause != asset.Rejected || !strings.Contains(a.Failure, c.says)) {
					t.Errorf("%s: %s (%s) %q, want rejected with %q", way, a.State, a.Cause, a.Failure, c.says)
				}
			}
			a, err := w.uploads.Direct(context.Background(), w.who, c.draft, c.body)
			if c.want != "" && (err != nil || a.Type != c.want || a.State != asset.Ready) {
				t.Errorf("direct: %+v, %v", a, err)
			}
			if c.want == "" && (!fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("direct: %v, want %q", err, c.says)
			}
		})
	}
}

// What fails as a format is retried as one: the next attempt is held against the same.
func TestARetryKeepsTheFormat(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	a, g, err := w.uploads.Begin(ctx, w.who, w.xyz())
	if err != nil {
		t.Fatal(err)
	}
	w.mustSend(t, g, html)
	w.deliverAll(t)
	for _, c := range []struct {
		body []byte
		want asset.State
	}{{picture(1), asset.Failed}, {points(1, 2000), asset.Ready}} {
		_, way, err := w.uploads.Retry(ctx, w.who, a.ID, "")
		if err != nil || way.Form == nil {
			t.Fatalf("retry = %+v, %v", way, err)
		}
		if status := w.send(t, *way.Form, c.body); status != http.StatusNoContent {
			t.Fatalf("the bucket answered %d", status)
		}
		w.deliverAll(t)
		if got := w.get(t, a.ID); got.State != c.want || got.Format != media.FormatXYZ {
			t.Errorf("it is %+v, want %s", got, c.want)
		}
	}
}

func TestALimitOfADraftHoldsForEveryWay(t *testing.T) {
	ctx := context.Background()
	body := points(1, 3000)
	o := newOrigin(t, body)
	w := newImports(t, drivers.SQLite(t), o, quick)
	d := w.xyz()
	d.MaxSize = 1000
	a, g, err := w.uploads.Begin(ctx, w.who, d)
	if err != nil {
		t.Fatal(err)
	}
	if status := w.send(t, g, body); status/100 != 4 {
		t.Errorf("the bucket answered %d to a form with too many bytes", status)
	}
	if got := w.get(t, a.ID); got.MaxSize != 1000 {
		t.Errorf("the asset keeps a limit of %d", got.MaxSize)
	}
	b, err := w.uploads.BeginImport(ctx, w.who, d, o.address(), 0)
	if err != nil {
		t.Fatal(err)
	}
	w.workAll(t)
	w.wantFailed(t, b.ID, asset.Source, "1000")
}

// e57 is the header of a scan before as many zeros as make it n bytes long, for which its header is right.
func e57(n int) []byte {
	b := make([]byte, n)
	copy(b, "ASTM-E57\x01")
	b[16], b[17] = byte(n), byte(n>>8)
	b[24] = 48
	b[32] = 100
	b[41] = 4
	return b
}
