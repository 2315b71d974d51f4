package upload_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob/blobtest"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/tabletest"
	"github.com/assetry/assetry/shared/upload"
)

// wantDuplicate complains unless err names the asset that was created before.
func wantDuplicate(t *testing.T, what string, err error, a id.Asset) {
	t.Helper()
	want := []fault.Field{{Name: "asset_id", Message: a.String()}}
	if d := cmp.Diff(want, fault.FieldsOf(err)); !fault.Is(err, fault.Duplicate) || d != "" {
		t.Errorf("%s = %v; want it a duplicate (-want fields +got):\n%s", what, err, d)
	}
}

func TestACreateUnderAGivenID(t *testing.T) {
	ctx := context.Background()
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		ways := map[string]func(d upload.Draft) (asset.Asset, error){
			"by form": func(d upload.Draft) (asset.Asset, error) { a, _, err := w.uploads.Begin(ctx, w.who, d); return a, err },
			"by parts": func(d upload.Draft) (asset.Asset, error) {
				a, _, err := w.uploads.BeginParts(ctx, w.who, d, twoParts, 0)
				return a, err
			},
			"direct": func(d upload.Draft) (asset.Asset, error) { return w.uploads.Direct(ctx, w.who, d, picture(1)) },
		}
		for name, create := range ways {
			t.Run(name, func(t *testing.T) {
				d := w.draft()
				d.ID = id.NewAsset(w.ws.ID, w.clock.Now())
				a, err := create(d)
				if err != nil || a.ID != d.ID {
					t.Fatalf("create = %s, %v; want %s", a.ID, err, d.ID)
				}
				row := w.get(t, a.ID)
				for _, again := range []bool{false, true} {
					d.Again, d.Name = again, "another.png"
					_, err = create(d)
					wantDuplicate(t, "create again", err, a.ID)
				}
				if d := cmp.Diff(row, w.get(t, a.ID)); d != "" {
					t.Errorf("the repeat changed the row (-before +after):\n%s", d)
				}
				if err := w.assets.Delete(ctx, w.who, a.ID); err != nil {
					t.Fatal(err)
				}
				_, err = create(d)
				wantDuplicate(t, "create of what was deleted since", err, a.ID)
				_, err = w.assets.Get(ctx, w.who, a.ID)
				domaintest.WantKind(t, "get of what was deleted", err, fault.NotFound)
			})
		}
		t.Run("an id of another workspace is a mistake of ours", func(t *testing.T) {
			d := w.draft()
			d.ID = id.NewAsset(id.NewWorkspace(time.Now()), time.Now())
			_, err := ways["by form"](d)
			domaintest.WantKind(t, "create", err, fault.Internal)
		})
	})
}

func TestADirectUploadUnderAGivenIDIsGoneOnWith(t *testing.T) {
	ctx := context.Background()
	for name, fail := range map[string]func(w *world){
		"its bytes never got there": func(w *world) { w.fault = blobtest.Nth("Put", 1, blobtest.Unavailable) },
		"its bytes got there, and neither answer nor look did": func(w *world) {
			w.fault = func(c blobtest.Call) blobtest.Fault {
				if c.Method == "Put" {
					return blobtest.Lost
				}
				return blobtest.Unavailable
			}
		},
		"its settling was lost":                     func(w *world) { w.table.FailNth(tabletest.VerbUpdate, 1, tabletest.LoseCall) },
		"its row was written, and no more is known": func(w *world) { w.table.FailNth(tabletest.VerbPut, 2, tabletest.LoseAnswer) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, drivers.SQLite(t))
			d := w.draft()
			d.ID = id.NewAsset(w.ws.ID, w.clock.Now())
			fail(w)
			_, err := w.uploads.Direct(ctx, w.who, d, picture(1))
			domaintest.WantKind(t, "first", err, fault.Unavailable)
			w.fault = nil
			w.table.Script(nil)
			d.Again = true
			got, err := w.uploads.Direct(ctx, w.who, d, picture(1))
			if err != nil || got.State != asset.Ready || got.ID != d.ID {
				t.Fatalf("again = %s %s, %v", got.ID, got.State, err)
			}
			w.deliverAll(t)
			w.wantOnly(t, w.get(t, d.ID), picture(1))
		})
	}
}

// The sweeper's pass over the ids may be past an id that was drawn an hour ago.
func TestTheSweeperFindsWhatWasCreatedUnderAnOldID(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	old := []id.Asset{id.NewAsset(w.ws.ID, w.clock.Now()), id.NewAsset(w.ws.ID, w.clock.Now())}
	w.begin(t)
	w.clock.Advance(100 * time.Minute)
	w.mustSweep(t)
	d := w.draft()
	d.ID, d.Again = old[0], true
	if _, _, err := w.uploads.BeginParts(ctx, w.who, d, twoParts, 0); err != nil {
		t.Fatal(err)
	}
	d.ID = old[1]
	w.fault = blobtest.Nth("Put", 1, blobtest.Unavailable)
	_, err := w.uploads.Direct(ctx, w.who, d, picture(1))
	domaintest.WantKind(t, "direct", err, fault.Unavailable)
	w.fault = nil
	for range 4 {
		w.clock.Advance(time.Hour)
		w.mustSweep(t)
	}
	w.mustCleanUp(t)
	for _, a := range old {
		if got := w.get(t, a); got.State != asset.Failed {
			t.Errorf("%s asset %s is %s", got.Via, a, got.State)
		}
	}
	w.wantTidy(t)
}
