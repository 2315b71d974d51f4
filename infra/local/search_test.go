package main

import (
	"cmp"
	"context"
	"testing"
	"time"

	"github.com/assetry/assetry/infra/local/state"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/polltest"
	"github.com/assetry/assetry/shared/table"
)

// mustAdd writes the row of an asset that is called something. Its id is a minute old, so that only the index knows it.
func (h *house) mustAdd(t testing.TB, name string) asset.Asset {
	t.Helper()
	a := asset.Asset{
		ID: id.NewAsset(h.ws.ID, time.Now().Add(-time.Minute)), Workspace: h.ws.ID, Version: 1, State: asset.Pending, Generation: 1, Name: name,
		Via: asset.ViaSigned, CreatedBy: h.who.Key,
	}
	if _, err := h.db.Write(t.Context(), table.Put(a.Row(), table.Absent())); err != nil {
		t.Fatal(err)
	}
	return a
}

// finds says whether a search shows just these assets, newest first.
func (h *house) finds(t testing.TB, text string, want ...asset.Asset) bool {
	t.Helper()
	pg, err := h.services.Assets().List(t.Context(), h.who, asset.Query{Search: text, Limit: 10})
	if err != nil {
		t.Fatalf("search for %q: %v", text, err)
	}
	if len(pg.Assets) != len(want) {
		return false
	}
	for i, a := range pg.Assets {
		if a.ID != want[i].ID {
			return false
		}
	}
	return true
}

// TestANameIsFoundWithinASecond measures from the write of the row until a search shows it, over the pump of the stream. The best of three
// rounds counts: the machine may do something else meanwhile.
func TestANameIsFoundWithinASecond(t *testing.T) {
	h := newHouse(t)
	d := h.mustDeliver(t, newTable(t), changes{feed: h.db, grown: h.db.Notify})
	t.Cleanup(d.start(t.Context(), func(err error) { t.Errorf("a source ended: %v", err) }))
	least := map[string]time.Duration{}
	found := func(what, text string, want ...asset.Asset) {
		t.Helper()
		began := time.Now()
		polltest.Eventually(t, what, func() bool { return h.finds(t, text, want...) })
		took := time.Since(began)
		least[what] = min(took, cmp.Or(least[what], took))
	}
	remove := func(a asset.Asset) {
		t.Helper()
		if err := h.services.Assets().Delete(t.Context(), h.who, a.ID); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		a := h.mustAdd(t, "Férias em Lisboa.png")
		found("a new name", "lisb", a)
		b := h.mustAdd(t, "Lisbon.png")
		found("a second", "lisb", b, a)
		if _, err := h.services.Assets().Update(t.Context(), h.who, a.ID, asset.Change{Name: new("Porto.png")}, 0); err != nil {
			t.Fatal(err)
		}
		found("a change", "porto", a)
		found("what it was", "lisb", b)
		remove(b)
		found("a delete", "lisb")
		remove(a)
		found("the last delete", "porto")
	}
	for what, took := range least {
		if took > time.Second {
			t.Errorf("%s took %v, want no more than a second", what, took)
		}
	}
}

func TestAFolderFromBeforeTheIndexIsIndexedOnce(t *testing.T) {
	h := newHouse(t)
	a := h.mustAdd(t, "from before")
	if h.finds(t, "before", a) {
		t.Fatal("the name is found before anything indexed it")
	}
	s := &stack{settings: state.Settings{Workspace: h.ws.ID.String()}}
	if err := s.index(t.Context(), h.services); err != nil {
		t.Fatalf("index: %v", err)
	}
	if !h.finds(t, "before", a) {
		t.Error("the name is not found afterwards")
	}
	_, write, requests := domaintest.Spent(t, func(ctx context.Context) {
		if err := s.index(ctx, h.services); err != nil {
			t.Fatalf("index again: %v", err)
		}
	})
	if write != 0 || requests != 1 {
		t.Errorf("the second start wrote %v units in %d requests, want one look", write, requests)
	}
	if err := (&stack{settings: state.Settings{Workspace: "nonsense"}}).index(t.Context(), h.services); err == nil {
		t.Error("a workspace that is none gave no error")
	}
}
