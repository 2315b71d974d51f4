package processing

import (
	"context"
	"fmt"
	"time"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// wakeMost bounds how many orders that no longer wait are passed over for the one that does.
const wakeMost = 20

// slot is a place for the work on an order of a workspace.
type slot struct {
	workspace id.Workspace
	n         int // from 0
}

func (p slot) key() table.Key { return schema.SlotKey(p.workspace, p.n) }

// hold is the write by which an order takes its place, or keeps it for longer: one that is free, its own, or was left by who fell silent.
func (p slot) hold(o id.Order, now, until time.Time) table.Write {
	k := p.key()
	return table.Put(table.Item{
		table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK),
		schema.Holder: table.String(o.String()), schema.LeaseUntil: table.Int(until.UnixMilli()),
	}, table.Any(table.Absent(), p.of(o), table.Less(schema.LeaseUntil, table.Int(now.UnixMilli()))))
}

// of holds while a place is an order's.
func (p slot) of(o id.Order) table.Cond { return table.Eq(schema.Holder, table.String(o.String())) }

// places are the rows of a workspace's places.
func (s *Service) places(ctx context.Context, w id.Workspace) ([]table.Item, error) {
	pg, err := s.Table.Query(ctx, table.Query{
		PK: w.String(), From: schema.SlotPrefix, To: schema.AfterPrefix(schema.SlotPrefix), Limit: table.MaxQuery,
	})
	if err != nil {
		return nil, fmt.Errorf("read the places of %s: %w", w, err)
	}
	return pg.Items, nil
}

// place finds a place for an order: its own, else one that nobody holds.
func (s *Service) place(ctx context.Context, w id.Workspace, o id.Order) (p slot, ok bool, err error) {
	rows, err := s.places(ctx, w)
	if err != nil {
		return p, false, err
	}
	held := make([]bool, s.slots)
	for _, it := range rows {
		n, known := schema.ParseSlot(it.Key().SK)
		if !known || n >= s.slots { // more of them were allowed before
			continue
		}
		if it.Str(schema.Holder) == o.String() {
			return slot{w, n}, true, nil
		}
		held[n] = !millis(it, schema.LeaseUntil).Before(s.now())
	}
	for n, taken := range held {
		if !taken {
			return slot{w, n}, true, nil
		}
	}
	return p, false, nil
}

// vacate gives up every place of an order whose work is over.
func (s *Service) vacate(ctx context.Context, w id.Workspace, o id.Order) error {
	rows, err := s.places(ctx, w)
	if err != nil {
		return err
	}
	for _, it := range rows {
		if n, ok := schema.ParseSlot(it.Key().SK); ok && it.Str(schema.Holder) == o.String() {
			if err := s.leave(ctx, slot{w, n}, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// leave gives an order's place to the one that waits longest, and asks for its worker in the same transaction. Without one the place is free.
func (s *Service) leave(ctx context.Context, p slot, o id.Order) error {
	pg, err := s.Table.Query(ctx, table.Query{PK: schema.WaitPartition(p.workspace), Limit: wakeMost})
	if err != nil {
		return fmt.Errorf("read who waits in %s: %w", p.workspace, err)
	}
	for _, it := range pg.Items {
		next, err := id.ParseOrder(it.Key().SK)
		if err != nil {
			return fmt.Errorf("row %s is not an order that waits: %w", it.Key(), err)
		}
		given, mine, err := s.give(ctx, p, o, next)
		if err != nil {
			return err
		}
		if !mine {
			return nil
		}
		if err := s.stopWaiting(ctx, p.workspace, next); err != nil {
			return err
		}
		if given {
			return nil
		}
	}
	_, err = s.Table.Write(ctx, table.Delete(p.key(), p.of(o)))
	if _, lost := table.Lost(err); err != nil && !lost {
		return fmt.Errorf("leave place %s: %w", p.key(), err)
	}
	return nil
}

// give hands an order's place on. given is false if the other does not wait any more, mine is false if the place is not the order's.
func (s *Service) give(ctx context.Context, p slot, from, to id.Order) (given, mine bool, err error) {
	now := s.now()
	row, known, err := s.rowOf(ctx, to)
	if err != nil || !known || from == to {
		return false, true, err
	}
	k := p.key()
	err = table.Decide(ctx, s.Table, []table.Write{
		table.Update(row.key(), whileFree(row.attempt, now), ask(now.Add(askWait))...),
		table.Put(table.Item{
			table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK),
			schema.Holder: table.String(to.String()), schema.LeaseUntil: table.Int(now.Add(grace).UnixMilli()),
		}, p.of(from)),
	})
	if r := table.Refused(err); r != nil {
		return false, r.Reasons[1] != table.ConditionLost, nil
	}
	if err != nil {
		return false, true, fmt.Errorf("give place %s to order %s: %w", k, to, err)
	}
	return true, true, nil
}

// wait lets an order wait for a place.
func (s *Service) wait(ctx context.Context, w id.Workspace, o id.Order) error {
	k := schema.WaitKey(w, o)
	_, err := s.Table.Write(ctx, table.Put(table.Item{table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK)}, table.Absent()))
	if _, there := table.Lost(err); err != nil && !there {
		return fmt.Errorf("let order %s wait: %w", o, err)
	}
	return nil
}

func (s *Service) stopWaiting(ctx context.Context, w id.Workspace, o id.Order) error {
	_, err := s.Table.Write(ctx, table.Delete(schema.WaitKey(w, o), table.Present()))
	if _, gone := table.Lost(err); err != nil && !gone {
		return fmt.Errorf("let order %s wait no more: %w", o, err)
	}
	return nil
}
