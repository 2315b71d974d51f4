package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/page"
)

// maxListRatio is the bar for a list page of a large workspace to one of a small: DESIGN.md, "Numbers to hold".
const maxListRatio = 1.2

// listPage is how many assets a page has.
const listPage = 50

// scale is how many assets a workspace has, and how that is written.
type scale struct {
	size  int
	label string
}

// shelf is a workspace of some size, with the cursor to its middle.
type shelf struct {
	*tenant
	scale
	middle string
}

// list measures pages of a small and of a large workspace in turns.
func (b *bench) list(ctx context.Context) (_ result, err error) {
	scales := [2]scale{{1_000, "1,000"}, {1_000_000, "1,000,000"}}
	if b.quick {
		scales[1] = scale{100_000, "100,000"}
	}
	var shelves [2]*shelf
	for i, scale := range scales {
		s, err := b.newShelf(ctx, scale)
		if err != nil {
			return result{}, fmt.Errorf("make %s assets: %w", scale.label, err)
		}
		defer func() { err = errors.Join(err, s.db.Close()) }()
		shelves[i] = s
	}
	b.progress("reading pages of both in turns")
	first, err := b.compare(ctx, shelves, func(*shelf) string { return "" })
	if err != nil {
		return result{}, err
	}
	middle, err := b.compare(ctx, shelves, func(s *shelf) string { return s.middle })
	if err != nil {
		return result{}, err
	}
	small, large := "p50 at "+shelves[0].label, "p50 at "+shelves[1].label
	res := result{
		Title: "List page, small and large workspace",
		Notes: []string{
			fmt.Sprintf("Pages of %d by asset.Service on SQLite in this process, one workspace and the other in turns; medians over rounds.", listPage),
		},
		Columns: []string{small, large, "ratio"},
	}
	for _, c := range []comparison{{"first page", first}, {"page in the middle", middle}} {
		r := row{Name: c.name, Cells: map[string]quantity{small: {c.small, unitMS}, large: {c.large, unitMS}, "ratio": {c.large / c.small, unitRatio}}}
		r.hold("ratio", maxListRatio)
		res.Rows = append(res.Rows, r)
	}
	return res, nil
}

// comparison is the same page of both workspaces.
type comparison struct {
	name string
	pair
}

// pair are medians over rounds of both p50, in milliseconds.
type pair struct{ small, large float64 }

// compare reads the page at a cursor, of one workspace and of the other in turns.
func (b *bench) compare(ctx context.Context, shelves [2]*shelf, cursor func(*shelf) string) (pair, error) {
	return inTurns(b.pick(7, 3), b.pick(200, 100), func(i int) (time.Duration, error) {
		return shelves[i].read(ctx, cursor(shelves[i]))
	})
}

// inTurns measures the small one and the large one, 0 and 1, in turns: in each round both so many times. It gives the medians of the rounds' p50s; a
// first round more only warms up.
func inTurns(rounds, each int, measure func(i int) (time.Duration, error)) (pair, error) {
	var small, large []float64
	for round := range rounds + 1 {
		var times [2][]time.Duration
		for range each {
			for i := range times {
				took, err := measure(i)
				if err != nil {
					return pair{}, err
				}
				times[i] = append(times[i], took)
			}
		}
		if round == 0 {
			continue // to warm up
		}
		small, large = append(small, spreadOf(times[0]).p50), append(large, spreadOf(times[1]).p50)
	}
	return pair{median(small), median(large)}, nil
}

// newShelf makes a workspace with assets in a table of its own and walks to its middle.
func (b *bench) newShelf(ctx context.Context, sc scale) (*shelf, error) {
	path := filepath.Join(b.dir, fmt.Sprintf("list-%d.db", sc.size))
	t, err := openTenant(ctx, path)
	if err != nil {
		return nil, err
	}
	b.progress("making %s assets", sc.label)
	if err := t.fill(ctx, path, sc.size); err != nil {
		return nil, err
	}
	db, services, err := openTable(path)
	if err != nil {
		return nil, err
	}
	t.db, t.Services = db, services
	b.progress("walking through %s assets", sc.label)
	s := &shelf{tenant: t, scale: sc}
	if err := s.walk(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// walk lists everything, which proves that the assets are there, and keeps the cursor to the middle.
func (s *shelf) walk(ctx context.Context) error {
	seen, cursor := 0, ""
	for {
		if s.middle == "" && seen >= s.size/2 {
			s.middle = cursor
		}
		p, err := s.Assets().List(ctx, s.principal, asset.Query{Workspace: s.workspace, Limit: page.MaxLimit, Cursor: cursor})
		if err != nil {
			return err
		}
		seen += len(p.Assets)
		if cursor = p.Next; cursor == "" {
			break
		}
	}
	if seen != s.size {
		return fmt.Errorf("the list shows %d of %d assets", seen, s.size)
	}
	return nil
}

// read takes one page.
func (s *shelf) read(ctx context.Context, cursor string) (time.Duration, error) {
	began := time.Now()
	p, err := s.Assets().List(ctx, s.principal, asset.Query{Workspace: s.workspace, Limit: listPage, Cursor: cursor})
	took := time.Since(began)
	if err != nil {
		return 0, err
	}
	if len(p.Assets) != listPage || p.Next == "" {
		return 0, fmt.Errorf("a page of %d assets, want %d and more to follow", len(p.Assets), listPage)
	}
	return took, nil
}
