package project_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/project"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

func TestAttach(t *testing.T) {
	h := newHouse(t)
	prj, a := h.mustCreate(t, "canvas"), h.mustAsset(t, h.w)
	n := h.mustAttach(t, prj, a)
	if diff := cmp.Diff(project.Node{ID: n.ID, Project: prj.ID, Asset: a.ID}, n); diff != "" {
		t.Errorf("Attach (-want +got):\n%s", diff)
	}
	if again := h.mustAttach(t, prj, a); again != n {
		t.Errorf("Attach again = %v, want %v", again, n)
	}
	if elsewhere := h.mustAttach(t, h.mustCreate(t, "second"), a); elsewhere.ID == n.ID {
		t.Error("the same asset has the same node on two projects")
	}
}

func TestAttachRefuses(t *testing.T) {
	h := newHouse(t)
	prj, a, foreign := h.mustCreate(t, "canvas"), h.mustAsset(t, h.w), h.mustAsset(t, h.other)
	for _, tt := range []struct {
		name  string
		who   access.Principal
		prj   id.Project
		asset id.Asset
		want  fault.Kind
	}{
		{"an unknown project", h.editor, id.NewProject(h.w, time.Now()), a.ID, fault.NotFound},
		{"an unknown asset", h.editor, prj.ID, id.NewAsset(h.w, time.Now()), fault.NotFound},
		{"an asset the key does not reach", h.editor, prj.ID, foreign.ID, fault.NotFound},
		{"an asset of another workspace of the key", h.bridge, prj.ID, foreign.ID, fault.Invalid},
		{"a viewer", h.viewer, prj.ID, a.ID, fault.Forbidden},
		{"a stranger", h.stranger, prj.ID, a.ID, fault.NotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, write, _ := domaintest.Spent(t, func(ctx context.Context) {
				_, err := h.Attach(ctx, tt.who, tt.prj, tt.asset)
				domaintest.WantKind(t, "Attach", err, tt.want)
			})
			if write != 0 {
				t.Errorf("a refused Attach wrote %v units, want nothing", write)
			}
		})
	}
}

func TestAttachAtOnceGivesAllTheSameNode(t *testing.T) {
	h := newHouse(t)
	prj, a := h.mustCreate(t, "race"), h.mustAsset(t, h.w)
	var mu sync.Mutex
	got := map[id.Node]int{}
	domaintest.Together(16, func(int) {
		n, err := h.Attach(t.Context(), h.editor, prj.ID, a.ID)
		if err != nil {
			t.Errorf("Attach: %v", err)
		}
		mu.Lock()
		defer mu.Unlock()
		got[n.ID]++
	})
	if len(got) != 1 {
		t.Errorf("%d different nodes, want 1", len(got))
	}
}

func TestNodePutIsWhatAttachFinds(t *testing.T) {
	h := newHouse(t)
	prj, a := h.mustCreate(t, "canvas"), h.mustAsset(t, h.w)
	n := id.NewNode(h.w, h.clock.Now())
	if _, err := h.table.Write(t.Context(), project.NodePut(prj.ID, a.ID, n)); err != nil {
		t.Fatalf("write NodePut: %v", err)
	}
	if got := h.mustAttach(t, prj, a); got.ID != n {
		t.Errorf("Attach after NodePut = %v, want node %v", got, n)
	}
	page, err := h.table.Query(t.Context(), table.Query{Index: schema.IndexOnAsset, PK: a.ID.String(), Limit: 10})
	if err != nil || len(page.Items) != 1 || page.Items[0].Str(schema.OnProject) != prj.ID.String() {
		t.Errorf("the index of an asset's projects holds %v, %v, want the one project", page.Items, err)
	}
}
