package search_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/search"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo/dynamotest"
	"github.com/assetry/assetry/shared/table/sqlite"
)

// store is a table with its feed.
type store interface {
	table.Table
	table.Feed
}

// library is a table of rows with its feed, a table of the index, and one workspace.
type library struct {
	*search.Service
	rows, index store
	accounts    *account.Service
	w           id.Workspace
	position    string // in the feed
}

func newLibrary(t testing.TB) *library {
	t.Helper()
	return newLibraryOn(t, open(t, sqlite.Options{Indexes: schema.Indexes()}), open(t, sqlite.Options{}))
}

// onBoth runs a test on SQLite and on DynamoDB Local.
func onBoth(t *testing.T, test func(t *testing.T, l *library)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newLibrary(t)) })
	t.Run("dynamo", func(t *testing.T) {
		test(t, newLibraryOn(t, dynamotest.Open(t, schema.Indexes()...), dynamotest.Open(t)))
	})
}

func newLibraryOn(t testing.TB, rows, index store) *library {
	t.Helper()
	l := &library{rows: rows, index: index}
	l.accounts = account.New(l.rows, account.Options{})
	ws, err := l.accounts.CreateWorkspace(t.Context(), "a workspace")
	if err != nil {
		t.Fatal(err)
	}
	l.w = ws.ID
	l.Service = l.on(l.index)
	return l
}

// on is the service with another table in front of its index.
func (l *library) on(index table.Table) *search.Service { return search.New(l.rows, index, l.accounts) }

func open(t testing.TB, o sqlite.Options) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "table.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func (l *library) mustAdd(t testing.TB, name, description string) asset.Asset {
	t.Helper()
	a := asset.Asset{
		ID: id.NewAsset(l.w, time.Now()), Workspace: l.w, Version: 1, State: asset.Pending, Generation: 1,
		Name: name, Description: description, Via: asset.ViaSigned, CreatedBy: id.NewKey(time.Now()),
	}
	l.mustWrite(t, table.Put(a.Row(), table.Absent()))
	return a
}

func (l *library) mustRename(t testing.TB, a asset.Asset, name string) {
	t.Helper()
	l.mustWrite(t, table.Update(a.Key(), table.Present(), table.Add(schema.Version, table.Int(1)), table.Set(schema.Name, table.String(name))))
}

func (l *library) mustWrite(t testing.TB, w table.Write) {
	t.Helper()
	if _, err := l.rows.Write(t.Context(), w); err != nil {
		t.Fatalf("write %s: %v", w.Key, err)
	}
}

// changes are those since the last call.
func (l *library) changes(t testing.TB) []table.Change {
	t.Helper()
	var all []table.Change
	for {
		cs, next, err := l.rows.Changes(t.Context(), l.position, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if next == l.position && len(cs) == 0 {
			return all
		}
		all, l.position = append(all, cs...), next
	}
}

// mustFollow applies the changes since the last call.
func (l *library) mustFollow(t testing.TB) {
	t.Helper()
	for _, c := range l.changes(t) {
		if err := l.Apply(t.Context(), c); err != nil {
			t.Fatalf("Apply %s: %v", c.Key, err)
		}
	}
}

// entries are the lists that hold an asset, of those that any of the words could be in, with the versions of the entries.
func (l *library) entries(t testing.TB, a asset.Asset, lists ...string) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	for _, list := range lists {
		it, err := l.index.Get(t.Context(), schema.SearchKey(l.w, a.Shard, list, a.ID), table.Strong)
		if err == nil {
			out[list] = it.Int(schema.Version)
		}
	}
	return out
}

// found walks through the lists of words and gives the assets that may match.
func (l *library) found(t testing.TB, words ...string) []id.Asset {
	t.Helper()
	walk, err := l.Walk(t.Context(), []search.Place{{Workspace: l.w}}, words, 5)
	if err != nil {
		t.Fatalf("Walk: %v", err)
	}
	var out []id.Asset
	for {
		h, ok, err := walk.Next(t.Context())
		if err != nil {
			t.Fatalf("Next: %v", err)
		}
		if !ok {
			return out
		}
		if h.May(words) {
			out = append(out, h.Asset)
		}
	}
}

// dump is what a table holds, by its feed.
func dump(t testing.TB, db table.Feed) map[table.Key]table.Item {
	t.Helper()
	cs, _, err := db.Changes(t.Context(), "", 100_000)
	if err != nil {
		t.Fatalf("read the feed: %v", err)
	}
	out := map[table.Key]table.Item{}
	for _, c := range cs {
		if out[c.Key] = c.New; c.New == nil {
			delete(out, c.Key)
		}
	}
	return out
}
