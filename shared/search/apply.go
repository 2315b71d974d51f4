package search

import (
	"context"
	"fmt"
	"slices"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// text is what an asset's row says to the index.
type text struct {
	words   []string // distinct
	version int64
}

// textOf reads a row; an absent one says nothing.
func textOf(row table.Item) text {
	return text{wordsOf(row.Str(schema.Name), row.Str(schema.Description)), row.Int(schema.Version)}
}

// Apply brings the index up to a committed change of the table. It may be repeated, and changes of rows that are no assets, or that change no
// word, cost nothing.
func (s *Service) Apply(ctx context.Context, c table.Change) error {
	w, shard, a, ok := schema.ParseAssetKey(c.Key)
	if !ok {
		return nil
	}
	before, after := textOf(c.Old), textOf(c.New)
	if c.New == nil {
		after.version = before.version + 1
	}
	if slices.Equal(before.words, after.words) {
		return nil
	}
	is := listsOf(after.words)
	// First what comes, then what goes: a search that both texts answer finds the asset at any time.
	var puts, deletes []table.Write
	for _, list := range is {
		puts = append(puts, putEntry(w, shard, list, a, after))
	}
	for _, list := range listsOf(before.words) {
		if _, stays := slices.BinarySearch(is, list); !stays {
			deletes = append(deletes, table.Delete(schema.SearchKey(w, shard, list, a), table.Less(schema.Version, table.Int(after.version))))
		}
	}
	if err := s.writeAll(ctx, puts); err != nil {
		return fmt.Errorf("index asset %s: %w", a, err)
	}
	if err := s.writeAll(ctx, deletes); err != nil {
		return fmt.Errorf("take asset %s off the index: %w", a, err)
	}
	return nil
}

// putEntry writes an entry where none of a later version is. One of the same version is written again, in case its form has changed.
func putEntry(w id.Workspace, shard int, list string, a id.Asset, t text) table.Write {
	return table.Put(entry(w, shard, list, a, t), table.Any(table.Absent(), table.Less(schema.Version, table.Int(t.version+1))))
}

// writeAll does writes of the index at the same time. A lost condition is as good as a write: something later was there.
func (s *Service) writeAll(ctx context.Context, ws []table.Write) error {
	errs := make(chan error, len(ws))
	for _, w := range ws {
		go func() {
			_, err := s.index.Write(ctx, w)
			if _, lost := table.Lost(err); lost {
				err = nil
			}
			errs <- err
		}()
	}
	var first error
	for range ws {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}
