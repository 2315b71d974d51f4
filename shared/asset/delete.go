package asset

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// RememberDeleted is how long a deleted asset is remembered, so that bytes its grants still bring are removed and a repeated
// delete answers the same: far longer than the longest grant and its slowest transfer.
const RememberDeleted = 7 * 24 * time.Hour

// deleteTries bounds how often a delete is tried again after another writer of the row won.
const deleteTries = 5

// Delete removes an asset: from then on it is missing and its links are dead; its bytes go with the change feed. Repeating it
// succeeds. The errors are fault.NotFound for an asset that never was (or was deleted longer than RememberDeleted ago),
// fault.Forbidden, fault.Conflict while an order holds the asset, and fault.Throttled when other writers kept winning.
func (s *Service) Delete(ctx context.Context, p access.Principal, a id.Asset) error {
	for range deleteTries {
		found, err := s.Allowed(ctx, p, access.DeleteAsset, a)
		if fault.Is(err, fault.NotFound) {
			return s.deletedBefore(ctx, p, a)
		}
		if err != nil {
			return err
		}
		if err := Free(ctx, s.holds, found); err != nil {
			return err
		}
		err = table.Decide(ctx, s.table, []table.Write{
			table.Delete(found.Key(), table.Eq(schema.Version, table.Int(found.Version))),
			table.Put(s.gone(found), table.Absent()),
		})
		if r := table.Refused(err); r != nil && r.Lost() {
			continue
		}
		if err != nil {
			return fmt.Errorf("delete asset %s: %w", a, err)
		}
		return nil
	}
	return fault.New(fault.Throttled, "The asset is being changed by others at this moment. Repeat the request.")
}

// gone is the row that remembers a deleted asset.
func (s *Service) gone(a Asset) table.Item {
	k := schema.GoneKey(a.ID)
	return table.Item{
		table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK),
		table.AttrExpires: table.Int(s.now().Add(RememberDeleted).Unix()),
		schema.Workspace:  table.String(a.Workspace.String()),
		schema.Version:    table.Int(a.Version + 1), // a delete counts as a write
		schema.Generation: table.Int(int64(a.Generation)),
	}
}

// deletedBefore is nil if the asset was one of the principal's and is deleted.
func (s *Service) deletedBefore(ctx context.Context, p access.Principal, a id.Asset) error {
	w, err := s.Gone(ctx, a)
	if err != nil {
		return err
	}
	if err := access.Authorize(p, access.DeleteAsset, w); err != nil {
		return err
	}
	return nil
}

// Deletion is what is remembered of a deleted asset.
type Deletion struct {
	Workspace  id.Workspace
	Version    int64     // of the delete, one more than the asset's last; 0 where it was deleted before that was noted
	Generation int       // of the asset
	At         time.Time // to the second
}

// Deleted tells of the end of an asset. The error is fault.NotFound when it is not remembered.
func (s *Service) Deleted(ctx context.Context, a id.Asset) (Deletion, error) {
	it, err := s.table.Get(ctx, schema.GoneKey(a), table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		return Deletion{}, Missing()
	}
	if err != nil {
		return Deletion{}, fmt.Errorf("look for deleted asset %s: %w", a, err)
	}
	w, err := id.ParseWorkspace(it.Str(schema.Workspace))
	if err != nil {
		return Deletion{}, fmt.Errorf("row %s: %w", it.Key(), err)
	}
	return Deletion{w, it.Int(schema.Version), int(it.Int(schema.Generation)), time.Unix(it.Int(table.AttrExpires), 0).Add(-RememberDeleted).UTC()}, nil
}

// Gone says in which workspace an asset was that has been deleted. The error is fault.NotFound when none is remembered.
func (s *Service) Gone(ctx context.Context, a id.Asset) (id.Workspace, error) {
	d, err := s.Deleted(ctx, a)
	return d.Workspace, err
}
