package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
)

var byColor = table.Index{Name: "by-color", PK: "color", SK: "rank"}

func open(t *testing.T, o sqlite.Options) *clocked {
	t.Helper()
	return start(t, filepath.Join(t.TempDir(), "table.db"), o, new(atomic.Int64))
}

func row(pk, sk string, attrs ...any) table.Item {
	it := table.Item{table.AttrPK: table.String(pk), table.AttrSK: table.String(sk)}
	for i := 0; i < len(attrs); i += 2 {
		it[attrs[i].(string)] = attrs[i+1].(table.Value)
	}
	return it
}

func put(t *testing.T, d table.Table, it table.Item) {
	t.Helper()
	if _, err := d.Write(t.Context(), table.Put(it, table.Absent())); err != nil {
		t.Fatal(err)
	}
}

func colors(t *testing.T, d table.Table) int {
	t.Helper()
	p, err := d.Query(t.Context(), table.Query{Index: byColor.Name, PK: "red", Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return len(p.Items)
}

func red(pk string) table.Item {
	return row(pk, "a", "color", table.String("red"), "rank", table.String(pk))
}

func TestLazyIndexShowsTheTableAsLastSettled(t *testing.T) {
	d := open(t, sqlite.Options{Indexes: []table.Index{byColor}, LazyIndexes: true})
	put(t, d, red("1"))
	if n := colors(t, d); n != 0 {
		t.Errorf("%d items before the index was settled", n)
	}
	if err := d.SettleIndexes(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Write(t.Context(), table.Update(red("1").Key(), table.Present(), table.Set("n", table.Int(1)))); err != nil {
		t.Fatal(err)
	}
	p, err := d.Query(t.Context(), table.Query{Index: byColor.Name, PK: "red", Limit: 5, Descending: true})
	if err != nil || len(p.Items) != 1 || !table.EqualItems(p.Items[0], red("1")) {
		t.Errorf("got %v, %v; want the item as it was settled", p.Items, err)
	}
	if got, err := d.Get(t.Context(), red("1").Key(), table.Strong); err != nil || got.Int("n") != 1 {
		t.Errorf("the table itself lags: %v, %v", got, err)
	}
}

func TestSweepRemovesExpiredItemsAndOldChanges(t *testing.T) {
	d := open(t, sqlite.Options{Indexes: []table.Index{byColor}})
	ctx := t.Context()
	soon := table.Int(time.Now().Add(time.Hour).Unix())
	for i := range 250 {
		it := red(fmt.Sprintf("%03d", i))
		it[table.AttrExpires] = soon
		put(t, d, it)
	}
	put(t, d, red("stays"))
	if n, err := d.Sweep(ctx); n != 0 || err != nil {
		t.Fatalf("swept %d before their time, %v", n, err)
	}
	d.Advance(2 * time.Hour)
	_, pos := changes(t, d.DB, "")
	if n, err := d.Sweep(ctx); n != 250 || err != nil {
		t.Fatalf("swept %d, %v", n, err)
	}
	cs, _ := changes(t, d.DB, pos)
	if len(cs) != 250 {
		t.Errorf("%d changes, want 250", len(cs))
	}
	for _, c := range cs {
		if !c.Expired || c.New != nil || c.Old == nil {
			t.Fatalf("a sweep made the change %+v", c)
		}
	}
	if n := colors(t, d); n != 1 {
		t.Errorf("%d items left in the index, want 1", n)
	}
	d.Advance(sqlite.DefaultFeedRetention + time.Minute)
	put(t, d, red("new"))
	if _, err := d.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if cs, _ := changes(t, d.DB, ""); len(cs) != 1 || cs[0].Key.PK != "new" {
		t.Errorf("%d changes are kept, want the newest alone", len(cs))
	}
}

func changes(t *testing.T, d *sqlite.DB, after string) ([]table.Change, string) {
	t.Helper()
	cs, next, err := d.Changes(context.Background(), after, 10000)
	if err != nil {
		t.Fatal(err)
	}
	return cs, next
}

func TestNotifyWakesEveryListenerOnceUntilItLooks(t *testing.T) {
	d := open(t, sqlite.Options{})
	a, b := d.Notify(), d.Notify()
	put(t, d, row("p", "1"))
	put(t, d, row("p", "2"))
	if len(a) != 1 || len(b) != 1 {
		t.Fatalf("%d and %d tokens, want one each", len(a), len(b))
	}
	<-a
	if _, err := d.Write(t.Context(), table.Put(row("p", "2"), table.Present())); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Write(t.Context(), table.Put(row("p", "2"), table.Absent())); err == nil {
		t.Fatal("the put was to lose")
	}
	if len(a) != 0 {
		t.Error("woken by writes that changed nothing")
	}
	if err := d.Transact(t.Context(), []table.Write{table.Delete(row("p", "2").Key(), table.Present())}); err != nil {
		t.Fatal(err)
	}
	if len(a) != 1 {
		t.Error("not woken by a transaction")
	}
}

func TestIndexesFollowTheOptionsOfTheNextOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	first := start(t, path, sqlite.Options{}, new(atomic.Int64))
	put(t, first, red("1"))
	put(t, first, row("2", "a"))
	first.Close()
	second := start(t, path, sqlite.Options{Indexes: []table.Index{byColor}}, new(atomic.Int64))
	if n := colors(t, second); n != 1 {
		t.Errorf("a new index was filled with %d items, want 1", n)
	}
	second.Close()
	other := byColor
	other.PK = "shade"
	third := start(t, path, sqlite.Options{Indexes: []table.Index{other}}, new(atomic.Int64))
	if n := colors(t, third); n != 0 {
		t.Errorf("an index on another attribute kept %d entries", n)
	}
}

func TestClosedTableRefusesCalls(t *testing.T) {
	d := open(t, sqlite.Options{LazyIndexes: true, Indexes: []table.Index{byColor}})
	for range 2 {
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Write(t.Context(), table.Put(row("p", "s"), table.Absent())); err == nil {
		t.Error("a write on a closed table")
	}
	if _, err := d.Get(t.Context(), row("p", "s").Key(), table.Strong); err == nil || errors.Is(err, table.ErrNotFound) {
		t.Errorf("a get on a closed table: %v", err)
	}
}

func TestOpenInAFolderThatIsNotThereSaysSo(t *testing.T) {
	if d, err := sqlite.Open(filepath.Join(t.TempDir(), "none", "table.db"), sqlite.Options{}); err == nil {
		d.Close()
		t.Error("opened")
	}
}
