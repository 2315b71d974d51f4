package webhook

import (
	"context"
	"fmt"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// Test sends an event of TypeTest to a webhook now, enabled or not, and gives the delivery with what came of it. It is tried once, and
// counts as no failure. Whatever the receiver answers, and also if it does not, is no error.
func (s *Service) Test(ctx context.Context, p access.Principal, w id.Workspace, wh id.Webhook) (Delivery, error) {
	if err := access.Authorize(p, access.ManageWebhook, w); err != nil {
		return Delivery{}, err
	}
	h, err := s.read(ctx, place{workspace: w, hook: wh})
	if err != nil {
		return Delivery{}, err
	}
	now := s.now()
	d := Delivery{ID: id.NewDelivery(now), Type: TypeTest}
	d.Event = d.ID.String()
	d, err = s.fresh(h, d, envelope{TypeTest, d.CreatedAt().UTC(), testData{bus.SchemaVersion, d.Event, w.String(), wh.String()}})
	if err != nil {
		return Delivery{}, err
	}
	noted, err := s.note(ctx, h, d)
	if err == nil && !noted {
		err = fmt.Errorf("test webhook %s: the drawn id %s is taken", wh, d.ID)
	}
	if err != nil {
		return Delivery{}, err
	}
	return s.attempt(ctx, h, d)
}

// Replay sends a delivery that has ended once more, now, and gives it with what came of it; if that fails, all its attempts begin anew.
//
// The error is fault.Conflict for one that is still being tried, for one whose asset has had a later event sent, which an older one must not
// follow, and while the webhook is disabled; fault.NotFound when there is no such delivery, and for one over KeepDeliveries old.
func (s *Service) Replay(ctx context.Context, p access.Principal, w id.Workspace, wh id.Webhook, did id.Delivery) (Delivery, error) {
	if err := access.Authorize(p, access.ManageWebhook, w); err != nil {
		return Delivery{}, err
	}
	h, err := s.read(ctx, place{workspace: w, hook: wh})
	if err != nil {
		return Delivery{}, err
	}
	d, err := s.delivery(ctx, wh, did)
	if err != nil {
		return Delivery{}, err
	}
	if s.now().After(d.CreatedAt().Add(KeepDeliveries)) {
		return Delivery{}, access.Missing("delivery")
	}
	if err := s.mayReplay(ctx, h, d); err != nil {
		return Delivery{}, err
	}
	if d, err = s.revive(ctx, h, d); err != nil {
		return Delivery{}, err
	}
	return s.attempt(ctx, h, d)
}

func (s *Service) mayReplay(ctx context.Context, h Webhook, d Delivery) error {
	if !h.Enabled && d.Type != TypeTest {
		return fault.New(fault.Conflict, "The webhook is disabled: %s Enable it first.", h.Reason)
	}
	if d.State == Pending {
		return stillTried(d)
	}
	late, err := s.outdated(ctx, h.ID, d)
	if err != nil {
		return err
	}
	if late || d.State == Superseded {
		return fault.New(fault.Conflict, "A later event of %s %s was sent to this webhook, which the event %s must not follow; read the %[1]s instead.",
			d.about(), d.subject, d.Event)
	}
	return nil
}

func stillTried(d Delivery) error {
	return fault.New(fault.Conflict, "Delivery %s is still being tried, next at %s; wait for its end.", d.ID, d.due.Format(time.RFC3339))
}

// revive takes an ended delivery in hand, as if it were new, in one transaction with its due row.
func (s *Service) revive(ctx context.Context, h Webhook, d Delivery) (Delivery, error) {
	ended := table.All(table.Eq(schema.Progress, table.String(d.State)), table.Eq(schema.Claims, table.Int(d.claims)))
	now := s.now()
	d = d.begun(now)
	d.expires = later(d.expires, now.Add(keepReady))
	ws := []table.Write{
		table.Update(d.key(), ended,
			table.Set(schema.Progress, table.String(d.State)), table.Set(schema.Attempts, table.Int(1)), table.Set(schema.Claims, table.Int(d.claims)),
			table.Set(schema.Lease, table.Int(d.lease.UnixMilli())), table.Set(schema.Due, table.Int(d.due.UnixMilli())),
			table.Set(schema.DueSeq, table.Int(d.seq)), table.Set(table.AttrExpires, table.Int(d.expires.Unix()))),
		d.duePut(h),
	}
	err := table.Decide(ctx, s.Table, ws)
	refused := table.Refused(err)
	switch {
	case err == nil:
		return d, nil
	case refused != nil && refused.Reasons[0] == table.ConditionLost:
		return d, stillTried(d) // somebody else replays it, at this moment
	}
	return d, fmt.Errorf("replay delivery %s: %w", d.ID, err)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
