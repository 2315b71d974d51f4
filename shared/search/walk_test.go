package search_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/search"
	"github.com/assetry/assetry/shared/table"
)

// asked notes which lists are read.
type asked struct {
	table.Table
	mu    sync.Mutex
	lists []string
}

func (a *asked) Query(ctx context.Context, q table.Query) (table.Page, error) {
	a.mu.Lock()
	_, list, _ := strings.Cut(q.PK, "#00#")
	a.lists = append(a.lists, list)
	a.mu.Unlock()
	return a.Table.Query(ctx, q)
}

func TestWalkFollowsTheRarestWord(t *testing.T) {
	onBoth(t, func(t *testing.T, l *library) {
		var both id.Asset
		for i := range 60 {
			name := "common holiday picture"
			if i == 30 {
				both = l.mustAdd(t, "common rare", "").ID
			}
			l.mustAdd(t, name, "")
		}
		l.mustFollow(t)
		a := &asked{Table: l.index}
		walk, err := l.on(a).Walk(t.Context(), []search.Place{{Workspace: l.w}}, []string{"common", "rare", "co"}, 5)
		if err != nil {
			t.Fatalf("Walk: %v", err)
		}
		n := 0
		for {
			h, ok, err := walk.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			if n++; h.Asset != both {
				t.Errorf("the walk shows %s, which is not of the rare word", h.Asset)
			}
		}
		slices.Sort(a.lists)
		want := []string{"all", "all", "o#com", "o#rar", "w#common", "w#rare"}
		if diff := cmp.Diff(want, a.lists); n != 1 || diff != "" {
			t.Errorf("%d entries, and the lists read (-want +got):\n%s", n, diff)
		}
	})
}

// TestRarestIsTheListThatGoesBackFurthest compares two words of which neither ends within a page.
func TestRarestIsTheListThatGoesBackFurthest(t *testing.T) {
	l := newLibrary(t)
	for i := range 200 {
		name := "often"
		if i%10 == 0 {
			name = "seldom often"
		}
		l.mustAdd(t, name, "")
	}
	l.mustFollow(t)
	for _, words := range [][]string{{"seldom", "often"}, {"often", "seldom"}} {
		walk, err := l.Walk(t.Context(), []search.Place{{Workspace: l.w}}, words, 6)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for ok := true; ok; {
			if _, ok, err = walk.Next(t.Context()); err != nil {
				t.Fatal(err)
			}
			if ok {
				n++
			}
		}
		if n != 20 {
			t.Errorf("the walk for %q looks at %d entries, want those 20 of the seldom word", words, n)
		}
	}
}

func TestWalkBeginsFewLists(t *testing.T) {
	l := newLibrary(t)
	l.mustAdd(t, "abc", "")
	l.mustFollow(t)
	var words []string
	for i := range 100 {
		words = append(words, fmt.Sprintf("word%03d", i))
	}
	for _, tt := range []struct{ places, most int }{{1, 12}, {6, 54}, {20, 60}, {100, 300}} {
		places := make([]search.Place, tt.places)
		for i := range places {
			places[i] = search.Place{Workspace: l.w, Shard: i}
		}
		_, _, requests := domaintest.Spent(t, func(ctx context.Context) {
			walk, err := l.Walk(ctx, places, words, 51)
			if err != nil {
				t.Fatal(err)
			}
			if _, ok, err := walk.Next(ctx); ok || err != nil {
				t.Errorf("Next = %t, %v, want the end", ok, err)
			}
		})
		if requests != tt.most {
			t.Errorf("a search for 100 words in %d places begins %d lists, want %d", tt.places, requests, tt.most)
		}
	}
}

func TestWalkShowsNothingAtOrAfterItsPosition(t *testing.T) {
	onBoth(t, func(t *testing.T, l *library) {
		older, newer := l.mustAdd(t, "alpha", ""), l.mustAdd(t, "alpha", "")
		l.mustFollow(t)
		walk, err := l.Walk(t.Context(), []search.Place{{Workspace: l.w, Before: newer.ID.String()}}, []string{"alpha"}, 5)
		if err != nil {
			t.Fatal(err)
		}
		h, ok, err := walk.Next(t.Context())
		if err != nil || !ok || h.Asset != older.ID {
			t.Errorf("Next = %s, %t, %v, want the older asset", h.Asset, ok, err)
		}
		if more, err := walk.More(t.Context()); more || err != nil {
			t.Errorf("More = %t, %v, want the end", more, err)
		}
	})
}

func TestWalkReportsAFailingIndex(t *testing.T) {
	l := newLibrary(t)
	broken := l.on(domaintest.Broken{Err: errors.New("said by the test")})
	places := []search.Place{{Workspace: l.w}}
	if _, err := broken.Walk(t.Context(), places, []string{"alpha", "beta"}, 5); err == nil {
		t.Error("Walk for two words gave no error")
	}
	walk, err := broken.Walk(t.Context(), places, []string{"alpha"}, 5)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := walk.Next(t.Context()); err == nil {
		t.Error("Next gave no error")
	}
}

func TestWalkRefusesAnEntryThatNamesNoAsset(t *testing.T) {
	l := newLibrary(t)
	pk := schema.SearchPartition(l.w, 0, "w#alpha")
	_, err := l.index.Write(t.Context(), table.Put(table.Item{table.AttrPK: table.String(pk), table.AttrSK: table.String("nonsense")}, table.Absent()))
	if err != nil {
		t.Fatal(err)
	}
	walk, err := l.Walk(t.Context(), []search.Place{{Workspace: l.w}}, []string{"alpha"}, 5)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := walk.Next(t.Context()); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("Next gave %v, want the entry's key", err)
	}
}

func TestFinds(t *testing.T) {
	for _, tt := range []struct {
		words []string
		want  bool
	}{
		{nil, false}, {[]string{"ab"}, false}, {[]string{"ab", "1"}, false}, {[]string{"ab", "abc"}, true}, {[]string{"海"}, true}, {[]string{"éé"}, false},
	} {
		if got := search.Finds(tt.words); got != tt.want {
			t.Errorf("Finds(%q) = %t, want %t", tt.words, got, tt.want)
		}
	}
}
