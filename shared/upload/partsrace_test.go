package upload_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/tabletest"
	"github.com/assetry/assetry/shared/upload"
)

func TestCompletesAndTheEventTogetherAnswerTheSame(t *testing.T) {
	ctx := context.Background()
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		a, g := w.beginParts(t, twoParts)
		body := tall(1, twoParts)
		sent := w.sendParts(t, g, body)
		answers := make([]asset.Asset, 8)
		var wg sync.WaitGroup
		for i := range answers {
			wg.Go(func() {
				ps := sent
				if i%2 == 0 {
					ps = nil
				}
				for {
					var err error
					if answers[i], err = w.uploads.CompleteParts(ctx, w.who, a.ID, ps); err == nil {
						return
					}
					if !fault.Is(err, fault.Unavailable) && !fault.Is(err, fault.Throttled) { // those say: repeat
						t.Errorf("complete: %v", err)
						return
					}
				}
			})
		}
		wg.Wait()
		w.deliverAll(t)
		want := w.get(t, a.ID)
		for _, got := range answers {
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("answers differ (-row +answer):\n%s", d)
			}
		}
		if want.Version != a.Version+1 {
			t.Errorf("the row was written %d times after the upload began, want once", want.Version-a.Version)
		}
		w.wantOnly(t, want, body)
	})
}

func TestCompleteAgainstOthers(t *testing.T) {
	ctx := context.Background()
	others := map[string]func(w *world, a asset.Asset) error{
		"a delete": func(w *world, a asset.Asset) error { return w.assets.Delete(ctx, w.who, a.ID) },
		"the sweeper, for which its time has passed": func(w *world, a asset.Asset) error {
			_, err := w.uploads.Expire(ctx, a)
			return err
		},
		"a re-issue": func(w *world, a asset.Asset) error {
			_, _, err := w.uploads.SignParts(ctx, w.who, a.ID, upload.PartsQuery{})
			return err
		},
		"a client that joins the parts itself": func(w *world, a asset.Asset) error {
			ps, _, err := w.direct.ListParts(ctx, a.Source().Key(), a.Upload, 0, 10)
			if err == nil {
				_, err = w.direct.CompleteParts(ctx, a.Source().Key(), a.Upload, ps, blob.PutOptions{})
			}
			_ = err // whoever is second finds no upload
			return nil
		},
		"somebody who aborts it": func(w *world, a asset.Asset) error { return w.direct.AbortParts(ctx, a.Source().Key(), a.Upload) },
	}
	for name, other := range others {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, drivers.SQLite(t))
			w.mustSweep(t)
			for range 6 {
				a, g := w.beginParts(t, onePart)
				w.sendParts(t, g, tall(1, onePart))
				var wg sync.WaitGroup
				wg.Go(func() {
					if _, err := w.uploads.Complete(ctx, w.who, a.ID); err != nil && !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Unavailable) && !fault.Is(err, fault.Conflict) {
						t.Errorf("complete: %v", err)
					}
				})
				wg.Go(func() {
					if err := other(w, a); err != nil && !fault.Is(err, fault.Conflict) {
						t.Errorf("%s: %v", name, err)
					}
				})
				wg.Wait()
			}
			w.deliverAll(t)
			w.mustCleanUp(t)
			for range 2 {
				w.clock.Advance(27 * time.Hour)
				w.mustSweep(t)
				w.mustCleanUp(t)
			}
			w.wantTidy(t)
		})
	}
}

func TestManyWhoSignAnUploadThatWasNeverBegunGetOne(t *testing.T) {
	ctx := context.Background()
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		w.begin(t)
		w.table.FailNth(tabletest.VerbUpdate, 1, tabletest.LoseCall)
		_, _, _ = w.uploads.BeginParts(ctx, w.who, w.draft(), twoParts, 0)
		w.table.Script(nil)
		a := w.list(t)[0]
		grants := make([]upload.PartsGrant, 6)
		var wg sync.WaitGroup
		for i := range grants {
			wg.Go(func() {
				var err error
				if _, grants[i], err = w.uploads.SignParts(ctx, w.who, a.ID, upload.PartsQuery{}); err != nil {
					t.Errorf("sign: %v", err)
				}
			})
		}
		wg.Wait()
		a = w.get(t, a.ID)
		for _, g := range grants {
			if g.Upload != a.Upload {
				t.Errorf("somebody got the upload %s, the asset's is %s", g.Upload, a.Upload)
			}
		}
		if us := w.uploadsOf(t, a); len(us) != 2 { // the asset's, and that of the begin that was cut off
			t.Errorf("%d uploads are open, want those who lost to have dropped theirs", len(us))
		}
	})
}

// A sweep acts on rows that may be stale by the time it acts.
func TestASweepAbortsOnlyWhatItsRowRulesOut(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	start := func(a asset.Asset, generation int) string {
		src := schema.Source{Workspace: a.Workspace, Asset: a.ID, Generation: generation}
		up, err := w.direct.StartParts(ctx, src.Key(), blob.PutOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return up
	}
	for _, c := range []struct {
		name string
		row  func(a *asset.Asset)
		want map[string]bool // which are still open: of the generation before, the own, another of the own generation, of the next
	}{
		{"pending with its upload", func(*asset.Asset) {}, map[string]bool{"own": true, "later": true}},
		{"pending and about to have one", func(a *asset.Asset) { a.Upload = "" }, map[string]bool{"own": true, "other": true, "later": true}},
		{"ready", func(a *asset.Asset) { a.State = asset.Ready }, map[string]bool{"later": true}},
		{"rejected", func(a *asset.Asset) { a.State, a.Cause = asset.Failed, asset.Rejected }, map[string]bool{"later": true}},
		{"expired", func(a *asset.Asset) { a.State, a.Cause = asset.Failed, asset.Expired }, map[string]bool{"later": true}},
		{"failed for its source, an hour ago", func(a *asset.Asset) {
			a.Via, a.State, a.Cause, a.GrantUntil = asset.ViaURL, asset.Failed, asset.Source, w.clock.Now().Add(-time.Hour)
		}, map[string]bool{"own": true, "later": true}},
		{"failed for its source, a day ago", func(a *asset.Asset) {
			a.Via, a.State, a.Cause, a.GrantUntil = asset.ViaURL, asset.Failed, asset.Source, w.clock.Now().Add(-25*time.Hour)
		}, map[string]bool{"later": true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, _ := w.beginParts(t, twoParts)
			a.Generation = 2
			ups := map[string]string{"earlier": start(a, 1), "own": start(a, 2), "other": start(a, 2), "later": start(a, 3)}
			a.Upload = ups["own"]
			c.row(&a)
			if _, err := w.table.Write(ctx, table.Put(a.Row(), table.Present())); err != nil {
				t.Fatal(err)
			}
			if err := upload.AbortRuledOut(w.uploads, ctx, a); err != nil {
				t.Fatal(err)
			}
			got := map[string]bool{}
			for _, u := range w.uploadsOf(t, a) {
				for name, up := range ups {
					if up == u.ID {
						got[name] = true
					}
				}
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("still open (-want +got):\n%s", d)
			}
		})
	}
}
