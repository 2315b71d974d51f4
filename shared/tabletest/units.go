package tabletest

import (
	"context"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/table"
)

// wantSpent demands the units a meter has counted.
func wantSpent(t reporter, m *table.Meter, reads, writes float64) {
	t.Helper()
	if r, w, _ := m.Spent(); r != reads || w != writes {
		t.Errorf("spent %v read and %v write units, want %v and %v", r, w, reads, writes)
	}
}

// cost runs one call and demands its units and that it was one request.
func cost(t *testing.T, what string, reads, writes float64, call func(ctx context.Context) error) {
	t.Helper()
	ctx, meter := table.WithMeter(context.Background())
	err := call(ctx)
	_, lost := table.Lost(err)
	if err != nil && !lost && table.Refused(err) == nil && err != table.ErrNotFound {
		t.Fatalf("%s: %v", what, err)
	}
	if r, w, n := meter.Spent(); r != reads || w != writes || n != 1 {
		t.Errorf("%s: spent %v read and %v write units in %d requests, want %v and %v in 1", what, r, w, n, reads, writes)
	}
}

func testUnits(t *testing.T, open Open) {
	d := open(t, Options{})
	t.Run("single writes", func(t *testing.T) { writeUnits(t, d) })
	t.Run("lost conditions", func(t *testing.T) { lostUnits(t, d) })
	t.Run("transactions", func(t *testing.T) { transactUnits(t, d) })
	t.Run("gets", func(t *testing.T) { getUnits(t, d) })
	t.Run("queries", func(t *testing.T) { queryUnits(t, d) })
	t.Run("meters nest", func(t *testing.T) { nestedMeters(t, d) })
	t.Run("expired items", func(t *testing.T) { expiredUnits(t, open(t, Options{})) })
	t.Run("indexes", func(t *testing.T) { indexUnits(t, open(t, Options{Indexes: []table.Index{byColor, byShape}})) })
}

func writing(d Driver, w table.Write) func(context.Context) error {
	return func(ctx context.Context) error { return second(d.Write(ctx, w)) }
}

func writeUnits(t *testing.T, d Driver) {
	put := func(n int) table.Write { return table.Put(sized("w", "a", n), always()) }
	k := table.Key{PK: "w", SK: "a"}
	cost(t, "put of 1024 bytes", 0, 1, writing(d, put(1024)))
	cost(t, "put of 1025 bytes", 0, 2, writing(d, put(1025)))
	cost(t, "put of 3000 over 1025", 0, 3, writing(d, put(3000)))
	cost(t, "put of 100 over 3000", 0, 3, writing(d, put(100)))
	cost(t, "put of what is there", 0, 1, writing(d, put(100)))
	cost(t, "update that grows to 2 KB", 0, 3, writing(d, table.Update(k, table.Present(), table.Set("g", sized("w", "b", 2100)["f"]))))
	cost(t, "update that changes a little", 0, 3, writing(d, table.Update(k, table.Present(), table.Add("n", table.Int(1)))))
	cost(t, "update that changes nothing", 0, 3, writing(d, table.Update(k, table.Present(), table.Add("n", table.Int(0)))))
	cost(t, "update that shrinks", 0, 3, writing(d, table.Update(k, table.Present(), table.Remove("g"))))
	mustPut(t, d, sized("w", "a", 5000))
	cost(t, "check alone", 2, 0, writing(d, table.Check(k, table.Present())))
	cost(t, "delete of 5000 bytes", 0, 5, writing(d, table.Delete(k, table.Present())))
}

func lostUnits(t *testing.T, d Driver) {
	it := sized("lost", "a", 2500)
	mustPut(t, d, it)
	none := table.Key{PK: "lost", SK: "none"}
	cost(t, "put that loses to 2500 bytes", 0, 3, writing(d, table.Put(sized("lost", "a", 9000), table.Absent())))
	cost(t, "update that loses to 2500 bytes", 0, 3, writing(d, table.Update(it.Key(), table.Has("none"), table.Set("n", table.Int(1)))))
	cost(t, "delete that loses to 2500 bytes", 0, 3, writing(d, table.Delete(it.Key(), table.Has("none"))))
	cost(t, "check alone that loses", 1, 0, writing(d, table.Check(it.Key(), table.Absent())))
	cost(t, "put that loses to nothing", 0, 1, writing(d, table.Put(sized("lost", "none", 9000), table.Present())))
	cost(t, "update that loses to nothing", 0, 1, writing(d, table.Update(none, table.Present(), table.Set("n", table.Int(1)))))
	cost(t, "delete that loses to nothing", 0, 1, writing(d, table.Delete(none, table.Present())))
}

func transactUnits(t *testing.T, d Driver) {
	chk, upd := sized("t", "chk", 2500), sized("t", "upd", 100)
	// Under 1 KB: DynamoDB Local miscounts deletes and checks of larger items in a transaction.
	del, small := sized("t", "del", 900), sized("t", "small", 900)
	for _, it := range []table.Item{chk, upd, del, small} {
		mustPut(t, d, it)
	}
	transact := func(ws ...table.Write) func(context.Context) error {
		return func(ctx context.Context) error { return d.Transact(ctx, ws) }
	}
	put := table.Put(sized("t", "put", 1500), table.Absent())
	cost(t, "one put of 1500 bytes", 0, 4, transact(put))
	cost(t, "all four verbs: 3 (put), 1 (update), 1 (delete), 1 (check), doubled", 0, 12, transact(
		table.Put(sized("t", "put", 2900), table.Present()),
		table.Update(upd.Key(), table.Present(), table.Set("n", table.Int(1))),
		table.Delete(del.Key(), table.Present()),
		table.Check(small.Key(), table.Present())))
	cost(t, "refused: 2 (put), 1 (update), 3 (lost check of 2500 bytes), doubled", 0, 12, transact(
		table.Put(sized("t", "new", 1500), table.Absent()),
		table.Update(upd.Key(), table.Present(), table.Set("n", table.Int(2))),
		table.Check(chk.Key(), table.Absent())))
	cost(t, "refused on nothing", 0, 2, transact(table.Update(table.Key{PK: "t", SK: "none"}, table.Present(), table.Set("n", table.Int(2)))))
}

func getUnits(t *testing.T, d Driver) {
	mustPut(t, d, sized("g", "a", 4096))
	mustPut(t, d, sized("g", "b", 4097))
	a, b, none := table.Key{PK: "g", SK: "a"}, table.Key{PK: "g", SK: "b"}, table.Key{PK: "g", SK: "none"}
	get := func(k table.Key, c table.Consistency) func(context.Context) error {
		return func(ctx context.Context) error { return second(d.Get(ctx, k, c)) }
	}
	cost(t, "4096 bytes", 1, 0, get(a, table.Strong))
	cost(t, "4097 bytes", 2, 0, get(b, table.Strong))
	cost(t, "4097 bytes, eventual", 1, 0, get(b, table.Eventual))
	cost(t, "nothing", 1, 0, get(none, table.Strong))
	cost(t, "nothing, eventual", 0.5, 0, get(none, table.Eventual))
	batch := func(c table.Consistency) func(context.Context) error {
		return func(ctx context.Context) error { return second(d.BatchGet(ctx, []table.Key{a, b, none}, c)) }
	}
	cost(t, "batch of 4096 and 4097 bytes and nothing", 4, 0, batch(table.Strong))
	cost(t, "the same, eventual", 2, 0, batch(table.Eventual))
}

// expiredUnits lets an item expire by the driver's clock alone. What has expired by the real time, DynamoDB Local removes within two seconds.
func expiredUnits(t *testing.T, d Driver) {
	it := with(sized("x", "a", 8500), table.AttrExpires, future())
	mustPut(t, d, it)
	d.Advance(1000 * time.Hour)
	cost(t, "get of an expired item", 3, 0, func(ctx context.Context) error { return second(d.Get(ctx, it.Key(), table.Strong)) })
}

func queryUnits(t *testing.T, d Driver) {
	for _, sk := range []string{"a", "b", "c", "d", "e"} {
		mustPut(t, d, sized("q", sk, 1500))
	}
	query := func(q table.Query) func(context.Context) error {
		return func(ctx context.Context) error { return second(d.Query(ctx, q)) }
	}
	cost(t, "5 items of 1500 bytes, rounded once", 2, 0, query(table.Query{PK: "q", Limit: 10}))
	cost(t, "the same, eventual", 1, 0, query(table.Query{PK: "q", Limit: 10, Eventual: true}))
	cost(t, "2 items and the one ahead", 2, 0, query(table.Query{PK: "q", Limit: 2}))
	cost(t, "1 item and the one ahead", 1, 0, query(table.Query{PK: "q", Limit: 1, Descending: true}))
	cost(t, "nothing", 1, 0, query(table.Query{PK: "nobody", Limit: 10}))
	cost(t, "nothing, eventual", 0.5, 0, query(table.Query{PK: "nobody", Limit: 10, Eventual: true}))
}

func nestedMeters(t *testing.T, d Driver) {
	ctx, outer := table.WithMeter(context.Background())
	k := table.Key{PK: "m", SK: "a"}
	if _, err := d.Write(ctx, table.Put(row(k.PK, k.SK), table.Absent())); err != nil {
		t.Fatal(err)
	}
	inside, inner := table.WithMeter(ctx)
	if _, err := d.Get(inside, k, table.Eventual); err != nil {
		t.Fatal(err)
	}
	wantSpent(t, inner, 0.5, 0)
	wantSpent(t, outer, 0.5, 1)
}

// indexUnits follows one item of under 1 KB, then one of 1500 bytes, through two indexes.
func indexUnits(t *testing.T, d Driver) {
	k := table.Key{PK: "i", SK: "row"}
	edit := func(es ...table.Edit) func(context.Context) error {
		return writing(d, table.Update(k, table.Present(), es...))
	}
	cost(t, "put outside every index", 0, 1, writing(d, table.Put(row("i", "row"), table.Absent())))
	cost(t, "enter one index", 0, 2, edit(table.Set("color", table.String("red")), table.Set("rank", table.String("1"))))
	cost(t, "change beside the key", 0, 2, edit(table.Set("n", table.Int(1))))
	cost(t, "change nothing", 0, 1, edit(table.Set("n", table.Int(1))))
	cost(t, "move within one index", 0, 3, edit(table.Set("color", table.String("blue"))))
	cost(t, "enter the second index", 0, 3, edit(table.Set("shape", table.String("round"))))
	cost(t, "move in both", 0, 5, edit(table.Set("rank", table.String("2"))))
	cost(t, "leave one, change in the other", 0, 3, edit(table.Remove("shape")))
	cost(t, "grow to 2 KB", 0, 4, edit(table.Set("f", sized("i", "pad", 1500)["f"])))
	cost(t, "a lost condition touches no index", 0, 2, writing(d, table.Put(row("i", "row"), table.Absent())))
	cost(t, "delete", 0, 4, writing(d, table.Delete(k, table.Present())))
	cost(t, "a transaction doubles entries too", 0, 4, func(ctx context.Context) error {
		return d.Transact(ctx, []table.Write{table.Put(colored("i", "red", "1"), table.Absent())})
	})
	mustPut(t, d, row("i", "beside"))
	mustPut(t, d, row("i", "far"))
	cost(t, "a transaction that moves one entry, beside two rows outside every index", 0, 10, func(ctx context.Context) error {
		return d.Transact(ctx, []table.Write{
			table.Update(table.Key{PK: "i", SK: "beside"}, table.Present(), table.Set("n", table.Int(1))),
			table.Update(colored("i", "red", "1").Key(), table.Present(), table.Set("color", table.String("blue"))),
			table.Update(table.Key{PK: "i", SK: "far"}, table.Present(), table.Set("n", table.Int(1))),
		})
	})
	settle(t, d)
	cost(t, "index query", 0.5, 0, func(ctx context.Context) error {
		return second(d.Query(ctx, table.Query{Index: byColor.Name, PK: "blue", Limit: 5}))
	})
}
