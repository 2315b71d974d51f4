package tabletest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/assetry/assetry/shared/table"
)

var (
	byColor = table.Index{Name: "by-color", PK: "color", SK: "rank"}
	byShape = table.Index{Name: "by-shape", PK: "shape", SK: "rank"}
)

func colored(pk, color, rank string, attrs ...any) table.Item {
	return with(row(pk, "row", attrs...), "color", table.String(color), "rank", table.String(rank))
}

func testIndexes(t *testing.T, open Open) {
	d := open(t, Options{Indexes: []table.Index{byColor, byShape}, Lazy: true})
	for name, run := range map[string]func(*testing.T, Driver){
		"an item without both attributes is not in the index":          indexSparse,
		"an update moves, enters and takes out an item":                indexMoves,
		"a delete takes an item out":                                   indexDeletes,
		"an index shows whole items, as they are after the last write": indexWhole,
		"two indexes on one item do not mix":                           indexesApart,
		"ranges and cursors both ways, also among equal sort keys":     indexRanges,
		"transactions reach the index":                                 indexTransacts,
	} {
		t.Run(name, func(t *testing.T) { run(t, d) })
	}
}

// inIndex settles the indexes and gives the partition keys of the items under a color.
func inIndex(t *testing.T, d Driver, color string) []string {
	t.Helper()
	settle(t, d)
	var out []string
	for _, it := range walk(t, d, table.Query{Index: byColor.Name, PK: color, Limit: 7}) {
		out = append(out, it.Key().PK)
	}
	return out
}

func wantKeys(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("in the index: %q, want %q", got, want)
	}
}

func indexSparse(t *testing.T, d Driver) {
	mustPut(t, d, colored("s1", "sparse", "1"))
	mustPut(t, d, row("s2", "row", "color", table.String("sparse")))
	mustPut(t, d, row("s3", "row", "rank", table.String("3")))
	mustPut(t, d, row("s4", "row"))
	wantKeys(t, inIndex(t, d, "sparse"), "s1")
}

func indexMoves(t *testing.T, d Driver) {
	k := table.Key{PK: "mover", SK: "row"}
	edit := func(es ...table.Edit) { mustWrite(t, d, table.Update(k, table.Present(), es...)) }
	mustPut(t, d, row("mover", "row", "color", table.String("m-red")))
	wantKeys(t, inIndex(t, d, "m-red"))
	edit(table.Set("rank", table.String("5")))
	wantKeys(t, inIndex(t, d, "m-red"), "mover")
	edit(table.Set("color", table.String("m-blue")))
	wantKeys(t, inIndex(t, d, "m-red"))
	wantKeys(t, inIndex(t, d, "m-blue"), "mover")
	mustPut(t, d, colored("stays", "m-blue", "3"))
	wantKeys(t, inIndex(t, d, "m-blue"), "stays", "mover")
	edit(table.Set("rank", table.String("1")))
	wantKeys(t, inIndex(t, d, "m-blue"), "mover", "stays")
	edit(table.Remove("rank"))
	wantKeys(t, inIndex(t, d, "m-blue"), "stays")
	mustPut(t, d, colored("mover", "m-red", "1"))
	wantKeys(t, inIndex(t, d, "m-red"), "mover")
	mustPut(t, d, row("mover", "row"))
	wantKeys(t, inIndex(t, d, "m-red"))
}

func indexDeletes(t *testing.T, d Driver) {
	it := colored("leaver", "gone", "1")
	mustPut(t, d, it)
	wantKeys(t, inIndex(t, d, "gone"), "leaver")
	mustWrite(t, d, table.Delete(it.Key(), table.Present()))
	wantKeys(t, inIndex(t, d, "gone"))
}

func indexWhole(t *testing.T, d Driver) {
	it := colored("whole", "whole", "1", "b", table.Bytes{1}, "l", table.List{table.Null{}})
	mustPut(t, d, it)
	it = mustWrite(t, d, table.Update(it.Key(), table.Present(), table.Set("n", table.Int(7)), table.Remove("b")))
	settle(t, d)
	wantItems(t, "index", mustQuery(t, d, table.Query{Index: byColor.Name, PK: "whole", Limit: 5}).Items, []table.Item{it})
}

func indexesApart(t *testing.T, d Driver) {
	it := colored("both", "apart", "1", "shape", table.String("apart"))
	mustPut(t, d, it)
	mustPut(t, d, colored("one", "apart", "2"))
	wantKeys(t, inIndex(t, d, "apart"), "both", "one")
	wantItems(t, "the other index", mustQuery(t, d, table.Query{Index: byShape.Name, PK: "apart", Limit: 5}).Items, []table.Item{it})
}

func indexRanges(t *testing.T, d Driver) {
	ranks := []string{"a", "b", "b", "b", "b", "c", "d", "d", "e"}
	for i, r := range ranks {
		mustPut(t, d, colored(fmt.Sprint("r", i), "ranges", r))
	}
	settle(t, d)
	for _, ends := range [][2]string{{"", ""}, {"b", ""}, {"", "d"}, {"b", "c"}, {"b", "e"}, {"bb", "bc"}, {"z", "a"}} {
		var want []string
		for _, r := range ranks {
			if r >= ends[0] && (ends[1] == "" || r < ends[1]) {
				want = append(want, r)
			}
		}
		for _, limit := range []int{1, 2, 3, max(1, len(want)), 50} {
			for _, down := range []bool{false, true} {
				q := table.Query{Index: byColor.Name, PK: "ranges", From: ends[0], To: ends[1], Limit: limit, Descending: down}
				rangeOnce(t, d, q, want)
			}
		}
	}
}

// rangeOnce checks that a walk meets every item of the range once, in the order of its ranks; equal ranks have no order.
func rangeOnce(t *testing.T, d Driver, q table.Query, want []string) {
	t.Helper()
	var got []string
	seen := map[string]bool{}
	for _, it := range walk(t, d, q) {
		if seen[it.Key().PK] {
			t.Errorf("%+v: %s twice", q, it.Key())
		}
		seen[it.Key().PK] = true
		got = append(got, it.Str("rank"))
	}
	if q.Descending {
		slices.Reverse(got)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%+v: got ranks %q, want %q", q, got, want)
	}
}

func indexTransacts(t *testing.T, d Driver) {
	a, b := colored("ta", "together", "1"), colored("tb", "together", "2")
	mustTransact(t, d, table.Put(a, table.Absent()), table.Put(b, table.Absent()))
	wantKeys(t, inIndex(t, d, "together"), "ta", "tb")
	mustTransact(t, d, table.Delete(a.Key(), table.Present()), table.Update(b.Key(), table.Present(), table.Set("rank", table.String("0"))))
	wantKeys(t, inIndex(t, d, "together"), "tb")
}
