package upload

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// lateBytes is how long after it was given up an attempt is looked at once more, for bytes that came too late and whose event was lost.
const lateBytes = 24 * time.Hour

// Expire settles an open attempt that is past its time: by its bytes if they did arrive, else as failed (expired). It gives
// the row as it is afterwards; losing to anybody else is no error.
func (s *Service) Expire(ctx context.Context, a asset.Asset) (asset.Asset, error) {
	settled, err := s.Finalize(ctx, a.Source(), "")
	if fault.Is(err, fault.NotFound) {
		return a, nil
	}
	if !errors.Is(err, errNoBytes) {
		return settled, err
	}
	if a.State == asset.Failed {
		return a, nil
	}
	if a.Via == asset.ViaURL {
		return s.wakeImport(ctx, a)
	}
	gone := a
	a, err = s.giveUp(ctx, a, sameGrant(a), lapsed(a))
	if fault.Is(err, fault.NotFound) {
		return gone, nil
	}
	return a, err
}

// lapsed says for people why an attempt was given up whose time has passed.
func lapsed(a asset.Asset) string {
	switch a.Via {
	case asset.ViaParts:
		return "The parts were not completed in time. Retry the asset to begin a new upload."
	case asset.ViaPut:
		return "No bytes arrived while the upload could be begun. Retry the asset to get a new upload address."
	}
	return "No bytes arrived while the upload could be begun. Retry the asset to get a new upload form."
}

// giveUp settles a pending attempt as failed (expired), if the condition holds on its row; what remains of its parts goes with the change feed. It
// gives the row as it is afterwards, whoever wrote it; the error is fault.NotFound without one.
func (s *Service) giveUp(ctx context.Context, a asset.Asset, cond table.Cond, message string) (asset.Asset, error) {
	if err := s.markDue(ctx, a.Workspace, a.ID, s.now().Add(lateBytes)); err != nil {
		return a, err
	}
	it, err := s.Table.Write(ctx, table.Update(a.Key(), table.All(pendingAt(a), cond),
		append(failed(asset.Expired, message), table.Add(schema.Version, table.Int(1)))...))
	if current, lost := table.Lost(err); lost {
		if current == nil {
			return a, asset.Missing()
		}
		return asset.FromRow(current)
	}
	if err != nil {
		return a, fmt.Errorf("give up asset %s: %w", a.ID, err)
	}
	return asset.FromRow(it)
}

// sameGrant holds while nobody has extended the grant.
func sameGrant(a asset.Asset) table.Cond {
	if a.GrantUntil.IsZero() {
		return table.HasNot(schema.GrantUntil)
	}
	return table.Eq(schema.GrantUntil, table.Int(a.GrantUntil.Unix()))
}
