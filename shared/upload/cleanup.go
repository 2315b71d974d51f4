package upload

import (
	"context"
	"fmt"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// CleanUp removes what a committed change of an asset's row leaves behind: the bytes of deleted, superseded and rejected attempts, the parts
// of all that ended without joining them, and a deleted asset's places on projects and in folders. It is driven by the change feed, so that
// a crash cannot forget it, and may be repeated. Bytes that
// a grant brings later are removed by their own event; where the grant is still alive, the sweeper looks once more when it has ended.
func (s *Service) CleanUp(ctx context.Context, c table.Change) error {
	if c.Old == nil {
		return nil
	}
	old, err := asset.FromRow(c.Old)
	if err != nil {
		return err
	}
	if c.New == nil {
		return s.cleanUpDeleted(ctx, old)
	}
	now, err := asset.FromRow(c.New)
	if err != nil {
		return err
	}
	switch {
	case now.Generation > old.Generation:
		return s.clear(ctx, old)
	case rejected(now) && !rejected(old):
		if err := s.lookAgain(ctx, now); err != nil {
			return err
		}
		return s.clear(ctx, now)
	case gaveUpForGood(now) && !gaveUpForGood(old):
		return s.cleanUpAbandoned(ctx, now)
	case gaveUp(now) && !gaveUp(old): // bytes may still come of a request that was begun in time, but no more parts
		return s.abort(ctx, now.Source().Key(), now.Upload)
	case now.Via == asset.ViaURL && now.State == asset.Ready && old.State != asset.Ready:
		return s.forgetImport(ctx, now)
	}
	return nil
}

// cleanUpDeleted removes everything of a deleted asset.
func (s *Service) cleanUpDeleted(ctx context.Context, old asset.Asset) error {
	if err := s.detach(ctx, old.ID); err != nil {
		return err
	}
	if err := s.lookAgain(ctx, old); err != nil {
		return err
	}
	if old.Via == asset.ViaURL { // first, so that a worker that is about to begin parts notices
		if err := s.dropImport(ctx, old.ID); err != nil {
			return err
		}
	}
	prefix := schema.ObjectPrefix(old.Workspace, old.ID)
	if inParts(old) {
		if err := s.abortAll(ctx, prefix, nil); err != nil {
			return err
		}
	}
	return s.purge(ctx, prefix, nil)
}

// cleanUpAbandoned removes what an abandoned attempt has brought so far.
func (s *Service) cleanUpAbandoned(ctx context.Context, a asset.Asset) error {
	if err := s.lookAgain(ctx, a); err != nil {
		return err
	}
	if a.Via == asset.ViaURL { // first, so that a worker that is about to begin parts notices
		if err := s.dropImport(ctx, a.ID); err != nil {
			return err
		}
		if err := s.abortAll(ctx, a.Source().Key(), nil); err != nil {
			return err
		}
	}
	return s.clear(ctx, a)
}

// clear removes the parts and all versions of an attempt.
func (s *Service) clear(ctx context.Context, a asset.Asset) error {
	if err := s.abort(ctx, a.Source().Key(), a.Upload); err != nil {
		return err
	}
	return s.purge(ctx, a.Source().Key(), nil)
}

// lookAgain leads the sweeper to an asset whose grant may still bring bytes.
func (s *Service) lookAgain(ctx context.Context, a asset.Asset) error {
	if a.GrantUntil.IsZero() || s.expired(a) {
		return nil
	}
	return s.markDue(ctx, a.Workspace, a.ID, s.waitsUntil(a))
}

func rejected(a asset.Asset) bool { return a.State == asset.Failed && a.Cause == asset.Rejected }

func gaveUp(a asset.Asset) bool { return a.State == asset.Failed && a.Cause == asset.Expired }

// purge removes all versions under a prefix but those kept.
func (s *Service) purge(ctx context.Context, prefix string, keep func(blob.Version) bool) error {
	vs, err := s.Bucket.Versions(ctx, prefix, 0)
	if err != nil {
		return fmt.Errorf("list versions under %s: %w", prefix, err)
	}
	for _, v := range vs {
		if keep != nil && keep(v) {
			continue
		}
		if err := s.remove(ctx, v.Key, v.Version); err != nil {
			return err
		}
	}
	return nil
}

// detach removes the rows that put an asset on projects and in folders.
func (s *Service) detach(ctx context.Context, a id.Asset) error {
	q := table.Query{Index: schema.IndexOnAsset, PK: a.String(), Limit: 100}
	for {
		pg, err := s.Table.Query(ctx, q)
		if err != nil {
			return fmt.Errorf("find the places of asset %s: %w", a, err)
		}
		for _, it := range pg.Items {
			_, err := s.Table.Write(ctx, table.Delete(it.Key(), table.Present()))
			if _, gone := table.Lost(err); err != nil && !gone {
				return fmt.Errorf("take asset %s off %s: %w", a, it.Str(schema.OnProject), err)
			}
		}
		if pg.Next == nil {
			return nil
		}
		q.After = pg.Next
	}
}
