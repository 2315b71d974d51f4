package upload

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// keepMarkers is how long the sweeper's markers are kept: long enough to catch up after a week without it.
const keepMarkers = 8 * 24 * time.Hour

// markActive notes once per process and hour that a workspace began uploads in that hour.
func (s *Service) markActive(ctx context.Context, w id.Workspace, at time.Time) error {
	hour := at.Truncate(time.Hour)
	s.mu.Lock()
	known := s.active[w].Equal(hour)
	s.mu.Unlock()
	if known {
		return nil
	}
	if err := s.mark(ctx, schema.ActiveKey(hour, w), hour); err != nil {
		return fmt.Errorf("mark workspace %s active: %w", w, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.active) >= 10_000 { // a process that served more workspaces starts over
		clear(s.active)
	}
	s.active[w] = hour
	return nil
}

// markDue leaves a marker that leads the sweeper to an asset after a time, for attempts that its pass over the ids does not meet again.
func (s *Service) markDue(ctx context.Context, w id.Workspace, a id.Asset, at time.Time) error {
	hour := at.Truncate(hourLen)
	if err := s.mark(ctx, schema.DueKey(hour, w, a), hour); err != nil {
		return fmt.Errorf("mark asset %s due: %w", a, err)
	}
	return nil
}

// mark writes a marker of the sweeper unless it is there.
func (s *Service) mark(ctx context.Context, k table.Key, hour time.Time) error {
	_, err := s.Table.Write(ctx, table.Put(table.Item{
		table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK),
		table.AttrExpires: table.Int(hour.Add(keepMarkers).Unix()),
	}, table.Absent()))
	if _, there := table.Lost(err); there {
		return nil
	}
	return err
}

// Active gives the workspaces that began uploads within the time for which markers are kept, in order of their ids. It reads every partition of
// markers, a few thousand requests, as many at once as there are shards: for operators.
func (s *Service) Active(ctx context.Context) ([]id.Workspace, error) {
	var wg sync.WaitGroup
	found, errs := make([]map[id.Workspace]bool, schema.SweepShards), make([]error, schema.SweepShards)
	for shard := range schema.SweepShards {
		wg.Go(func() { found[shard], errs[shard] = s.activeIn(ctx, shard) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	var ws []id.Workspace
	for _, of := range found { // a workspace is always in the same shard
		ws = slices.AppendSeq(ws, maps.Keys(of))
	}
	slices.SortFunc(ws, func(a, b id.Workspace) int { return slices.Compare(a[:], b[:]) })
	return ws, nil
}

// activeIn gives the workspaces that the markers of one shard name.
func (s *Service) activeIn(ctx context.Context, shard int) (map[id.Workspace]bool, error) {
	found := map[id.Workspace]bool{}
	for hour := s.now().Add(-keepMarkers).Truncate(hourLen); !hour.After(s.now()); hour = hour.Add(hourLen) {
		q := table.Query{PK: schema.ActivePartition(hour, shard), Limit: sweepPage}
		for {
			pg, err := s.Table.Query(ctx, q)
			if err != nil {
				return nil, fmt.Errorf("read markers %s: %w", q.PK, err)
			}
			for _, it := range pg.Items {
				w, err := id.ParseWorkspace(it.Key().SK)
				if err != nil {
					return nil, fmt.Errorf("marker %s: %w", it.Key(), err)
				}
				found[w] = true
			}
			if pg.Next == nil {
				break
			}
			q.After = pg.Next
		}
	}
	return found, nil
}
