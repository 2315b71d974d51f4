package folder_test

import (
	"testing"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// house is a service on a fresh table, a workspace, and a key of each role in it.
type house struct {
	*folder.Service
	table                 table.Table
	w                     id.Workspace
	owner, editor, viewer access.Principal
	stranger              access.Principal // owner of another workspace
}

func newHouse(t testing.TB) house {
	t.Helper()
	return newHouseOn(domaintest.NewTable(t))
}

// onBoth runs a test on SQLite and on DynamoDB Local.
func onBoth(t *testing.T, test func(t *testing.T, h house)) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) { test(t, newHouseOn(open(t))) })
}

func newHouseOn(db table.Table) house {
	w := id.NewWorkspace(time.Now())
	as := func(w id.Workspace, r access.Role) access.Principal {
		return access.Principal{Key: id.NewKey(time.Now()), Grants: map[id.Workspace]access.Role{w: r}}
	}
	return house{
		Service: folder.New(db, folder.Options{}), table: db, w: w,
		owner: as(w, access.Owner), editor: as(w, access.Editor), viewer: as(w, access.Viewer),
		stranger: as(id.NewWorkspace(time.Now()), access.Owner),
	}
}

func (h house) mustCreate(t testing.TB, title string) folder.Folder {
	t.Helper()
	f, err := h.Create(t.Context(), h.editor, h.w, title)
	if err != nil {
		t.Fatalf("Create(%q): %v", title, err)
	}
	return f
}

// rows counts the rows of the workspace whose sort keys begin with prefix.
func (h house) rows(t testing.TB, prefix string) int {
	t.Helper()
	page, err := h.table.Query(t.Context(), table.Query{
		PK: h.w.String(), From: prefix, To: schema.AfterPrefix(prefix), Limit: table.MaxQuery,
	})
	if err != nil {
		t.Fatalf("count rows: %v", err)
	}
	return len(page.Items)
}

func (h house) mustAddText(t testing.TB, f id.Folder) folder.Item {
	t.Helper()
	item, err := h.AddText(t.Context(), h.editor, h.w, f, "note", "")
	if err != nil {
		t.Fatalf("AddText: %v", err)
	}
	return item
}
