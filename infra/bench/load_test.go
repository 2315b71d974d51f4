package main

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/asset"
)

func TestFilledTableListsEveryAssetWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	made, err := openTenant(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	const n = perInsert + 7 // a full statement and a short one
	if err := made.fill(t.Context(), path, n); err != nil {
		t.Fatal(err)
	}
	db, services, err := openTable(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := &shelf{tenant: made, scale: scale{size: n}}
	s.db, s.Services = db, services
	if err := s.walk(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, err := services.Assets().List(t.Context(), made.principal, asset.Query{Workspace: made.workspace, Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	want := made.asset(n - 1)
	want.ID = p.Assets[0].ID // partly random
	if diff := cmp.Diff(want, p.Assets[0]); diff != "" {
		t.Errorf("the newest asset differs (-want +got):\n%s", diff)
	}
	if got := p.Assets[0].CreatedAt(); !got.Equal(made.asset(n - 1).CreatedAt()) {
		t.Errorf("the newest asset was made at %v", got)
	}
	found, err := services.Assets().Get(t.Context(), made.principal, p.Assets[0].ID)
	if err != nil || found != p.Assets[0] {
		t.Errorf("Get = %+v, %v; want what the list shows", found, err)
	}
}
