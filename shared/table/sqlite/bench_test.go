package sqlite_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
)

// asset is an item of about 700 bytes in one index, as uploads make them.
func asset(i int) table.Item {
	return row("w#1", fmt.Sprintf("a#%012d", i), "color", table.String("project"), "rank", table.String(fmt.Sprintf("%012d", i)),
		"state", table.String("pending_upload"), "version", table.Int(1), "size", table.Int(123456),
		"name", table.String(strings.Repeat("name ", 20)), "meta", table.Map{"text": table.String(strings.Repeat("m", 400))})
}

func filled(b *testing.B, n int) *sqlite.DB {
	b.Helper()
	d, err := sqlite.Open(filepath.Join(b.TempDir(), "bench.db"), sqlite.Options{Indexes: []table.Index{byColor}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { d.Close() })
	for i := 0; i < n; i += table.MaxTransact {
		var ws []table.Write
		for j := i; j < i+table.MaxTransact; j++ {
			ws = append(ws, table.Put(asset(j), table.Absent()))
		}
		if err := d.Transact(context.Background(), ws); err != nil {
			b.Fatal(err)
		}
	}
	return d
}

func BenchmarkPut(b *testing.B) {
	d := filled(b, 0)
	for i := 0; b.Loop(); i++ {
		if _, err := d.Write(b.Context(), table.Put(asset(i), table.Absent())); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUpdate(b *testing.B) {
	d := filled(b, 1000)
	for i := 0; b.Loop(); i++ {
		if _, err := d.Write(b.Context(), table.Update(asset(i%1000).Key(), table.Present(), table.Add("version", table.Int(1)))); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	d := filled(b, 1000)
	for i := 0; b.Loop(); i++ {
		if _, err := d.Get(b.Context(), asset(i%1000).Key(), table.Strong); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPage reads pages of 50 from the newest on, in tables of two sizes.
func BenchmarkPage(b *testing.B) {
	for _, n := range []int{1000, 100000} {
		for _, index := range []string{"", byColor.Name} {
			b.Run(fmt.Sprintf("index=%s/items=%d", index, n), func(b *testing.B) {
				d := filled(b, n)
				q := table.Query{PK: "w#1", Limit: 50, Descending: true}
				if index != "" {
					q = table.Query{Index: index, PK: "project", Limit: 50, Descending: true}
				}
				for b.Loop() {
					p, err := d.Query(b.Context(), q)
					if err != nil || len(p.Items) != 50 {
						b.Fatalf("%d items, %v", len(p.Items), err)
					}
				}
			})
		}
	}
}
