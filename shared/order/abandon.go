package order

import (
	"context"
	"fmt"
	"slices"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// Abandon takes an input out of its orders and ends its upload; the asset of one that is ready stays what it is. The last input that leaves makes an
// order a draft again, and one that leaves an order in Error makes that one Initialized. What left before is the answer as it stands. An input of an order
// that was submitted is fault.Conflict; nothing changes then, unless it is ready and an input of others too, which it leaves.
func (s *Service) Abandon(ctx context.Context, p access.Principal, aid id.Asset) (Session, error) {
	for range maxTries {
		a, err := s.Assets.Allowed(ctx, p, access.CompleteAsset, aid)
		if err != nil {
			return Session{}, err
		}
		orders, err := s.findAll(ctx, a.Workspace, a.Orders.IDs())
		if err != nil {
			return Session{}, err
		}
		if len(orders) == 0 {
			return session(a)
		}
		if orders, err = leavable(a, orders); err != nil {
			return Session{}, err
		}
		se, err := s.leave(ctx, p, a, orders)
		if !refused(err) {
			return se, err
		}
	}
	return Session{}, busy()
}

// leavable are the orders that an input may leave.
func leavable(a asset.Asset, orders []Order) (may []Order, err error) {
	for _, o := range orders {
		if o.editable() || o.Status == Cancelled && a.State != asset.Ready {
			may = append(may, o)
		} else if err == nil {
			err = o.closed("its inputs can be changed")
		}
	}
	if err != nil && (len(may) == 0 || a.State != asset.Ready) {
		return nil, err
	}
	return may, nil
}

// leave takes an input out of some orders in one transaction, and abandons its upload if it is not ready and has no other order. The error is a
// lost condition where others were faster.
func (s *Service) leave(ctx context.Context, p access.Principal, a asset.Asset, orders []Order) (Session, error) {
	ws, sum, err := s.leaving(ctx, a, orders)
	if err != nil {
		return Session{}, err
	}
	c, err := s.counterFor(ctx, a.Workspace, sum)
	if err != nil {
		return Session{}, err
	}
	ws = append(ws, s.count(a.Workspace, sum, c)...)
	last := orders[len(orders)-1].ID
	if a.State != asset.Ready && a.Orders.Len() == len(orders) {
		if a, err = s.Uploads.Abandon(ctx, p, a, sameOrders(a, ws)); err != nil && a.State == asset.Ready {
			err = &table.ConditionError{Key: a.Key()} // its bytes were faster
		}
	} else {
		err = table.Decide(ctx, s.Table, append(ws, detach(a, orders...)))
	}
	if err != nil {
		return Session{}, fmt.Errorf("take asset %s out of its orders: %w", a.ID, err)
	}
	if a, err = s.Assets.Find(ctx, a.Workspace, a.ID); err != nil {
		return Session{}, err
	}
	se, err := session(a)
	se.Order = last
	return se, err
}

// sameOrders are writes beside the abandonment of an asset that can only be done while it has the orders on which they were decided.
func sameOrders(was asset.Asset, ws []table.Write) func(asset.Asset) []table.Write {
	return func(a asset.Asset) []table.Write {
		if a.Orders != was.Orders {
			return []table.Write{table.Delete(schema.InputKey(was.Orders.IDs()[0], a.ID), table.Absent())} // never holds
		}
		return ws
	}
}

// leaving are the writes that take an asset out of some orders, but for those of the asset and the counters.
func (s *Service) leaving(ctx context.Context, a asset.Asset, orders []Order) (ws []table.Write, sum step, err error) {
	for _, now := range orders {
		in, there, err := s.input(ctx, now.ID, a.ID)
		if err != nil {
			return nil, sum, err
		}
		st := &step{next: now}
		if there {
			st.leave(in)
		}
		if now.editable() {
			st.next.Problems = nil
			open, err := s.reopened(ctx, now, st.next)
			if err != nil {
				return nil, sum, err
			}
			st.next, st.orders = open.next, open.orders
		}
		_, some := s.writes(now, step{next: st.next, also: st.also}, counter{})
		ws = append(ws, some...)
		sum.orders += st.orders
		sum.uploads += st.uploads
	}
	return ws, sum, nil
}

// input is the row of an input, if there is one.
func (s *Service) input(ctx context.Context, o id.Order, a id.Asset) (in input, there bool, err error) {
	rows, err := s.Table.BatchGet(ctx, []table.Key{schema.InputKey(o, a)}, table.Strong)
	if err != nil {
		return in, false, fmt.Errorf("read input %s of order %s: %w", a, o, err)
	}
	if rows[0] == nil {
		return in, false, nil
	}
	in, err = inputFromRow(rows[0])
	return in, true, err
}

// counterFor reads what is open, where a step counts; and refuses it where a quota leaves no room.
func (s *Service) counterFor(ctx context.Context, w id.Workspace, st step) (counter, error) {
	if st.orders == 0 && st.uploads == 0 {
		return counter{}, nil
	}
	c, err := s.counter(ctx, w)
	if err != nil {
		return c, err
	}
	return c, s.within(c, st)
}

// detach is the write that takes orders off an asset.
func detach(a asset.Asset, orders ...Order) table.Write {
	left := a.Orders
	for _, o := range orders {
		left = left.Without(o.ID)
	}
	edit := table.Remove(schema.Orders)
	if left != "" {
		edit = table.Set(schema.Orders, table.String(left))
	}
	return table.Update(a.Key(), table.Eq(schema.Version, table.Int(a.Version)), edit,
		table.Set(schema.LeftOrder, table.String(orders[len(orders)-1].ID.String())), table.Add(schema.Version, table.Int(1)))
}

// abandonFor takes a pending upload out of an order that was given up, and ends it if no other order waits for it.
func (s *Service) abandonFor(ctx context.Context, o Order, aid id.Asset) error {
	for range maxTries {
		a, err := s.Assets.Find(ctx, o.Workspace, aid)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		now, err := s.Find(ctx, o.Workspace, o.ID)
		if err != nil || a.State != asset.Pending || !slices.Contains(a.Orders.IDs(), o.ID) {
			return err
		}
		if _, err := s.leave(ctx, ours(o.Workspace), a, []Order{now}); !refused(err) {
			return err
		}
	}
	return busy()
}

// ours is who acts where a client's word was given long before: for the end of what an order began.
func ours(w id.Workspace) access.Principal {
	return access.Principal{Grants: map[id.Workspace]access.Role{w: access.Editor}}
}
