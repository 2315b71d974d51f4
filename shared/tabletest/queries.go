package tabletest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/table"
)

// sortKeys are in the order every driver must keep: bytewise.
var sortKeys = []string{"\x00", " ", "#", "0", "1", "10", "2", "A", "Z", "a", "a\x00", "aa", "b", "é", "東", "\uffff", "😀"}

func testQueries(t *testing.T, open Open) {
	d := open(t, Options{})
	var items []table.Item
	for _, i := range []int{5, 16, 0, 9, 3, 12, 1, 14, 7, 2, 10, 6, 4, 15, 8, 13, 11} {
		mustPut(t, d, row("order", sortKeys[i], "n", table.Int(int64(i))))
	}
	for i, sk := range sortKeys {
		items = append(items, row("order", sk, "n", table.Int(int64(i))))
	}
	mustPut(t, d, row("orde", "a"))
	mustPut(t, d, row("order\x00", "a"))
	t.Run("every range, both ways, by pages of every size", func(t *testing.T) {
		bounds := []string{"", "\x00", "1", "11", "a", "a\x00", "é", "😀", "😀😀"}
		for _, from := range bounds {
			for _, to := range bounds {
				rangeBothWays(t, d, items, from, to)
			}
		}
	})
	t.Run("a partition without items is an empty page", func(t *testing.T) {
		if p := mustQuery(t, d, table.Query{PK: "nobody", Limit: 10}); len(p.Items) != 0 || p.Next != nil {
			t.Errorf("got %+v", p)
		}
	})
	t.Run("a position need not be an item's", func(t *testing.T) {
		after := &table.Pos{Key: table.Key{PK: "order", SK: "Zz"}}
		p := mustQuery(t, d, table.Query{PK: "order", Limit: 2, After: after})
		wantItems(t, "upwards", p.Items, items[9:11])
		p = mustQuery(t, d, table.Query{PK: "order", Limit: 2, After: after, Descending: true})
		wantItems(t, "downwards", p.Items, []table.Item{items[8], items[7]})
	})
	t.Run("an eventual query shows the items in the end", func(t *testing.T) {
		eventually(t, "all items", func() bool {
			return len(mustQuery(t, d, table.Query{PK: "order", Limit: 100, Eventual: true}).Items) == len(items)
		})
	})
	t.Run("items put and deleted between pages do not disturb the walk", func(t *testing.T) { walkUnderWrites(t, d) })
}

func rangeBothWays(t *testing.T, d Driver, items []table.Item, from, to string) {
	t.Helper()
	var want []table.Item
	for _, it := range items {
		if sk := it.Key().SK; sk >= from && (to == "" || sk < to) {
			want = append(want, it)
		}
	}
	limits := []int{3, max(1, len(want)), len(want) + 1}
	if from == "" {
		limits = append(limits, 1, table.MaxQuery)
	}
	for _, limit := range limits {
		what := fmt.Sprintf("from %q to %q by %d", from, to, limit)
		q := table.Query{PK: "order", From: from, To: to, Limit: limit}
		wantItems(t, what, walk(t, d, q), want)
		q.Descending = true
		down := slices.Clone(want)
		slices.Reverse(down)
		wantItems(t, what+" downwards", walk(t, d, q), down)
	}
}

func walkUnderWrites(t *testing.T, d Driver) {
	for _, sk := range []string{"b", "d", "f", "h"} {
		mustPut(t, d, row("moving", sk))
	}
	p := mustQuery(t, d, table.Query{PK: "moving", Limit: 2})
	mustWrite(t, d, table.Delete(table.Key{PK: "moving", SK: "d"}, table.Present()))
	mustPut(t, d, row("moving", "a"))
	mustPut(t, d, row("moving", "e"))
	p = mustQuery(t, d, table.Query{PK: "moving", Limit: 10, After: p.Next})
	wantItems(t, "second page", p.Items, []table.Item{row("moving", "e"), row("moving", "f"), row("moving", "h")})
}

// testPages fills pages from ranges in which the store's own pages end early.
func testPages(t *testing.T, open Open) {
	d := open(t, Options{Indexes: []table.Index{{Name: "by-kind", PK: "kind", SK: "rank"}}})
	t.Run("expired items in the range leave no hole", func(t *testing.T) { pagesOverExpired(t, d) })
	t.Run("a range of expired items only is an empty page", func(t *testing.T) {
		for i := range 30 {
			mustPut(t, d, row("graves", fmt.Sprintf("%02d", i), table.AttrExpires, past()))
		}
		if p := mustQuery(t, d, table.Query{PK: "graves", Limit: 5}); len(p.Items) != 0 || p.Next != nil {
			t.Errorf("got %+v", p)
		}
	})
	t.Run("an expired item after a full page is no next page", func(t *testing.T) {
		mustPut(t, d, row("tail", "a"))
		mustPut(t, d, row("tail", "b", table.AttrExpires, past()))
		if p := mustQuery(t, d, table.Query{PK: "tail", Limit: 1}); len(p.Items) != 1 || p.Next != nil {
			t.Errorf("got %+v", p)
		}
	})
	t.Run("pages are full beyond a megabyte", func(t *testing.T) { pagesOfLarge(t, d) })
	t.Run("a page of 1000 items is full", func(t *testing.T) { pageOfMost(t, d) })
}

// past and future are expiries on any clock near the real one.
func past() table.Number   { return table.Int(time.Now().Add(-time.Hour).Unix()) }
func future() table.Number { return table.Int(time.Now().Add(240 * time.Hour).Unix()) }

func pagesOverExpired(t *testing.T, d Driver) {
	var want []table.Item
	for i := range 120 {
		it := row("mixed", fmt.Sprintf("%03d", i), "kind", table.String("mixed"), "rank", table.String(fmt.Sprintf("%03d", i)), table.AttrExpires, future())
		if i%10 != 3 && i != 119 {
			it[table.AttrExpires] = past()
		} else {
			want = append(want, it)
		}
		mustPut(t, d, it)
	}
	settle(t, d)
	down := slices.Clone(want)
	slices.Reverse(down)
	for _, limit := range []int{1, 4, 12, 13, 14} {
		for _, index := range []string{"", "by-kind"} {
			q := table.Query{PK: "mixed", Index: index, Limit: limit}
			wantItems(t, "upwards", walk(t, d, q), want)
			q.Descending = true
			wantItems(t, "downwards", walk(t, d, q), down)
		}
	}
}

func pagesOfLarge(t *testing.T, d Driver) {
	var want []table.Item
	for i := range 9 {
		it := with(sized("large", fmt.Sprint(i), 300000), "kind", table.String("large"), "rank", table.String(fmt.Sprint(i)))
		mustPut(t, d, it)
		want = append(want, it)
	}
	settle(t, d)
	for _, index := range []string{"", "by-kind"} {
		for _, limit := range []int{1, 4, 5, 9, 100} {
			wantItems(t, fmt.Sprintf("by %d", limit), walk(t, d, table.Query{PK: "large", Index: index, Limit: limit}), want)
		}
	}
	wantItems(t, "bounded", walk(t, d, table.Query{PK: "large", From: "2", To: "8", Limit: 5}), want[2:8])
}

func pageOfMost(t *testing.T, d Driver) {
	for i := 0; i < table.MaxQuery+1; i += 91 {
		var ws []table.Write
		for j := i; j < i+91; j++ {
			ws = append(ws, table.Put(row("most", fmt.Sprintf("%04d", j), "pad", table.String(strings.Repeat("p", 1500))), table.Absent()))
		}
		mustTransact(t, d, ws...)
	}
	p := mustQuery(t, d, table.Query{PK: "most", Limit: table.MaxQuery})
	if len(p.Items) != table.MaxQuery || p.Next == nil {
		t.Fatalf("got %d items, next %v", len(p.Items), p.Next)
	}
	p = mustQuery(t, d, table.Query{PK: "most", Limit: table.MaxQuery, After: p.Next})
	if len(p.Items) != 1 || p.Next != nil {
		t.Fatalf("last page: got %d items, next %v", len(p.Items), p.Next)
	}
}
