package order

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// How often an order is visited. All visits of an order fall on a grid of its own, so that two rows that lead to it become one.
const (
	everyOpen = 24 * time.Hour  // not submitted: until its draft expires, for uploads that ended unheard
	everyHeld = 5 * time.Minute // submitted, and inputs on their way: how late a lost change is noticed
	everyWork = time.Minute     // in work: how late a lost worker is noticed, and the grid of what Worker asks for
	duePage   = 100             // rows that lead to orders, read at once
	visitTime = 10 * time.Second
)

// nextVisit is when an order is to be looked at next if nothing happens; zero: never.
func (s *Service) nextVisit(o Order) time.Time {
	switch o.Status {
	case Drafted, Initialized:
		next, end := grid(o, s.now(), everyOpen), s.expires(o)
		if end.Before(next) {
			return end
		}
		return next
	case Uploading:
		return grid(o, s.now(), everyHeld)
	case Processing:
		return grid(o, s.now(), everyWork)
	}
	return time.Time{}
}

// expires is when an order is given up that nobody submits.
func (s *Service) expires(o Order) time.Time { return o.ChangedAt.Add(s.draftFor) }

// grid is the first point after a time of an order's grid.
func grid(o Order, after time.Time, step time.Duration) time.Time {
	shift := step * time.Duration(o.ID.Spread()) / 256
	return after.Add(-shift).Truncate(step).Add(step + shift).UTC().Truncate(time.Millisecond)
}

// mark writes the row that leads Visit to an order at a time, unless it is there. It comes before whatever it is to lead to: it is a hint, and
// the order decides.
func (s *Service) mark(ctx context.Context, o Order, at time.Time) error {
	if at.IsZero() {
		return nil
	}
	k := schema.OrderDueKey(at, o.Workspace, o.ID)
	_, err := s.Table.Write(ctx, table.Put(table.Item{table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK)}, table.Absent()))
	if _, there := table.Lost(err); err != nil && !there {
		return fmt.Errorf("mark order %s to be visited: %w", o.ID, err)
	}
	return nil
}

// Visit looks at every order whose time has come: a draft that nobody submitted in time is given up, one that waits for its inputs is held against
// them, one in Processing is shown to Worker, and what a cut off cancellation left is done. It gives how many it looked at. It may be cut
// off, repeated and run many times at once. Near the deadline of the context it begins no more; the next one goes on. One order that fails
// stops no other; the error joins all.
func (s *Service) Visit(ctx context.Context) (visited int, err error) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, s.atOnce)
	counts, errs := make([]int, schema.OrderDueShards), make([]error, schema.OrderDueShards)
	for shard := range schema.OrderDueShards {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			counts[shard], errs[shard] = s.visitShard(ctx, shard)
		})
	}
	wg.Wait()
	for _, n := range counts {
		visited += n
	}
	return visited, errors.Join(errs...)
}

// visitShard visits the orders of one partition of due rows, one after another.
func (s *Service) visitShard(ctx context.Context, shard int) (visited int, err error) {
	var errs []error
	q := table.Query{PK: schema.OrderDuePartition(shard), To: schema.OrderDueTime(s.now()) + "~", Limit: duePage, Eventual: true}
	for {
		pg, err := s.Table.Query(ctx, q)
		if err != nil {
			return visited, errors.Join(append(errs, fmt.Errorf("read due orders of %s: %w", q.PK, err))...)
		}
		for _, it := range pg.Items {
			if late(ctx) {
				return visited, errors.Join(errs...)
			}
			if err := s.follow(ctx, it.Key()); err != nil {
				errs = append(errs, err)
			}
			visited++
		}
		if pg.Next == nil {
			return visited, errors.Join(errs...)
		}
		q.After = pg.Next
	}
}

// late says that a visit begun now might be cut off.
func late(ctx context.Context) bool {
	until, bounded := ctx.Deadline()
	return ctx.Err() != nil || bounded && time.Until(until) < visitTime
}

// follow visits the order that a due row leads to, and replaces the row by the next one.
func (s *Service) follow(ctx context.Context, k table.Key) error {
	w, oid, err := schema.ParseOrderDue(k)
	if err != nil {
		return err
	}
	o, next, err := s.visit(ctx, w, oid)
	if err != nil {
		return fmt.Errorf("visit order %s: %w", oid, err)
	}
	if schema.OrderDueKey(next, w, oid) == k {
		return nil
	}
	if err := s.mark(ctx, o, next); err != nil {
		return err
	}
	if _, err := s.Table.Write(ctx, table.Delete(k, table.Present())); err != nil {
		if _, gone := table.Lost(err); !gone {
			return fmt.Errorf("remove %s: %w", k, err)
		}
	}
	return nil
}

// visit does what is due at an order and says when to look at it again.
func (s *Service) visit(ctx context.Context, w id.Workspace, oid id.Order) (o Order, next time.Time, err error) {
	o, err = s.Settle(ctx, w, oid)
	if fault.Is(err, fault.NotFound) {
		return Order{}, time.Time{}, nil
	}
	if err != nil {
		return o, next, err
	}
	switch o.Status {
	case Drafted, Initialized:
		if !s.now().Before(s.expires(o)) {
			o, err = s.lapse(ctx, o)
		}
	case Processing, Completed, Error:
		if s.Work != nil {
			again, err := s.Work(ctx, o)
			if again.IsZero() {
				return o, again, err
			}
			return o, grid(o, again.Add(-1), everyWork), err
		}
	case Cancelled:
		err = s.abandonRest(ctx, o)
	}
	if err == nil && s.Work != nil && o.Attempt > 0 && o.Status != Processing {
		_, err = s.Work(ctx, o) // what an earlier attempt left
	}
	return o, s.nextVisit(o), err
}
