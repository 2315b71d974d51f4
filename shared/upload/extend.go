package upload

import (
	"context"
	"fmt"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// worthExtending is by how much a grant must be longer to be written: a client that asks page by page costs no write for each.
const worthExtending = time.Minute

// extend makes a pending attempt be waited for until a grant ends that is given now. The marker for the sweeper comes first. It gives the row
// as it is afterwards; its grant may be up to worthExtending shorter. The errors are fault.NotFound and fault.Conflict for an attempt that is
// pending no more.
func (s *Service) extend(ctx context.Context, a asset.Asset, until time.Time) (asset.Asset, error) {
	if until.Sub(a.GrantUntil) <= worthExtending {
		return a, nil
	}
	next := a
	next.GrantUntil = until
	if err := s.markDue(ctx, next.Workspace, next.ID, s.waitsUntil(next)); err != nil {
		return a, err
	}
	it, err := s.Table.Write(ctx, table.Update(a.Key(), table.All(pendingAt(a), table.Less(schema.GrantUntil, table.Int(until.Unix()))),
		table.Set(schema.GrantUntil, table.Int(until.Unix())), table.Add(schema.Version, table.Int(1))))
	if current, lost := table.Lost(err); lost {
		return stillPending(a, current)
	}
	if err != nil {
		return a, fmt.Errorf("extend the grant of asset %s: %w", a.ID, err)
	}
	return asset.FromRow(it)
}

// Regrant grants a pending form upload again, for the same attempt. The errors are fault.NotFound, fault.Forbidden, and fault.Conflict for an
// asset that takes no form (any more).
func (s *Service) Regrant(ctx context.Context, p access.Principal, aid id.Asset) (asset.Asset, Grant, error) {
	a, err := s.Assets.Allowed(ctx, p, access.CompleteAsset, aid)
	if err != nil {
		return asset.Asset{}, Grant{}, err
	}
	if err := wantForm(a); err != nil {
		return a, Grant{}, err
	}
	if a, err = s.extend(ctx, a, s.end(s.grant)); err != nil {
		return a, Grant{}, err
	}
	g, err := s.sign(ctx, a, a.GrantUntil)
	return a, g, err
}

// wantForm refuses an asset that does not come by form, or whose form is no longer waited for.
func wantForm(a asset.Asset) error {
	if err := wantPending(a); err != nil {
		return err
	}
	switch a.Via {
	case asset.ViaParts:
		return fault.New(fault.Conflict, "The asset comes by parts. Ask for the URLs of its parts instead.")
	case asset.ViaPut:
		return fault.New(fault.Conflict, "The asset comes by a PUT to an address of its own. Send the file there, or ask for that address again.")
	case asset.ViaURL:
		return fault.New(fault.Conflict, "The asset is copied from its source; there is nothing to send.")
	case asset.ViaDirect:
		return fault.New(fault.Conflict, "The file came with the request that created the asset, and is still being stored. If that fails, retry the asset.")
	}
	return nil
}
