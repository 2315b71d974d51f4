package change_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/search"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
	"github.com/assetry/assetry/shared/trigger/change"
)

// indexed is a cellar with a search index, and a workspace.
func indexed(t *testing.T, index table.Table) (*cellar, id.Workspace) {
	t.Helper()
	c := newCellar(t)
	accounts := account.New(c.db, account.Options{})
	ws, err := accounts.CreateWorkspace(t.Context(), "a workspace")
	if err != nil {
		t.Fatal(err)
	}
	c.search = search.New(c.db, index, accounts)
	return c, ws.ID
}

// named is the change that announces an asset, at a time.
func named(w id.Workspace, name string, at time.Time) table.Change {
	a := asset.Asset{
		ID: id.NewAsset(w, at), Workspace: w, Version: 1, State: asset.Pending, Generation: 1, Name: name, Via: asset.ViaSigned, CreatedBy: id.NewKey(at),
	}
	return table.Change{Key: a.Key(), New: a.Row(), At: at}
}

func TestCleanUpKeepsTheSearchIndex(t *testing.T) {
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "search.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	c, w := indexed(t, db)
	made := named(w, "alpha", time.Now())
	for range 2 {
		r, err := change.CleanUp(c)(t.Context(), batch(t, made, otherRow()))
		if got := reported(t, r, err); got != "" {
			t.Fatalf("the stream goes on from %q", got)
		}
	}
	_, _, a, _ := schema.ParseAssetKey(made.Key)
	if _, err := db.Get(t.Context(), schema.SearchKey(w, 0, "w#alpha", a), table.Strong); err != nil {
		t.Errorf("the entry: %v", err)
	}
}

// TestAFailingIndexHoldsUpNoCleanUp lets the index fail from the first record on: the folder of a later one is emptied all the same, and the stream
// goes on from the first, until that is given up.
func TestAFailingIndexHoldsUpNoCleanUp(t *testing.T) {
	for _, tt := range []struct {
		name string
		age  time.Duration
		want string
	}{
		{"a change of now is delivered again", 0, halved},
		{"a change of five hours ago is delivered again", 5 * time.Hour, halved},
		{"a change of seven hours ago is given up", 7 * time.Hour, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, w := indexed(t, domaintest.Broken{Err: errors.New("said by the test")})
			p := access.Principal{Key: id.NewKey(noon), Grants: map[id.Workspace]access.Role{w: access.Owner}}
			f, err := c.folders.Create(t.Context(), p, w, "goes")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.folders.AddText(t.Context(), p, w, f.ID, "text", ""); err != nil {
				t.Fatal(err)
			}
			if err := c.folders.Delete(t.Context(), p, w, f.ID, true); err != nil {
				t.Fatal(err)
			}
			gone := table.Change{Key: schema.FolderKey(w, f.ID), Old: table.Item{
				table.AttrPK: table.String(w.String()), table.AttrSK: table.String(schema.FolderKey(w, f.ID).SK),
			}, At: noon}
			r, err := change.CleanUp(c)(t.Context(), batch(t, named(w, "alpha", time.Now().Add(-tt.age)), gone))
			if got := reported(t, r, err); got != tt.want {
				t.Errorf("the stream goes on from %q, want %q", got, tt.want)
			}
			wantEmpty(t, c, w, f)
		})
	}
}

func wantEmpty(t *testing.T, c *cellar, w id.Workspace, f folder.Folder) {
	t.Helper()
	prefix := schema.FolderItemPrefix(f.ID)
	pg, err := c.db.Query(t.Context(), table.Query{PK: w.String(), From: prefix, To: schema.AfterPrefix(prefix), Limit: 10})
	if err != nil || len(pg.Items) > 0 {
		t.Errorf("the deleted folder holds %d items, %v", len(pg.Items), err)
	}
}

// TestFailingCleanUpHoldsUpNoIndex has a bucket that cannot be reached: the names behind the asset that waits for it are found.
func TestFailingCleanUpHoldsUpNoIndex(t *testing.T) {
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "search.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	c, w := indexed(t, db)
	deleted := becomesReady("deleted")
	deleted.Old, deleted.New = deleted.New, nil
	made := named(w, "alpha", time.Now())
	r, err := change.CleanUp(c)(t.Context(), batch(t, deleted, made))
	if got := reported(t, r, err); got != halved {
		t.Errorf("the stream goes on from %q, want the batch halved for the deletion", got)
	}
	_, _, a, _ := schema.ParseAssetKey(made.Key)
	if _, err := db.Get(t.Context(), schema.SearchKey(w, 0, "w#alpha", a), table.Strong); err != nil {
		t.Errorf("the entry of the asset behind it: %v", err)
	}
}
