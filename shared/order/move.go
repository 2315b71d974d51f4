package order

import (
	"context"
	"errors"
	"fmt"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// maxTries bounds how often an order is read and decided on again because others changed it, its inputs or the counters meanwhile.
const maxTries = 12

// busy is for a caller that lost to others maxTries times.
func busy() error {
	return fault.New(fault.Throttled, "The order or its inputs are being changed by others at this moment. Repeat the request.")
}

// step is one change of an order: a transaction of all that it writes.
type step struct {
	next    Order         // as it is to be; its version is counted by whoever writes it
	also    []table.Write // on inputs, assets, work
	orders  int           // by how many the open orders of the workspace change
	uploads int           // and the open uploads
}

// move changes an order, which was read just now, by one transaction, under the condition that it is at the version on which decide looked. Decide
// gives nil when nothing is to be changed. It is asked again when others were faster; so it reads all that it goes by itself.
func (s *Service) move(ctx context.Context, now Order, decide func(context.Context, Order) (*step, error)) (Order, error) {
	w, o := now.Workspace, now.ID
	var c counter
	for tries := range maxTries {
		if tries > 0 {
			var err error
			if now, err = s.Find(ctx, w, o); err != nil {
				return now, err
			}
		}
		st, err := decide(ctx, now)
		if err != nil || st == nil {
			return now, err
		}
		next, ws := s.writes(now, *st, c)
		if len(ws) == 0 {
			return now, nil
		}
		if err = s.commit(ctx, ws); err == nil {
			return next, nil
		}
		if !refused(err) {
			return now, fmt.Errorf("change order %s: %w", o, err)
		}
		if c, err = s.counter(ctx, w); err != nil {
			return now, err
		}
		if err := s.within(c, *st); err != nil {
			return now, err
		}
	}
	return Order{}, busy()
}

// writes are all writes of a step, and the order as it is afterwards. The row of an order that stays as it is is left alone.
func (s *Service) writes(now Order, st step, c counter) (Order, []table.Write) {
	var ws []table.Write
	next := st.next
	if next.Version = now.Version; !table.EqualItems(next.Row(), now.Row()) {
		next.Version++
		ws = append(ws, table.Put(next.Row(), table.Eq(schema.Version, table.Int(now.Version))))
	}
	ws = append(ws, st.also...)
	return next, append(ws, s.count(now.Workspace, st, c)...)
}

// commit does some writes, or none.
func (s *Service) commit(ctx context.Context, ws []table.Write) error {
	if len(ws) > 1 {
		return table.Decide(ctx, s.Table, ws)
	}
	_, err := s.Table.Write(ctx, ws[0])
	return err
}

// refused says whether a condition was lost.
func refused(err error) bool {
	_, lost := table.Lost(err)
	return lost || table.Refused(err) != nil
}

// counter is what is open in a workspace. The zero value is not read yet.
type counter struct {
	read            bool
	there           bool // its row exists
	orders, uploads int64
}

func (s *Service) counter(ctx context.Context, w id.Workspace) (counter, error) {
	it, err := s.Table.Get(ctx, schema.OrderCountKey(w), table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		return counter{read: true}, nil
	}
	if err != nil {
		return counter{}, fmt.Errorf("read what is open in %s: %w", w, err)
	}
	return counter{true, true, it.Int(schema.OpenOrders), it.Int(schema.OpenUploads)}, nil
}

// count is the write that counts a step; none where it counts nothing. What grows is held against the quotas.
func (s *Service) count(w id.Workspace, st step, c counter) []table.Write {
	if st.orders == 0 && st.uploads == 0 {
		return nil
	}
	k := schema.OrderCountKey(w)
	if c.read && !c.there {
		return []table.Write{table.Put(table.Item{
			table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK),
			schema.OpenOrders: table.Int(int64(max(st.orders, 0))), schema.OpenUploads: table.Int(int64(max(st.uploads, 0))),
		}, table.Absent())}
	}
	cond := []table.Cond{table.Present()}
	if st.orders > 0 && s.openOrders > 0 {
		cond = append(cond, table.Less(schema.OpenOrders, table.Int(int64(s.openOrders))))
	}
	if st.uploads > 0 && s.openUploads > 0 {
		cond = append(cond, table.Less(schema.OpenUploads, table.Int(int64(s.openUploads))))
	}
	return []table.Write{table.Update(k, table.All(cond...), table.Add(schema.OpenOrders, table.Int(int64(st.orders))),
		table.Add(schema.OpenUploads, table.Int(int64(st.uploads))))}
}

// within refuses a step for which a quota leaves no room: fault.Conflict, because waiting alone does not help.
func (s *Service) within(c counter, st step) error {
	if st.orders > 0 && s.openOrders > 0 && c.orders >= int64(s.openOrders) {
		return fault.New(fault.Conflict, "The workspace has %d orders that are neither completed nor given up, which is as many as it may have. Submit or cancel one first.", c.orders)
	}
	if st.uploads > 0 && s.openUploads > 0 && c.uploads >= int64(s.openUploads) {
		return fault.New(fault.Conflict, "The workspace has %d uploads for orders on their way, which is as many as it may have. Finish or abandon one first.", c.uploads)
	}
	return nil
}
