package asset_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/table"
)

func TestSearchFindsTheBeginningsOfWords(t *testing.T) {
	h := newHouse(t)
	for _, a := range []struct{ name, description string }{
		{"Summer Été.png", "a beach"},
		{"autumn.png", "leaves, in SUMMER light"},
		{"sum_total.pdf", ""},
		{"été d'hiver.jpg", "snow"},
		{"夏の海.webp", ""},
		{"🎉 party.mp4", "Straße"},
		{"", ""},
	} {
		h.clock.Advance(time.Millisecond)
		row := h.pending(t, h.w)
		row.Name, row.Description = a.name, a.description
		h.mustPut(t, row)
	}
	for _, tt := range []struct {
		name, search string
		want         [][]string
	}{
		{"a beginning finds several, also in descriptions", "sum", [][]string{{"sum_total.pdf", "autumn.png", "Summer Été.png"}}},
		{"case and accents do not matter", "ETE", [][]string{{"été d'hiver.jpg", "Summer Été.png"}}},
		{"accents may be spelled apart", "e\u0301te\u0301", [][]string{{"été d'hiver.jpg", "Summer Été.png"}}},
		{"one word in the name, one in the description", "autumn light", [][]string{{"autumn.png"}}},
		{"every word must be found", "summer snow", nil},
		{"the order of words does not matter", "beach, summer", [][]string{{"Summer Été.png"}}},
		{"the middle of a word is not found", "tumn", nil},
		{"a word after a mark is found", "total", [][]string{{"sum_total.pdf"}}},
		{"an extension is a word", "png", [][]string{{"autumn.png", "Summer Été.png"}}},
		{"a file name with its extension", "autumn.png", [][]string{{"autumn.png"}}},
		{"Japanese is found by any character", "海", [][]string{{"夏の海.webp"}}},
		{"an emoji is found", "🎉", [][]string{{"🎉 party.mp4"}}},
		{"sharp s is ss", "strasse", [][]string{{"🎉 party.mp4"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := names(walk(t, lister(t, h.Service, h.viewer), asset.Query{Search: tt.search, Limit: 10}))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("search for %q (-want +got):\n%s", tt.search, diff)
			}
		})
	}
}

func TestSearchRefusesTextItCannotLookFor(t *testing.T) {
	h := newHouse(t)
	h.mustAdd(t, "a.png")
	for name, search := range map[string]string{
		"only a space":           " ",
		"only marks":             "-./_*%",
		"a control character":    "a\x00b",
		"bytes that are no text": "a\xff",
		"1,001 characters":       strings.Repeat("a", 1001),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := h.List(t.Context(), h.viewer, asset.Query{Search: search, Limit: 10})
			wantField(t, "List", err, "query")
		})
	}
	t.Run("1,000 characters are taken", func(t *testing.T) {
		if _, err := h.List(t.Context(), h.viewer, asset.Query{Search: strings.Repeat("é", 1000), Limit: 10}); err != nil {
			t.Errorf("List: %v", err)
		}
	})
}

// mustAddMatches writes count assets of which those at the given places, counted from the newest, are called match.
func (h *house) mustAddMatches(t testing.TB, count int, places ...int) {
	t.Helper()
	match := map[int]bool{}
	for _, p := range places {
		match[p] = true
	}
	for i := count; i > 0; i-- {
		name := fmt.Sprint("other ", i)
		if match[i] {
			name = fmt.Sprint("match ", i)
		}
		h.mustAdd(t, name)
	}
}

func TestSearchReadsOnlySoManyRows(t *testing.T) {
	for _, tt := range []struct {
		name   string
		count  int
		places []int
		limit  int
		want   [][]string
		err    bool // the page after want is refused
	}{
		{"a page cut at the limit goes on behind it", 35, []int{3, 10, 11, 30, 35}, 5, [][]string{{"match 3", "match 10"}, {"match 11"}, {"match 30"}, {"match 35"}}, false},
		{"a full page stops where it is full", 35, []int{1, 2, 9, 12}, 2, [][]string{{"match 1", "match 2"}, {"match 9", "match 12"}}, true},
		{"nothing within the limit is refused", 35, []int{11}, 5, nil, true},
		{"nothing within the limit is refused on a later page too", 35, []int{1, 35}, 5, [][]string{{"match 1"}}, true},
		{"the limit at the very end of the list is the end", 10, []int{10}, 5, [][]string{{"match 10"}}, false},
		{"nothing in a list that ends at the limit is an empty page", 10, nil, 5, nil, false},
		{"nothing in a list that ends before the limit is an empty page", 9, nil, 5, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			h.mustAddMatches(t, tt.count, tt.places...)
			s := h.on(h.db, asset.Options{SearchRows: 10})
			q := asset.Query{Search: "match", Limit: tt.limit}
			var got [][]string
			for {
				pg, err := s.List(t.Context(), h.viewer, q)
				if tt.err && len(got) == len(tt.want) {
					wantTooWide(t, err)
					break
				}
				if err != nil {
					t.Fatalf("page %d: %v", len(got), err)
				}
				if len(pg.Assets) > 0 {
					got = append(got, names([][]asset.Asset{pg.Assets})...)
				}
				if q.Cursor = pg.Next; q.Cursor == "" {
					break
				}
				if len(pg.Assets) == 0 {
					t.Fatalf("page %d is empty and has a cursor", len(got))
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("pages (-want +got):\n%s", diff)
			}
		})
	}
}

// wantTooWide complains unless the search was refused with the way out.
func wantTooWide(t testing.TB, err error) {
	t.Helper()
	wantField(t, "a search that found nothing within its budget", err, "query")
	for _, hint := range []string{"workspace_id", "project_id"} {
		if err != nil && !strings.Contains(err.Error(), hint) {
			t.Errorf("the refusal %q does not say how %s narrows the search", err, hint)
		}
	}
}

// slow is a table whose every query takes a time on the test's clock.
type slow struct {
	table.Table
	clock *domaintest.Clock
	takes time.Duration
}

func (s slow) Query(ctx context.Context, q table.Query) (table.Page, error) {
	s.clock.Advance(s.takes)
	return s.Table.Query(ctx, q)
}

func TestSearchReadsOnlySoLong(t *testing.T) {
	h := newHouse(t)
	h.mustAddMatches(t, 1200, 100, 1100)
	search := func(s *asset.Service, text, cursor string) (asset.Page, error) {
		return s.List(t.Context(), h.viewer, asset.Query{Search: text, Cursor: cursor, Limit: 10})
	}
	late := h.on(slow{h.db, h.clock, 4 * time.Second}, asset.Options{})
	pg, err := search(late, "match", "")
	if err != nil || pg.Next == "" || len(pg.Assets) != 1 || pg.Assets[0].Name != "match 100" {
		t.Fatalf("the slow search gave %v, next %q, %v; want the first match and a cursor", names([][]asset.Asset{pg.Assets}), pg.Next, err)
	}
	_, err = search(late, "nothing", "")
	wantTooWide(t, err)

	inTime := h.on(slow{h.db, h.clock, time.Second}, asset.Options{})
	pg, err = search(inTime, "match", pg.Next)
	if err != nil || pg.Next != "" || len(pg.Assets) != 1 || pg.Assets[0].Name != "match 1100" {
		t.Errorf("going on in time gave %v, next %q, %v; want the second match and the end", names([][]asset.Asset{pg.Assets}), pg.Next, err)
	}
	pg, err = search(inTime, "nothing", "")
	if err != nil || len(pg.Assets) != 0 || pg.Next != "" {
		t.Errorf("a search through everything gave %d, next %q, %v; want an empty page", len(pg.Assets), pg.Next, err)
	}
}
