package webhook

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

// Due tries every delivery whose time has come, once, and goes on with those whose sender died. It gives how many it took in hand. It may be
// cut off, repeated and run many times at once: a delivery is claimed by one conditional write. Near the deadline of the context it
// begins no more; the next one goes on. One that fails stops no other; the error joins all.
func (s *Service) Due(ctx context.Context) (int, error) {
	run := &dueRun{Service: s, slots: make(chan struct{}, dueAtOnce)}
	first := int(s.now().Unix()/60) % schema.WebhookDueShards // not always the same shard comes last
	for i := range schema.WebhookDueShards {
		if err := run.shard(ctx, (first+i)%schema.WebhookDueShards); err != nil {
			run.fail(err)
		}
	}
	run.wg.Wait()
	return run.taken, errors.Join(run.errs...)
}

// dueRun is one run of Due.
type dueRun struct {
	*Service
	slots chan struct{} // one for each delivery in hand
	wg    sync.WaitGroup

	mu    sync.Mutex
	taken int
	errs  []error
}

func (r *dueRun) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
}

// late says that a delivery begun now might be cut off.
func late(ctx context.Context) bool {
	until, bounded := ctx.Deadline()
	return ctx.Err() != nil || bounded && time.Until(until) < SendTime+SendTime/2
}

// shard begins the deliveries of one partition whose time has come.
func (r *dueRun) shard(ctx context.Context, shard int) error {
	q := table.Query{PK: schema.WebhookDuePartition(shard), To: schema.WebhookDueTime(r.now()) + "~", Limit: duePage}
	for !late(ctx) {
		pg, err := r.Table.Query(ctx, q)
		if err != nil {
			return fmt.Errorf("read due deliveries of %s: %w", q.PK, err)
		}
		for _, it := range pg.Items {
			if r.slots <- struct{}{}; late(ctx) {
				<-r.slots
				return nil
			}
			r.wg.Go(func() {
				defer func() { <-r.slots }()
				taken, err := r.visit(ctx, it)
				if err != nil {
					r.fail(err)
				}
				if taken {
					r.mu.Lock()
					r.taken++
					r.mu.Unlock()
				}
			})
		}
		if pg.Next == nil {
			return nil
		}
		q.After = pg.Next
	}
	return nil
}

// visit follows a due row: it removes one that leads nowhere, leaves one whose delivery is in somebody's hands, and tries the delivery.
func (s *Service) visit(ctx context.Context, it table.Item) (taken bool, err error) {
	r, err := parseDue(it)
	if err != nil {
		return false, err
	}
	row, err := s.Table.Get(ctx, schema.DeliveryKey(r.of.hook, r.delivery), table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		return false, s.removeDue(ctx, r.key)
	}
	if err != nil {
		return false, fmt.Errorf("read delivery %s: %w", r.delivery, err)
	}
	d, err := deliveryFromRow(row)
	if err != nil {
		return false, err
	}
	if d.State != Pending || d.dueKey() != r.key {
		return false, s.removeDue(ctx, r.key)
	}
	if s.now().Before(d.lease) {
		return false, nil
	}
	h, err := s.read(ctx, r.of)
	if fault.Is(err, fault.NotFound) {
		return false, s.forget(ctx, d)
	}
	if err != nil {
		return false, err
	}
	return s.again(ctx, h, d)
}

// forget removes a delivery whose webhook is deleted, with its due row.
func (s *Service) forget(ctx context.Context, d Delivery) error {
	if _, err := s.Table.Write(ctx, table.Delete(d.key(), table.Present())); err != nil {
		if _, gone := table.Lost(err); !gone {
			return fmt.Errorf("remove delivery %s: %w", d.ID, err)
		}
	}
	return s.removeDue(ctx, d.dueKey())
}

// again claims a delivery and tries it. One whose webhook is disabled, or whose last attempt was cut off, is dead.
func (s *Service) again(ctx context.Context, h Webhook, d Delivery) (taken bool, err error) {
	last := d.ours()
	d.claims++
	d.lease = s.now().Add(leaseTime).Truncate(time.Millisecond)
	over := d.Attempts >= d.mayTry()
	if !over {
		d.Attempts++
	}
	_, err = s.Table.Write(ctx, table.Update(d.key(), last, table.Set(schema.Claims, table.Int(d.claims)),
		table.Set(schema.Attempts, table.Int(int64(d.Attempts))), table.Set(schema.Lease, table.Int(d.lease.UnixMilli()))))
	if _, lost := table.Lost(err); lost {
		return false, nil // another was faster
	}
	if err != nil {
		return false, fmt.Errorf("claim delivery %s: %w", d.ID, err)
	}
	switch {
	case over:
		d.Failure = "The last attempt was cut off; whether it arrived is not known."
		_, err = s.bury(ctx, h, d)
	case !h.Enabled && d.Type != TypeTest:
		d.State, d.Failure = Dead, "The webhook was disabled before the next attempt."
		_, err = s.settle(ctx, d)
	default:
		_, err = s.attempt(ctx, h, d)
	}
	return true, err
}

// Deleted says which webhook a change deleted; ok is false for any other change.
func Deleted(c table.Change) (h id.Webhook, ok bool) {
	if c.New != nil {
		return h, false
	}
	if _, h, ok = schema.ParseWebhookKey(c.Key); ok {
		return h, true
	}
	if _, _, ok = schema.ParseClientWebhookKey(c.Key); !ok {
		return h, false
	}
	h, err := id.ParseWebhook(c.Old.Str(schema.Hook))
	return h, err == nil
}

// RemoveDeliveries removes what is left of a webhook that was deleted: its newest deliveries, as many as one call can; older ones nobody reaches,
// and they expire. It is for the consumer of the table's changes: it asks for no principal, may be called again, and goes on where a
// call that failed stopped.
func (s *Service) RemoveDeliveries(ctx context.Context, h id.Webhook) error {
	q := table.Query{
		PK: h.String(), From: schema.DeliveryPrefix, To: schema.AfterPrefix(schema.DeliveryPrefix), Descending: true, Limit: duePage,
	}
	for n := 0; n < rowsAtEnd; n += duePage {
		pg, err := s.Table.Query(ctx, q)
		if err != nil {
			return fmt.Errorf("list deliveries of deleted webhook %s: %w", h, err)
		}
		if err := s.removeAll(ctx, pg.Items); err != nil {
			return err
		}
		if pg.Next == nil {
			return nil
		}
		q.After = pg.Next
	}
	return nil
}

// removeAll removes rows, several at once.
func (s *Service) removeAll(ctx context.Context, rows []table.Item) error {
	errs := make([]error, dueAtOnce)
	var wg sync.WaitGroup
	for i := range dueAtOnce {
		wg.Go(func() {
			for j := i; j < len(rows) && errs[i] == nil; j += dueAtOnce {
				_, err := s.Table.Write(ctx, table.Delete(rows[j].Key(), table.Present()))
				if _, gone := table.Lost(err); !gone && err != nil {
					errs[i] = fmt.Errorf("remove delivery %s: %w", rows[j].Key(), err)
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
