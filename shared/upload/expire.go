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
	if err := s.markDue(ctx, a.Workspace, a.ID, s.now().Add(lateBytes)); err != nil {
		return a, err
	}
	message := "No bytes arrived while the upload could be begun. Retry the asset to get a new upload form."
	it, err := s.Table.Write(ctx, table.Update(a.Key(), table.All(
		table.Eq(schema.Generation, table.Int(int64(a.Generation))),
		table.Eq(schema.State, table.String(asset.Pending)),
		sameGrant(a),
	), append(failed(asset.Expired, message), table.Add(schema.Version, table.Int(1)))...))
	if current, lost := table.Lost(err); lost {
		if current == nil {
			return a, nil
		}
		return asset.FromRow(current)
	}
	if err != nil {
		return a, fmt.Errorf("expire asset %s: %w", a.ID, err)
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
