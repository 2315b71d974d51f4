package tabletest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/table"
)

var refusalIndex = table.Index{Name: "by-color", PK: "color", SK: "rank"}

// testRefusals tries what no driver takes: refused as invalid, nothing written, nothing paid.
func testRefusals(t *testing.T, open Open) {
	d := open(t, Options{Indexes: []table.Index{refusalIndex}})
	k := table.Key{PK: "refused", SK: "row"}
	it := row(k.PK, k.SK, "n", table.Int(1))
	mustPut(t, d, it)
	for name, w := range refusedWrites(k) {
		t.Run(name, func(t *testing.T) {
			ctx, meter := table.WithMeter(context.Background())
			_, err := d.Write(ctx, w)
			wantInvalid(t, err)
			wantInvalid(t, d.Transact(ctx, []table.Write{table.Put(row(k.PK, "beside"), table.Absent()), w}))
			wantStored(t, d, table.Key{PK: k.PK, SK: "beside"}, nil)
			wantStored(t, d, k, it)
			wantSpent(t, meter, 0, 0)
		})
	}
	t.Run("reads of bad keys, limits and ranges", func(t *testing.T) { refusedReads(t, d) })
	t.Run("transactions of no, too many, or twice the same item", func(t *testing.T) { refusedTransactions(t, d) })
}

func refusedWrites(k table.Key) map[string]table.Write {
	put := func(v table.Value) table.Write {
		it := row(k.PK, k.SK)
		it["x"] = v
		return table.Put(it, table.Present())
	}
	set := func(attr string, v table.Value) table.Write {
		return table.Update(k, table.Present(), table.Set(attr, v))
	}
	under := func(c table.Cond) table.Write { return table.Delete(k, c) }
	long := strings.Repeat("k", table.MaxPKSize+1)
	deep := table.Value(table.List{})
	for range table.MaxDepth {
		deep = table.List{deep}
	}
	many := make([]table.Edit, table.MaxEdits+1)
	for i := range many {
		many[i] = table.Set(fmt.Sprint("x", i), table.Int(1))
	}
	return map[string]table.Write{
		"an empty partition key":                table.Put(row("", k.SK), always()),
		"an empty sort key":                     table.Put(row(k.PK, ""), always()),
		"a partition key of 2049 bytes":         table.Put(row(long, k.SK), always()),
		"a sort key of 1025 bytes":              table.Put(row(k.PK, long[:table.MaxSKSize+1]), always()),
		"a key that is not UTF-8":               table.Put(row(k.PK, "\xff"), always()),
		"an item without keys":                  table.Put(table.Item{}, always()),
		"no condition":                          under(table.Cond{}),
		"All of nothing":                        under(table.All()),
		"Any of nothing":                        under(table.Any()),
		"All with one that is no condition":     under(table.All(table.Present(), table.Cond{})),
		"a condition on no attribute":           under(table.Has("")),
		"a condition with no value":             under(table.Eq("n", nil)),
		"an order of lists":                     under(table.Less("n", table.List{})),
		"an order of bools":                     under(table.Greater("n", table.Bool(true))),
		"a condition on a bad number":           under(table.Eq("n", table.Number("x"))),
		"a put of nil":                          put(nil),
		"a nil inside a list":                   put(table.List{nil}),
		"a nil inside a map":                    put(table.Map{"a": nil}),
		"a text that is not UTF-8":              put(table.String("\xff")),
		"no number":                             put(table.Number("")),
		"a number in another form":              put(table.Number("1.0")),
		"a number in exponent form":             put(table.Number("1e3")),
		"a number of 39 digits":                 put(table.Number(strings.Repeat("9", 39))),
		"a number beyond 9.9e125":               put(table.Number("1" + strings.Repeat("0", 126))),
		"a number below 1e-130":                 put(table.Number("0." + strings.Repeat("0", 130) + "1")),
		"a bad number inside a map":             put(table.Map{"a": table.List{table.Number("01")}}),
		"a value nested too deep":               put(deep),
		"an attribute without a name":           table.Put(with(row(k.PK, k.SK), "", table.Int(1)), table.Present()),
		"a map key without a name":              put(table.Map{"": table.Int(1)}),
		"a put of an empty index key":           table.Put(row(k.PK, k.SK, "color", table.String(""), "rank", table.String("a")), table.Present()),
		"a put of an index key of another type": table.Put(row(k.PK, k.SK, "color", table.Int(1)), table.Present()),
		"a put of an index key too long":        table.Put(row(k.PK, k.SK, "rank", table.String(long)), table.Present()),
		"an update without edits":               table.Update(k, table.Present()),
		"an update of too many edits":           table.Update(k, table.Present(), many...),
		"an attribute edited twice":             table.Update(k, table.Present(), table.Set("x", table.Int(1)), table.Remove("x")),
		"an edit of the partition key":          set(table.AttrPK, table.String("other")),
		"an edit of the sort key":               table.Update(k, table.Present(), table.Remove(table.AttrSK)),
		"an edit without a name":                set("", table.Int(1)),
		"a set of nil":                          set("x", nil),
		"a set of a bad number":                 set("x", table.Number("NaN")),
		"an addition of text":                   table.Update(k, table.Present(), table.Edit{Op: table.EditAdd, Attr: "n", Value: table.String("1")}),
		"an addition of a bad number":           table.Update(k, table.Present(), table.Add("n", "+1")),
		"an unknown edit":                       table.Update(k, table.Present(), table.Edit{Attr: "n"}),
		"an unknown verb":                       {Key: k, If: table.Present()},
	}
}

func refusedReads(t *testing.T, d Driver) {
	ctx, meter := table.WithMeter(context.Background())
	_, err := d.Get(ctx, table.Key{PK: "refused"}, table.Strong)
	wantInvalid(t, err)
	_, err = d.BatchGet(ctx, []table.Key{{PK: "a", SK: "b"}, {PK: "a", SK: "b"}}, table.Strong)
	wantInvalid(t, err)
	keys := make([]table.Key, table.MaxBatchGet+1)
	for i := range keys {
		keys[i] = table.Key{PK: "refused", SK: fmt.Sprint(i)}
	}
	_, err = d.BatchGet(ctx, keys, table.Eventual)
	wantInvalid(t, err)
	at := &table.Pos{Key: table.Key{PK: "p", SK: "m"}}
	for name, q := range map[string]table.Query{
		"no partition":                   {Limit: 1},
		"no limit":                       {PK: "p"},
		"a negative limit":               {PK: "p", Limit: -1},
		"too great a limit":              {PK: "p", Limit: table.MaxQuery + 1},
		"an unknown index":               {PK: "p", Limit: 1, Index: "by-nothing"},
		"a bound that is not UTF-8":      {PK: "p", Limit: 1, To: "\xff"},
		"a bound too long":               {PK: "p", Limit: 1, From: strings.Repeat("f", table.MaxSKSize+1)},
		"a position without a key":       {PK: "p", Limit: 1, After: &table.Pos{}},
		"a position of another query":    {PK: "q", Limit: 1, After: at},
		"a position before the range":    {PK: "p", Limit: 1, After: at, From: "n"},
		"a position after the range":     {PK: "p", Limit: 1, After: at, To: "m"},
		"a position without an index's":  {PK: "p", Limit: 1, After: at, Index: refusalIndex.Name},
		"a position before, in an index": {PK: "p", Limit: 1, After: &table.Pos{IndexSK: "a", Key: at.Key}, From: "b", Index: refusalIndex.Name},
	} {
		if _, err := d.Query(ctx, q); err == nil {
			t.Errorf("%s: taken", name)
		} else {
			wantInvalid(t, err)
		}
	}
	wantSpent(t, meter, 0, 0)
}

func refusedTransactions(t *testing.T, d Driver) {
	ctx := context.Background()
	var ws []table.Write
	for i := range table.MaxTransact + 1 {
		ws = append(ws, table.Put(row("many", fmt.Sprint(i)), table.Absent()))
	}
	wantInvalid(t, d.Transact(ctx, nil))
	wantInvalid(t, d.Transact(ctx, ws))
	wantStored(t, d, ws[0].Key, nil)
	wantInvalid(t, d.Transact(ctx, []table.Write{ws[0], ws[1], table.Check(ws[0].Key, table.Absent())}))
	wantStored(t, d, ws[1].Key, nil)
	big := table.String(strings.Repeat("x", table.MaxItemSize-1000))
	for i := range 11 {
		ws[i] = table.Put(row("many", fmt.Sprint(i), "big", big), table.Absent())
	}
	wantInvalid(t, d.Transact(ctx, ws[:11]))
	wantStored(t, d, ws[0].Key, nil)
}
