package search_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/search"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
	"github.com/assetry/assetry/shared/tabletest"
)

func TestEntriesFollowTheirAsset(t *testing.T) {
	onBoth(t, func(t *testing.T, l *library) {
		a := l.mustAdd(t, "sun.png", "on sea")
		l.mustFollow(t)
		lists := []string{"w#sun", "w#sea", "w#png", "w#moon", "w#moo", "o#sun", "all"}
		want := map[string]int64{"w#sun": 1, "w#sea": 1, "w#png": 1}
		if diff := cmp.Diff(want, l.entries(t, a, lists...)); diff != "" {
			t.Errorf("after the create (-want +got):\n%s", diff)
		}
		l.mustRename(t, a, "moon.png")
		l.mustFollow(t)
		want = map[string]int64{"w#moo": 2, "w#moon": 2, "w#sea": 2, "w#png": 2}
		if diff := cmp.Diff(want, l.entries(t, a, lists...)); diff != "" {
			t.Errorf("after the new name (-want +got):\n%s", diff)
		}
		l.mustWrite(t, table.Delete(a.Key(), table.Present()))
		l.mustFollow(t)
		if got := l.entries(t, a, lists...); len(got) > 0 {
			t.Errorf("after the delete %v are left", got)
		}
	})
}

func TestWhatAChangeCosts(t *testing.T) {
	onBoth(t, func(t *testing.T, l *library) {
		a := asset.Asset{
			ID: id.NewAsset(l.w, time.Now()), Workspace: l.w, Version: 1, State: asset.Pending, Generation: 1,
			Via: asset.ViaSigned, CreatedBy: id.NewKey(time.Now()),
		}
		named := func(s string, version int64) table.Item {
			a := a
			a.Name, a.Version = s, version
			return a.Row()
		}
		ready := a
		ready.Name, ready.State, ready.Version = "a picture of something.png", asset.Ready, 2
		many := "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty hundred thousand million " +
			"xray yellow zebra quick brown jumps lazy dog"
		for _, tt := range []struct {
			name     string
			old, new table.Item
			units    float64
		}{
			{"no name", nil, named("", 1), 0},
			{"a name of a camera", nil, named("IMG_1234.jpg", 1), 4},
			{"a name of a few words", nil, named("a picture of something.png", 1), 9},
			{"the same again", nil, named("a picture of something.png", 1), 9},
			{"it becomes ready", named("a picture of something.png", 1), ready.Row(), 0},
			{"another spelling", named("a picture of something.png", 2), named("A Picture, of something.PNG", 3), 0},
			{"another word", named("a picture of something.png", 3), named("a picture of somebody.png", 4), 9 + 2},
			{"four long words", nil, named("abcdef bcdefg cdefgh defghi", 5), 16},
			{"five long words", nil, named("abcdef bcdefg cdefgh defghi efghij", 6), 5},
			{"more words than lists", nil, named(many, 7), 1},
			{"a delete", named(many, 7), nil, 1},
		} {
			t.Run(tt.name, func(t *testing.T) {
				read, write, requests := domaintest.Spent(t, func(ctx context.Context) {
					if err := l.Apply(ctx, table.Change{Key: a.Key(), Old: tt.old, New: tt.new}); err != nil {
						t.Errorf("Apply: %v", err)
					}
				})
				if read != 0 || write != tt.units || float64(requests) != tt.units {
					t.Errorf("cost %v read and %v write units in %d requests, want 0, and %v of both", read, write, requests, tt.units)
				}
			})
		}
	})
}

func TestNoChangeCostsMoreThanItsBound(t *testing.T) {
	l := newLibrary(t)
	a := l.mustAdd(t, "", "")
	rapid.Check(t, func(rt *rapid.T) {
		row := func(label string) table.Item {
			a := a
			a.Name, a.Description = rapid.StringN(0, 255, -1).Draw(rt, label+" name"), rapid.StringN(0, 1000, -1).Draw(rt, label+" description")
			return a.Row()
		}
		_, write, requests := domaintest.Spent(t, func(ctx context.Context) {
			if err := l.Apply(ctx, table.Change{Key: a.Key(), New: row("new")}); err != nil {
				rt.Fatal(err)
			}
		})
		if write > search.MaxEntries || requests > search.MaxEntries {
			rt.Fatalf("a new asset cost %v units in %d writes", write, requests)
		}
	})
}

// drawName draws a name of few or many words, of which some are alike.
func drawName(t *rapid.T) string {
	n := rapid.SampledFrom([]int{0, 1, 2, 6, 30}).Draw(t, "how many")
	return strings.Join(rapid.SliceOfN(rapid.StringMatching(`[ab]{2,4}|[a-f]{5,7}|海`), n, n).Draw(t, "words"), " ")
}

// TestReplayedAndReorderedDeliveriesConverge delivers the changes of assets as a stream may: batches twice, from further back, cut off by failures of
// the index. In the end the index is what one clean delivery makes.
func TestReplayedAndReorderedDeliveriesConverge(t *testing.T) {
	l := newLibrary(t)
	rapid.Check(t, func(rt *rapid.T) {
		var cs []table.Change
		for range rapid.IntRange(1, 3).Draw(rt, "assets") {
			a := l.mustAdd(t, drawName(rt), "")
			for range rapid.IntRange(0, 4).Draw(rt, "renames") {
				l.mustRename(t, a, drawName(rt))
			}
			if rapid.Bool().Draw(rt, "deleted") {
				l.mustWrite(t, table.Delete(a.Key(), table.Present()))
			}
		}
		cs = l.changes(t)
		messy, clean := open(t, sqlite.Options{}), open(t, sqlite.Options{})
		for _, c := range cs {
			if err := l.on(clean).Apply(t.Context(), c); err != nil {
				rt.Fatal(err)
			}
		}
		faulty := tabletest.Faulty(messy)
		faulty.Script(func(c tabletest.Call) tabletest.Fault {
			if c.Nth > 200 {
				return tabletest.None
			}
			return rapid.SampledFrom([]tabletest.Fault{tabletest.None, tabletest.None, tabletest.None, tabletest.None, tabletest.None, tabletest.None,
				tabletest.None, tabletest.None, tabletest.Throttle, tabletest.LoseCall, tabletest.LoseAnswer}).Draw(rt, "fault")
		})
		flaky := l.on(faulty)
		for i := 0; i < len(cs); {
			if err := flaky.Apply(t.Context(), cs[i]); err != nil {
				i = max(0, i-rapid.IntRange(0, 3).Draw(rt, "goes back by"))
				continue
			}
			if i++; i < len(cs) && rapid.IntRange(0, 5).Draw(rt, "replayed") == 0 {
				i = max(0, i-rapid.IntRange(0, 5).Draw(rt, "replayed from"))
			}
		}
		if diff := cmp.Diff(dump(t, clean), dump(t, messy)); diff != "" {
			rt.Fatalf("the index (-clean delivery +messy delivery):\n%s", diff)
		}
	})
}

// TestLateWritesOfAnOldDeliveryHideNothing lets a delivery that was given up write after later ones: searches find what the rows say.
func TestLateWritesOfAnOldDeliveryHideNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, l *library) {
		a := l.mustAdd(t, "alpha", "")
		l.mustRename(t, a, "beta")
		l.mustRename(t, a, "alpha")
		cs := l.changes(t)
		for _, i := range []int{2, 3, 4, 3, 2} { // the first two are the workspace's
			if err := l.Apply(t.Context(), cs[i]); err != nil {
				t.Fatal(err)
			}
		}
		if got := l.found(t, "alpha"); len(got) != 1 || got[0] != a.ID {
			t.Errorf("a search gives %v, want %s", got, a.ID)
		}
		if v := l.entries(t, a, "w#alpha")["w#alpha"]; v != 3 {
			t.Errorf("the entry is of version %d, want the last", v)
		}
	})
}

func TestApplyPassesOverOtherRowsAndReportsFailures(t *testing.T) {
	l := newLibrary(t)
	broken := l.on(domaintest.Broken{Err: errors.New("said by the test")})
	for _, c := range l.changes(t) { // the workspace's
		if err := broken.Apply(t.Context(), c); err != nil {
			t.Errorf("Apply of %s: %v, want nothing done", c.Key, err)
		}
	}
	a := l.mustAdd(t, "alpha", "")
	l.mustWrite(t, table.Delete(a.Key(), table.Present()))
	for i, c := range l.changes(t) {
		if err := broken.Apply(t.Context(), c); err == nil || !strings.Contains(err.Error(), a.ID.String()) {
			t.Errorf("Apply of change %d gave %v, want the failure with the asset's id", i, err)
		}
	}
}
