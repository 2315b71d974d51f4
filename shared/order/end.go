package order

import (
	"context"
	"errors"
	"fmt"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/table"
)

// Cancel gives an order up that is not in Processing: uploads of its own that are pending are abandoned, and ready inputs stay what they are. An
// order that was given up is the answer as it stands, and what an earlier cancellation left is done; one that is with its workers or has ended is
// fault.Conflict.
func (s *Service) Cancel(ctx context.Context, p access.Principal, o id.Order) (Order, error) {
	found, err := s.allowed(ctx, p, access.CancelOrder, o)
	if err != nil {
		return Order{}, err
	}
	return s.giveUp(ctx, found, func(now Order) (string, error) {
		if now.Status == Processing || now.Status == Completed || now.Status == Error {
			return "", now.closed("it can be cancelled")
		}
		return "It was cancelled.", nil
	})
}

// lapse gives a draft up that nobody submitted in time; one that was changed or submitted meanwhile stays.
func (s *Service) lapse(ctx context.Context, o Order) (Order, error) {
	return s.giveUp(ctx, o, func(now Order) (string, error) {
		if now.Status != Drafted && now.Status != Initialized || s.now().Before(s.expires(now)) {
			return "", nil
		}
		return fmt.Sprintf("It was neither changed nor submitted for %.0f days.", s.draftFor.Hours()/24), nil
	})
}

// giveUp cancels an order for the reason that may gives, "" for none, and then ends its pending uploads. Wherever it is cut off, a visit goes on.
func (s *Service) giveUp(ctx context.Context, o Order, may func(Order) (reason string, err error)) (Order, error) {
	o, err := s.move(ctx, o, func(_ context.Context, now Order) (*step, error) {
		if now.Status == Cancelled {
			return nil, nil
		}
		reason, err := may(now)
		if err != nil || reason == "" {
			return nil, err
		}
		st := &step{next: now, orders: -1}
		st.next.Status, st.next.Failure, st.next.ChangedAt = Cancelled, reason, s.present()
		return st, nil
	})
	if err != nil || o.Status != Cancelled {
		return o, err
	}
	if err := s.abandonRest(ctx, o); err != nil {
		return o, err
	}
	return s.Settle(ctx, o.Workspace, o.ID)
}

// abandonRest ends the pending uploads of an order that was given up. One that another order waits for too only leaves this one.
func (s *Service) abandonRest(ctx context.Context, o Order) error {
	if o.Inputs == 0 {
		return nil
	}
	ms, err := s.members(ctx, o)
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range ms {
		if m.asset != nil && m.asset.State == asset.Pending {
			errs = append(errs, s.abandonFor(ctx, o, m.id))
		}
	}
	return errors.Join(errs...)
}

// Complete ends an attempt at an order whose deliverables are all ready, together with the writes of the worker, which must hold that they are. The
// order is the answer as it stands if the attempt has ended before. If a write of the worker loses, the error is the *table.TransactError, with
// its reasons in the order of also, and nothing is written.
func (s *Service) Complete(ctx context.Context, w id.Workspace, o id.Order, attempt int, also ...table.Write) (Order, error) {
	return s.end(ctx, w, o, attempt, Completed, "", also)
}

// Fail ends an attempt at an order with a reason for people, as Complete does.
func (s *Service) Fail(ctx context.Context, w id.Workspace, o id.Order, attempt int, reason string, also ...table.Write) (Order, error) {
	return s.end(ctx, w, o, attempt, Error, reason, also)
}

func (s *Service) end(ctx context.Context, w id.Workspace, o id.Order, attempt int, to Status, reason string, also []table.Write) (Order, error) {
	var c counter
	for range maxTries {
		now, err := s.Find(ctx, w, o)
		if err != nil || now.Status != Processing || now.Attempt != attempt {
			return now, err
		}
		st := step{next: now, orders: -1}
		st.next.Status, st.next.Failure, st.next.ChangedAt, st.next.Problems = to, reason, s.present(), nil
		next, ours := s.writes(now, st, c)
		err = s.commit(ctx, append(append([]table.Write{}, also...), ours...))
		if err == nil {
			return next, nil
		}
		r := table.Refused(err)
		if r == nil {
			return now, fmt.Errorf("end order %s: %w", o, err)
		}
		if lost := firstLost(r); lost < len(also) {
			if again, err := s.Find(ctx, w, o); err != nil || again.Status != Processing || again.Attempt != attempt {
				return again, err
			}
			return now, &table.TransactError{Reasons: r.Reasons[:len(also)], Current: r.Current[:len(also)]}
		}
		if c, err = s.counter(ctx, w); err != nil {
			return now, err
		}
	}
	return Order{}, busy()
}

// firstLost is the first write of a refused transaction whose condition did not hold.
func firstLost(r *table.TransactError) int {
	for i, reason := range r.Reasons {
		if reason == table.ConditionLost {
			return i
		}
	}
	return len(r.Reasons)
}
