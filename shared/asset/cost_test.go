package asset_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/table"
)

func TestReadingCostsWhatTheRowsWeigh(t *testing.T) {
	h := newHouse(t)
	var all []asset.Asset
	for i := range 120 {
		h.clock.Advance(1e6)
		a := full(h.pending(t, h.w), fmt.Sprintf("%03d %s", i, strings.Repeat("n", 40)))
		h.mustPut(t, a)
		all = append(all, a)
	}
	pr := h.mustProject(t, all...)
	page := 0 // bytes of the rows of a page of 50, and of two more: the one that says whether there is a next page, and the table's own look ahead
	for _, a := range newestFirst(all)[:52] {
		page += a.Row().Size()
	}
	one := all[7].ID
	for _, tt := range []struct {
		name     string
		do       func(context.Context) error
		units    float64
		requests int
	}{
		{"retrieve", func(ctx context.Context) error { _, err := h.Get(ctx, h.viewer, one); return err }, 1, 1},
		{"a foreign id", func(ctx context.Context) error {
			if _, err := h.Get(ctx, h.stranger, one); err == nil {
				return fmt.Errorf("a foreign asset was found")
			}
			return nil
		}, 0, 0},
		{"a page of 50", func(ctx context.Context) error {
			pg, err := h.List(ctx, h.viewer, asset.Query{Workspace: h.w, Limit: 50})
			if err == nil && (len(pg.Assets) != 50 || pg.Next == "") {
				return fmt.Errorf("%d assets, next %q", len(pg.Assets), pg.Next)
			}
			return err
		}, table.ReadUnits(page, table.Strong), 1},
		{"a page of one", func(ctx context.Context) error {
			_, err := h.List(ctx, h.viewer, asset.Query{Workspace: h.w, Limit: 1})
			return err
		}, 1, 1},
		{"a refused limit", func(ctx context.Context) error {
			if _, err := h.List(ctx, h.viewer, asset.Query{Limit: 101}); err == nil {
				return fmt.Errorf("the limit was taken")
			}
			return nil
		}, 0, 0},
		// The project, its 51 first rows and one ahead, and the 51 assets at one unit each.
		{"a page of 50 of a project", func(ctx context.Context) error {
			_, err := h.List(ctx, h.viewer, asset.Query{Project: pr, Limit: 50})
			return err
		}, 1 + 3 + 51, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := h.accounts.Workspace(t.Context(), h.w); err != nil { // known to every warm function
				t.Fatal(err)
			}
			read, write, requests := domaintest.Spent(t, func(ctx context.Context) {
				if err := tt.do(ctx); err != nil {
					t.Fatal(err)
				}
			})
			if read != tt.units || write != 0 || requests != tt.requests {
				t.Errorf("cost %v read units, %v write units, %d requests; want %v, 0, %d", read, write, requests, tt.units, tt.requests)
			}
		})
	}
	if units := table.ReadUnits(page, table.Strong); units > 12 {
		t.Errorf("a page of 50 costs %v units, want no more than 12 for rows of usual names", units)
	}
}

func TestListingSeveralWorkspacesReadsEachOnce(t *testing.T) {
	h := newHouse(t)
	p := grant(access.Viewer, h.w)
	for range 19 {
		p.Grants[h.mustWorkspace(t)] = access.Viewer
	}
	for w := range p.Grants {
		for range 10 {
			h.mustAddTo(t, w, "a.png")
		}
	}
	list := func(ctx context.Context) {
		if pg, err := h.List(ctx, p, asset.Query{Limit: 50}); err != nil || len(pg.Assets) != 50 {
			t.Fatalf("List gave %d assets, %v", len(pg.Assets), err)
		}
	}
	list(t.Context())
	if read, _, requests := domaintest.Spent(t, list); requests > 60 || read > 60 {
		t.Errorf("a page over 20 workspaces cost %v units in %d requests, want each read once or twice more", read, requests)
	}
}

func TestDeleteCosts(t *testing.T) {
	h := newHouse(t)
	a := h.mustAdd(t, "a")
	remove := func(ctx context.Context) {
		if err := h.Delete(ctx, h.owner, a.ID); err != nil {
			t.Fatal(err)
		}
	}
	if read, write, _ := domaintest.Spent(t, remove); read > 2 || write != 4 {
		t.Errorf("a delete cost %v read and %v write units, want its row and the memory of it in one transaction: at most 2 and 4", read, write)
	}
	if read, write, _ := domaintest.Spent(t, remove); read > 2 || write != 0 {
		t.Errorf("a repeated delete cost %v read and %v write units, want at most 2 and none", read, write)
	}
}
