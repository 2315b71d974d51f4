package processing

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/heartbeat"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

var (
	errHandOver = errors.New("the work goes on with another worker")
	errCut      = errors.New("the work did not come to a stop in time")
	errTaken    = errors.New("the work is another worker's, or over")
)

// run is one worker at an order.
type run struct {
	*Service
	row   work // as this worker last wrote it
	order order.Order
	slot  slot
	until time.Time // nothing long is begun after it

	mu    sync.Mutex
	held  time.Time // until when the lease runs
	share float64   // of the work that is done
	bytes int64     // of inputs that were read
}

// work runs the steps, with a heart beating beside it that shows progress too.
func (r *run) work(ctx context.Context) error {
	return heartbeat.Run(ctx, heartbeat.Heart{Every: r.beat, Beat: r.live, Ending: ending, Cut: errCut}, r.steps)
}

// live renews the lease. The error is errTaken once it is lost: to another worker, or because it could not be renewed for as long as it lasts.
func (r *run) live(ctx context.Context) error {
	if err := r.renew(ctx); errors.Is(err, errTaken) || err != nil && r.leaseLeft() <= 0 {
		return errTaken
	}
	return nil
}

func (r *run) leaseLeft() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.held.Sub(r.now())
}

// renew makes the leases of work and place longer, and shows how much is done. The error is errTaken where they are no longer this worker's.
func (r *run) renew(ctx context.Context) error {
	now := r.now()
	held := now.Add(lease)
	percent := r.percent()
	err := table.Decide(ctx, r.Table, []table.Write{
		table.Update(r.row.key(), r.mine(), at(schema.LeaseUntil, held), table.Set(schema.Percent, table.Int(int64(percent)))),
		r.slot.hold(r.row.order, now, held),
	})
	if table.Refused(err) != nil {
		return errTaken
	}
	if err != nil {
		return fmt.Errorf("keep the work on order %s: %w", r.row.order, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held = held
	return nil
}

// fence makes sure, before something is done that no condition guards, that the work is still this worker's.
func (r *run) fence(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.leaseLeft() > lease/2 {
		return nil
	}
	return r.renew(ctx)
}

// mine holds while the work is this worker's.
func (r *run) mine() table.Cond {
	return table.All(ofAttempt(r.row.attempt), table.Eq(schema.Worker, table.String(r.row.worker)))
}

// note writes into the work's row. The error is errTaken where the work is no longer this worker's.
func (r *run) note(ctx context.Context, edits ...table.Edit) error {
	_, err := r.Table.Write(ctx, table.Update(r.row.key(), r.mine(), edits...))
	if _, lost := table.Lost(err); lost {
		return errTaken
	}
	if err != nil {
		return fmt.Errorf("note in the work on order %s: %w", r.row.order, err)
	}
	return nil
}

// spent counts bytes that were read and says whether it is time to hand over. It is called by the product.
func (r *run) spent(bytes int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bytes += bytes
	return r.bytes >= r.Service.bytes || !r.now().Before(r.until)
}

// done notes how much of the work is done: some steps of all, and a part of the next.
func (r *run) done(steps, of int, fraction float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.share = (float64(steps) + min(max(fraction, 0), 1)) / float64(max(of, 1))
}

// percent is how much of the work is done; never all of it while it goes on.
func (r *run) percent() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return min(int(r.share*100), 99)
}

// finish ends a run by what came of it.
func (r *run) finish(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return r.after(ctx, r.order)
	case errors.Is(err, errTaken):
		return nil
	case errors.Is(err, errHandOver):
		return r.handOver(ctx, table.Remove(schema.Tries))
	case errors.Is(err, errCut): // what was begun counts as a try
		return r.handOver(ctx)
	case refusal(err) != "":
		return r.fail(ctx, refusal(err))
	}
	return errors.Join(err, r.giveBack(ctx, err))
}

// handOver asks for the next worker, by one transaction whose committed change is the request. The place is kept for it.
func (r *run) handOver(ctx context.Context, also ...table.Edit) error {
	if r.row.hop+1 > r.hops {
		return r.fail(ctx, fmt.Sprintf("The inputs are too large: the order was not processed within %d runs of %s.", r.hops, r.time))
	}
	now := r.now()
	also = append(also, table.Add(schema.Hop, table.Int(1)), table.Set(schema.Percent, table.Int(int64(r.percent()))))
	err := table.Decide(ctx, r.Table, []table.Write{
		table.Update(r.row.key(), r.mine(), append(also, ask(now.Add(askWait))...)...),
		r.slot.hold(r.row.order, now, now.Add(grace)),
	})
	if table.Refused(err) != nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("hand the work on order %s over: %w", r.row.order, err)
	}
	return nil
}

// giveBack gives the work back after a failure, so that it is tried again after a while, and its place to others. A store that does not answer is not
// the order's fault: for a day it costs no try.
func (r *run) giveBack(ctx context.Context, because error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ending/2)
	defer cancel()
	if r.row.tries >= r.tries && !r.blameless(because) {
		return r.fail(ctx, r.triedEnough())
	}
	edits := []table.Edit{table.Remove(schema.Worker), at(schema.LeaseUntil, r.now().Add(pauseAfter(r.row.tries)))}
	if r.blameless(because) {
		edits = append(edits, table.Add(schema.Tries, table.Int(-1)))
	}
	if err := r.note(ctx, edits...); err != nil {
		if errors.Is(err, errTaken) {
			return nil
		}
		return err
	}
	return r.leave(ctx, r.slot, r.row.order)
}

// pauseAfter is how long the work rests after a failure: a minute, four, sixteen.
func pauseAfter(tries int) time.Duration {
	return time.Minute << (2 * min(max(tries-1, 0), 3))
}

// blameless says whether a failure is that of a store which may answer again.
func (r *run) blameless(err error) bool {
	return (fault.Is(err, fault.Unavailable) || fault.Is(err, fault.Throttled)) && r.now().Before(r.order.SubmittedAt.Add(retries))
}

// fail ends the attempt in ERROR.
func (r *run) fail(ctx context.Context, reason string) error {
	_, err := r.Orders.Fail(ctx, r.row.workspace, r.row.order, r.row.attempt, reason, table.Update(r.row.key(), r.mine(), over(r.now())...))
	if table.Refused(err) != nil {
		return nil // another worker's by now
	}
	if err != nil {
		return fmt.Errorf("fail order %s: %w", r.row.order, err)
	}
	return r.after(ctx, r.order)
}

// complete ends the attempt well, if it made all that was planned.
func (r *run) complete(ctx context.Context) error {
	if err := r.fence(ctx); err != nil {
		return err
	}
	_, err := r.Orders.Complete(ctx, r.row.workspace, r.row.order, r.row.attempt, table.Update(r.row.key(),
		table.All(r.mine(), counted(schema.Made, r.row.planned), counted(schema.Planned, r.row.planned)),
		append(over(r.now()), table.Set(schema.Percent, table.Int(100)))...))
	if table.Refused(err) == nil {
		return err
	}
	if err := r.renew(ctx); err != nil {
		return err // errTaken: that is why
	}
	return fmt.Errorf("order %s has other deliverables than the %d its steps made", r.row.order, r.row.planned)
}
