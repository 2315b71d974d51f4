package tabletest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/table"
)

func testReads(t *testing.T, open Open) {
	d := open(t, Options{})
	ctx := context.Background()
	t.Run("get of an absent item is ErrNotFound, strong and eventual", func(t *testing.T) {
		for _, c := range []table.Consistency{table.Strong, table.Eventual} {
			if _, err := d.Get(ctx, table.Key{PK: "none", SK: "none"}, c); !errors.Is(err, table.ErrNotFound) {
				t.Errorf("got %v", err)
			}
		}
	})
	t.Run("a strong get shows the write before it", func(t *testing.T) {
		for i := range 20 {
			it := row("strong", "a", "n", table.Int(int64(i)))
			mustPut(t, d, it)
			wantStored(t, d, it.Key(), it)
		}
	})
	t.Run("an eventual get shows a write in the end", func(t *testing.T) {
		it := row("eventual", "a", "n", table.Int(1))
		mustPut(t, d, it)
		eventually(t, "eventual get", func() bool {
			got, err := d.Get(ctx, it.Key(), table.Eventual)
			return err == nil && table.EqualItems(got, it)
		})
	})
	t.Run("batch get answers 100 keys in order, nil for absent ones", func(t *testing.T) { batchOrder(t, d) })
	t.Run("batch get of large items is complete", func(t *testing.T) { batchLarge(t, d) })
	t.Run("batch get of nothing is nothing", func(t *testing.T) {
		if got, err := d.BatchGet(ctx, nil, table.Strong); err != nil || len(got) != 0 {
			t.Errorf("got %v, %v", got, err)
		}
	})
	t.Run("a call whose context is over is refused as unavailable and writes nothing", func(t *testing.T) {
		over, cancel := context.WithCancel(ctx)
		cancel()
		it := row("over", "a")
		_, err := d.Write(over, table.Put(it, table.Absent()))
		wantUnavailable(t, err)
		wantUnavailable(t, d.Transact(over, []table.Write{table.Put(it, table.Absent())}))
		wantStored(t, d, it.Key(), nil)
		_, err = d.Get(over, it.Key(), table.Strong)
		wantUnavailable(t, err)
		_, err = d.BatchGet(over, []table.Key{it.Key()}, table.Strong)
		wantUnavailable(t, err)
		_, err = d.Query(over, table.Query{PK: "over", Limit: 1})
		wantUnavailable(t, err)
	})
}

func wantUnavailable(t *testing.T, err error) {
	t.Helper()
	if !fault.Is(err, fault.Unavailable) {
		t.Fatalf("got error %v, want one of kind unavailable", err)
	}
}

func batchOrder(t *testing.T, d Driver) {
	keys := make([]table.Key, table.MaxBatchGet)
	want := make([]table.Item, len(keys))
	for i := range keys {
		it := row("batch", fmt.Sprintf("%d", i*37%100), "n", table.Int(int64(i)))
		keys[i] = it.Key()
		if i%3 != 0 {
			mustPut(t, d, it)
			want[i] = it
		}
	}
	for _, c := range []table.Consistency{table.Strong, table.Eventual} {
		got, err := d.BatchGet(context.Background(), keys, c)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Fatalf("got %d items, want %d", len(got), len(want))
		}
		for i := range want {
			wantItem(t, fmt.Sprintf("place %d", i), got[i], want[i])
		}
	}
}

// batchLarge asks for more than the 16 MB that one answer of DynamoDB holds.
func batchLarge(t *testing.T, d Driver) {
	var keys []table.Key
	for i := range 45 {
		it := sized("large", fmt.Sprint(i), 400000)
		mustPut(t, d, it)
		keys = append(keys, it.Key())
	}
	got, err := d.BatchGet(context.Background(), keys, table.Strong)
	if err != nil {
		t.Fatal(err)
	}
	for i, it := range got {
		if it.Key() != keys[i] || it.Size() != 400000 {
			t.Fatalf("place %d: got %s of %d bytes", i, it.Key(), it.Size())
		}
	}
}
