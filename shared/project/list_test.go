package project_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/project"
)

// walk follows the cursors to the end and gives the names on each page.
func walk(t testing.TB, s *project.Service, h house, query string, limit int) [][]string {
	t.Helper()
	var pages [][]string
	for cursor := ""; ; {
		ps, next, err := s.List(t.Context(), h.viewer, h.w, query, cursor, limit)
		if err != nil {
			t.Fatalf("List(%q, limit %d): %v", query, limit, err)
		}
		var names []string
		for _, p := range ps {
			names = append(names, p.Name)
		}
		if len(ps) > 0 {
			pages = append(pages, names)
		}
		if len(ps) == 0 && (next != "" || cursor != "") {
			t.Fatalf("List(%q) gave an empty page with a cursor, or after one", query)
		}
		if next == "" {
			return pages
		}
		cursor = next
	}
}

func TestListIsNewestFirstInFullPages(t *testing.T) {
	h := newHouse(t)
	for i := range 7 {
		h.mustCreate(t, fmt.Sprint("p", i))
	}
	for _, tt := range []struct {
		name  string
		limit int
		want  [][]string
	}{
		{"pages of three", 3, [][]string{{"p6", "p5", "p4"}, {"p3", "p2", "p1"}, {"p0"}}},
		{"one page that is exactly full", 7, [][]string{{"p6", "p5", "p4", "p3", "p2", "p1", "p0"}}},
		{"one page with room left", 100, [][]string{{"p6", "p5", "p4", "p3", "p2", "p1", "p0"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, walk(t, h.Service, h, "", tt.limit)); diff != "" {
				t.Errorf("pages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestListSearchesByTheBeginningsOfWords(t *testing.T) {
	h := newHouse(t)
	for _, title := range []string{"Summer Été", "autumn", "sum_total", "été d'hiver", "夏の海", "🎉 party"} {
		h.mustCreate(t, title)
	}
	for _, tt := range []struct {
		name, query string
		want        [][]string
	}{
		{"a beginning finds several", "sum", [][]string{{"sum_total", "Summer Été"}}},
		{"case and accents do not matter", "ETE", [][]string{{"été d'hiver", "Summer Été"}}},
		{"every word must be found", "été sum", [][]string{{"Summer Été"}}},
		{"the middle of a word is not found", "tumn", nil},
		{"a word after a mark is found", "tot", [][]string{{"sum_total"}}},
		{"Japanese is found by any character", "海", [][]string{{"夏の海"}}},
		{"an emoji is found", "🎉", [][]string{{"🎉 party"}}},
		{"a query without words lists all", " - ", [][]string{{"🎉 party", "夏の海", "été d'hiver", "sum_total", "autumn", "Summer Été"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, walk(t, h.Service, h, tt.query, 10)); diff != "" {
				t.Errorf("pages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestListRefuses(t *testing.T) {
	h := newHouse(t)
	for i := range 3 {
		h.mustCreate(t, fmt.Sprint("p", i))
	}
	_, cursor, err := h.List(t.Context(), h.editor, h.w, "", "", 1)
	if err != nil || cursor == "" {
		t.Fatalf("List = cursor %q, %v", cursor, err)
	}
	if _, _, err := h.List(t.Context(), h.bridge, h.other, "", cursor, 1); !fault.Is(err, fault.Invalid) {
		t.Errorf("a cursor of another workspace gave %v, want it refused", err)
	}
	for _, tt := range []struct {
		name, query, cursor string
		limit               int
		field               string
	}{
		{"a limit of 0", "", "", 0, "limit"},
		{"a limit of -1", "", "", -1, "limit"},
		{"a limit of 101", "", "", 101, "limit"},
		{"a cursor of another query", "p", cursor, 1, "cursor"},
		{"a cursor that is made up", "", "abc", 1, "cursor"},
		{"a cursor that is cut", "", cursor[:len(cursor)-1], 1, "cursor"},
		{"a query that is too long", strings.Repeat("q", 256), "", 1, "query"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := h.List(t.Context(), h.editor, h.w, tt.query, tt.cursor, tt.limit)
			f, ok := err.(*fault.Error)
			if !ok || f.Kind != fault.Invalid || f.Fields[0].Name != tt.field {
				t.Errorf("List gave %v, want an invalid %s", err, tt.field)
			}
		})
	}
	_, _, err = h.List(t.Context(), h.stranger, h.w, "", "", 1)
	domaintest.WantKind(t, "List by a stranger", err, fault.NotFound)
}

func TestListCursorHoldsForEveryKeyOfTheWorkspace(t *testing.T) {
	h := newHouse(t)
	h.mustCreate(t, "old")
	h.mustCreate(t, "new")
	_, cursor, err := h.List(t.Context(), h.editor, h.w, "", "", 1)
	if err != nil {
		t.Fatal(err)
	}
	ps, next, err := h.List(t.Context(), h.viewer, h.w, "", cursor, 1)
	if err != nil || len(ps) != 1 || ps[0].Name != "old" || next != "" {
		t.Errorf("List with another key's cursor = %v, %q, %v, want the old project and no cursor", ps, next, err)
	}
}

func TestListStopsAtItsBounds(t *testing.T) {
	h := newHouse(t)
	h.mustCreate(t, "needle old")
	for range 25 {
		h.mustCreate(t, "hay")
	}
	s := h.with(project.Options{SearchRows: 10, Now: h.clock.Now})
	_, _, err := s.List(t.Context(), h.viewer, h.w, "needle", "", 5)
	f, ok := err.(*fault.Error)
	if !ok || f.Kind != fault.Invalid || f.Fields[0].Name != "query" || !strings.Contains(f.Message, "10") {
		t.Errorf("a search that found nothing within its bound gave %v, want an invalid query that says how far it looked", err)
	}
	h.mustCreate(t, "needle new")
	ps, next, err := s.List(t.Context(), h.viewer, h.w, "needle", "", 5)
	if err != nil || len(ps) != 1 || next == "" {
		t.Errorf("a search that found one within its bound gave %v, cursor %q, %v, want one and a cursor", ps, next, err)
	}
	read := readUnits(t, func(ctx context.Context) {
		if _, _, err := s.List(ctx, h.viewer, h.w, "", "", 5); err != nil {
			t.Errorf("List without a query: %v", err)
		}
	})
	if read > 1 {
		t.Errorf("a page without a query cost %v read units, want at most 1", read)
	}
}

func readUnits(t *testing.T, f func(context.Context)) float64 {
	read, _, _ := domaintest.Spent(t, f)
	return read
}

func TestListStopsWhenItsTimeIsOver(t *testing.T) {
	h := newHouse(t)
	for range 20 {
		h.mustCreate(t, "hay")
	}
	hurry := func() time.Time {
		h.clock.Advance(time.Second)
		return h.clock.Now()
	}
	s := h.with(project.Options{SearchRows: 1000, SearchTime: time.Second, Now: hurry})
	if _, _, err := s.List(t.Context(), h.viewer, h.w, "needle", "", 5); err != nil {
		t.Errorf("a search that one read finishes gave %v, want no error", err)
	}
	for range 500 {
		h.mustCreate(t, "hay")
	}
	_, _, err := s.List(t.Context(), h.viewer, h.w, "needle", "", 5)
	domaintest.WantKind(t, "a search that needs a second read after its time", err, fault.Invalid)
}

func TestListGivesEachMatchOnce(t *testing.T) {
	h := newHouse(t)
	titles := []string{"alpha", "beta", "alpha beta", "gamma"}
	var made []string
	for i := range 40 {
		title := titles[(i*7+i/3)%len(titles)]
		h.mustCreate(t, title)
		made = append([]string{title}, made...)
	}
	rapid.Check(t, func(rt *rapid.T) {
		query := rapid.SampledFrom([]string{"", "al", "beta", "alpha b", "zzz"}).Draw(rt, "query")
		limit := rapid.IntRange(1, 100).Draw(rt, "limit")
		var want []string
		for _, title := range made {
			match := query == "" || query == "al" && strings.HasPrefix(title, "alpha") ||
				query == "beta" && strings.Contains(title, "beta") || query == "alpha b" && title == "alpha beta"
			if match {
				want = append(want, title)
			}
		}
		var got []string
		pages := walk(t, h.Service, h, query, limit)
		for i, p := range pages {
			if i < len(pages)-1 && len(p) != limit {
				rt.Errorf("page %d has %d projects, want it full with %d", i, len(p), limit)
			}
			got = append(got, p...)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Errorf("List(%q) in pages of %d (-want +got):\n%s", query, limit, diff)
		}
	})
}
