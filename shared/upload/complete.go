package upload

import (
	"context"
	"errors"
	"fmt"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// Complete is the client's word that the bytes are there. Ready and failed answer as they are, however often it is said; a
// pending asset whose bytes have not arrived is fault.Conflict and stays pending.
func (s *Service) Complete(ctx context.Context, p access.Principal, aid id.Asset) (asset.Asset, error) {
	a, err := s.Assets.Allowed(ctx, p, access.CompleteAsset, aid)
	if err != nil || !open(a) {
		return a, err
	}
	done, err := s.Finalize(ctx, a.Source(), "")
	if errors.Is(err, errNoBytes) {
		if a.State == asset.Failed {
			return a, nil
		}
		return a, fault.New(fault.Conflict, "No bytes have arrived for this asset yet. Send the file with the upload form first, then complete.")
	}
	return done, err
}

// Retry starts the next attempt at a failed asset and grants its upload. A pending or ready asset is fault.Conflict.
func (s *Service) Retry(ctx context.Context, p access.Principal, aid id.Asset) (asset.Asset, Grant, error) {
	a, err := s.Assets.Allowed(ctx, p, access.RetryAsset, aid)
	if err != nil {
		return a, Grant{}, err
	}
	if a.State != asset.Failed {
		return a, Grant{}, notFailed(a)
	}
	next := a
	next.Generation++
	g, err := s.sign(ctx, next)
	if err != nil {
		return a, Grant{}, err
	}
	next.GrantUntil = g.Expires
	if err := s.markDue(ctx, next.Workspace, next.ID, s.waitsUntil(next)); err != nil {
		return a, Grant{}, err
	}
	it, err := s.Table.Write(ctx, table.Update(a.Key(), table.All(
		table.Eq(schema.Generation, table.Int(int64(a.Generation))),
		table.Eq(schema.State, table.String(asset.Failed)),
	), retryEdits(next)...))
	if cur, lost := table.Lost(err); lost {
		return a, Grant{}, lostRetry(cur)
	}
	if err != nil {
		return a, Grant{}, fmt.Errorf("retry asset %s: %w", aid, err)
	}
	a, err = asset.FromRow(it)
	return a, g, err
}

// retryEdits begin the next attempt: nothing of the last one is kept.
func retryEdits(next asset.Asset) []table.Edit {
	return []table.Edit{
		table.Add(schema.Version, table.Int(1)),
		table.Set(schema.State, table.String(asset.Pending)),
		table.Set(schema.Generation, table.Int(int64(next.Generation))),
		table.Set(schema.GrantUntil, table.Int(next.GrantUntil.Unix())),
		table.Set(schema.Via, table.String(asset.ViaSigned)),
		table.Remove(schema.Failure),
		table.Remove(schema.Cause),
	}
}

func lostRetry(current table.Item) error {
	if current == nil {
		return asset.Missing()
	}
	a, err := asset.FromRow(current)
	if err != nil {
		return err
	}
	return notFailed(a)
}

func notFailed(a asset.Asset) error {
	return fault.New(fault.Conflict, "The asset is %s; only a failed one can be retried.", a.State)
}
