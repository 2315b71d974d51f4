package asset

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/name"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/search"
	"github.com/assetry/assetry/shared/table"
)

// maxSearch is the longest search text, in characters.
const maxSearch = 1000

// searchWords folds the words of a search. A search that is given but has no word finds nothing useful and is refused.
func searchWords(search string) ([]string, error) {
	if search == "" {
		return nil, nil
	}
	if err := name.CheckText("query", search, maxSearch); err != nil {
		return nil, err
	}
	words := name.Words(search)
	if len(words) == 0 {
		return nil, fault.BadField("query", "%.40q contains no letter or digit to search for", search)
	}
	return words, nil
}

// scan takes the first Limit matches of a stream of rows, within the budget of rows and time.
func (s *Service) scan(ctx context.Context, q Query, words []string, m *merge) (Page, error) {
	var pg Page
	var last Asset
	rows := 0
	for deadline := s.now().Add(s.searchTime); len(pg.Assets) < q.Limit && !s.spent(rows, deadline); rows++ {
		a, ok, err := m.Next(ctx)
		if err != nil || !ok {
			return pg, err
		}
		last = a
		if name.Match(words, a.Name, a.Description) {
			pg.Assets = append(pg.Assets, a)
		}
	}
	more, err := m.More(ctx)
	if err != nil || !more {
		return pg, err
	}
	if len(pg.Assets) == 0 {
		return Page{}, tooWide(rows, last.ID)
	}
	pg.Next = s.seal(q, positionOf(last))
	return pg, nil
}

// spent says whether a search that has read some rows must stop; the clock is looked at now and then only.
func (s *Service) spent(rows int, deadline time.Time) bool {
	return rows >= s.searchRows || rows%500 == 499 && s.now().After(deadline)
}

func tooWide(rows int, reached id.Asset) error {
	return fault.BadField("query", "no match among the %d assets that were looked at (back to %s), which is as far as one search reads; narrow it by workspace_id or project_id",
		rows, reached.Time().Format(time.RFC3339))
}

// What the index may not have heard of yet: assets of the last moments are read as rows, so that whoever creates one finds it at once. The
// stream is behind by less than a second as a rule; where more was created than is read, the index answers for the rest.
const (
	freshFor  = 10 * time.Second
	freshRows = 100 // of one partition
)

// fresh gives the matches among the assets of the last moments, newest first, and the places up to where they begin.
func (s *Service) fresh(ctx context.Context, words []string, places []search.Place) ([]Asset, []search.Place, error) {
	from := id.Floor(s.now().Add(-freshFor)).String()
	rows, from, err := s.newest(ctx, places, from)
	if err != nil {
		return nil, nil, fmt.Errorf("read the newest assets: %w", err)
	}
	var found []Asset
	for _, a := range rows {
		if a.ID.String() >= from && name.Match(words, a.Name, a.Description) {
			found = append(found, a)
		}
	}
	slices.SortFunc(found, func(a, b Asset) int {
		if newer(a, b) {
			return -1
		}
		return 1
	})
	older := slices.Clone(places)
	for i, at := range older {
		if at.Before == "" || at.Before > from {
			older[i].Before = from
		}
	}
	return found, older, nil
}

// newest reads the assets from an id on, all places at the same time, and gives the id from which on they are whole: where a place has more
// than are read, that is a later one.
func (s *Service) newest(ctx context.Context, places []search.Place, from string) (rows []Asset, whole string, err error) {
	pages, errs := make([]table.Page, len(places)), make(chan error, len(places))
	for i, at := range places {
		if at.Before != "" && at.Before <= from { // a later page, far behind
			errs <- nil
			continue
		}
		go func() {
			var err error
			pages[i], err = s.table.Query(ctx, table.Query{
				PK: schema.AssetPartition(at.Workspace, at.Shard), From: from, To: at.Before, Descending: true, Limit: freshRows,
			})
			errs <- err
		}()
	}
	for range places {
		if e := <-errs; e != nil && err == nil {
			err = e
		}
	}
	whole = from
	for _, pg := range pages {
		if err == nil {
			rows, err = appendRows(rows, pg.Items)
		}
		if pg.Next != nil {
			whole = max(whole, pg.Next.Key.SK)
		}
	}
	return rows, whole, err
}

// finding is one page of a search by the index as it grows.
type finding struct {
	*search.Walk
	words []string
	late  func() bool // its time is over
	found []Asset
	last  position // the last entry that was looked at
	taken position // the last entry whose row was read
	spent int      // entries looked at, and rows read
	ended bool     // there are no more entries
}

// look takes the first Limit matches from the search index, and one more that says whether there is a next page. Entries that cannot match cost
// no row; of the others the rows decide, so that nothing shows that was deleted or renamed.
func (s *Service) look(ctx context.Context, p access.Principal, q Query, words []string, after *position, index *search.Service) (Page, error) {
	places, err := s.places(ctx, p, q, after)
	if err != nil {
		return Page{}, err
	}
	found, places, err := s.fresh(ctx, words, places)
	if err != nil {
		return Page{}, err
	}
	walk, err := index.Walk(ctx, places, words, q.Limit+1)
	if err != nil {
		return Page{}, fmt.Errorf("search the index: %w", err)
	}
	deadline := s.now().Add(s.searchTime)
	f := &finding{Walk: walk, words: words, found: found, late: func() bool { return s.now().After(deadline) }}
	for len(f.found) <= q.Limit && !f.ended && f.spent < s.searchRows && !f.late() {
		hits, err := f.gather(ctx, q.Limit+1-len(f.found), s.searchRows-f.spent)
		if err != nil {
			return Page{}, fmt.Errorf("search the index: %w", err)
		}
		if err := s.verify(ctx, f, hits); err != nil {
			return Page{}, err
		}
	}
	return s.page(ctx, q, f)
}

// gather takes up to n entries that may match, looking at no more than most.
func (f *finding) gather(ctx context.Context, n, most int) (hits []search.Hit, err error) {
	for looked := 0; len(hits) < n && looked < most && (looked%500 != 499 || !f.late()); looked++ {
		h, ok, err := f.Next(ctx)
		if err != nil {
			return nil, err
		}
		if !ok {
			f.ended = true
			return hits, nil
		}
		f.spent++
		f.last = position{h.Asset, h.Workspace}
		if h.May(f.words) && f.last != f.taken {
			f.taken = f.last
			hits = append(hits, h)
		}
	}
	return hits, nil
}

// verify reads the rows of entries and keeps those that match.
func (s *Service) verify(ctx context.Context, f *finding, hits []search.Hit) error {
	f.spent += len(hits)
	for len(hits) > 0 {
		n := min(len(hits), table.MaxBatchGet)
		keys := make([]table.Key, n)
		for i, h := range hits[:n] {
			k, err := s.Key(ctx, h.Workspace, h.Asset)
			if err != nil {
				return err
			}
			keys[i] = k
		}
		items, err := s.table.BatchGet(ctx, keys, table.Strong)
		if err != nil {
			return fmt.Errorf("read %d assets that were found: %w", n, err)
		}
		rows, err := appendRows(nil, items)
		if err != nil {
			return err
		}
		for _, a := range rows {
			if name.Match(f.words, a.Name, a.Description) {
				f.found = append(f.found, a)
			}
		}
		hits = hits[n:]
	}
	return nil
}

// page is what a search by the index found.
func (s *Service) page(ctx context.Context, q Query, f *finding) (Page, error) {
	if len(f.found) > q.Limit {
		pg := Page{Assets: f.found[:q.Limit]}
		pg.Next = s.seal(q, positionOf(pg.Assets[q.Limit-1]))
		return pg, nil
	}
	more := false
	if !f.ended {
		var err error
		if more, err = f.More(ctx); err != nil {
			return Page{}, fmt.Errorf("search the index: %w", err)
		}
	}
	switch {
	case !more:
		return Page{Assets: f.found}, nil
	case len(f.found) == 0:
		return Page{}, tooWide(f.spent, f.last.Asset)
	}
	return Page{Assets: f.found, Next: s.seal(q, f.last)}, nil
}
