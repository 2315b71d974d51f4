package reconcile_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/reconcile"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/upload"
)

// story is a day on which nobody followed the stream.
type story struct {
	ready, rejected, retried, late, imported asset.Asset // have a row
	parts, silent                            asset.Asset // begun, and nothing came
	deleted                                  asset.Asset
	unknown, young                           schema.Source // bytes without a row
	folderItems                              table.Query
	began                                    time.Time
}

func tell(t *testing.T, w *world) (s story) {
	t.Helper()
	ctx := t.Context()
	s.began = w.clock.Now().Truncate(time.Millisecond)
	s.ready, s.rejected = w.direct(t, "ready.png"), w.rejected(t, "rejected.png")
	s.retried = w.rejected(t, "retried.png")
	if _, _, err := w.uploads.Retry(ctx, w.who, s.retried.ID, ""); err != nil {
		t.Fatal(err)
	}
	s.deleted = w.direct(t, "deleted.png")
	prj, err := w.projects.Create(ctx, w.who, w.ws, "Canvas")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.projects.Attach(ctx, w.who, prj.ID, s.deleted.ID); err != nil {
		t.Fatal(err)
	}
	if err := w.assets.Delete(ctx, w.who, s.deleted.ID); err != nil {
		t.Fatal(err)
	}
	if s.parts, _, err = w.uploads.BeginParts(ctx, w.who, upload.Draft{Workspace: w.ws, Name: "parts.png", Declared: "image/png"}, 20<<20, 0); err != nil {
		t.Fatal(err)
	}
	s.silent, s.late = w.begin(t, "silent.png"), w.begin(t, "late.png")
	w.put(t, s.late.Source(), picture(t))
	s.imported = importedAsset(t, w)
	f, err := w.folders.Create(ctx, w.who, w.ws, "Deleted")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.folders.AddText(ctx, w.who, w.ws, f.ID, "an item", ""); err != nil {
		t.Fatal(err)
	}
	if err := w.folders.Delete(ctx, w.who, w.ws, f.ID, true); err != nil {
		t.Fatal(err)
	}
	prefix := schema.FolderItemPrefix(f.ID)
	s.folderItems = table.Query{PK: schema.WorkspaceKey(w.ws).PK, From: prefix, To: schema.AfterPrefix(prefix), Limit: 10}
	kept, err := w.folders.Create(ctx, w.who, w.ws, "Kept")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.folders.AddText(ctx, w.who, w.ws, kept.ID, "an item", ""); err != nil {
		t.Fatal(err)
	}
	s.unknown = schema.Source{Workspace: w.ws, Asset: id.NewAsset(w.ws, time.Now().Add(-2*asset.RememberDeleted)), Generation: 1}
	s.young = schema.Source{Workspace: w.ws, Asset: id.NewAsset(w.ws, time.Now()), Generation: 1}
	w.put(t, s.unknown, []byte("nobody knows"))
	w.put(t, s.young, []byte("nobody knows yet"))
	return s
}

// importedAsset is ready by way of an import whose row was not forgotten.
func importedAsset(t *testing.T, w *world) asset.Asset {
	t.Helper()
	a := w.direct(t, "imported.png")
	_, err := w.table.Write(t.Context(), table.Update(a.Key(), table.Present(), table.Set(schema.Via, table.String(asset.ViaURL))))
	if err != nil {
		t.Fatal(err)
	}
	k := schema.ImportKey(a.ID)
	_, err = w.table.Write(t.Context(), table.Put(table.Item{
		table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK), schema.Workspace: table.String(w.ws.String()),
		schema.Version: table.Int(1), schema.Generation: table.Int(1), schema.Address: table.String("https://example.com/a?secret=1"),
	}, table.Absent()))
	if err != nil {
		t.Fatal(err)
	}
	return w.get(t, a.ID)
}

func TestADayWithoutFollowersIsMadeGood(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		s := tell(t, w)
		w.clock.Advance(3 * time.Hour) // every grant has ended
		before, openBefore := w.objects(t)
		look := w.run(t, reconcile.Options{Tell: s.began})
		want := reconcile.Report{
			Assets: 7, Objects: 9, Settled: 4, Told: 4, Indexed: 7, Imports: 1,
			Versions: 3, Bytes: 34 + int64(len(picture(t))), Folders: 1, Unknown: 1,
		}
		if diff := cmp.Diff(want, look); diff != "" {
			t.Errorf("what would be done (-want +got):\n%s", diff)
		}
		after, openAfter := w.objects(t)
		if diff := cmp.Diff(before, after); diff != "" || openBefore != 1 || openAfter != 1 || len(w.bus.events) > 0 || w.get(t, s.silent.ID).State != asset.Pending {
			t.Errorf("looking changed something: uploads %d and %d, events %v\n%s", openBefore, openAfter, w.bus.events, diff)
		}

		done := w.run(t, reconcile.Options{Tell: s.began, Apply: true})
		want.Uploads = 1 // of the upload that was settled just before
		if diff := cmp.Diff(want, done); diff != "" {
			t.Errorf("what was done (-want +got):\n%s", diff)
		}
		checkStory(t, w, s)

		again := w.run(t, reconcile.Options{Apply: true})
		if diff := cmp.Diff(reconcile.Report{Assets: 7, Objects: 5, Unknown: 1}, again); diff != "" {
			t.Errorf("once more (-want +got):\n%s", diff)
		}
		last := w.run(t, reconcile.Options{Apply: true, Unknown: true})
		if diff := cmp.Diff(reconcile.Report{Assets: 7, Objects: 5, Versions: 1, Bytes: 12}, last); diff != "" {
			t.Errorf("with what nobody knows (-want +got):\n%s", diff)
		}
	})
}

// checkStory looks at everything that followers would have done.
func checkStory(t *testing.T, w *world, s story) {
	t.Helper()
	got, open := w.objects(t)
	want := append(keysOf(s.ready, s.late, s.imported), s.unknown.Key(), s.young.Key())
	if diff := cmp.Diff(sorted(want), got); diff != "" || open != 0 {
		t.Errorf("the bucket has %d open uploads, want none, and objects (-want +got):\n%s", open, diff)
	}
	if a := w.get(t, s.late.ID); a.State != asset.Ready {
		t.Errorf("bytes whose event was lost left the asset %s", a.State)
	}
	for _, a := range []asset.Asset{s.silent, s.parts, s.retried} {
		if now := w.get(t, a.ID); now.State != asset.Failed || now.Cause != asset.Expired {
			t.Errorf("%s is %s (%s), want failed (expired)", a.Name, now.State, now.Cause)
		}
	}
	if _, err := w.table.Get(t.Context(), schema.ImportKey(s.imported.ID), table.Strong); !errors.Is(err, table.ErrNotFound) {
		t.Errorf("the import's row, with its address: %v", err)
	}
	for what, q := range map[string]table.Query{
		"items of the deleted folder": s.folderItems,
		"places of the deleted asset": {Index: schema.IndexOnAsset, PK: s.deleted.ID.String(), Limit: 10},
	} {
		if pg, err := w.table.Query(t.Context(), q); err != nil || len(pg.Items) != 0 {
			t.Errorf("%s: %v, %v", what, pg.Items, err)
		}
	}
	told := map[string][]bus.Type{
		s.ready.ID.String(): {bus.AssetReady}, s.rejected.ID.String(): {bus.AssetFailed}, s.imported.ID.String(): {bus.AssetReady},
		s.deleted.ID.String(): {bus.AssetDeleted},
	}
	if diff := cmp.Diff(told, w.bus.told()); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	for _, e := range w.bus.events {
		if e.Detail.Asset == s.ready.ID.String() && (e.Detail.ID != s.ready.ID.String()+":1" && e.Detail.Version != s.ready.Version || e.Time.Before(s.began)) {
			t.Errorf("the event of the ready asset is %+v, want the id and version of its row", e)
		}
		if e.Type == bus.AssetDeleted && e.Detail.Version != s.deleted.Version+1 {
			t.Errorf("the end of the asset has version %d, want %d", e.Detail.Version, s.deleted.Version+1)
		}
	}
	it, err := w.table.Get(t.Context(), w.get(t, s.ready.ID).Key(), table.Strong)
	if err != nil {
		t.Fatal(err)
	}
	if lacks, err := w.index.Lacks(t.Context(), it); err != nil || lacks {
		t.Errorf("the index still lacks the ready asset: %v, %v", lacks, err)
	}
}

func TestOnlyWhatMayHaveChangedSinceIsToldAgain(t *testing.T) {
	w := newWorld(t, domaintest.NewTable(t), domaintest.NewTable(t))
	old := w.direct(t, "old.png")
	edited := w.direct(t, "edited.png")
	granted := w.rejected(t, "granted.png") // within its grant it may have been rejected at any time
	w.clock.Advance(48 * time.Hour)
	since := w.clock.Now().Truncate(time.Millisecond)
	if _, err := w.assets.Update(t.Context(), w.who, edited.ID, asset.Change{Name: ptr("renamed.png")}, 0); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Hour)
	fresh := w.direct(t, "fresh.png")
	w.run(t, reconcile.Options{Tell: since, Apply: true})
	want := map[string][]bus.Type{edited.ID.String(): {bus.AssetReady}, fresh.ID.String(): {bus.AssetReady}}
	if diff := cmp.Diff(want, w.bus.told()); diff != "" {
		t.Errorf("told (-want +got), of %s, %s and others:\n%s", old.ID, granted.ID, diff)
	}
	for _, e := range w.bus.events {
		floor := since
		if e.Detail.Asset == fresh.ID.String() {
			floor = fresh.CreatedAt()
		}
		if !e.Time.Equal(floor) {
			t.Errorf("the event of %s is of %v, want the earliest time that it can be of, %v", e.Detail.Asset, e.Time, floor)
		}
	}
	first := w.bus.events
	w.bus.events = nil
	w.run(t, reconcile.Options{Tell: since, Apply: true})
	if diff := cmp.Diff(first, w.bus.events); diff != "" {
		t.Errorf("a repeated run tells something else (-first +second):\n%s", diff)
	}
	w.bus.events = nil
	if r := w.run(t, reconcile.Options{Apply: true}); r.Told != 0 || len(w.bus.events) != 0 {
		t.Errorf("without a time it told of %d", r.Told)
	}
}

func TestAPageThatTheBusDoesNotTakeIsDoneAgain(t *testing.T) {
	w := newWorld(t, domaintest.NewTable(t), domaintest.NewTable(t))
	a, b := w.direct(t, "a.png"), w.direct(t, "b.png")
	o := reconcile.Options{Tell: a.CreatedAt(), Apply: true}
	for _, tt := range []struct {
		name    string
		refuses func(bus.Event) bool
		err     error
		kind    fault.Kind
		told    int
	}{
		{"an event is refused", func(e bus.Event) bool { return e.Detail.Asset == b.ID.String() }, nil, fault.Unavailable, 1},
		{"a request fails", nil, fault.New(fault.Throttled, "too much"), fault.Throttled, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.bus.events, w.bus.refuses, w.bus.err = nil, tt.refuses, tt.err
			at := reconcile.Begin(w.ws)
			r, next, done, err := w.service(o).Page(t.Context(), at)
			domaintest.WantKind(t, "Page", err, tt.kind)
			if next != at || done || r.Told != tt.told {
				t.Errorf("it goes on at %s, told %d; want the same page, told %d", next, r.Told, tt.told)
			}
			w.bus.refuses, w.bus.err = nil, nil
			w.run(t, o)
			if got := w.bus.told(); len(got[a.ID.String()]) < 1 || len(got[b.ID.String()]) != 1 {
				t.Errorf("after the repeat: %v", got)
			}
		})
	}
}

func TestManyPagesOfManyShards(t *testing.T) {
	w := newWorld(t, domaintest.NewTable(t), domaintest.NewTable(t))
	if _, err := w.accounts.Split(t.Context(), w.ws, 2); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Hour)
	const n = 230
	for range n {
		a := asset.Asset{
			ID: id.NewAsset(w.ws, w.clock.Now()), Workspace: w.ws, Version: 1, State: asset.Ready, Generation: 1, Name: "row.png", Via: asset.ViaDirect, CreatedBy: w.who.Key,
		}
		ws, err := w.accounts.Workspace(t.Context(), w.ws)
		if err != nil {
			t.Fatal(err)
		}
		a.Shard = ws.Shard(a.ID)
		if _, err := w.table.Write(t.Context(), table.Put(a.Row(), table.Absent())); err != nil {
			t.Fatal(err)
		}
	}
	bad := asset.Asset{ID: id.NewAsset(w.ws, w.clock.Now()), Workspace: w.ws, Version: 1}
	if _, err := w.table.Write(t.Context(), table.Put(bad.Row(), table.Absent())); err != nil {
		t.Fatal(err)
	}
	if _, err := w.table.Write(t.Context(), table.Update(bad.Key(), table.Present(), table.Set(schema.CreatedBy, table.String("nobody")))); err != nil {
		t.Fatal(err)
	}
	r := w.run(t, reconcile.Options{Apply: true, Tell: time.Unix(0, 0)})
	if r.Assets != n+1 || r.Told != n || r.Indexed != n || r.Unreadable != 1 {
		t.Errorf("report: %+v, want %d assets, one of them unreadable", r, n+1)
	}
}

func TestObjectsByteByByte(t *testing.T) {
	w := newWorld(t, domaintest.NewTable(t), domaintest.NewTable(t))
	s := tell(t, w)
	w.clock.Advance(3 * time.Hour)
	w.run(t, reconcile.Options{Apply: true, Tell: s.began}) // but for what nobody knows
	o := w.put(t, s.rejected.Source(), []byte("again"))
	if o.Key == "" {
		t.Fatal("nothing was written")
	}
	var all reconcile.Report
	for at := (reconcile.Cursor{Workspace: w.ws, Step: reconcile.StepObjects, Part: 1}); at.Step == reconcile.StepObjects; {
		r, next, _, err := w.service(reconcile.Options{Apply: true, Unknown: true}).Page(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		all.Add(r)
		at = next
	}
	if s.rejected.ID.Spread() > 0 && s.unknown.Asset.Spread() > 0 && all.Versions != 2 {
		t.Errorf("byte by byte: %+v, want both versions removed", all)
	}
	w.run(t, reconcile.Options{Apply: true, Unknown: true}) // byte 00, in the rare case
	got, _ := w.objects(t)
	if diff := cmp.Diff(sorted(append(keysOf(s.ready, s.late, s.imported), s.young.Key())), got); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

func TestTwoAtOnce(t *testing.T) {
	w := newWorld(t, domaintest.NewTable(t), domaintest.NewTable(t))
	s := tell(t, w)
	w.clock.Advance(3 * time.Hour)
	domaintest.Together(2, func(int) { w.run(t, reconcile.Options{Apply: true}) })
	w.run(t, reconcile.Options{Tell: s.began, Apply: true}) // tells; the rest is done
	got, open := w.objects(t)
	want := sorted(append(keysOf(s.ready, s.late, s.imported), s.unknown.Key(), s.young.Key()))
	if diff := cmp.Diff(want, got); diff != "" || open != 0 {
		t.Errorf("%d open uploads, and objects (-want +got):\n%s", open, diff)
	}
}

func TestAWorkspaceThatIsNotThere(t *testing.T) {
	w := newWorld(t, domaintest.NewTable(t), domaintest.NewTable(t))
	_, _, _, err := w.service(reconcile.Options{}).Page(t.Context(), reconcile.Begin(id.NewWorkspace(time.Now())))
	domaintest.WantKind(t, "Page", err, fault.NotFound)
}

func FuzzParseCursor(f *testing.F) {
	w, u := id.NewWorkspace(time.Unix(1_790_000_000, 0)), id.New(time.Unix(1_790_000_000, 0))
	for _, c := range []reconcile.Cursor{
		reconcile.Begin(w), {Workspace: w, Step: reconcile.StepObjects, Part: 255}, {Workspace: w, Step: reconcile.StepFolders, After: u},
		{Workspace: w, Step: reconcile.StepRows, Part: 3, After: u},
	} {
		f.Add(c.String())
	}
	f.Add("")
	f.Add("ws_x/rows/00/")
	f.Add(w.String() + "/rows/100/")
	f.Add(w.String() + "/rows/0/")
	f.Add(w.String() + "/else/00/")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := reconcile.ParseCursor(text)
		if err != nil {
			domaintest.WantKind(t, "ParseCursor", err, fault.Invalid)
			if c != (reconcile.Cursor{}) {
				t.Errorf("ParseCursor(%q) = %v beside an error", text, c)
			}
			return
		}
		if c.String() != text || strings.Count(text, "/") != 3 {
			t.Errorf("ParseCursor(%q) = %v", text, c)
		}
	})
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}

func ptr(s string) *string { return &s }
