package upload_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/blob/blobtest"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/tabletest"
	"github.com/assetry/assetry/shared/upload"
)

func TestLifeOfASignedUpload(t *testing.T) {
	ctx := context.Background()
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))

		t.Run("an announced asset is pending and readable at once", func(t *testing.T) {
			a, g := w.begin(t)
			if d := cmp.Diff(a, w.get(t, a.ID)); d != "" {
				t.Errorf("get differs from what begin answered (-begin +get):\n%s", d)
			}
			if a.State != asset.Pending || !g.Expires.Equal(a.GrantUntil) {
				t.Errorf("begin gave %s with a grant until %s and a form until %s", a.State, a.GrantUntil, g.Expires)
			}
		})
		t.Run("the event makes it ready", func(t *testing.T) {
			a, g := w.begin(t)
			w.mustSend(t, g, picture(1))
			w.deliverAll(t)
			got := w.get(t, a.ID)
			if got.State != asset.Ready || got.Type != "image/png" || got.Width != 8 || got.Height != 6 || got.Size != int64(len(picture(1))) {
				t.Errorf("after the event: %+v", got)
			}
			w.wantOnly(t, got, picture(1))
		})
		t.Run("complete makes it ready, again answers the same, and the late event writes nothing", func(t *testing.T) {
			a, g := w.begin(t)
			w.mustSend(t, g, picture(2))
			first, err := w.uploads.Complete(ctx, w.who, a.ID)
			if err != nil || first.State != asset.Ready {
				t.Fatalf("complete = %s, %v", first.State, err)
			}
			w.deliverAll(t)
			again, err := w.uploads.Complete(ctx, w.who, a.ID)
			if d := cmp.Diff(first, again); err != nil || d != "" {
				t.Errorf("second complete: %v (-first +second):\n%s", err, d)
			}
		})
		t.Run("complete before the bytes is a conflict and leaves it pending", func(t *testing.T) {
			a, _ := w.begin(t)
			_, err := w.uploads.Complete(ctx, w.who, a.ID)
			domaintest.WantKind(t, "complete", err, fault.Conflict)
			if got := w.get(t, a.ID); got.State != asset.Pending || got.Version != a.Version {
				t.Errorf("after the conflict: %s, version %d; want it untouched", got.State, got.Version)
			}
		})
		t.Run("retry of what has not failed is a conflict", func(t *testing.T) {
			a, _ := w.begin(t)
			_, _, err := w.uploads.Retry(ctx, w.who, a.ID, "")
			domaintest.WantKind(t, "retry of a pending asset", err, fault.Conflict)
			ready, err := w.uploads.Direct(ctx, w.who, upload.Draft{Workspace: w.ws.ID}, picture(3))
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = w.uploads.Retry(ctx, w.who, ready.ID, "")
			domaintest.WantKind(t, "retry of a ready asset", err, fault.Conflict)
		})
	})
}

func TestRejectedBytesFailAndARetryBegins(t *testing.T) {
	ctx := context.Background()
	cases := map[string]struct {
		body []byte
		says string
	}{
		"HTML announced as a picture": {html, "HTML"},
		"a PNG cut in the middle":     {picture(1)[:40], "PNG"},
		"an empty object":             {nil, "empty"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, drivers.SQLite(t))
			a, g := w.begin(t)
			w.mustSend(t, g, c.body)
			got, err := w.uploads.Complete(ctx, w.who, a.ID)
			if err != nil || got.State != asset.Failed || got.Cause != asset.Rejected || !strings.Contains(got.Failure, c.says) {
				t.Fatalf("complete = %s (%s) %q, %v; want it failed with a message about %q", got.State, got.Cause, got.Failure, err, c.says)
			}
			w.mustCleanUp(t)
			if vs := w.versions(t, a); len(vs) != 0 {
				t.Errorf("rejected bytes are still there: %+v", vs)
			}
			next, way, err := w.uploads.Retry(ctx, w.who, a.ID, "")
			if err != nil || next.State != asset.Pending || next.Generation != 2 || next.Failure != "" {
				t.Fatalf("retry = %+v, %v", next, err)
			}
			w.mustSend(t, g, picture(9)) // the first form once more
			w.mustSend(t, *way.Form, picture(4))
			w.deliverAll(t)
			w.mustCleanUp(t)
			got = w.get(t, a.ID)
			if got.State != asset.Ready {
				t.Fatalf("after the retry: %+v", got)
			}
			w.wantOnly(t, got, picture(4))
		})
	}
}

func TestAnnouncedTypeMustAgree(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	a, g, err := w.uploads.Begin(ctx, w.who, upload.Draft{Workspace: w.ws.ID, Declared: "video/mp4"})
	if err != nil {
		t.Fatal(err)
	}
	w.mustSend(t, g, picture(1))
	got, err := w.uploads.Complete(ctx, w.who, a.ID)
	if err != nil || got.State != asset.Failed || !strings.Contains(got.Failure, "video/mp4") || !strings.Contains(got.Failure, "image/png") {
		t.Errorf("complete = %s %q, %v; want it failed, naming both types", got.State, got.Failure, err)
	}
}

func TestBytesThatAreReadyNeverChange(t *testing.T) {
	ctx := context.Background()
	replays := map[string]func(t *testing.T, w *world, a asset.Asset, g upload.Grant){
		"after the finalizing event": func(t *testing.T, w *world, a asset.Asset, g upload.Grant) {
			w.deliverAll(t)
			w.mustSend(t, g, html)
		},
		"before the finalizing event, after complete": func(t *testing.T, w *world, a asset.Asset, g upload.Grant) {
			if _, err := w.uploads.Complete(ctx, w.who, a.ID); err != nil {
				t.Fatal(err)
			}
			w.mustSend(t, g, html)
		},
		"while the event is finalizing": func(t *testing.T, w *world, a asset.Asset, g upload.Grant) {
			e, _ := w.take(0)
			sent := false
			w.table.Script(func(c tabletest.Call) tabletest.Fault {
				if c.Verb == tabletest.VerbUpdate && !sent {
					sent = true
					w.mustSend(t, g, html)
				}
				return tabletest.None
			})
			if err := w.deliver(e); err != nil {
				t.Fatal(err)
			}
			w.table.Script(nil)
			if !sent {
				t.Fatal("the form was not replayed while the event was handled")
			}
		},
	}
	for name, replay := range replays {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, drivers.SQLite(t))
			a, g := w.begin(t)
			w.mustSend(t, g, picture(1))
			replay(t, w, a, g)
			before := w.get(t, a.ID)
			if before.State != asset.Ready {
				t.Fatalf("before the replay is noticed: %+v", before)
			}
			wantLinked(t, w, before, picture(1))
			w.deliverAll(t)
			w.mustCleanUp(t)
			after := w.get(t, a.ID)
			if d := cmp.Diff(before, after); d != "" {
				t.Errorf("the replay changed the asset (-before +after):\n%s", d)
			}
			w.wantOnly(t, after, picture(1))
			wantLinked(t, w, after, picture(1))
		})
	}
}

// wantLinked follows the asset's link as a browser does.
func wantLinked(t *testing.T, w *world, a asset.Asset, body []byte) {
	t.Helper()
	url, err := w.links.Resolve(context.Background(), w.links.Token(a, w.ws), http.MethodGet)
	if err != nil {
		t.Fatalf("open the link: %v", err)
	}
	res, err := w.server.HTTP().Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(res.Body)
	if err != nil || !bytes.Equal(got, body) || res.Header.Get("Content-Type") != "image/png" {
		t.Errorf("the link gave %d bytes of %s, %v; want the %d verified of image/png", len(got), res.Header.Get("Content-Type"), err, len(body))
	}
}

func TestExpiredIsNotTerminal(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	a, g := w.begin(t)
	w.clock.Advance(upload.DefaultGrant + upload.DefaultSlack - time.Minute)
	w.mustSweep(t)
	if got := w.get(t, a.ID); got.State != asset.Pending {
		t.Fatalf("swept before its time: %s", got.State)
	}
	w.clock.Advance(10 * time.Minute)
	w.mustSweep(t)
	got := w.get(t, a.ID)
	if got.State != asset.Failed || got.Cause != asset.Expired || got.Failure == "" {
		t.Fatalf("after its time: %s (%s) %q, want failed (expired) with a message", got.State, got.Cause, got.Failure)
	}
	if again, err := w.uploads.Complete(ctx, w.who, a.ID); err != nil || again.State != asset.Failed {
		t.Errorf("complete of an expired asset without bytes = %s, %v; want failed", again.State, err)
	}
	w.mustSend(t, g, picture(1)) // a transfer that was begun in time
	w.mustCleanUp(t)
	w.deliverAll(t)
	got = w.get(t, a.ID)
	if got.State != asset.Ready || got.Generation != 1 || got.Failure != "" {
		t.Errorf("after late bytes: %+v, want ready in the first generation", got)
	}
	w.wantOnly(t, got, picture(1))
}

func TestSweepFindsBytesWhoseEventWasLost(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	arrived, g := w.begin(t)
	w.mustSend(t, g, picture(1))
	replayed, g2 := w.begin(t)
	w.mustSend(t, g2, picture(2))
	w.take(0) // lost
	w.deliverAll(t)
	w.mustSend(t, g2, html)
	w.take(0) // lost
	w.clock.Advance(upload.DefaultGrant + upload.DefaultSlack + 10*time.Minute)
	w.mustSweep(t)
	for what, a := range map[string]struct {
		asset.Asset
		body []byte
	}{"an upload whose event was lost": {arrived, picture(1)}, "a replayed form whose event was lost": {replayed, picture(2)}} {
		got := w.get(t, a.ID)
		if got.State != asset.Ready {
			t.Errorf("%s: %s, want ready", what, got.State)
		}
		w.wantOnly(t, got, a.body)
	}
}

func TestSweepVisitsEachAssetOnce(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	for range 5 {
		w.begin(t)
	}
	w.clock.Advance(2 * time.Hour)
	first, err := w.uploads.Sweep(ctx)
	if err != nil || first.Visited != 5 || first.Settled != 5 {
		t.Fatalf("first sweep = %+v, %v; want 5 visited and settled", first, err)
	}
	w.clock.Advance(2 * time.Hour)
	second, err := w.uploads.Sweep(ctx)
	if err != nil || second.Visited != 0 {
		t.Errorf("second sweep = %+v, %v; want nothing visited again", second, err)
	}
}

func TestSweepPutsOffWhatItCannotSettle(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	var all []asset.Asset
	for range 3 {
		a, _ := w.begin(t)
		all = append(all, a)
	}
	w.clock.Advance(2 * time.Hour)
	w.table.Script(func(c tabletest.Call) tabletest.Fault {
		if c.Verb == tabletest.VerbUpdate && c.Keys[0] == all[0].Key() {
			return tabletest.Throttle
		}
		return tabletest.None
	})
	done, err := w.uploads.Sweep(ctx)
	w.table.Script(nil)
	if err == nil || !strings.Contains(err.Error(), all[0].ID.String()) {
		t.Errorf("a sweep that could not settle asset %s said %v", all[0].ID, err)
	}
	if done.Settled != 2 {
		t.Errorf("%d assets were settled beside the one that failed, want 2", done.Settled)
	}
	if again, err := w.uploads.Sweep(ctx); err != nil || again.Visited != 0 {
		t.Errorf("the sweep after it = %+v, %v; want nothing to do before the next hour", again, err)
	}
	w.clock.Advance(2 * time.Hour)
	w.mustSweep(t)
	for _, a := range all {
		if got := w.get(t, a.ID); got.State != asset.Failed {
			t.Errorf("in the end asset %s is %s, want failed", a.ID, got.State)
		}
	}
}

func TestSweepStopsWhereItCannotEvenPutOff(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	a, _ := w.begin(t)
	w.mustSweep(t)
	w.clock.Advance(2 * time.Hour)
	w.table.Script(func(c tabletest.Call) tabletest.Fault {
		if c.Write {
			return tabletest.Throttle
		}
		return tabletest.None
	})
	if _, err := w.uploads.Sweep(ctx); err == nil {
		t.Error("a sweep that could write nothing said nothing")
	}
	w.table.Script(nil)
	w.mustSweep(t)
	if got := w.get(t, a.ID); got.State != asset.Failed {
		t.Errorf("after the next sweep: %s, want failed", got.State)
	}
}

func TestSweepLeavesAnAttemptAloneThatBeganMeanwhile(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	a, g := w.begin(t)
	w.mustSend(t, g, html)
	w.deliverAll(t)
	if got := w.get(t, a.ID); got.State != asset.Failed {
		t.Fatalf("after HTML: %s", got.State)
	}
	w.clock.Advance(2 * time.Hour)
	retried := false
	w.fault = func(c blobtest.Call) blobtest.Fault {
		if c.Method == "Versions" && !retried { // the sweeper has read the failed row and is about to tidy up behind it
			retried = true
			_, way, err := w.uploads.Retry(ctx, w.who, a.ID, "")
			if err != nil {
				t.Fatal(err)
			}
			w.mustSend(t, *way.Form, picture(1))
			w.deliverAll(t)
		}
		return blobtest.None
	}
	w.mustSweep(t)
	w.fault = nil
	got := w.get(t, a.ID)
	if !retried || got.State != asset.Ready {
		t.Fatalf("the retry ran %v and left the asset %s", retried, got.State)
	}
	w.wantOnly(t, got, picture(1))
}

func TestDeleteEndsEverything(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	p, err := w.projects.Create(ctx, w.who, w.ws.ID, "P")
	if err != nil {
		t.Fatal(err)
	}
	a, g, err := w.uploads.Begin(ctx, w.who, upload.Draft{Workspace: w.ws.ID, Project: p.ID})
	if err != nil {
		t.Fatal(err)
	}
	w.mustSend(t, g, picture(1))
	w.deliverAll(t)
	for range 2 {
		if err := w.assets.Delete(ctx, w.who, a.ID); err != nil {
			t.Fatalf("delete: %v", err)
		}
	}
	_, err = w.assets.Get(ctx, w.who, a.ID)
	domaintest.WantKind(t, "get of a deleted asset", err, fault.NotFound)
	_, err = w.links.Resolve(ctx, w.links.Token(a, w.ws), http.MethodGet)
	domaintest.WantKind(t, "link of a deleted asset", err, fault.NotFound)
	_, err = w.uploads.Complete(ctx, w.who, a.ID)
	domaintest.WantKind(t, "complete of a deleted asset", err, fault.NotFound)
	w.mustCleanUp(t)
	w.mustSend(t, g, picture(2)) // late bytes of its grant
	w.deliverAll(t)
	if vs := w.versions(t, a); len(vs) != 0 {
		t.Errorf("a deleted asset left %+v", vs)
	}
	pg, err := w.table.Query(ctx, table.Query{PK: p.ID.String(), Limit: 10})
	if err != nil || len(pg.Items) != 0 {
		t.Errorf("a deleted asset is still on the project: %v, %v", pg.Items, err)
	}
}

func TestDeleteOfWhatNeverWasIsMissing(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	err := w.assets.Delete(context.Background(), w.who, id.NewAsset(w.ws.ID, time.Now()))
	domaintest.WantKind(t, "delete", err, fault.NotFound)
}

func TestEventWithoutARowIsDeliveredAgain(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	a := asset.Asset{ID: id.NewAsset(w.ws.ID, w.clock.Now()), Workspace: w.ws.ID, Generation: 1}
	o, err := w.bucket.Put(ctx, a.Source().Key(), bytes.NewReader(html), int64(len(html)), putOptions)
	if err != nil {
		t.Fatal(err)
	}
	domaintest.WantKind(t, "event of a young object", w.uploads.Arrived(ctx, a.Source(), o.Version), fault.Unavailable)
	if len(w.versions(t, a)) != 1 {
		t.Error("the bytes are gone although the row may still come")
	}
	w.clock.Advance(asset.RememberDeleted + time.Hour)
	if err := w.uploads.Arrived(ctx, a.Source(), o.Version); err != nil {
		t.Errorf("event of an old object: %v", err)
	}
	if vs := w.versions(t, a); len(vs) != 0 {
		t.Errorf("old bytes without a row are still there: %+v", vs)
	}
}

var putOptions = blob.PutOptions{Type: "application/octet-stream"}
