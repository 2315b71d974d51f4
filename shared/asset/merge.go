package asset

import (
	"bytes"
	"context"

	"github.com/assetry/assetry/shared/table"
)

// source is one partition that a list reads, newest first, a page at a time.
type source struct {
	query table.Query
	load  func(context.Context, []table.Item) ([]Asset, error)

	ready []Asset // read, not yet taken
	done  bool    // the partition holds no more than ready
}

// merge gives the assets of several sources in one order: greatest (id, workspace) first.
type merge struct {
	table   table.Table
	sources []*source
	size    int
}

// firstShare is how many rows more than its share each of several sources reads at once.
const firstShare = 4

func newMerge(t table.Table, sources []*source, size int) *merge {
	if n := len(sources); n > 1 {
		size = (size+n-1)/n + firstShare
	}
	return &merge{t, sources, min(size, table.MaxQuery)}
}

// next takes the next asset; ok is false at the end.
func (m *merge) next(ctx context.Context) (a Asset, ok bool, err error) {
	first, err := m.first(ctx)
	if err != nil || first == nil {
		return Asset{}, false, err
	}
	a, first.ready = first.ready[0], first.ready[1:]
	return a, true, nil
}

// more says whether another asset follows.
func (m *merge) more(ctx context.Context) (bool, error) {
	first, err := m.first(ctx)
	return first != nil, err
}

// first is the source whose next asset comes first; nil when all are at their end.
func (m *merge) first(ctx context.Context) (*source, error) {
	if err := m.refill(ctx); err != nil {
		return nil, err
	}
	var first *source
	for _, s := range m.sources {
		if len(s.ready) > 0 && (first == nil || before(s.ready[0], first.ready[0])) {
			first = s
		}
	}
	return first, nil
}

func before(a, b Asset) bool {
	if c := bytes.Compare(a.ID[:], b.ID[:]); c != 0 {
		return c > 0
	}
	return bytes.Compare(a.Workspace[:], b.Workspace[:]) > 0
}

// refill reads on wherever nothing is ready, all such sources at the same time.
func (m *merge) refill(ctx context.Context) error {
	var dry []*source
	for _, s := range m.sources {
		if len(s.ready) == 0 && !s.done {
			dry = append(dry, s)
		}
	}
	if len(dry) == 1 {
		return dry[0].read(ctx, m.table, m.size)
	}
	errs := make(chan error, len(dry))
	for _, s := range dry {
		go func() { errs <- s.read(ctx, m.table, m.size) }()
	}
	var first error
	for range dry {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}

// read reads pages of the source until one holds an asset or the partition ends.
func (s *source) read(ctx context.Context, t table.Table, size int) error {
	for len(s.ready) == 0 && !s.done {
		s.query.Limit = size
		pg, err := t.Query(ctx, s.query)
		if err != nil {
			return err
		}
		if s.ready, err = s.load(ctx, pg.Items); err != nil {
			return err
		}
		s.query.After, s.done = pg.Next, pg.Next == nil
	}
	return nil
}

func rowsAsAssets(_ context.Context, items []table.Item) ([]Asset, error) {
	return appendRows(make([]Asset, 0, len(items)), items)
}
