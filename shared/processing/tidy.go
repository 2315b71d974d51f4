package processing

import (
	"context"
	"fmt"
	"strings"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// after does what the end of an attempt leads to: its place goes to another order, and what it leaves is removed. Who dies before that is followed by
// Visit.
func (s *Service) after(ctx context.Context, o order.Order) error {
	if err := s.vacate(ctx, o.Workspace, o.ID); err != nil {
		return err
	}
	now, err := s.Orders.Find(ctx, o.Workspace, o.ID)
	if err != nil {
		return err
	}
	return s.Tidy(ctx, now)
}

// Tidy removes what attempts at an order left that are over: assets that were announced and did not become deliverables, the deliverables of an
// attempt that was not completed, and checkpoints. The present attempt of an order that is being processed is left alone. An asset that another
// order holds as its input meanwhile stays, as an asset like any other.
func (s *Service) Tidy(ctx context.Context, o order.Order) error {
	making, err := s.parts(ctx, o.ID, schema.MakingPrefix)
	if err != nil {
		return err
	}
	for _, it := range making {
		if attempt, a, ok := schema.ParseMade(it.Key()); ok && isOver(o, attempt) {
			if err := s.unmake(ctx, o, a, it.Key()); err != nil {
				return err
			}
		}
	}
	made, err := s.parts(ctx, o.ID, schema.DeliverablePrefix)
	if err != nil {
		return err
	}
	for _, it := range made {
		attempt, a, ok := schema.ParseMade(it.Key())
		if delivered := o.Status == order.Completed && attempt == o.Attempt; ok && isOver(o, attempt) && !delivered {
			if err := s.unmake(ctx, o, a, it.Key()); err != nil {
				return err
			}
		}
	}
	if o.Status != order.Processing {
		if err := s.stopWaiting(ctx, o.Workspace, o.ID); err != nil {
			return err
		}
	}
	return s.dropCheckpoints(ctx, o)
}

// isOver says whether an attempt at an order has ended.
func isOver(o order.Order, attempt int) bool {
	return attempt < o.Attempt || o.Status != order.Processing && o.Status != order.Uploading
}

// unmake deletes an asset that is no deliverable, and then the row that leads to it.
func (s *Service) unmake(ctx context.Context, o order.Order, a id.Asset, k table.Key) error {
	client := access.Principal{Client: o.Client, Key: o.Client.Key(), Grants: map[id.Workspace]access.Role{o.Workspace: access.Editor}}
	err := s.Assets.Delete(ctx, client, a)
	if fault.Is(err, fault.Conflict) && o.Held() {
		return nil // by this very order: when it has ended
	}
	if err != nil && !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Conflict) {
		return fmt.Errorf("remove asset %s, which is no deliverable of order %s: %w", a, o.ID, err)
	}
	if _, err := s.Table.Write(ctx, table.Delete(k, table.Present())); err != nil {
		if _, gone := table.Lost(err); !gone {
			return fmt.Errorf("remove %s: %w", k, err)
		}
	}
	return nil
}

// dropCheckpoints removes the checkpoints of attempts that have ended.
func (s *Service) dropCheckpoints(ctx context.Context, o order.Order) error {
	vs, err := s.Bucket.Versions(ctx, schema.CheckpointsOf(o.Workspace, o.ID), 0)
	if err != nil {
		return fmt.Errorf("list the checkpoints of order %s: %w", o.ID, err)
	}
	present := schema.CheckpointKey(o.Workspace, o.ID, o.Attempt)
	for _, v := range vs {
		if !isOver(o, o.Attempt) && strings.HasPrefix(v.Key, present) {
			continue
		}
		if err := s.drop(ctx, v.Key, v.Version); err != nil {
			return err
		}
	}
	return nil
}
