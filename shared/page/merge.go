package page

import (
	"context"

	"github.com/assetry/assetry/shared/table"
)

// Source is one range of a table that a list reads a page at a time.
type Source[T any] struct {
	Query table.Query // its Limit is the Merge's
	Load  func(context.Context, []table.Item) ([]T, error)
	Grow  bool // each page is twice as long as the one before: for walks that may pass over most of what they read

	ready []T // read, not yet taken
	done  bool
	size  int // of the next page; 0 is the Merge's
}

// Merge gives the entries of several sources in one order, in which each source has its own. It is for one caller at a time.
type Merge[T any] struct {
	table   table.Table
	sources []*Source[T]
	size    int
	before  func(a, b T) bool
}

// firstShare is how many rows more than its share each of several sources reads at once.
const firstShare = 4

// NewMerge makes a Merge of which about size entries are wanted. Before is the order.
func NewMerge[T any](t table.Table, sources []*Source[T], size int, before func(a, b T) bool) *Merge[T] {
	if n := len(sources); n > 1 {
		size = (size+n-1)/n + firstShare
	}
	return &Merge[T]{t, sources, min(size, table.MaxQuery), before}
}

// Next takes the next entry; ok is false at the end.
func (m *Merge[T]) Next(ctx context.Context) (next T, ok bool, err error) {
	first, err := m.first(ctx)
	if err != nil || first == nil {
		return next, false, err
	}
	next, first.ready = first.ready[0], first.ready[1:]
	return next, true, nil
}

// More says whether another entry follows.
func (m *Merge[T]) More(ctx context.Context) (bool, error) {
	first, err := m.first(ctx)
	return first != nil, err
}

// Known says how many entries are read and not taken, and up to which entry all are known; whole says that there are no more. It reads the
// first page of every source of which nothing is known yet.
func (m *Merge[T]) Known(ctx context.Context) (n int, upTo T, whole bool, err error) {
	if err := m.refill(ctx); err != nil {
		return 0, upTo, false, err
	}
	whole = true
	for _, s := range m.sources {
		n += len(s.ready)
		if s.done {
			continue
		}
		if last := s.ready[len(s.ready)-1]; whole || m.before(last, upTo) {
			upTo, whole = last, false
		}
	}
	return n, upTo, whole, nil
}

// first is the source whose next entry comes first; nil when all are at their end.
func (m *Merge[T]) first(ctx context.Context) (*Source[T], error) {
	if err := m.refill(ctx); err != nil {
		return nil, err
	}
	var first *Source[T]
	for _, s := range m.sources {
		if len(s.ready) > 0 && (first == nil || m.before(s.ready[0], first.ready[0])) {
			first = s
		}
	}
	return first, nil
}

// refill reads on wherever nothing is ready, all such sources at the same time.
func (m *Merge[T]) refill(ctx context.Context) error {
	var dry []*Source[T]
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

// read reads pages of the source until one holds an entry or the range ends.
func (s *Source[T]) read(ctx context.Context, t table.Table, size int) error {
	for len(s.ready) == 0 && !s.done {
		if s.size == 0 {
			s.size = size
		}
		s.Query.Limit = s.size
		pg, err := t.Query(ctx, s.Query)
		if err != nil {
			return err
		}
		if s.ready, err = s.Load(ctx, pg.Items); err != nil {
			return err
		}
		s.Query.After, s.done = pg.Next, pg.Next == nil
		if s.Grow {
			s.size = min(2*s.size, table.MaxQuery)
		}
	}
	return nil
}
