package asset_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/page"
)

// drawWorkspaces makes 1 to 20 workspaces, some split, and a key that reaches them.
func (h *house) drawWorkspaces(t *testing.T, r *rapid.T) ([]id.Workspace, access.Principal) {
	var ws []id.Workspace
	for i := range rapid.SampledFrom([]int{1, 1, 2, 2, 3, 5, 20}).Draw(r, "workspaces") {
		w := h.mustWorkspace(t)
		if n := rapid.SampledFrom([]int{1, 1, 1, 1, 1, 2, 4}).Draw(r, fmt.Sprint("shards of ", i)); n > 1 {
			h.mustSplit(t, w, n)
		}
		ws = append(ws, w)
	}
	return ws, grant(access.Viewer, ws...)
}

func TestAnyMergeShowsEverythingOnceInOrder(t *testing.T) {
	h := newHouse(t)
	rapid.Check(t, func(r *rapid.T) {
		ws, p := h.drawWorkspaces(t, r)
		var want []asset.Asset
		for range rapid.IntRange(0, 40).Draw(r, "assets") {
			h.clock.Advance(time.Duration(rapid.IntRange(0, 2).Draw(r, "milliseconds")) * time.Millisecond)
			a := h.pending(t, rapid.SampledFrom(ws).Draw(r, "workspace"))
			h.mustPut(t, a)
			want = append(want, a)
		}
		limit := rapid.IntRange(1, page.MaxLimit).Draw(r, "limit")
		var got []asset.Asset
		for _, pg := range walk(r, lister(t, h.Service, p), asset.Query{Limit: limit}) {
			got = append(got, pg...)
		}
		if diff := cmp.Diff(newestFirst(want), append([]asset.Asset{}, got...)); len(want)+len(got) > 0 && diff != "" {
			r.Fatalf("list by %d (-want +got):\n%s", limit, diff)
		}
	})
}

func TestPagesNeverSkipWhatWasThereBeforeTheFirst(t *testing.T) {
	h := newHouse(t)
	rapid.Check(t, func(r *rapid.T) {
		ws, p := h.drawWorkspaces(t, r)
		owner := grant(access.Owner, ws...)
		add := func() asset.Asset { return h.mustAddTo(t, rapid.SampledFrom(ws).Draw(r, "workspace"), "a") }
		there := map[id.Asset]bool{} // what every walk must show
		var all []asset.Asset
		for range rapid.IntRange(1, 25).Draw(r, "assets") {
			a := add()
			there[a.ID], all = true, append(all, a)
		}
		q := asset.Query{Limit: rapid.IntRange(1, 12).Draw(r, "limit")}
		seen := map[id.Asset]bool{}
		for {
			pg, err := h.List(t.Context(), p, q)
			if err != nil {
				r.Fatalf("List: %v", err)
			}
			for _, a := range pg.Assets {
				if seen[a.ID] {
					r.Fatalf("asset %s is on two pages", a.ID)
				}
				seen[a.ID] = true
			}
			if q.Cursor = pg.Next; q.Cursor == "" {
				break
			}
			for range rapid.IntRange(0, 3).Draw(r, "inserts") {
				add()
			}
			if victim := rapid.SampledFrom(all).Draw(r, "victim"); there[victim.ID] && rapid.Bool().Draw(r, "delete") {
				if err := h.Delete(t.Context(), owner, victim.ID); err != nil {
					r.Fatalf("Delete: %v", err)
				}
				delete(there, victim.ID)
			}
		}
		for a := range there {
			if !seen[a] {
				r.Fatalf("asset %s was there all the time and is on no page of %d", a, q.Limit)
			}
		}
	})
}
