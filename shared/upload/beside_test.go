package upload_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/tabletest"
	"github.com/assetry/assetry/shared/upload"
)

// note is a row that a draft writes beside its asset, and what it names.
func note(o id.Order, a asset.Asset) table.Write {
	k := schema.InputKey(o, a.ID)
	return table.Put(table.Item{table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK), schema.Format: table.String(a.Format)}, table.Absent())
}

// ways are all ways in for a draft.
func (w *world) ways() map[string]func(d upload.Draft) (asset.Asset, error) {
	ctx := context.Background()
	return map[string]func(d upload.Draft) (asset.Asset, error){
		"by form": func(d upload.Draft) (asset.Asset, error) { a, _, err := w.uploads.Begin(ctx, w.who, d); return a, err },
		"by PUT": func(d upload.Draft) (asset.Asset, error) {
			a, _, err := w.uploads.BeginPut(ctx, w.who, d, 0)
			return a, err
		},
		"by parts": func(d upload.Draft) (asset.Asset, error) {
			a, _, err := w.uploads.BeginParts(ctx, w.who, d, twoParts, 0)
			return a, err
		},
		"by parts of the client's own sizes": func(d upload.Draft) (asset.Asset, error) {
			a, _, err := w.uploads.BeginOpenParts(ctx, w.who, d, 2, 0)
			return a, err
		},
		"by address": func(d upload.Draft) (asset.Asset, error) {
			return w.uploads.BeginImport(ctx, w.who, d, "https://files.example.com/room.xyz", 0)
		},
		"direct": func(d upload.Draft) (asset.Asset, error) { return w.uploads.Direct(ctx, w.who, d, points(1, 1000)) },
	}
}

func TestWhatADraftWritesBesideItsAsset(t *testing.T) {
	ctx := context.Background()
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newImports(t, open(t), newOrigin(t, points(1, 1000)), quick)
		for name, begin := range w.ways() {
			t.Run(name, func(t *testing.T) {
				o := id.NewOrder(w.ws.ID, w.clock.Now())
				d := w.xyz()
				d.Orders = asset.OrdersOf(o)
				d.Beside = func(a asset.Asset) []table.Write { return []table.Write{note(o, a)} }
				a, err := begin(d)
				if err != nil {
					t.Fatal(err)
				}
				it, err := w.table.Get(ctx, schema.InputKey(o, a.ID), table.Strong)
				if err != nil || it.Str(schema.Format) != "xyz" {
					t.Errorf("beside the asset is %v, %v", it, err)
				}
				if got := w.get(t, a.ID); !got.Orders.Has(o) || got.Format != "xyz" {
					t.Errorf("the asset is %+v", got)
				}
			})
		}
	})
}

func TestWhatLosesBesideAnAssetLetsNothingBeWritten(t *testing.T) {
	ctx := context.Background()
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newImports(t, open(t), newOrigin(t, points(1, 1000)), quick)
		w.begin(t)
		for name, begin := range w.ways() {
			for _, given := range []bool{false, true} {
				t.Run(name+map[bool]string{true: ", under a given id", false: ""}[given], func(t *testing.T) {
					o := id.NewOrder(w.ws.ID, w.clock.Now())
					there := schema.OrderKey(w.ws.ID, o)
					_, err := w.table.Write(ctx, table.Put(table.Item{
						table.AttrPK: table.String(there.PK), table.AttrSK: table.String(there.SK), schema.Version: table.Int(7),
					}, table.Absent()))
					if err != nil {
						t.Fatal(err)
					}
					var drawn []id.Asset
					d := w.xyz()
					if given {
						d.ID, d.Again = id.NewAsset(w.ws.ID, w.clock.Now()), true
					}
					d.Beside = func(a asset.Asset) []table.Write {
						drawn = append(drawn, a.ID)
						return []table.Write{note(o, a), table.Update(there, table.Eq(schema.Version, table.Int(6)), table.Add(schema.Version, table.Int(1)))}
					}
					_, err = begin(d)
					r := table.Refused(err)
					if r == nil {
						t.Fatalf("begin = %v; want the reasons of what was to be beside it", err)
					}
					if d := cmp.Diff([]table.Reason{table.Held, table.ConditionLost}, r.Reasons); d != "" || r.Current[1].Int(schema.Version) != 7 {
						t.Errorf("reasons (-want +got):\n%s; the row that won: %v", d, r.Current)
					}
					if len(drawn) != 1 {
						t.Errorf("ids were drawn %d times, want once", len(drawn))
					}
					if _, err := w.assets.Find(ctx, w.ws.ID, drawn[0]); !fault.Is(err, fault.NotFound) {
						t.Errorf("the asset: %v", err)
					}
					if row := w.importRow(t, drawn[0]); row != nil {
						t.Errorf("the import's row: %v", row)
					}
				})
			}
		}
	})
}

func TestATakenIDComesBeforeWhatLosesBesideIt(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	o := id.NewOrder(w.ws.ID, w.clock.Now())
	d := w.xyz()
	d.ID = id.NewAsset(w.ws.ID, w.clock.Now())
	d.Beside = func(a asset.Asset) []table.Write { return []table.Write{note(o, a)} }
	if _, _, err := w.uploads.BeginPut(ctx, w.who, d, 0); err != nil {
		t.Fatal(err)
	}
	for _, again := range []bool{false, true} { // the row beside it is there as well
		d.Again = again
		_, _, err := w.uploads.BeginPut(ctx, w.who, d, 0)
		wantDuplicate(t, "begin again", err, d.ID)
	}
}

func TestARepeatAfterALostAnswerFindsItsOwnAsset(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	o := id.NewOrder(w.ws.ID, w.clock.Now())
	d := w.xyz()
	d.Beside = func(a asset.Asset) []table.Write { return []table.Write{note(o, a)} }
	w.table.FailNth(tabletest.VerbTransact, 1, tabletest.LoseAnswer)
	d.ID = id.NewAsset(w.ws.ID, w.clock.Now())
	_, _, err := w.uploads.BeginPut(ctx, w.who, d, 0)
	if !fault.Is(err, fault.Unavailable) {
		t.Fatalf("begin whose answer is lost = %v", err)
	}
	d.Again = true
	_, _, err = w.uploads.BeginPut(ctx, w.who, d, 0)
	wantDuplicate(t, "the repeat", err, d.ID)
}
