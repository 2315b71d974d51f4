package tabletest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/table"
)

// patience is how long the suite waits for something that must happen; it never waits for something that must not.
const patience = 20 * time.Second

// reporter is what the steps need of a *testing.T or a *rapid.T.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// row makes an item under a key; more attributes follow as name, value pairs.
func row(pk, sk string, attrs ...any) table.Item {
	it := table.Item{table.AttrPK: table.String(pk), table.AttrSK: table.String(sk)}
	for i := 0; i < len(attrs); i += 2 {
		it[attrs[i].(string)] = attrs[i+1].(table.Value)
	}
	return it
}

// with is a copy of the item with more attributes.
func with(it table.Item, attrs ...any) table.Item {
	out := it.Clone()
	for i := 0; i < len(attrs); i += 2 {
		out[attrs[i].(string)] = attrs[i+1].(table.Value)
	}
	return out
}

// always is a condition that holds on every item and on none.
func always() table.Cond { return table.Any(table.Absent(), table.Present()) }

func mustPut(t reporter, d table.Table, it table.Item) {
	t.Helper()
	mustWrite(t, d, table.Put(it, always()))
}

func mustWrite(t reporter, d table.Table, w table.Write) table.Item {
	t.Helper()
	it, err := d.Write(context.Background(), w)
	if err != nil {
		t.Fatalf("write on %s: %v", w.Key, err)
	}
	return it
}

func mustTransact(t reporter, d table.Table, ws ...table.Write) {
	t.Helper()
	if err := d.Transact(context.Background(), ws); err != nil {
		t.Fatalf("transaction of %d writes: %v", len(ws), err)
	}
}

// mustGet reads one item, nil when it is absent.
func mustGet(t reporter, d table.Table, k table.Key) table.Item {
	t.Helper()
	it, err := d.Get(context.Background(), k, table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		if it != nil {
			t.Fatalf("get %s: not found, yet an item", k)
		}
		return nil
	}
	if err != nil {
		t.Fatalf("get %s: %v", k, err)
	}
	return it
}

func wantStored(t reporter, d table.Table, k table.Key, want table.Item) {
	t.Helper()
	wantItem(t, fmt.Sprintf("stored under %s", k), mustGet(t, d, k), want)
}

func wantItem(t reporter, what string, got, want table.Item) {
	t.Helper()
	if !table.EqualItems(got, want) {
		t.Fatalf("%s (-want +got):\n%s", what, cmp.Diff(want, got))
	}
}

// wantLost demands a *ConditionError that carries the current item.
func wantLost(t reporter, err error, current table.Item) {
	t.Helper()
	got, lost := table.Lost(err)
	if !lost {
		t.Fatalf("got error %v, want a lost condition", err)
	}
	wantItem(t, "current item of the lost condition", got, current)
}

func wantInvalid(t reporter, err error) {
	t.Helper()
	if !fault.Is(err, fault.Invalid) {
		t.Fatalf("got error %v, want one of kind invalid", err)
	}
}

func mustQuery(t reporter, d table.Table, q table.Query) table.Page {
	t.Helper()
	p, err := d.Query(context.Background(), q)
	if err != nil {
		t.Fatalf("query %+v: %v", q, err)
	}
	return p
}

// walk reads a whole range by pages and checks that every page but the last is full and that only the last has no Next.
func walk(t reporter, d table.Table, q table.Query) []table.Item {
	t.Helper()
	var all []table.Item
	for {
		p := mustQuery(t, d, q)
		all = append(all, p.Items...)
		if p.Next == nil {
			if len(p.Items) > q.Limit {
				t.Fatalf("the last page has %d items, the limit is %d", len(p.Items), q.Limit)
			}
			return all
		}
		if len(p.Items) != q.Limit {
			t.Fatalf("a page with a next one has %d items, want exactly %d", len(p.Items), q.Limit)
		}
		q.After = p.Next
	}
}

func wantItems(t reporter, what string, got, want []table.Item) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: got %d items %v, want %d %v", what, len(got), keysOf(got), len(want), keysOf(want))
	}
	for i := range got {
		if !table.EqualItems(got[i], want[i]) {
			t.Fatalf("%s: item %d (-want +got):\n%s", what, i, cmp.Diff(want[i], got[i]))
		}
	}
}

func keysOf(items []table.Item) []string {
	out := make([]string, len(items))
	for i, it := range items {
		out[i] = it.Key().SK
	}
	return out
}

// eventually polls until done says so, or fails the test when patience is over.
func eventually(t reporter, what string, done func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline:
			t.Fatalf("not within %s: %s", patience, what)
		case <-tick.C:
		}
	}
}

func settle(t reporter, d Driver) {
	t.Helper()
	if err := d.SettleIndexes(context.Background()); err != nil {
		t.Fatalf("settle indexes: %v", err)
	}
}
