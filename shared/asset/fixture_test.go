package asset_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/project"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
)

// house is the service on a fresh table whose expiry follows the test's clock, with one workspace.
type house struct {
	*asset.Service
	db       *sqlite.DB
	accounts *account.Service
	sealer   *page.Sealer
	clock    *domaintest.Clock
	w        id.Workspace

	owner, viewer, stranger access.Principal // stranger owns a workspace of its own
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{clock: domaintest.NewClock(), sealer: page.NewSealer(secret.NewRoot())}
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "table.db"), sqlite.Options{Indexes: schema.Indexes(), Now: h.clock.Now})
	if err != nil {
		t.Fatalf("open table: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	h.db = db
	h.accounts = account.New(db, account.Options{Now: h.clock.Now})
	h.Service = h.on(db, asset.Options{})
	h.w = h.mustWorkspace(t)
	h.owner, h.viewer = grant(access.Owner, h.w), grant(access.Viewer, h.w)
	h.stranger = grant(access.Owner, h.mustWorkspace(t))
	return h
}

// on is a service on a table in front of the house's.
func (h *house) on(t table.Table, o asset.Options) *asset.Service {
	o.Now = h.clock.Now
	return asset.New(t, h.accounts, h.sealer, o)
}

func grant(r access.Role, ws ...id.Workspace) access.Principal {
	p := access.Principal{Key: id.NewKey(time.Now()), Grants: map[id.Workspace]access.Role{}}
	for _, w := range ws {
		p.Grants[w] = r
	}
	return p
}

// failer is a test or a property's run.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func (h *house) mustWorkspace(t testing.TB) id.Workspace {
	t.Helper()
	ws, err := h.accounts.CreateWorkspace(t.Context(), "a workspace")
	if err != nil {
		t.Fatalf("CreateWorkspace: %v", err)
	}
	return ws.ID
}

// mustTwin writes the row of a workspace that has the tag of another, which chance would do once in four thousand million.
func (h *house) mustTwin(t testing.TB, w id.Workspace) id.Workspace {
	t.Helper()
	twin := id.Workspace(id.In(w, h.clock.Now()))
	k := schema.WorkspaceKey(twin)
	h.mustWrite(t, table.Put(table.Item{
		table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK),
		schema.Name: table.String("twin"), schema.LinkEpoch: table.Int(1), schema.Version: table.Int(1),
	}, table.Absent()))
	return twin
}

func (h *house) mustWrite(t testing.TB, w table.Write) {
	t.Helper()
	if _, err := h.db.Write(t.Context(), w); err != nil {
		t.Fatalf("write %s: %v", w.Key, err)
	}
}

// pending is an asset as it is announced at the clock's time; edit changes it before it is written.
func (h *house) pending(t testing.TB, w id.Workspace) asset.Asset {
	t.Helper()
	ws, err := h.accounts.Workspace(t.Context(), w)
	if err != nil {
		t.Fatalf("Workspace(%s): %v", w, err)
	}
	a := asset.Asset{
		ID: id.NewAsset(w, h.clock.Now()), Workspace: w, Version: 1, State: asset.Pending, Generation: 1,
		Name: "a.png", Via: asset.ViaSigned, CreatedBy: h.owner.Key,
	}
	a.Shard = ws.Shard(a.ID)
	return a
}

// mustAdd writes an asset of the house's workspace, a millisecond later than the one before.
func (h *house) mustAdd(t testing.TB, name string) asset.Asset {
	t.Helper()
	return h.mustAddTo(t, h.w, name)
}

func (h *house) mustAddTo(t testing.TB, w id.Workspace, name string) asset.Asset {
	t.Helper()
	h.clock.Advance(time.Millisecond)
	a := h.pending(t, w)
	a.Name = name
	h.mustPut(t, a)
	return a
}

func (h *house) mustPut(t testing.TB, a asset.Asset) {
	t.Helper()
	h.mustWrite(t, table.Put(a.Row(), table.Absent()))
}

// mustProject makes a project with the assets on it.
func (h *house) mustProject(t testing.TB, on ...asset.Asset) id.Project {
	t.Helper()
	projects := project.New(h.db, h.Service, h.sealer, project.Options{Now: h.clock.Now})
	pr, err := projects.Create(t.Context(), h.owner, h.w, "a project")
	if err != nil {
		t.Fatalf("Create project: %v", err)
	}
	for _, a := range on {
		h.mustWrite(t, project.NodePut(pr.ID, a.ID, id.NewNode(h.w, h.clock.Now())))
	}
	return pr.ID
}

// walk follows the cursors of a query to the end and gives the assets of every page.
func walk(t failer, list func(asset.Query) (asset.Page, error), q asset.Query) [][]asset.Asset {
	t.Helper()
	var pages [][]asset.Asset
	for {
		pg, err := list(q)
		if err != nil {
			t.Fatalf("List(%+v) after %d pages: %v", q, len(pages), err)
		}
		if len(pg.Assets) == 0 && (pg.Next != "" || len(pages) > 0) {
			t.Fatalf("List(%+v) gave an empty page with a cursor, or after one", q)
		}
		if len(pg.Assets) > q.Limit {
			t.Fatalf("List(%+v) gave %d assets", q, len(pg.Assets))
		}
		if len(pg.Assets) > 0 {
			pages = append(pages, pg.Assets)
		}
		if pg.Next == "" {
			return pages
		}
		q.Cursor = pg.Next
	}
}

// lister lists as a principal.
func lister(t testing.TB, s *asset.Service, p access.Principal) func(asset.Query) (asset.Page, error) {
	return func(q asset.Query) (asset.Page, error) { return s.List(t.Context(), p, q) }
}

// names are those of the assets on each page.
func names(pages [][]asset.Asset) [][]string {
	var out [][]string
	for _, pg := range pages {
		var of []string
		for _, a := range pg {
			of = append(of, a.Name)
		}
		out = append(out, of)
	}
	return out
}

// newestFirst orders assets as every list does.
func newestFirst(as []asset.Asset) []asset.Asset {
	return slices.SortedFunc(slices.Values(as), func(a, b asset.Asset) int {
		if c := slices.Compare(b.ID[:], a.ID[:]); c != 0 {
			return c
		}
		return slices.Compare(b.Workspace[:], a.Workspace[:])
	})
}
