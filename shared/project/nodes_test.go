package project_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/project"
)

// nodePages follows the cursors to the end and gives the assets on each page.
func nodePages(t testing.TB, h house, prj project.Project, limit int) [][]id.Asset {
	t.Helper()
	var pages [][]id.Asset
	for cursor := ""; ; {
		vs, next, err := h.Nodes(t.Context(), h.viewer, prj.ID, cursor, limit)
		if err != nil {
			t.Fatalf("Nodes(limit %d): %v", limit, err)
		}
		var ids []id.Asset
		for _, v := range vs {
			if v.Node.Asset != v.Asset.ID {
				t.Errorf("node of asset %s shows asset %s", v.Node.Asset, v.Asset.ID)
			}
			ids = append(ids, v.Asset.ID)
		}
		if len(vs) > 0 {
			pages = append(pages, ids)
		}
		if next == "" {
			return pages
		}
		if len(vs) == 0 {
			t.Fatal("Nodes gave an empty page with a cursor")
		}
		cursor = next
	}
}

func TestNodesAreNewestAssetFirst(t *testing.T) {
	h := newHouse(t)
	prj := h.mustCreate(t, "canvas")
	first, second, third := h.mustAsset(t, h.w), h.mustAsset(t, h.w), h.mustAsset(t, h.w)
	h.mustAsset(t, h.w) // on no project
	n := h.mustAttach(t, prj, third)
	h.mustAttach(t, prj, first)
	h.mustAttach(t, prj, second)
	want := [][]id.Asset{{third.ID, second.ID}, {first.ID}}
	if diff := cmp.Diff(want, nodePages(t, h, prj, 2)); diff != "" {
		t.Errorf("pages of two (-want +got):\n%s", diff)
	}
	vs, next, err := h.Nodes(t.Context(), h.viewer, prj.ID, "", 100)
	if err != nil || len(vs) != 3 || next != "" {
		t.Fatalf("Nodes = %v, %q, %v, want three and no cursor", vs, next, err)
	}
	if diff := cmp.Diff(project.NodeView{Node: n, Asset: third}, vs[0]); diff != "" {
		t.Errorf("the first node (-want +got):\n%s", diff)
	}
}

func TestNodesPassOverDeletedAssetsAndFillTheirPages(t *testing.T) {
	h := newHouse(t)
	prj := h.mustCreate(t, "canvas")
	var kept []id.Asset
	var gone []asset.Asset
	for i := range 60 {
		a := h.mustAsset(t, h.w)
		h.mustAttach(t, prj, a)
		if i%7 == 3 {
			kept = append([]id.Asset{a.ID}, kept...)
		} else {
			gone = append(gone, a)
		}
	}
	for _, a := range gone {
		h.mustRemove(t, a)
	}
	for limit := 1; limit <= len(kept)+1; limit++ {
		var got []id.Asset
		pages := nodePages(t, h, prj, limit)
		for i, p := range pages {
			if i < len(pages)-1 && len(p) != limit {
				t.Errorf("page %d of limit %d has %d nodes, want it full", i, limit, len(p))
			}
			got = append(got, p...)
		}
		if diff := cmp.Diff(kept, got); diff != "" {
			t.Errorf("nodes in pages of %d (-want +got):\n%s", limit, diff)
		}
	}
}

func TestNodesOfAnEmptyProject(t *testing.T) {
	h := newHouse(t)
	prj := h.mustCreate(t, "empty")
	if pages := nodePages(t, h, prj, 10); pages != nil {
		t.Errorf("Nodes of an empty project = %v, want none", pages)
	}
	a := h.mustAsset(t, h.w)
	h.mustAttach(t, prj, a)
	h.mustRemove(t, a)
	if pages := nodePages(t, h, prj, 10); pages != nil {
		t.Errorf("Nodes of a project whose assets are gone = %v, want none", pages)
	}
}

func TestNodesRefuses(t *testing.T) {
	h := newHouse(t)
	prj, other := h.mustCreate(t, "canvas"), h.mustCreate(t, "other")
	for range 2 {
		h.mustAttach(t, prj, h.mustAsset(t, h.w))
	}
	_, cursor, err := h.Nodes(t.Context(), h.viewer, prj.ID, "", 1)
	if err != nil || cursor == "" {
		t.Fatalf("Nodes = cursor %q, %v", cursor, err)
	}
	_, list, err := h.List(t.Context(), h.viewer, h.w, "", "", 1)
	if err != nil || list == "" {
		t.Fatalf("List = cursor %q, %v", list, err)
	}
	for _, tt := range []struct {
		name   string
		prj    id.Project
		cursor string
		limit  int
		want   fault.Kind
	}{
		{"a limit of 0", prj.ID, "", 0, fault.Invalid},
		{"a limit of 101", prj.ID, "", 101, fault.Invalid},
		{"a cursor of another project", other.ID, cursor, 1, fault.Invalid},
		{"a cursor of the list of projects", prj.ID, list, 1, fault.Invalid},
		{"an unknown project", id.NewProject(h.w, time.Now()), "", 1, fault.NotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := h.Nodes(t.Context(), h.viewer, tt.prj, tt.cursor, tt.limit)
			domaintest.WantKind(t, "Nodes", err, tt.want)
		})
	}
	_, _, err = h.Nodes(t.Context(), h.stranger, prj.ID, "", 1)
	domaintest.WantKind(t, "Nodes by a stranger", err, fault.NotFound)
}

func TestNodesPageCostsThreeRequests(t *testing.T) {
	h := newHouse(t)
	prj := h.mustCreate(t, "canvas")
	for range 30 {
		h.mustAttach(t, prj, h.mustAsset(t, h.w))
	}
	_, _, requests := domaintest.Spent(t, func(ctx context.Context) {
		if _, _, err := h.Nodes(ctx, h.viewer, prj.ID, "", 20); err != nil {
			t.Errorf("Nodes: %v", err)
		}
	})
	if requests != 3 {
		t.Errorf("%d requests, want 3: the project, its rows, their assets", requests)
	}
}
