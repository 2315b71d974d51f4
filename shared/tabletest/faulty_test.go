package tabletest_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
	"github.com/assetry/assetry/shared/tabletest"
)

func faulty(t *testing.T) *tabletest.FaultyTable {
	t.Helper()
	d, err := sqlite.Open(filepath.Join(t.TempDir(), "faulty.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return tabletest.Faulty(d)
}

func item(sk string) table.Item {
	return table.Item{table.AttrPK: table.String("p"), table.AttrSK: table.String(sk)}
}

func TestFaultsWriteWhatTheySay(t *testing.T) {
	for _, c := range []struct {
		name    string
		fault   tabletest.Fault
		kind    fault.Kind
		written bool
	}{
		{"throttled: nothing is written", tabletest.Throttle, fault.Throttled, false},
		{"lost on the way there: nothing is written", tabletest.LoseCall, fault.Unavailable, false},
		{"lost on the way back: written", tabletest.LoseAnswer, fault.Unavailable, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, ctx := faulty(t), context.Background()
			f.Script(func(call tabletest.Call) tabletest.Fault {
				if call.Write {
					return c.fault
				}
				return tabletest.None
			})
			if got, err := f.Write(ctx, table.Put(item("write"), table.Absent())); !fault.Is(err, c.kind) || got != nil {
				t.Errorf("write: %v, %v", got, err)
			}
			if err := f.Transact(ctx, []table.Write{table.Put(item("transact"), table.Absent())}); !fault.Is(err, c.kind) {
				t.Errorf("transact: %v", err)
			}
			for _, sk := range []string{"write", "transact"} {
				_, err := f.Get(ctx, item(sk).Key(), table.Strong)
				if written := !errors.Is(err, table.ErrNotFound); written != c.written {
					t.Errorf("%s: written is %t, want %t (%v)", sk, written, c.written, err)
				}
			}
		})
	}
}

func TestFaultStrikesTheNthCallOnly(t *testing.T) {
	f, ctx := faulty(t), context.Background()
	put := func(sk string) error {
		_, err := f.Write(ctx, table.Put(item(sk), table.Absent()))
		return err
	}
	if err := put("before"); err != nil {
		t.Fatal(err)
	}
	f.FailNth(tabletest.VerbPut, 2, tabletest.Throttle)
	if err := put("a"); err != nil {
		t.Errorf("first put: %v", err)
	}
	if err := put("b"); !fault.Is(err, fault.Throttled) {
		t.Errorf("second put: %v", err)
	}
	if err := put("b"); err != nil {
		t.Errorf("third put: %v", err)
	}
}

func TestReadsFailAndCallsAreCounted(t *testing.T) {
	f, ctx := faulty(t), context.Background()
	var seen []tabletest.Call
	f.Script(func(c tabletest.Call) tabletest.Fault { seen = append(seen, c); return tabletest.LoseAnswer })
	k := item("a").Key()
	_, getErr := f.Get(ctx, k, table.Strong)
	_, batchErr := f.BatchGet(ctx, []table.Key{k}, table.Strong)
	_, queryErr := f.Query(ctx, table.Query{PK: "p", Limit: 1})
	_, checkErr := f.Write(ctx, table.Check(k, table.Absent()))
	for _, err := range []error{getErr, batchErr, queryErr, checkErr} {
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("got %v", err)
		}
	}
	for i, verb := range []string{tabletest.VerbGet, tabletest.VerbBatchGet, tabletest.VerbQuery, tabletest.VerbCheck} {
		if c := seen[i]; c.Verb != verb || c.Nth != 1 || c.Write || len(c.Keys) != 1 || f.Calls(verb) != 1 {
			t.Errorf("call %d: %+v, counted %d", i, c, f.Calls(verb))
		}
	}
	if f.Calls("") != 4 || f.Calls(tabletest.VerbPut) != 0 {
		t.Errorf("counted %d calls, %d puts", f.Calls(""), f.Calls(tabletest.VerbPut))
	}
}
