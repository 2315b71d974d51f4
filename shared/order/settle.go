package order

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// InputChanged brings the orders of an asset up to a committed change of its row: the last ready input sends a submitted order to its
// workers, one that failed sends it back with what is wrong, and one that was deleted leaves it. The change says only that there is something to look
// at, so it may come before others, after them, twice, or for rows of any kind.
func (s *Service) InputChanged(ctx context.Context, c table.Change) error {
	w, _, a, ok := schema.ParseAssetKey(c.Key)
	if !ok || !moves(c) {
		return nil
	}
	var errs []error
	for _, o := range ordersOf(c) {
		err := s.deliverableGone(ctx, c, o, a)
		if err == nil {
			_, err = s.Settle(ctx, w, o)
		}
		if err != nil && !fault.Is(err, fault.NotFound) {
			errs = append(errs, fmt.Errorf("settle order %s: %w", o, err))
		}
	}
	return errors.Join(errs...)
}

// moves says whether a change of an asset may mean something to an order.
func moves(c table.Change) bool {
	return c.New == nil || c.Old.Str(schema.State) != c.New.Str(schema.State) || c.Old.Int(schema.Generation) != c.New.Int(schema.Generation)
}

// ordersOf are the orders that an asset had before or after a change.
func ordersOf(c table.Change) []id.Order {
	os := asset.Orders(c.Old.Str(schema.Orders)).IDs()
	for _, o := range asset.Orders(c.New.Str(schema.Orders)).IDs() {
		if !slices.Contains(os, o) {
			os = append(os, o)
		}
	}
	return os
}

// deliverableGone takes a deleted asset off the deliverables of an order, if it is one of its last attempt.
func (s *Service) deliverableGone(ctx context.Context, c table.Change, o id.Order, a id.Asset) error {
	if c.New != nil || c.Old.Str(schema.State) != string(asset.Ready) {
		return nil
	}
	w, _, _, _ := schema.ParseAssetKey(c.Key)
	found, err := s.Find(ctx, w, o)
	if err != nil || found.Attempt == 0 {
		return err
	}
	_, err = s.Table.Write(ctx, table.Delete(schema.DeliverableKey(o, found.Attempt, a), table.Present()))
	if _, none := table.Lost(err); none {
		return nil
	}
	return err
}

// Settle holds an order against its inputs as they are and gives it as it is afterwards: for events that came, and for visits where none did.
// The error is fault.NotFound without an order.
func (s *Service) Settle(ctx context.Context, w id.Workspace, o id.Order) (Order, error) {
	found, err := s.Find(ctx, w, o)
	if err != nil {
		return found, err
	}
	return s.move(ctx, found, func(ctx context.Context, now Order) (*step, error) {
		ms, err := s.members(ctx, now)
		if err != nil {
			return nil, err
		}
		st := &step{next: now}
		left := st.drop(ms)
		st.release(left)
		if now.Status == Uploading {
			s.judge(st, left, len(ms))
		}
		if st.next.Status == Initialized && st.next.Inputs == 0 {
			st.next.Status = Drafted
		}
		return st, nil
	})
}

// drop takes the inputs whose assets were deleted out of an order, and gives the others.
func (st *step) drop(ms []member) (left []member) {
	for _, m := range ms {
		if m.asset != nil {
			left = append(left, m)
			continue
		}
		if st.leave(m.input); st.next.Status == Uploading {
			st.next.Problems = append(slices.Clone(st.next.Problems), Problem{"assets", fmt.Sprintf("Asset %s was deleted, and is no input any more.", m.id)})
		}
	}
	return left
}

// leave removes the row of an input from its order.
func (st *step) leave(in input) {
	st.also = append(st.also, table.Delete(schema.InputKey(st.next.ID, in.id), in.same()))
	st.next.Inputs--
	if in.open {
		st.uploads--
	}
}

// release ends the counting of inputs whose bytes are no longer on their way. An asset that is retried later is not counted again.
func (st *step) release(ms []member) {
	for i, m := range ms {
		if !m.open || m.asset.State == asset.Pending {
			continue
		}
		st.also = append(st.also, table.Update(schema.InputKey(st.next.ID, m.id), m.same(), table.Remove(schema.Open)))
		st.uploads--
		ms[i].open = false
	}
}

// judge decides what becomes of a submitted order of which these inputs are left: it waits on, goes to its workers, or comes back with all that is
// wrong.
func (s *Service) judge(st *step, ms []member, submitted int) {
	var problems []Problem
	waiting := false
	for i, m := range ms {
		waiting = waiting || m.asset.State == asset.Pending
		if says := m.wrong(); says != "" {
			problems = append(problems, Problem{pathOf(i), says})
		}
	}
	switch {
	case len(problems) > 0 || len(ms) < submitted:
		st.next.Status, st.next.ChangedAt = Initialized, s.present()
		st.next.Problems = append(st.next.Problems, problems...)
	case !waiting:
		st.next.Status = Processing
		st.also = append(st.also, work(st.next))
		st.hold(ms)
	}
}

// pathOf is the path of an input in problems.
func pathOf(i int) string { return fmt.Sprintf("assets.%d", i) }

// work is the write that asks for a worker of an attempt at an order.
func work(o Order) table.Write {
	k := schema.WorkKey(o.ID)
	return table.Put(table.Item{
		table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK),
		schema.Workspace: table.String(o.Workspace.String()),
		schema.Attempt:   table.Int(int64(o.Attempt)),
		schema.Version:   table.Int(1),
	}, table.Any(table.Absent(), table.Less(schema.Attempt, table.Int(int64(o.Attempt)))))
}

// hold notes the bytes of ready inputs, which no longer change.
func (st *step) hold(ms []member) {
	for _, m := range ms {
		st.also = st.edit(m, table.Set(schema.HeldGen, table.Int(int64(m.asset.Generation))), table.Set(schema.HeldObject, table.String(m.asset.Object)))
	}
}

// edit adds edits to the write of an input's row, which may be there already: an item is written once in a transaction.
func (st *step) edit(m member, edits ...table.Edit) []table.Write {
	k := schema.InputKey(st.next.ID, m.id)
	for i, w := range st.also {
		if w.Key == k {
			st.also[i].Edits = append(st.also[i].Edits, edits...)
			return st.also
		}
	}
	return append(st.also, table.Update(k, m.same(), edits...))
}
