package project_test

import (
	"testing"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/project"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
)

// house is the real services on a fresh table, two workspaces, and principals.
type house struct {
	*project.Service
	table            table.Table
	assets           *asset.Service
	sealer           *page.Sealer
	clock            *domaintest.Clock
	w, other         id.Workspace
	editor, viewer   access.Principal // of w
	stranger, bridge access.Principal // owner of other; editor of both
}

func newHouse(t testing.TB) house {
	t.Helper()
	h := house{table: domaintest.NewTable(t), clock: domaintest.NewClock(), sealer: page.NewSealer(secret.NewRoot())}
	accounts := account.New(h.table, account.Options{Now: h.clock.Now})
	for _, w := range []*id.Workspace{&h.w, &h.other} {
		ws, err := accounts.CreateWorkspace(t.Context(), "a workspace")
		if err != nil {
			t.Fatalf("CreateWorkspace: %v", err)
		}
		*w = ws.ID
	}
	h.assets = asset.New(h.table, accounts, h.sealer, asset.Options{Now: h.clock.Now})
	h.Service = h.with(project.Options{Now: h.clock.Now})
	h.editor, h.viewer = grant(h.w, access.Editor), grant(h.w, access.Viewer)
	h.stranger = grant(h.other, access.Owner)
	h.bridge = grant(h.w, access.Editor)
	h.bridge.Grants[h.other] = access.Editor
	return h
}

// with is another service on the same table.
func (h house) with(o project.Options) *project.Service {
	return project.New(h.table, h.assets, h.sealer, o)
}

func grant(w id.Workspace, r access.Role) access.Principal {
	return access.Principal{Key: id.NewKey(time.Now()), Grants: map[id.Workspace]access.Role{w: r}}
}

// mustCreate makes a project a millisecond later than the one before.
func (h house) mustCreate(t testing.TB, title string) project.Project {
	t.Helper()
	h.clock.Advance(time.Millisecond)
	prj, err := h.Create(t.Context(), h.editor, h.w, title)
	if err != nil {
		t.Fatalf("Create(%q): %v", title, err)
	}
	return prj
}

// mustAsset writes the row of an asset a millisecond later than the one before.
func (h house) mustAsset(t testing.TB, w id.Workspace) asset.Asset {
	t.Helper()
	h.clock.Advance(time.Millisecond)
	a := asset.Asset{
		ID: id.NewAsset(w, h.clock.Now()), Workspace: w, Version: 1, State: asset.Pending, Generation: 1,
		Name: "a.png", Via: asset.ViaSigned, CreatedBy: id.NewKey(h.clock.Now()),
	}
	if _, err := h.table.Write(t.Context(), table.Put(a.Row(), table.Absent())); err != nil {
		t.Fatalf("write asset: %v", err)
	}
	return a
}

func (h house) mustAttach(t testing.TB, prj project.Project, a asset.Asset) project.Node {
	t.Helper()
	n, err := h.Attach(t.Context(), h.editor, prj.ID, a.ID)
	if err != nil {
		t.Fatalf("Attach: %v", err)
	}
	return n
}

// mustRemove removes the row of an asset, as its deletion does.
func (h house) mustRemove(t testing.TB, a asset.Asset) {
	t.Helper()
	if _, err := h.table.Write(t.Context(), table.Delete(a.Key(), table.Present())); err != nil {
		t.Fatalf("remove asset: %v", err)
	}
}
