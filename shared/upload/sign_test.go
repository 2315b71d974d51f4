package upload_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob/blobtest"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/tabletest"
	"github.com/assetry/assetry/shared/upload"
)

// numbers are those of a grant's parts.
func numbers(g upload.PartsGrant) (ns []int) {
	for _, p := range g.Parts {
		ns = append(ns, p.Number)
	}
	return ns
}

func upTo(from, to int) (ns []int) {
	for n := from; n <= to; n++ {
		ns = append(ns, n)
	}
	return ns
}

func TestPartsAreSignedByPages(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	a, first := w.beginParts(t, 2500*upload.MinPartSize)
	if d := cmp.Diff(upTo(1, 1000), numbers(first)); d != "" || first.Next != 1001 {
		t.Errorf("the first page goes on at %d (-want +got):\n%s", first.Next, d)
	}
	for _, c := range []struct {
		name string
		q    upload.PartsQuery
		want []int
		next int
	}{
		{"no number is the first page", upload.PartsQuery{}, upTo(1, 1000), 1001},
		{"the second page", upload.PartsQuery{From: 1001}, upTo(1001, 2000), 2001},
		{"the last page", upload.PartsQuery{From: 2001}, upTo(2001, 2500), 0},
		{"a page that ends with the plan", upload.PartsQuery{From: 1501}, upTo(1501, 2500), 0},
		{"the last part", upload.PartsQuery{From: 2500}, []int{2500}, 0},
		{"some numbers, in the order they were asked for", upload.PartsQuery{Numbers: []int{2500, 3, 1}}, []int{2500, 3, 1}, 0},
		{"a thousand numbers", upload.PartsQuery{Numbers: upTo(777, 1776)}, upTo(777, 1776), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, g, err := w.uploads.SignParts(ctx, w.who, a.ID, c.q)
			if err != nil || g.Next != c.next || g.Upload != first.Upload || g.Plan != first.Plan {
				t.Fatalf("signed %+v of upload %s, next %d, %v; want upload %s, next %d", g.Plan, g.Upload, g.Next, err, first.Upload, c.next)
			}
			if d := cmp.Diff(c.want, numbers(g)); d != "" {
				t.Errorf("numbers (-want +got):\n%s", d)
			}
			if got.Version != a.Version {
				t.Errorf("within a minute the row was written: version %d, was %d", got.Version, a.Version)
			}
			for _, p := range g.Parts[:1] {
				u, err := url.Parse(p.URL)
				if err != nil || u.Query().Get("uploadId") != first.Upload || !strings.HasSuffix(u.Path, a.Source().Key()) {
					t.Errorf("part %d goes to %s, %v", p.Number, p.URL, err)
				}
			}
		})
	}
}

func TestPartsThatAreNotSigned(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	a, _ := w.beginParts(t, 3*upload.MinPartSize)
	before := w.end(t)
	for _, c := range []struct {
		name        string
		q           upload.PartsQuery
		field, says string
	}{
		{"number 0", upload.PartsQuery{Numbers: []int{0}}, "part_numbers", "0 is not in the plan of parts 1 to 3"},
		{"number 10,001 and one that is not in the plan", upload.PartsQuery{Numbers: []int{10_001, 1, 4, 5}}, "part_numbers", "4-5, 10001 are not in the plan"},
		{"a negative number", upload.PartsQuery{Numbers: []int{-1}}, "part_numbers", "-1"},
		{"numbers that come twice", upload.PartsQuery{Numbers: []int{2, 3, 2, 3, 2}}, "part_numbers", "2-3 are listed more than once"},
		{"more than a page", upload.PartsQuery{Numbers: make([]int, 1001)}, "part_numbers", "1001 numbers"},
		{"a page beyond the plan", upload.PartsQuery{From: 4}, "cursor", "part 4"},
		{"a page before the plan", upload.PartsQuery{From: -1}, "cursor", "part -1"},
		{"numbers and a page", upload.PartsQuery{Numbers: []int{1}, From: 1}, "part_numbers", "cursor"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := w.uploads.SignParts(ctx, w.who, a.ID, c.q)
			fields := fault.FieldsOf(err)
			if !fault.Is(err, fault.Invalid) || len(fields) != 1 || fields[0].Name != c.field || !strings.Contains(fields[0].Message, c.says) {
				t.Errorf("sign = %v; want %s to say %q", err, c.field, c.says)
			}
		})
	}
	if w.end(t) != before {
		t.Error("refused queries wrote to the table")
	}
}

func TestReissueMovesTheExpiry(t *testing.T) {
	ctx := context.Background()
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		a, first := w.beginParts(t, twoParts)
		for range 4 { // every re-issue comes before the attempt's time has passed, and together they outlive it
			w.clock.Advance(upload.DefaultPartGrant + upload.DefaultSlack - time.Minute)
			got, g, err := w.uploads.SignParts(ctx, w.who, a.ID, upload.PartsQuery{})
			if err != nil || g.Upload != first.Upload || !g.Expires.Equal(got.GrantUntil) || g.Expires.Before(w.clock.Now().Add(upload.DefaultPartGrant-2*time.Minute)) {
				t.Fatalf("re-issue = upload %s until %s, %v", g.Upload, g.Expires, err)
			}
			w.clock.Advance(2 * time.Minute)
			w.mustSweep(t)
			if got := w.get(t, a.ID); got.State != asset.Pending {
				t.Fatalf("after the sweep: %s (%s)", got.State, got.Cause)
			}
			if us := w.uploadsOf(t, a); len(us) != 1 || us[0].ID != first.Upload {
				t.Fatalf("after the sweep the uploads %v are open", us)
			}
		}
		w.clock.Advance(upload.DefaultPartGrant + upload.DefaultSlack + 2*time.Hour)
		w.mustSweep(t)
		if got := w.get(t, a.ID); got.State != asset.Failed || got.Cause != asset.Expired || !strings.Contains(got.Failure, "parts") {
			t.Errorf("abandoned: %s (%s) %q", got.State, got.Cause, got.Failure)
		}
		if us := w.uploadsOf(t, a); len(us) != 0 {
			t.Errorf("of an abandoned upload %v are still open", us)
		}
		for what, call := range map[string]func() error{
			"sign": func() error {
				_, _, err := w.uploads.SignParts(ctx, w.who, a.ID, upload.PartsQuery{})
				return err
			},
			"list": func() error { _, _, err := w.uploads.ListParts(ctx, w.who, a.ID, 0, 10); return err },
		} {
			domaintest.WantKind(t, what+" after it was given up", call(), fault.Conflict)
		}
		if got, err := w.uploads.Complete(ctx, w.who, a.ID); err != nil || got.State != asset.Failed {
			t.Errorf("complete after it was given up = %s, %v; want the failed asset", got.State, err)
		}
	})
}

func TestAnUploadThatIsExtendedDuringASweepIsNotGivenUp(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	a, first := w.beginParts(t, twoParts)
	w.mustSweep(t)
	w.clock.Advance(upload.DefaultPartGrant + upload.DefaultSlack + 2*time.Hour)
	extended := false
	w.fault = func(c blobtest.Call) blobtest.Fault {
		if c.Method == "Read" && !extended { // the sweeper has read the row, and finds no bytes
			extended = true
			if _, _, err := w.uploads.SignParts(ctx, w.who, a.ID, upload.PartsQuery{}); err != nil {
				t.Error(err)
			}
		}
		return blobtest.None
	}
	w.mustSweep(t)
	w.fault = nil
	if got := w.get(t, a.ID); !extended || got.State != asset.Pending {
		t.Errorf("extended %v, and the asset is %s", extended, got.State)
	}
	if us := w.uploadsOf(t, a); len(us) != 1 || us[0].ID != first.Upload {
		t.Errorf("the uploads %v are open, want the asset's", us)
	}
	w.clock.Advance(upload.DefaultPartGrant + upload.DefaultSlack + 2*time.Hour)
	w.mustSweep(t)
	if got := w.get(t, a.ID); got.State != asset.Failed {
		t.Errorf("nobody came back to it: %s", got.State)
	}
}

func TestWhoMaySignAndList(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	a, g := w.beginParts(t, twoParts)
	sent := w.sendParts(t, g, tall(1, twoParts), 2)
	viewer := access.Principal{Key: w.who.Key, Grants: map[id.Workspace]access.Role{w.ws.ID: access.Viewer}}
	_, _, err := w.uploads.SignParts(ctx, viewer, a.ID, upload.PartsQuery{})
	domaintest.WantKind(t, "sign as a viewer", err, fault.Forbidden)
	_, _, err = w.uploads.SignParts(ctx, access.Principal{}, a.ID, upload.PartsQuery{})
	domaintest.WantKind(t, "sign as a stranger", err, fault.NotFound)
	_, _, err = w.uploads.BeginParts(ctx, viewer, w.draft(), twoParts, 0)
	domaintest.WantKind(t, "begin as a viewer", err, fault.Forbidden)
	_, err = w.uploads.CompleteParts(ctx, viewer, a.ID, nil)
	domaintest.WantKind(t, "complete as a viewer", err, fault.Forbidden)
	_, _, err = w.uploads.Regrant(ctx, viewer, a.ID)
	domaintest.WantKind(t, "regrant as a viewer", err, fault.Forbidden)
	ps, next, err := w.uploads.ListParts(ctx, viewer, a.ID, 0, 10)
	if err != nil || len(ps) != 1 || next != 0 || ps[0].Number != 1 || ps[0].Size != upload.MinPartSize || ps[0].ETag != stripped(sent)[0].ETag {
		t.Errorf("list as a viewer = %+v, %d, %v; want the part that was sent", ps, next, err)
	}
	_, _, err = w.uploads.ListParts(ctx, access.Principal{}, a.ID, 0, 10)
	domaintest.WantKind(t, "list as a stranger", err, fault.NotFound)
}

func TestPartsAreListedByPages(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	a, g := w.beginParts(t, 5*upload.MinPartSize)
	body := make([]byte, upload.MinPartSize)
	for _, n := range []int{1, 3, 4} {
		if status, _ := w.sendPart(t, g.Parts[n-1], body); status != http.StatusOK {
			t.Fatalf("part %d answered %d", n, status)
		}
	}
	var got []int
	for after, pages := 0, 0; ; pages++ {
		ps, next, err := w.uploads.ListParts(ctx, w.who, a.ID, after, 2)
		if err != nil || len(ps) > 2 || pages > 2 {
			t.Fatalf("page %d = %+v, %v", pages, ps, err)
		}
		for _, p := range ps {
			got = append(got, p.Number)
		}
		if after = next; next == 0 {
			break
		}
	}
	if d := cmp.Diff([]int{1, 3, 4}, got); d != "" {
		t.Errorf("listed (-want +got):\n%s", d)
	}
	for name, c := range map[string]struct{ after, limit int }{
		"no limit": {0, 0}, "a limit beyond a page": {0, 1001}, "a negative cursor": {-1, 1}, "a cursor beyond all parts": {10_001, 1},
	} {
		_, _, err := w.uploads.ListParts(ctx, w.who, a.ID, c.after, c.limit)
		domaintest.WantKind(t, name, err, fault.Invalid)
	}
}

// Each way in says which call goes on with it, and nothing is written by the others.
func TestCallsForAnotherWayInAreConflicts(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	signed, _ := w.begin(t)
	parts, _ := w.beginParts(t, twoParts)
	ready, err := w.uploads.Direct(ctx, w.who, w.draft(), picture(1))
	if err != nil {
		t.Fatal(err)
	}
	before := w.end(t)
	for _, c := range []struct {
		name string
		call func() error
		says string
	}{
		{"sign parts of a form upload", func() error {
			_, _, err := w.uploads.SignParts(ctx, w.who, signed.ID, upload.PartsQuery{})
			return err
		}, "signed_url"},
		{"list parts of a form upload", func() error { _, _, err := w.uploads.ListParts(ctx, w.who, signed.ID, 0, 1); return err }, "signed_url"},
		{"grant a form for parts", func() error { _, _, err := w.uploads.Regrant(ctx, w.who, parts.ID); return err }, "parts"},
		{"grant a form for a ready asset", func() error { _, _, err := w.uploads.Regrant(ctx, w.who, ready.ID); return err }, "ready"},
		{"sign parts of a ready asset", func() error {
			_, _, err := w.uploads.SignParts(ctx, w.who, ready.ID, upload.PartsQuery{})
			return err
		}, "direct"},
		{"retry a pending upload by parts", func() error { _, _, err := w.uploads.Retry(ctx, w.who, parts.ID, ""); return err }, "pending_upload"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.call(); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v; want a conflict that says %q", err, c.says)
			}
		})
	}
	if w.end(t) != before {
		t.Error("conflicts wrote to the table")
	}
}

func TestAFormIsGrantedAgain(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	a, _ := w.begin(t)
	same, g, err := w.uploads.Regrant(ctx, w.who, a.ID)
	if err != nil || same.Version != a.Version || !g.Expires.Equal(a.GrantUntil) {
		t.Errorf("at once: version %d until %s, %v; want the row untouched", same.Version, g.Expires, err)
	}
	w.mustSweep(t)
	w.clock.Advance(upload.DefaultGrant + upload.DefaultSlack - time.Minute)
	later, g, err := w.uploads.Regrant(ctx, w.who, a.ID)
	if err != nil || later.Generation != 1 || !later.GrantUntil.After(a.GrantUntil) || !g.Expires.Equal(later.GrantUntil) {
		t.Fatalf("later: %+v until %s, %v", later, g.Expires, err)
	}
	w.clock.Advance(10 * time.Minute)
	w.mustSweep(t)
	if got := w.get(t, a.ID); got.State != asset.Pending {
		t.Fatalf("swept although granted again: %s", got.State)
	}
	w.mustSend(t, g, picture(1))
	w.deliverAll(t)
	w.wantOnly(t, w.get(t, a.ID), picture(1))
}

func TestAnUploadThatWasNeverKeptIsBegunAnew(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	w.begin(t) // so that the only update is the one that keeps the upload
	w.table.FailNth(tabletest.VerbUpdate, 1, tabletest.LoseCall)
	_, _, err := w.uploads.BeginParts(ctx, w.who, w.draft(), twoParts, upload.MinPartSize)
	domaintest.WantKind(t, "begin", err, fault.Unavailable)
	w.table.Script(nil)
	pg, err := w.assets.List(ctx, w.who, asset.Query{Limit: 1})
	if err != nil || pg.Assets[0].Upload != "" {
		t.Fatalf("the asset that was begun is %+v, %v", pg.Assets, err)
	}
	a := pg.Assets[0]
	if ps, _, err := w.uploads.ListParts(ctx, w.who, a.ID, 0, 10); err != nil || len(ps) != 0 {
		t.Errorf("parts of no upload = %v, %v; want none", ps, err)
	}
	_, err = w.uploads.Complete(ctx, w.who, a.ID)
	domaintest.WantKind(t, "complete without an upload", err, fault.Conflict)
	got, g, err := w.uploads.SignParts(ctx, w.who, a.ID, upload.PartsQuery{})
	if err != nil || got.Upload == "" || got.Upload != g.Upload {
		t.Fatalf("sign = %+v, %v", got, err)
	}
	body := tall(1, twoParts)
	w.sendParts(t, g, body)
	if done, err := w.uploads.Complete(ctx, w.who, a.ID); err != nil || done.State != asset.Ready {
		t.Fatalf("complete = %s, %v", done.State, err)
	}
	if us := w.uploadsOf(t, a); len(us) != 1 {
		t.Fatalf("%d uploads are open, want the one that was forgotten", len(us))
	}
	w.deliverAll(t)
	w.clock.Advance(3 * time.Hour)
	w.mustSweep(t)
	if us := w.uploadsOf(t, a); len(us) != 0 {
		t.Errorf("the sweeper left %v open", us)
	}
	w.wantOnly(t, w.get(t, a.ID), body)
}

// The row is billed by the KB: an upload id of Amazon's has 128 characters and more.
func TestARowStaysUnderOneKB(t *testing.T) {
	a, _ := newWorld(t, drivers.SQLite(t)).beginParts(t, upload.MaxParts*upload.MinPartSize)
	a.Name, a.Upload, a.Declared = strings.Repeat("ü", 127)+"x", strings.Repeat("u", 160), "application/octet-stream"
	a.Folder, a.Project = id.NewFolder(a.Workspace, time.Now()), id.NewProject(a.Workspace, time.Now())
	a.Type, a.Size, a.ETag, a.Object, a.Width, a.Height = "image/jpeg", upload.MaxSize, strings.Repeat("e", 38), strings.Repeat("v", 32), 99_999, 99_999
	if n := a.Row().Size(); n > 1024 {
		t.Errorf("the row of a ready upload by parts has %d bytes, want at most 1,024", n)
	}
}
