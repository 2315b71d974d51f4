package search

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// Place is a partition of assets that a search ranges over.
type Place struct {
	Workspace id.Workspace
	Shard     int
	Before    string // sort key of assets up to which it ranges; "" is all
}

// Hit is an asset whose entry was read. What it says may be out of date: the row decides.
type Hit struct {
	Asset     id.Asset
	Workspace id.Workspace
	words     string // with a space before each
	unknown   bool   // the entry keeps no words
}

// May says whether an asset of these words can match all words of a search.
func (h Hit) May(words []string) bool {
	if h.unknown {
		return true
	}
	for _, w := range words {
		if !strings.Contains(h.words, " "+w) {
			return false
		}
	}
	return true
}

// newer is the order of lists: greatest (id, workspace) first.
func newer(a, b Hit) bool {
	if c := bytes.Compare(a.Asset[:], b.Asset[:]); c != 0 {
		return c > 0
	}
	return bytes.Compare(a.Workspace[:], b.Workspace[:]) > 0
}

// Walk gives the entries of the lists of one word, newest first. It is for one caller at a time.
type Walk struct{ merge *page.Merge[Hit] }

// Bounds of looking for the rarest word.
const (
	maxProbes = 4  // words whose lists are begun: the longest, which most likely are the rarest
	maxLists  = 64 // lists that are begun, unless those of one word are more
)

// Walk begins to walk the lists of the rarest of a search's words (from name.Words; Finds has said that one has lists), reading about size
// entries at once. Which is rarest is guessed by the first page of each: the lists that end soonest, else those that go back furthest.
func (s *Service) Walk(ctx context.Context, places []Place, words []string, size int) (*Walk, error) {
	of := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return !hasLists(w) })
	slices.Sort(of)
	of = slices.Compact(of)
	slices.SortStableFunc(of, func(a, b string) int { return cmp.Compare(utf8.RuneCountInString(b), utf8.RuneCountInString(a)) })
	of = of[:min(len(of), maxProbes)]
	walks := make([]*Walk, 0, len(of))
	lists := 0
	for _, w := range of {
		sources := s.sources(places, w)
		if lists += len(sources); lists > maxLists && len(walks) > 0 {
			break
		}
		walks = append(walks, &Walk{page.NewMerge(s.index, sources, size, newer)})
	}
	if len(walks) == 1 {
		return walks[0], nil
	}
	return rarest(ctx, walks)
}

// sources are the lists that hold a word, in all places.
func (s *Service) sources(places []Place, word string) []*page.Source[Hit] {
	var sources []*page.Source[Hit]
	for _, p := range places {
		for _, list := range listsWith(word) {
			sources = append(sources, &page.Source[Hit]{
				// Eventually consistent: the index is behind the rows anyway, and this is half the price.
				Query: table.Query{PK: schema.SearchPartition(p.Workspace, p.Shard, list), To: p.Before, Descending: true, Eventual: true},
				Load:  func(_ context.Context, items []table.Item) ([]Hit, error) { return hits(p.Workspace, items) },
				Grow:  true,
			})
		}
	}
	return sources
}

func hits(w id.Workspace, items []table.Item) ([]Hit, error) {
	out := make([]Hit, len(items))
	for i, it := range items {
		a, err := id.ParseAsset(it.Key().SK)
		if err != nil {
			return nil, fmt.Errorf("entry %s of the search index: %w", it.Key(), err)
		}
		words, known := it[schema.Words].(table.String)
		out[i] = Hit{Asset: a, Workspace: w, words: " " + string(words), unknown: !known}
	}
	return out, nil
}

// known is what the first pages of a walk say of how much there is.
type known struct {
	entries int
	upTo    Hit
	whole   bool
}

// rarer says whether a walk with these pages is likely the shorter one.
func (k known) rarer(than known) bool {
	switch {
	case k.whole != than.whole:
		return k.whole
	case k.whole:
		return k.entries < than.entries
	}
	return newer(than.upTo, k.upTo)
}

// rarest reads the first pages of walks, all at the same time, and picks the shortest.
func rarest(ctx context.Context, walks []*Walk) (*Walk, error) {
	ks, errs := make([]known, len(walks)), make(chan error, len(walks))
	for i, w := range walks {
		go func() {
			var err error
			ks[i].entries, ks[i].upTo, ks[i].whole, err = w.merge.Known(ctx)
			errs <- err
		}()
	}
	var first error
	for range walks {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	if first != nil {
		return nil, first
	}
	best := 0
	for i := range ks {
		if ks[i].rarer(ks[best]) {
			best = i
		}
	}
	return walks[best], nil
}

// Next takes the next entry; ok is false at the end. Between two deliveries an asset may be in lists of its old and of its new text: then its
// entries come one after the other.
func (w *Walk) Next(ctx context.Context) (h Hit, ok bool, err error) { return w.merge.Next(ctx) }

// More says whether another entry follows.
func (w *Walk) More(ctx context.Context) (bool, error) { return w.merge.More(ctx) }
