package tabletest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/table"
)

func testExpiry(t *testing.T, open Open) {
	d := open(t, Options{Indexes: []table.Index{byColor}})
	for name, run := range map[string]func(*testing.T, Driver, string){
		"an expired item is absent to every read":                   expiredReads,
		"an expired item is absent to every condition":              expiredConditions,
		"a put over an expired item succeeds under Absent":          putOverExpired,
		"an item with an expiry to come is there":                   notYetExpired,
		"an expiry that is no number is no expiry":                  expiryOfText,
		"moving the expiry on keeps an item":                        expiryMoved,
		"an expired item is absent to transactions":                 expiredTransactions,
		"an item may be written expired and is absent from then on": writtenExpired,
	} {
		t.Run(name, func(t *testing.T) { run(t, d, name) })
	}
	t.Run("the item is there in the second before its expiry and absent at it", func(t *testing.T) {
		expiresOnTheSecond(t, open(t, Options{}))
	})
}

func expiredItem(pk string) table.Item {
	return colored(pk, "c/"+pk, "1", "n", table.Int(1), table.AttrExpires, past())
}

func expiredReads(t *testing.T, d Driver, pk string) {
	ctx := context.Background()
	it := expiredItem(pk)
	mustPut(t, d, it)
	settle(t, d)
	for _, c := range []table.Consistency{table.Strong, table.Eventual} {
		if got, err := d.Get(ctx, it.Key(), c); !errors.Is(err, table.ErrNotFound) {
			t.Errorf("get: %v, %v", got, err)
		}
		if got, err := d.BatchGet(ctx, []table.Key{it.Key()}, c); err != nil || len(got) != 1 || got[0] != nil {
			t.Errorf("batch get: %v, %v", got, err)
		}
	}
	wantItems(t, "query", mustQuery(t, d, table.Query{PK: pk, Limit: 5}).Items, nil)
	wantItems(t, "index", mustQuery(t, d, table.Query{Index: byColor.Name, PK: "c/" + pk, Limit: 5}).Items, nil)
}

func expiredConditions(t *testing.T, d Driver, pk string) {
	ctx := context.Background()
	it := expiredItem(pk)
	mustPut(t, d, it)
	for _, c := range []table.Cond{table.Present(), table.Has("n"), table.HasNot("x"), table.Eq("n", table.Int(1)),
		table.Ne("n", table.Int(2)), table.Less("n", table.Int(2)), table.Greater("n", table.Int(0)), table.Has(table.AttrExpires)} {
		for _, w := range []table.Write{table.Check(it.Key(), c), table.Put(it, c)} {
			_, err := d.Write(ctx, w)
			wantLost(t, err, nil)
		}
	}
	for _, c := range []table.Cond{table.Absent(), table.Has("n"), always()} {
		_, err := d.Write(ctx, table.Update(it.Key(), c, table.Add("n", table.Int(1))))
		wantLost(t, err, nil)
		_, err = d.Write(ctx, table.Delete(it.Key(), c))
		wantLost(t, err, nil)
	}
	mustWrite(t, d, table.Check(it.Key(), table.Absent()))
}

func putOverExpired(t *testing.T, d Driver, pk string) {
	mustPut(t, d, expiredItem(pk))
	next := row(pk, "row", "n", table.Int(2))
	wantItem(t, "answer", mustWrite(t, d, table.Put(next, table.Absent())), next)
	wantStored(t, d, next.Key(), next)
	_, err := d.Write(context.Background(), table.Put(expiredItem(pk), table.Absent()))
	wantLost(t, err, next)
}

func notYetExpired(t *testing.T, d Driver, pk string) {
	it := with(expiredItem(pk), table.AttrExpires, future())
	mustPut(t, d, it)
	wantStored(t, d, it.Key(), it)
	_, err := d.Write(context.Background(), table.Put(it, table.Absent()))
	wantLost(t, err, it)
	mustWrite(t, d, table.Update(it.Key(), table.Eq("n", table.Int(1)), table.Add("n", table.Int(1))))
	wantItems(t, "query", mustQuery(t, d, table.Query{PK: pk, Limit: 5}).Items, []table.Item{with(it, "n", table.Int(2))})
}

func expiryOfText(t *testing.T, d Driver, pk string) {
	for _, v := range []table.Value{table.String("1"), table.Null{}, table.Bool(true), table.List{table.Int(1)}} {
		it := with(expiredItem(pk), table.AttrExpires, v)
		mustPut(t, d, it)
		wantStored(t, d, it.Key(), it)
		mustWrite(t, d, table.Update(it.Key(), table.Present(), table.Set("n", table.Int(2))))
		wantItems(t, "query", mustQuery(t, d, table.Query{PK: pk, Limit: 5}).Items, []table.Item{with(it, "n", table.Int(2))})
	}
}

func expiryMoved(t *testing.T, d Driver, pk string) {
	it := with(expiredItem(pk), table.AttrExpires, future())
	mustPut(t, d, it)
	mustWrite(t, d, table.Update(it.Key(), table.Present(), table.Remove(table.AttrExpires)))
	delete(it, table.AttrExpires)
	wantStored(t, d, it.Key(), it)
	mustWrite(t, d, table.Update(it.Key(), table.Present(), table.Set(table.AttrExpires, past())))
	wantStored(t, d, it.Key(), nil)
}

func expiredTransactions(t *testing.T, d Driver, pk string) {
	it := expiredItem(pk)
	mustPut(t, d, it)
	beside := row(pk, "beside")
	err := d.Transact(context.Background(), []table.Write{
		table.Put(beside, table.Absent()), table.Update(it.Key(), table.Has("n"), table.Add("n", table.Int(1))),
	})
	wantRefused(t, err, []table.Reason{table.Held, table.ConditionLost}, []table.Item{nil, nil})
	wantStored(t, d, beside.Key(), nil)
	next := row(pk, "row", "n", table.Int(9))
	mustTransact(t, d, table.Put(beside, table.Absent()), table.Put(next, table.Absent()))
	wantStored(t, d, next.Key(), next)
}

func writtenExpired(t *testing.T, d Driver, pk string) {
	it := expiredItem(pk)
	wantItem(t, "answer", mustWrite(t, d, table.Put(it, table.Absent())), it)
	wantItem(t, "answer again", mustWrite(t, d, table.Put(it, table.Absent())), it)
	wantStored(t, d, it.Key(), nil)
}

// expiresOnTheSecond moves the clock well away from the second's edges, so that real time passing in between cannot matter.
func expiresOnTheSecond(t *testing.T, d Driver) {
	at := time.Now().Add(time.Minute).Unix()
	it := row("second", "a", table.AttrExpires, table.Int(at))
	mustPut(t, d, it)
	fine := row("second", "b", table.AttrExpires, table.Number(table.Int(at)+".5"))
	mustPut(t, d, fine)
	d.Advance(50 * time.Second)
	wantStored(t, d, it.Key(), it)
	wantItems(t, "before", mustQuery(t, d, table.Query{PK: "second", Limit: 5}).Items, []table.Item{it, fine})
	d.Advance(10*time.Second + 900*time.Millisecond)
	eventually(t, "expiry", func() bool { return mustGet(t, d, it.Key()) == nil })
	d.Advance(time.Second)
	wantItems(t, "after", mustQuery(t, d, table.Query{PK: "second", Limit: 5}).Items, nil)
	mustWrite(t, d, table.Check(it.Key(), table.Absent()))
}
