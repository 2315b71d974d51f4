package order

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

// Downloadable gives an asset that can be read through its order: an input that is ready, or a deliverable of an order that is Completed. Every
// other asset that the principal may read is fault.Conflict, which says what it waits for.
func (s *Service) Downloadable(ctx context.Context, p access.Principal, aid id.Asset) (asset.Asset, error) {
	a, err := s.Assets.Allowed(ctx, p, access.ReadAsset, aid)
	if err != nil {
		return asset.Asset{}, err
	}
	if a.Orders == "" {
		return asset.Asset{}, fault.New(fault.Conflict, "The asset is neither an input nor a deliverable of an order. Attach it to one first.")
	}
	if a.State != asset.Ready {
		return asset.Asset{}, fault.New(fault.Conflict, "The asset is %s; only what is ready can be downloaded.", a.State)
	}
	is, err := s.isInput(ctx, a)
	if err != nil || is {
		return a, err
	}
	return a, s.delivered(ctx, a)
}

// isInput says whether an asset is an input of any of its orders.
func (s *Service) isInput(ctx context.Context, a asset.Asset) (bool, error) {
	var keys []table.Key
	for _, o := range a.Orders.IDs() {
		keys = append(keys, schema.InputKey(o, a.ID))
	}
	rows, err := s.Table.BatchGet(ctx, keys, table.Strong)
	if err != nil {
		return false, fmt.Errorf("look for asset %s among inputs: %w", a.ID, err)
	}
	for _, it := range rows {
		if it != nil {
			return true, nil
		}
	}
	return false, nil
}

// delivered refuses an asset that is no deliverable of a completed order.
func (s *Service) delivered(ctx context.Context, a asset.Asset) error {
	found, err := s.findAll(ctx, a.Workspace, a.Orders.IDs())
	if err != nil {
		return err
	}
	for _, o := range found {
		if o.Status != Completed {
			return fault.New(fault.Conflict, "The order %s is %s; its deliverables can be downloaded when it is %s.", o.ID, o.Status, Completed)
		}
		_, err := s.Table.Get(ctx, schema.DeliverableKey(o.ID, o.Attempt, a.ID), table.Strong)
		if !errors.Is(err, table.ErrNotFound) {
			return err
		}
	}
	return fault.New(fault.Conflict, "The asset was made by an attempt at its order that did not complete it. Ask the order for its deliverables.")
}
