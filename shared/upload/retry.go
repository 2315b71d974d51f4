package upload

import (
	"context"
	"fmt"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// Way is the way in that a retry grants: one of them, or none where nothing is to be sent.
type Way struct {
	Form  *Grant
	Put   *PutGrant
	Parts *PartsGrant
}

// Retry starts the next attempt at a failed asset and grants its upload: by parts or a bare PUT if it came so, else by form. A source is only for
// imports, "" is the last one's; for others it is fault.Invalid about "source". A pending or ready asset is fault.Conflict, and one that an
// order holds.
func (s *Service) Retry(ctx context.Context, p access.Principal, aid id.Asset, source string) (asset.Asset, Way, error) {
	a, err := s.Assets.Allowed(ctx, p, access.RetryAsset, aid)
	if err != nil {
		return a, Way{}, err
	}
	if a.State != asset.Failed {
		return a, Way{}, notFailed(a)
	}
	if err := asset.Free(ctx, s.holds, a); err != nil {
		return a, Way{}, err
	}
	if source != "" && a.Via != asset.ViaURL {
		return a, Way{}, fault.BadField("source", "the asset was not imported from an address: its way in is %s; retry it without a source", a.Via)
	}
	switch a.Via {
	case asset.ViaURL:
		a, err = s.retryImport(ctx, a, source)
		return a, Way{}, err
	case asset.ViaParts:
		return s.retryParts(ctx, a)
	case asset.ViaPut:
		return s.retryPut(ctx, a)
	}
	return s.retryForm(ctx, a)
}

// retryForm starts the next attempt with a form.
func (s *Service) retryForm(ctx context.Context, a asset.Asset) (asset.Asset, Way, error) {
	next := a
	next.Generation++
	next.Via = asset.ViaSigned
	g, err := s.sign(ctx, next, s.now().Add(s.grant))
	if err != nil {
		return a, Way{}, err
	}
	next.GrantUntil = g.Expires
	if a, err = s.nextAttempt(ctx, a, next); err != nil {
		return a, Way{}, err
	}
	return a, Way{Form: &g}, nil
}

// retryParts starts the next attempt by the parts of the same plan.
func (s *Service) retryParts(ctx context.Context, a asset.Asset) (asset.Asset, Way, error) {
	next := a
	next.Generation++
	next.GrantUntil = s.end(s.partGrant)
	a, err := s.nextAttempt(ctx, a, next)
	if err != nil {
		return a, Way{}, err
	}
	a, g, err := s.openParts(ctx, a, PartsQuery{})
	if err != nil {
		return a, Way{}, err
	}
	return a, Way{Parts: &g}, nil
}

// nextAttempt replaces a failed attempt by the next one, after the marker that leads the sweeper to it.
func (s *Service) nextAttempt(ctx context.Context, a, next asset.Asset) (asset.Asset, error) {
	if err := s.markDue(ctx, next.Workspace, next.ID, s.waitsUntil(next)); err != nil {
		return a, err
	}
	it, err := s.Table.Write(ctx, table.Update(a.Key(), table.All(
		table.Eq(schema.Generation, table.Int(int64(a.Generation))),
		table.Eq(schema.State, table.String(asset.Failed)),
	), retryEdits(next)...))
	if cur, lost := table.Lost(err); lost {
		return a, lostRetry(cur)
	}
	if err != nil {
		return a, fmt.Errorf("retry asset %s: %w", a.ID, err)
	}
	s.begun(next)
	return asset.FromRow(it)
}

// retryEdits begin the next attempt: nothing of the last one is kept but what was announced.
func retryEdits(next asset.Asset) []table.Edit {
	return []table.Edit{
		table.Add(schema.Version, table.Int(1)),
		table.Set(schema.State, table.String(asset.Pending)),
		table.Set(schema.Generation, table.Int(int64(next.Generation))),
		table.Set(schema.GrantUntil, table.Int(next.GrantUntil.Unix())),
		table.Set(schema.Via, table.String(next.Via)),
		table.Remove(schema.Upload),
		table.Remove(schema.Received),
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
