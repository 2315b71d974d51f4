package processing

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/product"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// errNoPlace says that somebody else took the place that was free a moment ago.
var errNoPlace = errors.New("the place is taken")

// claimTries bounds how often a place is looked for: others of the workspace may be faster.
const claimTries = 4

// Work does the work of one request for a worker: it runs steps of the order's product until the order is completed or fails, or its time is over and
// it hands over to the next. It may be called late, again, and by several at once: nothing is done where there is nothing to do, where
// somebody is at it, or where the workspace has no place left. An error means that something failed for a moment; the order is gone on with in
// any case, by another delivery of the request or by Visit.
func (s *Service) Work(ctx context.Context, w id.Workspace, o id.Order, attempt int) error {
	row, known, err := s.rowOf(ctx, o)
	if err != nil || !known || row.workspace != w || row.attempt != attempt || !row.free(s.now()) {
		return err
	}
	found, err := s.Orders.Find(ctx, w, o)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if found.Status != order.Processing || found.Attempt != attempt {
		return nil // Visit tidies up
	}
	if row.tries >= s.tries {
		return s.giveUp(ctx, row, found)
	}
	r, err := s.claim(ctx, row, found)
	if err != nil || r == nil {
		return err
	}
	return r.finish(ctx, r.work(ctx))
}

// claim takes the lease of the work and a place for it. There is no run if somebody else was faster, or there is no place: then the order waits.
func (s *Service) claim(ctx context.Context, row work, o order.Order) (*run, error) {
	waits := row.waits
	for range claimTries {
		p, ok, err := s.place(ctx, row.workspace, row.order)
		switch {
		case err != nil:
			return nil, err
		case !ok && waits:
			return nil, nil
		case !ok: // and then looked once more: a place that was left before this was written was given to nobody
			if waits, err = s.putOff(ctx, row); err != nil || !waits {
				return nil, err
			}
			continue
		}
		r, err := s.take(ctx, row, o, p)
		if errors.Is(err, errNoPlace) {
			continue
		}
		if err == nil && r != nil && waits {
			err = s.stopWaiting(ctx, row.workspace, row.order)
		}
		return r, err
	}
	_, err := s.putOff(ctx, row)
	return nil, err
}

// take claims the work and one place by one transaction. There is no run if somebody else has the work; the error is errNoPlace if the place is gone.
func (s *Service) take(ctx context.Context, row work, o order.Order, p slot) (*run, error) {
	now, token := s.now(), rand.Text()
	held := now.Add(lease)
	err := table.Decide(ctx, s.Table, []table.Write{
		table.Update(row.key(), table.All(whileFree(row.attempt, now), counted(schema.Tries, row.tries)),
			table.Set(schema.Worker, table.String(token)), at(schema.LeaseUntil, held), table.Add(schema.Tries, table.Int(1)), table.Remove(schema.Waits),
			table.Remove(schema.AskAfter)), // the request was heard: if this worker dies, the next visit asks again
		p.hold(row.order, now, held),
	})
	if r := table.Refused(err); r != nil {
		if r.Reasons[0] == table.ConditionLost {
			return nil, nil
		}
		return nil, errNoPlace
	}
	if err != nil {
		return nil, fmt.Errorf("claim the work on order %s: %w", row.order, err)
	}
	row.worker, row.leaseUntil, row.tries = token, held, row.tries+1
	r := &run{Service: s, row: row, order: o, slot: p, until: now.Add(s.time), held: held}
	if end, ok := ctx.Deadline(); ok {
		r.until = now.Add(min(s.time, time.Until(end)-2*ending))
	}
	return r, nil
}

// putOff lets an order wait for a place, and says whether it does: not if somebody else came to have it. Were every one of those that wait to look
// again by itself at the same time, they would be in each other's way.
func (s *Service) putOff(ctx context.Context, row work) (waits bool, err error) {
	if err := s.wait(ctx, row.workspace, row.order); err != nil {
		return false, err
	}
	again := s.now().Add(yielded + mathrand.N(yielded))
	_, err = s.Table.Write(ctx, table.Update(row.key(), whileFree(row.attempt, s.now()), at(schema.AskAfter, again), table.Set(schema.Waits, table.Bool(true))))
	if _, lost := table.Lost(err); lost {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("put order %s off: %w", row.order, err)
	}
	return true, nil
}

// giveUp ends an attempt at which too many workers died.
func (s *Service) giveUp(ctx context.Context, row work, o order.Order) error {
	now := s.now()
	_, err := s.Orders.Fail(ctx, row.workspace, row.order, row.attempt, s.triedEnough(),
		table.Update(row.key(), table.All(whileFree(row.attempt, now), counted(schema.Tries, row.tries)), over(now)...))
	if table.Refused(err) != nil {
		return nil // somebody is at it
	}
	if err != nil {
		return fmt.Errorf("give up order %s: %w", row.order, err)
	}
	return s.after(ctx, o)
}

// triedEnough is what people are told of an order that could not be worked on.
func (s *Service) triedEnough() string {
	return fmt.Sprintf("The order could not be processed: its work was begun %d times in a row and did not come further. Replace an input to submit it again, or ask whoever runs this installation.", s.tries)
}

// refusal is why an order fails, for people; "" is another error.
func refusal(err error) string {
	var no *product.Refused
	if errors.As(err, &no) {
		return no.Message
	}
	return ""
}
