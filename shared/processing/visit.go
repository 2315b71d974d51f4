package processing

import (
	"context"
	"fmt"
	"time"

	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// Visit looks after the work on an order: it asks for a worker where the one before died, or a request was lost; it fails an order at which too many
// died; and it tidies up after one that ended. It says when to look again; the zero time is never. It may be called at any time, by
// several at once, for any order.
func (s *Service) Visit(ctx context.Context, o order.Order) (again time.Time, err error) {
	row, known, err := s.rowOf(ctx, o.ID)
	if err != nil {
		return again, err
	}
	now := s.now()
	switch {
	case o.Status != order.Processing:
		return s.visitEnded(ctx, o, row, known)
	case !known || row.attempt < o.Attempt || row.attempt == o.Attempt && !row.ended.IsZero():
		return now.Add(askWait), s.begin(ctx, o) // only a table that was restored in parts
	case row.attempt > o.Attempt:
		return now, nil // the order moved on since it was read
	case !row.free(now):
		return row.leaseUntil.Add(time.Second), nil
	case row.tries >= s.tries:
		return now.Add(lease), s.giveUp(ctx, row, o)
	case now.Before(row.askAfter):
		return row.askAfter, nil
	}
	if row.waits {
		_, free, err := s.place(ctx, row.workspace, row.order)
		if err != nil {
			return again, err
		}
		if !free {
			_, err := s.putOff(ctx, row)
			return now.Add(yielded), err
		}
	}
	return now.Add(askWait), s.askAgain(ctx, row, now)
}

// askAgain asks for a worker while nobody is at it.
func (s *Service) askAgain(ctx context.Context, row work, now time.Time) error {
	_, err := s.Table.Write(ctx, table.Update(row.key(), whileFree(row.attempt, now), ask(now.Add(askWait))...))
	if _, lost := table.Lost(err); err != nil && !lost {
		return fmt.Errorf("ask for a worker for order %s: %w", row.order, err)
	}
	return nil
}

// begin puts the row of the work on an order that has none of its present attempt.
func (s *Service) begin(ctx context.Context, o order.Order) error {
	k := schema.WorkKey(o.ID)
	err := table.Decide(ctx, s.Table, []table.Write{
		table.Put(table.Item{
			table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK), schema.Workspace: table.String(o.Workspace.String()),
			schema.Attempt: table.Int(int64(o.Attempt)), schema.Version: table.Int(1), schema.AskAfter: table.Int(s.now().Add(askWait).UnixMilli()),
		}, table.Any(table.Absent(), table.Less(schema.Attempt, table.Int(int64(o.Attempt))), table.Has(schema.EndedAt))),
		table.Check(o.Key(), table.All(ofAttempt(o.Attempt), table.Eq(schema.OrderStatus, table.String(order.Processing)))),
	})
	if table.Refused(err) == nil && err != nil {
		return fmt.Errorf("begin the work on order %s: %w", o.ID, err)
	}
	return nil
}

// visitEnded tidies up after the last attempt at an order, and once more later: a worker that was frozen at its end may have left something since.
// Then the work is forgotten.
func (s *Service) visitEnded(ctx context.Context, o order.Order, row work, known bool) (again time.Time, err error) {
	if !known {
		return again, nil
	}
	if err := s.vacate(ctx, o.Workspace, o.ID); err != nil {
		return again, err
	}
	if err := s.Tidy(ctx, o); err != nil {
		return again, err
	}
	if last := row.ended.Add(lastEye); s.now().Before(last) {
		return last, nil
	}
	_, err = s.Table.Write(ctx, table.Delete(row.key(), table.All(ofAttempt(row.attempt), table.Has(schema.EndedAt))))
	if _, lost := table.Lost(err); err != nil && !lost {
		return again, fmt.Errorf("forget the work on order %s: %w", o.ID, err)
	}
	return again, nil
}
