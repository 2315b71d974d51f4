package webhook

import (
	"context"
	"fmt"
	"time"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// conclude notes what came of an attempt: delivered, due again, or dead.
func (s *Service) conclude(ctx context.Context, h Webhook, d Delivery) (Delivery, error) {
	switch {
	case d.Failure == "":
		d.State = Delivered
		d, err := s.settle(ctx, d)
		if err != nil {
			return d, err
		}
		return d, s.forgive(ctx, h)
	case d.Status == gone || d.Attempts >= d.mayTry():
		return s.bury(ctx, h, d)
	}
	return s.putOff(ctx, h, d)
}

// settle notes a delivery as ended and removes its due row. If somebody else has taken it in hand since, theirs is the last word.
func (s *Service) settle(ctx context.Context, d Delivery) (Delivery, error) {
	_, err := s.Table.Write(ctx, table.Update(d.key(), d.ours(), d.outcome()...))
	if _, lost := table.Lost(err); lost {
		return d, nil
	}
	if err != nil {
		return d, fmt.Errorf("settle delivery %s: %w", d.ID, err)
	}
	return d, s.removeDue(ctx, d.dueKey())
}

// removeDue removes a row that leads to a delivery nobody waits for.
func (s *Service) removeDue(ctx context.Context, k table.Key) error {
	_, err := s.Table.Write(ctx, table.Delete(k, table.Present()))
	if _, gone := table.Lost(err); gone || err == nil {
		return nil
	}
	return fmt.Errorf("remove due row %s: %w", k, err)
}

// putOff notes a failed attempt and when the next one is due, in one transaction.
func (s *Service) putOff(ctx context.Context, h Webhook, d Delivery) (Delivery, error) {
	last := d.dueKey()
	d.due, d.seq, d.lease = s.now().Add(d.wait()).Truncate(time.Millisecond), d.claims, time.Time{}
	edits := append(d.outcome(), table.Set(schema.Due, table.Int(d.due.UnixMilli())), table.Set(schema.DueSeq, table.Int(d.seq)))
	ws := []table.Write{table.Update(d.key(), d.ours(), edits...), d.duePut(h), table.Delete(last, table.Present())}
	err := table.Decide(ctx, s.Table, ws)
	refused := table.Refused(err)
	switch {
	case err == nil:
		return d, nil
	case refused == nil:
		return d, fmt.Errorf("put off delivery %s: %w", d.ID, err)
	case refused.Reasons[0] == table.ConditionLost:
		return d, nil // somebody else has it
	}
	return d, fmt.Errorf("put off delivery %s: its due rows are not as they should be: %w", d.ID, err)
}

// bury notes a delivery as dead, and on the webhook that it died; both or none. Tests count for nothing, unless the receiver is gone.
func (s *Service) bury(ctx context.Context, h Webhook, d Delivery) (Delivery, error) {
	d.State = Dead
	if d.Type == TypeTest && d.Status != gone {
		return s.settle(ctx, d)
	}
	for range buryTries {
		counted := h
		counted.suffer(s.now(), d)
		err := table.Decide(ctx, s.Table, []table.Write{
			table.Update(d.key(), d.ours(), d.outcome()...),
			table.Put(counted.row(), h.unchanged()),
		})
		refused := table.Refused(err)
		switch {
		case err == nil:
			return d, s.removeDue(ctx, d.dueKey())
		case refused == nil:
			return d, fmt.Errorf("give up delivery %s: %w", d.ID, err)
		case refused.Reasons[0] == table.ConditionLost:
			return d, nil // somebody else has it
		}
		switch h, err = h.place().found(refused.Current[1]); {
		case fault.Is(err, fault.NotFound):
			return s.settle(ctx, d) // the webhook is deleted
		case err != nil:
			return d, err
		}
	}
	return d, fmt.Errorf("give up delivery %s: others are writing webhook %s", d.ID, h.ID)
}

// suffer counts a dead delivery, and disables the webhook if it is one too many, or its receiver is gone.
func (h *Webhook) suffer(now time.Time, d Delivery) {
	h.Failures++
	reason := ""
	switch {
	case !h.Enabled:
		return
	case d.Status == gone:
		reason = "Its receiver answered 410 Gone."
	case h.Failures >= MaxFailures:
		reason = fmt.Sprintf("%d deliveries in a row were given up.", h.Failures)
	default:
		return
	}
	h.disable(now, reason)
	h.Version++
}

func (h *Webhook) disable(now time.Time, reason string) {
	h.Enabled, h.DisabledAt, h.Reason = false, now.UTC().Truncate(time.Millisecond), reason
}

func (h *Webhook) enable() {
	h.Enabled, h.DisabledAt, h.Reason, h.Failures = true, time.Time{}, "", 0
}

// forgive forgets the dead deliveries before one that was taken.
func (s *Service) forgive(ctx context.Context, h Webhook) error {
	if h.Failures == 0 {
		return nil
	}
	_, err := s.Table.Write(ctx, table.Update(h.key(), table.All(h.same(), table.Greater(schema.Failures, table.Int(0))), table.Set(schema.Failures, table.Int(0))))
	if _, lost := table.Lost(err); lost || err == nil {
		return nil
	}
	return fmt.Errorf("forgive webhook %s: %w", h.ID, err)
}
