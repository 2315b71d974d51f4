package search

import (
	"context"
	"errors"
	"fmt"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// reindexPage is how many assets are read at once, twice: MaxBatchGet is the most.
const reindexPage = table.MaxBatchGet

// Reindex indexes the assets that a workspace has, for a table that was there before its index, or an index that lost changes. Changes may go
// on meanwhile, as long as they reach Apply. A call that was cut off is gone on with by the next; after one that came to its end the next
// begins anew. It removes no entries of assets that are gone; searches pass over those.
func (s *Service) Reindex(ctx context.Context, w id.Workspace) error {
	return s.ReindexTold(ctx, w, func(int) {})
}

// ReindexTold is Reindex that tells how many assets each page had, for whoever waits for it.
func (s *Service) ReindexTold(ctx context.Context, w id.Workspace, told func(assets int)) error {
	ws, err := s.workspaces.Workspace(ctx, w)
	if err != nil {
		return err
	}
	for shard := range ws.MaxShards() {
		if err := s.reindexShard(ctx, w, shard, told); err != nil {
			return fmt.Errorf("index shard %d of %s: %w", shard, w, err)
		}
	}
	if err := s.keep(ctx, schema.IndexedKey(w), table.Item{}); err != nil {
		return err
	}
	for shard := range ws.MaxShards() {
		_, err := s.index.Write(ctx, table.Delete(schema.ReindexKey(w, shard), table.Present()))
		if _, gone := table.Lost(err); err != nil && !gone {
			return err
		}
	}
	return nil
}

// Indexed says whether a Reindex of the workspace has ever come to its end.
func (s *Service) Indexed(ctx context.Context, w id.Workspace) (bool, error) {
	_, err := s.index.Get(ctx, schema.IndexedKey(w), table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// reindexShard indexes the assets of one shard, from where a call before stopped.
func (s *Service) reindexShard(ctx context.Context, w id.Workspace, shard int, told func(int)) error {
	progress := schema.ReindexKey(w, shard)
	at, err := s.index.Get(ctx, progress, table.Strong)
	if err != nil && !errors.Is(err, table.ErrNotFound) {
		return err
	}
	if done, _ := at[schema.Done].(table.Bool); bool(done) {
		return nil
	}
	q := table.Query{PK: schema.AssetPartition(w, shard), Limit: reindexPage}
	if last := at.Str(schema.Watermark); last != "" {
		q.From = last + "\x00" // behind it
	}
	for {
		pg, err := s.rows.Query(ctx, q)
		if err != nil {
			return err
		}
		if err := s.Index(ctx, pg.Items); err != nil {
			return err
		}
		told(len(pg.Items))
		if pg.Next == nil {
			return s.keep(ctx, progress, table.Item{schema.Done: table.Bool(true)})
		}
		if err := s.keep(ctx, progress, table.Item{schema.Watermark: table.String(pg.Next.Key.SK)}); err != nil {
			return err
		}
		q.After = pg.Next
	}
}

// Index indexes rows of assets as they were read, at most table.MaxBatchGet, and then looks at them again: what changed in between may have passed
// Apply before its entries were there to be removed.
func (s *Service) Index(ctx context.Context, rows []table.Item) error {
	keys := make([]table.Key, len(rows))
	for i, row := range rows {
		keys[i] = row.Key()
		if err := s.Apply(ctx, table.Change{Key: row.Key(), New: row}); err != nil {
			return err
		}
	}
	now, err := s.rows.BatchGet(ctx, keys, table.Strong)
	if err != nil {
		return err
	}
	for i, row := range rows {
		if err := s.Apply(ctx, table.Change{Key: row.Key(), Old: row, New: now[i]}); err != nil {
			return err
		}
	}
	return nil
}

// Lacks says whether the index misses an entry of an asset, or has one with other words, as a change that never reached Apply leaves it.
func (s *Service) Lacks(ctx context.Context, row table.Item) (bool, error) {
	w, shard, a, ok := schema.ParseAssetKey(row.Key())
	if !ok {
		return false, nil
	}
	t := textOf(row)
	var want []table.Item
	var keys []table.Key
	for _, list := range listsOf(t.words) {
		it := entry(w, shard, list, a, t)
		want, keys = append(want, it), append(keys, it.Key())
	}
	have, err := s.index.BatchGet(ctx, keys, table.Strong)
	if err != nil {
		return false, fmt.Errorf("read the entries of asset %s: %w", a, err)
	}
	for i, it := range have {
		if it == nil || it.Str(schema.Words) != want[i].Str(schema.Words) {
			return true, nil
		}
	}
	return false, nil
}

// keep writes a row of the index's own progress.
func (s *Service) keep(ctx context.Context, k table.Key, it table.Item) error {
	it[table.AttrPK], it[table.AttrSK] = table.String(k.PK), table.String(k.SK)
	_, err := s.index.Write(ctx, table.Put(it, table.Any(table.Absent(), table.Present())))
	return err
}
