package tabletest

import (
	"context"
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/table"
)

// sized makes an item of exactly n bytes.
func sized(pk, sk string, n int) table.Item {
	it := row(pk, sk, "f", table.String(""))
	it["f"] = table.String(strings.Repeat("x", n-it.Size()))
	return it
}

func testSizes(t *testing.T, open Open) {
	d := open(t, Options{})
	ctx := context.Background()
	t.Run("an item of 409600 bytes is kept", func(t *testing.T) {
		it := sized("size", "exact", table.MaxItemSize)
		mustPut(t, d, it)
		wantStored(t, d, it.Key(), it)
	})
	t.Run("an item of one byte more is refused", func(t *testing.T) {
		it := sized("size", "more", table.MaxItemSize+1)
		_, err := d.Write(ctx, table.Put(it, table.Absent()))
		wantInvalid(t, err)
		wantInvalid(t, d.Transact(ctx, []table.Write{table.Put(it, table.Absent())}))
		wantStored(t, d, it.Key(), nil)
	})
	t.Run("an update may fill an item up to 409600 bytes", func(t *testing.T) {
		it, full := sized("size", "fill", 300000), sized("size", "fill", table.MaxItemSize)
		mustPut(t, d, it)
		mustWrite(t, d, table.Update(it.Key(), table.Present(), table.Set("f", full["f"])))
		wantStored(t, d, it.Key(), full)
	})
	t.Run("an update over it is refused and changes nothing", func(t *testing.T) {
		it := sized("size", "over", table.MaxItemSize)
		mustPut(t, d, it)
		w := table.Update(it.Key(), table.Present(), table.Set("g", table.String("")))
		_, err := d.Write(ctx, w)
		wantInvalid(t, err)
		wantInvalid(t, d.Transact(ctx, []table.Write{w, table.Put(row("size", "beside"), table.Absent())}))
		wantStored(t, d, it.Key(), it)
		wantStored(t, d, table.Key{PK: "size", SK: "beside"}, nil)
	})
}
