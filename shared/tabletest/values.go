package tabletest

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/table"
)

// valueCases are values that must come back exactly as they were written.
func valueCases() map[string]table.Value {
	allBytes := make(table.Bytes, 256)
	for i := range allBytes {
		allBytes[i] = byte(i)
	}
	deep := table.Value(table.String("bottom"))
	for i := range table.MaxDepth {
		if i%2 == 0 {
			deep = table.List{deep}
		} else {
			deep = table.Map{"down": deep}
		}
	}
	return map[string]table.Value{
		"an empty string":                table.String(""),
		"a string of any script":         table.String("Straße 東京 עברית 😀 e\u0301 \u2028 \ufeff"),
		"a string of control bytes":      table.String("\x00\x01\t\r\n\x1f\x7f"),
		"a string of quotes":             table.String(`"'\{}[]<>&`),
		"a long string":                  table.String(strings.Repeat("0123456789", 10000)),
		"empty bytes":                    table.Bytes{},
		"every byte":                     allBytes,
		"long bytes":                     table.Bytes(bytes.Repeat([]byte{0xff, 0}, 50000)),
		"zero":                           table.Number("0"),
		"the greatest int64":             table.Int(1<<63 - 1),
		"the least int64":                table.Int(-1 << 63),
		"38 digits":                      table.Number(strings.Repeat("9", 38)),
		"38 digits around the point":     table.Number("-1234567890123456789.0123456789012345678"),
		"38 digits far behind the point": table.Number("0." + strings.Repeat("0", 90) + "12345678901234567890123456789012345678"),
		"the greatest number":            table.Number(strings.Repeat("9", 38) + strings.Repeat("0", 88)),
		"the least number":               table.Number("-" + strings.Repeat("9", 38) + strings.Repeat("0", 88)),
		"the smallest number":            table.Number("0." + strings.Repeat("0", 129) + "1"),
		"a number a float cannot hold":   table.Number("0.1"),
		"true":                           table.Bool(true),
		"false":                          table.Bool(false),
		"null":                           table.Null{},
		"an empty list":                  table.List{},
		"a list of every type": table.List{table.String(""), table.Int(-1), table.Bytes{}, table.Bool(true), table.Null{},
			table.List{}, table.Map{}, table.String("again"), table.String("again")},
		"an empty map": table.Map{},
		"a map of every type": table.Map{"s": table.String("x"), "n": table.Number("1.5"), "b": table.Bytes{1}, "t": table.Bool(false),
			"z": table.Null{}, "l": table.List{table.Map{}}, "m": table.Map{"m": table.Map{}}, "a.b": table.Int(1), "#:x": table.Int(2), " ": table.Int(3)},
		"lists and maps in each other, as deep as they may": deep,
	}
}

func testValues(t *testing.T, open Open) {
	d := open(t, Options{})
	for name, v := range valueCases() {
		t.Run(name, func(t *testing.T) { valueKept(t, d, "value/"+name, v) })
	}
	t.Run("attribute names are free", func(t *testing.T) {
		it := row("names", "a")
		for i, name := range []string{"size", "name", "a b", "a.b", "a[0]", ":v", "#n", "é", "😀", `"`, strings.Repeat("n", 300), "PK", "0"} {
			it[name] = table.Int(int64(i))
		}
		mustPut(t, d, it)
		wantStored(t, d, it.Key(), it)
		mustWrite(t, d, table.Update(it.Key(), table.All(table.Eq("a.b", table.Int(3)), table.Has("#n")), table.Set("a b", table.Null{}), table.Remove("size")))
		delete(it, "size")
		it["a b"] = table.Null{}
		wantStored(t, d, it.Key(), it)
	})
}

// valueKept follows one value through every way in and out.
func valueKept(t *testing.T, d Driver, pk string, v table.Value) {
	put, set := row(pk, "put", "v", v), row(pk, "set", "v", v)
	mustPut(t, d, put)
	wantStored(t, d, put.Key(), put)
	mustPut(t, d, row(pk, "set"))
	wantItem(t, "answer of an update", mustWrite(t, d, table.Update(set.Key(), table.HasNot("v"), table.Set("v", v))), set)
	wantItems(t, "query", mustQuery(t, d, table.Query{PK: pk, Limit: 2}).Items, []table.Item{put, set})
	got, err := d.BatchGet(context.Background(), []table.Key{set.Key(), put.Key()}, table.Eventual)
	if err != nil {
		t.Fatal(err)
	}
	wantItems(t, "batch get", got, []table.Item{set, put})
	_, err = d.Write(context.Background(), table.Put(put, table.Absent()))
	wantLost(t, err, put)
	mustWrite(t, d, table.Check(put.Key(), table.Eq("v", v)))
}
