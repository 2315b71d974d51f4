package asset_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/search"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
)

// library is a house whose changes an index follows, when it is told to.
type library struct {
	*house
	indexed  *asset.Service // searches by the index
	index    *search.Service
	entries  *sqlite.DB
	position string // in the feed
}

func newLibrary(t testing.TB) *library {
	t.Helper()
	l := &library{house: newHouse(t)}
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "search.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	l.entries = db
	l.index = search.New(l.db, db, l.accounts)
	l.indexed = l.on(l.db, asset.Options{Index: by(l.index)})
	return l
}

func by(index *search.Service) func() *search.Service { return func() *search.Service { return index } }

// mustFollow applies the changes since the last call.
func (l *library) mustFollow(t failer, ctx context.Context) {
	t.Helper()
	for {
		cs, next, err := l.db.Changes(ctx, l.position, 1000)
		if err != nil {
			t.Fatalf("read the feed: %v", err)
		}
		if next == l.position {
			return
		}
		for _, c := range cs {
			if err := l.index.Apply(ctx, c); err != nil {
				t.Fatalf("Apply: %v", err)
			}
		}
		l.position = next
	}
}

// all follows the cursors of a search and gives the assets of all pages. A scan's last page may be empty; no page is that has a cursor.
func all(t failer, list func(asset.Query) (asset.Page, error), q asset.Query) (found []string, pages int) {
	t.Helper()
	for {
		pg, err := list(q)
		if err != nil {
			t.Fatalf("List(%+v): %v", q, err)
		}
		if len(pg.Assets) == 0 && pg.Next != "" {
			t.Fatalf("List(%+v) gave an empty page with a cursor", q)
		}
		for _, a := range pg.Assets {
			found = append(found, a.Workspace.String()+" "+a.ID.String())
		}
		if pages++; pg.Next == "" {
			return found, pages
		}
		q.Cursor = pg.Next
	}
}

// drawText draws a text whose words share beginnings with those of others, of few or of many words.
func drawText(t *rapid.T, label string) string {
	word := rapid.OneOf(rapid.StringMatching(`[ab]{1,4}`), rapid.StringMatching(`ab[ab]{4,6}[cd]`), rapid.StringMatching(`[c-hé]{3,4}`), rapid.SampledFrom([]string{"夏", "か", "が", "🎨"}))
	n := rapid.SampledFrom([]int{0, 1, 1, 2, 6, 40}).Draw(t, label+" has so many")
	words := rapid.SliceOfN(word, n, n).Draw(t, label)
	return strings.Join(words, rapid.SampledFrom([]string{" ", "_", ", "}).Draw(t, label+" between"))
}

// TestTheIndexFindsWhatReadingEverythingFinds is the proof that nothing is missed and nothing shows that should not: whatever happens to
// assets, once the index has followed, it answers every search as the scan does, page by page.
func TestTheIndexFindsWhatReadingEverythingFinds(t *testing.T) {
	l := newLibrary(t)
	rapid.Check(t, func(rt *rapid.T) {
		ws, p := l.drawWorkspaces(t, rt)
		editor := grant(access.Editor, ws...)
		var made []asset.Asset
		for i := range rapid.IntRange(1, 25).Draw(rt, "assets") {
			l.clock.Advance(time.Millisecond)
			a := l.pending(t, rapid.SampledFrom(ws).Draw(rt, "workspace"))
			a.Name, a.Description = drawText(rt, fmt.Sprint("name ", i)), drawText(rt, fmt.Sprint("description ", i))
			l.mustPut(t, a)
			made = append(made, a)
		}
		for i := range rapid.IntRange(0, 10).Draw(rt, "changes") {
			a := rapid.SampledFrom(made).Draw(rt, fmt.Sprint("changed ", i))
			if rapid.IntRange(0, 3).Draw(rt, fmt.Sprint("deleted ", i)) == 0 {
				if err := l.Delete(t.Context(), editor, a.ID); err != nil {
					rt.Fatalf("Delete: %v", err)
				}
				continue
			}
			text := drawText(rt, fmt.Sprint("new text ", i))
			if _, err := l.Update(t.Context(), editor, a.ID, asset.Change{Description: &text}, 0); err != nil && !fault.Is(err, fault.NotFound) {
				rt.Fatalf("Update: %v", err)
			}
		}
		l.mustFollow(rt, t.Context())
		l.clock.Advance(time.Duration(rapid.SampledFrom([]int{0, 9_990, 20_000, 20_000, 20_000}).Draw(rt, "milliseconds later")) * time.Millisecond)
		for i := range 5 {
			q := asset.Query{Search: drawText(rt, fmt.Sprint("search ", i)), Limit: rapid.IntRange(1, 8).Draw(rt, fmt.Sprint("limit ", i))}
			if len(q.Search) == 0 || strings.Trim(q.Search, " ,_") == "" {
				q.Search = "ab"
			}
			if rapid.Bool().Draw(rt, fmt.Sprint("in one workspace ", i)) {
				q.Workspace = ws[0]
			}
			want, _ := all(rt, lister(t, l.Service, p), q)
			got, pages := all(rt, lister(t, l.indexed, p), q)
			if diff := cmp.Diff(want, got); diff != "" {
				rt.Fatalf("search for %q (-by reading everything +by the index):\n%s", q.Search, diff)
			}
			if full := max(1, (len(got)+q.Limit-1)/q.Limit); pages > full+1 {
				rt.Fatalf("search for %q: %d pages for %d assets, %d a page", q.Search, pages, len(got), q.Limit)
			}
		}
	})
}

func TestTheIndexIsBehindAndStillShowsNothingWrong(t *testing.T) {
	l := newLibrary(t)
	stays, renamed, deleted := l.mustAdd(t, "alpha one"), l.mustAdd(t, "alpha two"), l.mustAdd(t, "alpha three")
	l.mustFollow(t, t.Context())
	if _, err := l.Update(t.Context(), l.owner, renamed.ID, asset.Change{Name: new("beta")}, 0); err != nil {
		t.Fatal(err)
	}
	if err := l.Delete(t.Context(), l.owner, deleted.ID); err != nil {
		t.Fatal(err)
	}
	l.clock.Advance(time.Minute)
	pg, err := l.indexed.List(t.Context(), l.viewer, asset.Query{Search: "alpha", Limit: 10})
	if err != nil || len(pg.Assets) != 1 || pg.Assets[0].ID != stays.ID || pg.Next != "" {
		t.Errorf("List gave %v, next %q, %v, want the one that still has the name", names([][]asset.Asset{pg.Assets}), pg.Next, err)
	}
}

// TestANewTextIsFoundWhileTheOldEntriesAreStillThere stops between the two halves of a change.
func TestANewTextIsFoundWhileTheOldEntriesAreStillThere(t *testing.T) {
	l := newLibrary(t)
	a := l.mustAdd(t, "abcdef bcdefg cdefgh defghi")
	l.mustFollow(t, t.Context())
	if _, err := l.Update(t.Context(), l.owner, a.ID, asset.Change{Name: new("abcdef bcdefg cdefgh defghi efghij")}, 0); err != nil {
		t.Fatal(err)
	}
	cs, _, err := l.db.Changes(t.Context(), l.position, 10)
	if err != nil {
		t.Fatal(err)
	}
	half := search.New(l.db, noDeletes{l.entries}, l.accounts)
	for _, c := range cs {
		if err := half.Apply(t.Context(), c); err == nil {
			t.Fatal("the half change gave no error")
		}
	}
	l.clock.Advance(time.Minute)
	for _, text := range []string{"abcdef", "abcdef efghij", "efghij"} {
		pg, err := l.indexed.List(t.Context(), l.viewer, asset.Query{Search: text, Limit: 10})
		if err != nil || len(pg.Assets) != 1 || pg.Next != "" {
			t.Errorf("search for %q gave %v, next %q, %v, want the asset once", text, names([][]asset.Asset{pg.Assets}), pg.Next, err)
		}
	}
}

// noDeletes refuses to remove anything.
type noDeletes struct{ table.Table }

func (n noDeletes) Write(ctx context.Context, w table.Write) (table.Item, error) {
	if w.Verb == table.VerbDelete {
		return nil, errors.New("said by the test")
	}
	return n.Table.Write(ctx, w)
}

// TestASearchPageCostsTheSameAtAnySize compares pages of a small and of a large workspace: by the middle of a word, by its beginning, by a word with
// another, and by one that few assets have.
func TestASearchPageCostsTheSameAtAnySize(t *testing.T) {
	type cost struct {
		read     float64
		requests int
	}
	searches := []string{"holiday", "hol", "holid", "sunday pic", "rare"}
	var costs [2]map[string]cost
	for i, size := range []int{200, 5_000} {
		l := newLibrary(t)
		l.mustFill(t, size)
		costs[i] = map[string]cost{}
		for _, text := range searches {
			read, write, requests := domaintest.Spent(t, func(ctx context.Context) {
				pg, err := l.indexed.List(ctx, l.viewer, asset.Query{Workspace: l.w, Search: text, Limit: 20})
				if err != nil || len(pg.Assets) == 0 || text != "rare" && len(pg.Assets) != 20 {
					t.Fatalf("search for %q among %d gave %d assets, %v", text, size, len(pg.Assets), err)
				}
			})
			if write != 0 {
				t.Errorf("a search wrote %v units", write)
			}
			costs[i][text] = cost{read, requests}
		}
	}
	for _, text := range searches {
		if small, large := costs[0][text], costs[1][text]; small != large || large.read > 26 || large.requests > 10 {
			t.Errorf("a page of %q costs %+v among 200 and %+v among 5,000 assets, want the same, at most 26 units in 10 requests", text, small, large)
		}
	}
}

// mustFill writes assets and indexes them, at once and not by their changes. All are called alike but every hundredth, and three that are rare.
func (l *library) mustFill(t *testing.T, size int) {
	t.Helper()
	for i := range size {
		l.clock.Advance(time.Millisecond)
		a := full(l.pending(t, l.w), fmt.Sprintf("holiday picture %05d", i))
		if i%4 == 0 {
			a.Name = "sunday picture"
		}
		if slices.Contains([]int{10, 20, 30}, i) {
			a.Name = "rare"
		}
		l.mustPut(t, a)
	}
	if err := l.index.Reindex(t.Context(), l.w); err != nil {
		t.Fatal(err)
	}
	l.clock.Advance(time.Minute)
}

func TestASearchByTheIndexLooksAtOnlySoMuch(t *testing.T) {
	l := newLibrary(t)
	for i := range 80 {
		name := "internal"
		if i == 45 || i == 65 {
			name = "international"
		}
		l.mustAdd(t, name)
	}
	l.mustFollow(t, t.Context())
	l.clock.Advance(time.Minute)
	few := l.on(l.db, asset.Options{Index: by(l.index), SearchRows: 20})
	pg, err := few.List(t.Context(), l.viewer, asset.Query{Search: "internat", Limit: 5})
	if err != nil || len(pg.Assets) != 1 || pg.Next == "" {
		t.Fatalf("the first page is %v, next %q, %v, want the newest match and a cursor", names([][]asset.Asset{pg.Assets}), pg.Next, err)
	}
	pg, err = few.List(t.Context(), l.viewer, asset.Query{Search: "internat", Limit: 5, Cursor: pg.Next})
	if err != nil || len(pg.Assets) != 1 || pg.Next == "" {
		t.Fatalf("the second page is %v, next %q, %v, want the other match and a cursor", names([][]asset.Asset{pg.Assets}), pg.Next, err)
	}
	_, err = few.List(t.Context(), l.viewer, asset.Query{Search: "internat", Limit: 5, Cursor: pg.Next})
	wantTooWide(t, err)
	_, err = few.List(t.Context(), l.viewer, asset.Query{Search: "internat nothing", Limit: 5})
	if err != nil {
		t.Errorf("a search with a word that nothing has gave %v, want an empty page", err)
	}
}

func TestASearchByTheIndexReportsItsFailure(t *testing.T) {
	l := newLibrary(t)
	l.mustAdd(t, "alpha")
	broken := l.on(l.db, asset.Options{Index: by(search.New(l.db, domaintest.Broken{Err: errors.New("said by the test")}, l.accounts))})
	for _, text := range []string{"alpha", "alpha beta"} {
		if _, err := broken.List(t.Context(), l.viewer, asset.Query{Search: text, Limit: 5}); err == nil {
			t.Errorf("List for %q gave no error", text)
		}
	}
	for _, q := range []asset.Query{{Limit: 5}, {Search: "al", Limit: 5}} {
		if _, err := broken.List(t.Context(), l.viewer, q); err != nil {
			t.Errorf("List(%+v): %v, want the index left alone", q, err)
		}
	}
	_, err := l.indexed.List(t.Context(), l.viewer, asset.Query{Workspace: id.NewWorkspace(time.Now()), Search: "alpha", Limit: 5})
	domaintest.WantKind(t, "search in an unknown workspace", err, fault.NotFound)
}

// TestANewAssetIsFoundAtOnce searches before the index has heard of anything: newest assets are there, as many as are read, in order and page by page,
// and none twice once the index knows them.
func TestANewAssetIsFoundAtOnce(t *testing.T) {
	l := newLibrary(t)
	var made []string
	for i := range 110 {
		a := l.mustAdd(t, fmt.Sprint("alpha ", i))
		made = append([]string{a.Workspace.String() + " " + a.ID.String()}, made...)
	}
	q := asset.Query{Search: "alpha", Limit: 30}
	got, _ := all(t, lister(t, l.indexed, l.viewer), q)
	if diff := cmp.Diff(made[:100], got[:min(100, len(got))]); diff != "" {
		t.Errorf("before the index knows (-want +got):\n%s", diff)
	}
	l.mustFollow(t, t.Context())
	got, _ = all(t, lister(t, l.indexed, l.viewer), q)
	if diff := cmp.Diff(made, got); diff != "" {
		t.Errorf("once it knows (-want +got):\n%s", diff)
	}
}
