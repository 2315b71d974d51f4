package upload

import (
	"context"
	"fmt"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/media"
	"github.com/assetry/assetry/shared/name"
	"github.com/assetry/assetry/shared/table"
)

// Brought is what the product says of an asset that it made itself.
type Brought struct {
	Workspace id.Workspace
	ID        id.Asset // one of the workspace, the same whenever the same file is brought
	Name      string   // file name, 1 to name.Max characters
	Type      string   // one of media.Types, or media.JSON
	By        id.Key   // who it is created by
	Orders    asset.Orders
	Beside    func(asset.Asset) []table.Write // as in Draft
}

// Bring creates an asset from bytes that the product made, on nobody's behalf, as Direct does from those of a request: the row, the bytes, the
// settling. It may be repeated, by several at once: what is missing is done, and the first bytes stay. Bytes that are no good are an internal error,
// before anything is written; the error is fault.Duplicate if the asset has been deleted since, and a *table.TransactError if Beside loses.
func (s *Service) Bring(ctx context.Context, b Brought, body []byte) (asset.Asset, error) {
	info, rejected, err := judge(ctx, b.Type, media.Source{Size: int64(len(body)), Head: body})
	if err != nil {
		return asset.Asset{}, fmt.Errorf("inspect %q: %w", b.Name, err)
	}
	if bad := name.Check("name", b.Name, name.Max); rejected == "" && bad != nil {
		rejected = bad.Error()
	}
	if rejected != "" || b.Type == "" {
		return asset.Asset{}, fmt.Errorf("%q, made as %q, cannot be an asset: %s", b.Name, b.Type, rejected)
	}
	ws, err := s.Workspaces.Workspace(ctx, b.Workspace)
	if err != nil {
		return asset.Asset{}, err
	}
	a := asset.Asset{
		ID: b.ID, Workspace: b.Workspace, Version: 1, State: asset.Pending, Generation: 1, Via: asset.ViaDirect,
		Name: b.Name, Declared: b.Type, CreatedBy: b.By, Orders: b.Orders,
	}
	there, err := s.announce(ctx, ws, a, Draft{Again: true, Beside: b.Beside}, nil)
	switch {
	case fault.Is(err, fault.Duplicate) && there.ID != (id.Asset{}) && !unfinished(there):
		return there, nil
	case err != nil && (there.ID == (id.Asset{}) || !fault.Is(err, fault.Duplicate)):
		return asset.Asset{}, err
	}
	return s.store(ctx, there, info, body)
}
