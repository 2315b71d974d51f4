package main

import (
	"context"
	"fmt"
	"time"

	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// replayBack is how far back pending uploads may still be waiting for their event; the sweeper settles older ones.
const replayBack = 2 * time.Hour

// replay emits again what a crash may have lost: an event for every object of a pending upload.
func replay(ctx context.Context, t table.Table, s *boot.Services, notify func(versity.Event) error) error {
	visit := func(a asset.Asset) error {
		if a.State != asset.Pending {
			return nil
		}
		vs, err := s.Bucket().Versions(ctx, a.Source().Key(), 0)
		if err != nil {
			return fmt.Errorf("look for lost events of asset %s: %w", a.ID, err)
		}
		for _, v := range vs {
			e := versity.Event{Name: "ObjectCreated:Put", Bucket: s.BucketName(), Key: v.Key, Version: v.Version, Size: v.Size, Time: time.Now()}
			if err := notify(e); err != nil {
				return err
			}
		}
		return nil
	}
	now := time.Now()
	for hour := now.Add(-replayBack).Truncate(time.Hour); hour.Before(now.Add(replayBack)); hour = hour.Add(time.Hour) {
		for shard := range schema.SweepShards {
			if err := replayActive(ctx, t, s, schema.ActivePartition(hour, shard), visit); err != nil {
				return err
			}
			if err := replayDue(ctx, t, s, schema.DuePartition(hour, shard), visit); err != nil {
				return err
			}
		}
	}
	return nil
}

// replayActive visits the recent assets of the workspaces that a partition of markers names.
func replayActive(ctx context.Context, t table.Table, s *boot.Services, partition string, visit func(asset.Asset) error) error {
	return each(ctx, t, table.Query{PK: partition}, func(it table.Item) error {
		w, err := id.ParseWorkspace(it.Key().SK)
		if err != nil {
			return err
		}
		ws, err := s.Accounts().Workspace(ctx, w)
		if err != nil {
			return err
		}
		from := id.Floor(time.Now().Add(-replayBack)).String()
		for shard := range ws.MaxShards() {
			err := each(ctx, t, table.Query{PK: schema.AssetPartition(w, shard), From: from}, func(it table.Item) error {
				a, err := asset.FromRow(it)
				if err != nil {
					return err
				}
				return visit(a)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// replayDue visits the assets that a partition of markers names: retries of older ones.
func replayDue(ctx context.Context, t table.Table, s *boot.Services, partition string, visit func(asset.Asset) error) error {
	return each(ctx, t, table.Query{PK: partition}, func(it table.Item) error {
		w, aid, err := schema.ParseDue(it.Key().SK)
		if err != nil {
			return err
		}
		found, err := s.Assets().FindAll(ctx, w, []id.Asset{aid})
		if err != nil || len(found) == 0 {
			return err
		}
		return visit(found[0])
	})
}

// each calls visit for every item of a range.
func each(ctx context.Context, t table.Table, q table.Query, visit func(table.Item) error) error {
	q.Limit = 500
	for {
		pg, err := t.Query(ctx, q)
		if err != nil {
			return err
		}
		for _, it := range pg.Items {
			if err := visit(it); err != nil {
				return err
			}
		}
		if pg.Next == nil {
			return nil
		}
		q.After = pg.Next
	}
}
