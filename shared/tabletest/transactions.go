package tabletest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/assetry/assetry/shared/table"
)

func testTransactions(t *testing.T, open Open) {
	d := open(t, Options{})
	for name, run := range map[string]func(*testing.T, Driver, string){
		"all four verbs commit together":                               transactVerbs,
		"one lost condition stops all, each write says why":            transactLoses,
		"every lost condition is told, with the item as it is":         transactTellsAll,
		"a lost check stops the writes beside it":                      transactCheck,
		"updates and deletes of absent items lose":                     transactAbsent,
		"100 writes commit":                                            transactMost,
		"the last of 100 stops the other 99":                           transactLast,
		"a transaction of one write is a write":                        transactOne,
		"items of several partitions commit together":                  transactPartitions,
		"an addition that is refused as invalid leaves nothing behind": transactInvalid,
	} {
		t.Run(name, func(t *testing.T) { run(t, d, name) })
	}
}

// wantRefused demands a *TransactError with these reasons and current items.
func wantRefused(t reporter, err error, reasons []table.Reason, current []table.Item) {
	t.Helper()
	e := table.Refused(err)
	if e == nil {
		t.Fatalf("got error %v, want a refused transaction", err)
	}
	if !slices.Equal(e.Reasons, reasons) {
		t.Errorf("reasons %v, want %v", e.Reasons, reasons)
	}
	if len(e.Current) != len(current) {
		t.Fatalf("%d current items, want %d", len(e.Current), len(current))
	}
	for i := range current {
		wantItem(t, fmt.Sprintf("current item of write %d", i), e.Current[i], current[i])
	}
}

func transactVerbs(t *testing.T, d Driver, pk string) {
	upd, del, chk := row(pk, "upd", "n", table.Int(1)), row(pk, "del"), row(pk, "chk", "v", table.Int(3))
	for _, it := range []table.Item{upd, del, chk} {
		mustPut(t, d, it)
	}
	put := row(pk, "put", "s", table.String("new"))
	mustTransact(t, d,
		table.Put(put, table.Absent()),
		table.Update(upd.Key(), table.Eq("n", table.Int(1)), table.Add("n", table.Int(4))),
		table.Delete(del.Key(), table.Present()),
		table.Check(chk.Key(), table.Eq("v", table.Int(3))))
	wantItems(t, "afterwards", walk(t, d, table.Query{PK: pk, Limit: 10}), []table.Item{chk, put, with(upd, "n", table.Int(5))})
}

func transactLoses(t *testing.T, d Driver, pk string) {
	a, b := row(pk, "a", "n", table.Int(1)), row(pk, "b", "n", table.Int(1))
	mustPut(t, d, a)
	mustPut(t, d, b)
	err := d.Transact(context.Background(), []table.Write{
		table.Update(a.Key(), table.Eq("n", table.Int(1)), table.Add("n", table.Int(1))),
		table.Update(b.Key(), table.Eq("n", table.Int(2)), table.Add("n", table.Int(1))),
		table.Put(row(pk, "c"), table.Absent()),
	})
	wantRefused(t, err, []table.Reason{table.Held, table.ConditionLost, table.Held}, []table.Item{nil, b, nil})
	wantItems(t, "afterwards", walk(t, d, table.Query{PK: pk, Limit: 10}), []table.Item{a, b})
}

func transactTellsAll(t *testing.T, d Driver, pk string) {
	a, b := row(pk, "a", "n", table.Int(1)), row(pk, "b", "x", table.Bytes{0})
	mustPut(t, d, a)
	mustPut(t, d, b)
	err := d.Transact(context.Background(), []table.Write{
		table.Put(a, table.Absent()),
		table.Delete(b.Key(), table.HasNot("x")),
		table.Update(table.Key{PK: pk, SK: "c"}, table.Present(), table.Set("n", table.Int(1))),
		table.Check(table.Key{PK: pk, SK: "d"}, table.Absent()),
	})
	wantRefused(t, err, []table.Reason{table.ConditionLost, table.ConditionLost, table.ConditionLost, table.Held}, []table.Item{a, b, nil, nil})
}

func transactCheck(t *testing.T, d Driver, pk string) {
	guard := row(pk, "guard", "open", table.Bool(false))
	mustPut(t, d, guard)
	err := d.Transact(context.Background(), []table.Write{
		table.Check(guard.Key(), table.Eq("open", table.Bool(true))), table.Put(row(pk, "a"), table.Absent()),
	})
	wantRefused(t, err, []table.Reason{table.ConditionLost, table.Held}, []table.Item{guard, nil})
	wantStored(t, d, table.Key{PK: pk, SK: "a"}, nil)
}

func transactAbsent(t *testing.T, d Driver, pk string) {
	err := d.Transact(context.Background(), []table.Write{
		table.Update(table.Key{PK: pk, SK: "a"}, table.Absent(), table.Set("n", table.Int(1))),
		table.Delete(table.Key{PK: pk, SK: "b"}, always()),
	})
	wantRefused(t, err, []table.Reason{table.ConditionLost, table.ConditionLost}, []table.Item{nil, nil})
	wantItems(t, "afterwards", walk(t, d, table.Query{PK: pk, Limit: 10}), nil)
}

// hundred are MaxTransact puts that hold.
func hundred(pk string) []table.Write {
	ws := make([]table.Write, table.MaxTransact)
	for i := range ws {
		ws[i] = table.Put(row(pk, fmt.Sprintf("%03d", i), "n", table.Int(int64(i))), table.Absent())
	}
	return ws
}

func transactMost(t *testing.T, d Driver, pk string) {
	ws := hundred(pk)
	mustTransact(t, d, ws...)
	got := walk(t, d, table.Query{PK: pk, Limit: 100})
	if len(got) != len(ws) {
		t.Fatalf("%d items, want %d", len(got), len(ws))
	}
	for i, it := range got {
		wantItem(t, "item", it, ws[i].Item)
	}
}

func transactLast(t *testing.T, d Driver, pk string) {
	ws := hundred(pk)
	last := len(ws) - 1
	ws[last].If = table.Present()
	reasons := make([]table.Reason, len(ws))
	reasons[last] = table.ConditionLost
	wantRefused(t, d.Transact(context.Background(), ws), reasons, make([]table.Item, len(ws)))
	wantItems(t, "afterwards", walk(t, d, table.Query{PK: pk, Limit: 100}), nil)
}

func transactOne(t *testing.T, d Driver, pk string) {
	it := row(pk, "a")
	mustTransact(t, d, table.Put(it, table.Absent()))
	wantStored(t, d, it.Key(), it)
	err := d.Transact(context.Background(), []table.Write{table.Put(it, table.Absent())})
	wantRefused(t, err, []table.Reason{table.ConditionLost}, []table.Item{it})
}

func transactPartitions(t *testing.T, d Driver, pk string) {
	a, b := row(pk+"/1", "a"), row(pk+"/2", "a")
	mustTransact(t, d, table.Put(a, table.Absent()), table.Put(b, table.Absent()))
	wantStored(t, d, a.Key(), a)
	wantStored(t, d, b.Key(), b)
}

func transactInvalid(t *testing.T, d Driver, pk string) {
	it := row(pk, "a", "n", table.String("text"))
	mustPut(t, d, it)
	wantInvalid(t, d.Transact(context.Background(), []table.Write{
		table.Put(row(pk, "b"), table.Absent()), table.Update(it.Key(), table.Present(), table.Add("n", table.Int(1))),
	}))
	wantItems(t, "afterwards", walk(t, d, table.Query{PK: pk, Limit: 10}), []table.Item{it})
}
