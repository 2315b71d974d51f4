package search_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/search"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
	"github.com/assetry/assetry/shared/tabletest"
)

func TestReindexMakesWhatApplyMakes(t *testing.T) {
	l := newLibrary(t)
	for i := range 250 {
		l.mustAdd(t, fmt.Sprintf("picture %03d", i), "")
	}
	l.mustFollow(t)
	if done, err := l.Indexed(t.Context(), l.w); done || err != nil {
		t.Errorf("Indexed before = %t, %v", done, err)
	}
	other := open(t, sqlite.Options{})
	again := l.on(other)
	for range 2 {
		if err := again.Reindex(t.Context(), l.w); err != nil {
			t.Fatalf("Reindex: %v", err)
		}
	}
	if done, err := again.Indexed(t.Context(), l.w); !done || err != nil {
		t.Errorf("Indexed after = %t, %v", done, err)
	}
	got := dump(t, other)
	delete(got, schema.IndexedKey(l.w))
	if diff := cmp.Diff(dump(t, l.index), got); diff != "" {
		t.Errorf("the index (-by changes +anew):\n%s", diff)
	}
	domaintest.WantKind(t, "Reindex of an unknown workspace", again.Reindex(t.Context(), id.Workspace{}), fault.NotFound)
}

// TestReindexGoesOnWhereItWasCutOff fails at any call and repeats until it comes to the end.
func TestReindexGoesOnWhereItWasCutOff(t *testing.T) {
	l := newLibrary(t)
	for i := range 120 {
		l.mustAdd(t, fmt.Sprintf("%03d", i), "")
	}
	l.mustFollow(t)
	want := dump(t, l.index)
	rapid.Check(t, func(rt *rapid.T) {
		db := open(t, sqlite.Options{})
		faulty := tabletest.Faulty(db)
		fails := rapid.IntRange(1, 135).Draw(rt, "fails at")
		var calls int
		faulty.Script(func(c tabletest.Call) tabletest.Fault {
			if calls++; calls == fails {
				return rapid.SampledFrom([]tabletest.Fault{tabletest.Throttle, tabletest.LoseCall, tabletest.LoseAnswer}).Draw(rt, "fault")
			}
			return tabletest.None
		})
		s := l.on(faulty)
		for tries := 0; ; tries++ {
			err := s.Reindex(t.Context(), l.w)
			if err == nil {
				break
			}
			if tries > 1 {
				rt.Fatalf("Reindex: %v", err)
			}
		}
		got := dump(t, db)
		delete(got, schema.IndexedKey(l.w))
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("the index (-want +got):\n%s", diff)
		}
	})
}

func TestReindexThatWasCutOffReadsNothingTwice(t *testing.T) {
	l := newLibrary(t)
	for range 250 {
		l.mustAdd(t, "picture", "")
	}
	faulty := tabletest.Faulty(l.index)
	puts := 0
	faulty.Script(func(c tabletest.Call) tabletest.Fault {
		if c.Verb == tabletest.VerbPut {
			if puts++; puts == 900 { // 100 assets have 400 entries, and one is the page's progress
				return tabletest.Throttle
			}
		}
		return tabletest.None
	})
	s := l.on(faulty)
	domaintest.WantKind(t, "Reindex", s.Reindex(t.Context(), l.w), fault.Throttled)
	faulty.Script(nil)
	_, write, _ := domaintest.Spent(t, func(ctx context.Context) {
		if err := s.Reindex(ctx, l.w); err != nil {
			t.Fatal(err)
		}
	})
	// The 50 of the last page, the shard's end, the whole's end and the removal of the progress.
	if write != 4*50+3 {
		t.Errorf("going on wrote %v units, want the rest alone: %d", write, 4*50+3)
	}
}

// meanwhile does something after the rows were read, once.
type meanwhile struct {
	table.Table
	once *sync.Once
	do   func()
}

func (m meanwhile) Query(ctx context.Context, q table.Query) (table.Page, error) {
	pg, err := m.Table.Query(ctx, q)
	m.once.Do(m.do)
	return pg, err
}

// TestReindexLeavesNothingOfWhatChangesMeanwhile lets assets be renamed and deleted, and the changes pass, between the reading of the rows and the
// writing of their entries.
func TestReindexLeavesNothingOfWhatChangesMeanwhile(t *testing.T) {
	onBoth(t, func(t *testing.T, l *library) {
		renamed, deleted := l.mustAdd(t, "alpha", ""), l.mustAdd(t, "alpha", "")
		l.changes(t) // were before the index
		rows := meanwhile{l.rows, &sync.Once{}, func() {
			l.mustRename(t, renamed, "beta")
			l.mustWrite(t, table.Delete(deleted.Key(), table.Present()))
			l.mustFollow(t)
		}}
		if err := search.New(rows, l.index, l.accounts).Reindex(t.Context(), l.w); err != nil {
			t.Fatalf("Reindex: %v", err)
		}
		for _, a := range []asset.Asset{renamed, deleted} {
			if got := l.entries(t, a, "w#alp", "w#alph", "w#alpha"); len(got) > 0 {
				t.Errorf("of %s %v are left", a.ID, got)
			}
		}
		if got := l.found(t, "beta"); len(got) != 1 || got[0] != renamed.ID {
			t.Errorf("a search for the new name gives %v", got)
		}
	})
}
