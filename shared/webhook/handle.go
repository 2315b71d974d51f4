package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// Handle sends an event to every enabled webhook of its workspace that wants its type, each once; what is not taken is left to Due. An event that
// comes again makes no second delivery. An event of an order goes to the webhook of the client that created it, and to no other. No answer of a
// receiver is an error; an error says that some webhook may know nothing of the event yet, and the event is to be handled again. Events
// whose type is not of Handled are not sent.
//
// The webhooks are read anew for each event, strongly consistent, at one read unit: a webhook that was deleted a moment ago is not sent
// to, and most workspaces have none, so that a cache would spare little.
func (s *Service) Handle(ctx context.Context, e bus.Event) error {
	if !slices.Contains(Handled(), e.Type) {
		return nil
	}
	w, err := id.ParseWorkspace(e.Detail.Workspace)
	if err != nil {
		return fmt.Errorf("event %s: workspace: %w", e.Detail.ID, err)
	}
	rows, err := s.hearers(ctx, w, e)
	if err != nil {
		return err
	}
	errs := make([]error, len(rows))
	var wg sync.WaitGroup
	for i, h := range rows {
		if h.Wants(e.Type) {
			wg.Go(func() { errs[i] = s.deliver(ctx, h, e) })
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Wants says whether events of a type are sent to the webhook.
func (h Webhook) Wants(t bus.Type) bool {
	if h.Client != (id.Client{}) || t == bus.OrderUpdated {
		return h.Enabled && h.Client != (id.Client{}) && t == bus.OrderUpdated
	}
	return h.Enabled && (len(h.Events) == 0 || slices.Contains(h.Events, t))
}

// hearers reads the webhooks that an event may be for.
func (s *Service) hearers(ctx context.Context, w id.Workspace, e bus.Event) ([]Webhook, error) {
	if e.Type != bus.OrderUpdated {
		return s.all(ctx, w)
	}
	if e.Detail.Order == nil {
		return nil, fmt.Errorf("event %s tells of no order", e.Detail.ID)
	}
	c, err := id.ParseClient(e.Detail.Order.Client)
	if err != nil {
		return nil, fmt.Errorf("event %s: client: %w", e.Detail.ID, err)
	}
	h, err := s.ofClient(ctx, w, c)
	if fault.Is(err, fault.NotFound) {
		return nil, nil // most clients ask, and are not told
	}
	return []Webhook{h}, err
}

// all reads the webhooks of a workspace.
func (s *Service) all(ctx context.Context, w id.Workspace) ([]Webhook, error) {
	pg, err := s.Table.Query(ctx, table.Query{
		PK: w.String(), From: schema.WebhookPrefix, To: schema.AfterPrefix(schema.WebhookPrefix), Limit: MaxWebhooks,
	})
	if err != nil {
		return nil, fmt.Errorf("read webhooks of %s: %w", w, err)
	}
	hs := make([]Webhook, len(pg.Items))
	for i, it := range pg.Items {
		if hs[i], err = fromRow(it); err != nil {
			return nil, err
		}
	}
	return hs, nil
}

// deliver notes the delivery of an event, with the row that leads Due to it, and tries it once, unless it was noted before.
func (s *Service) deliver(ctx context.Context, h Webhook, e bus.Event) error {
	d := Delivery{ID: id.DeliveryOf(h.ID, e.Detail.ID, e.Time), Event: e.Detail.ID, Type: e.Type, subject: e.Detail.Asset, version: e.Detail.Version}
	if e.Detail.Order != nil {
		d.subject = e.Detail.Order.Order
	}
	d, err := s.fresh(h, d, bodyOf(e))
	if err != nil {
		return err
	}
	noted, err := s.note(ctx, h, d)
	if err != nil || !noted {
		return err
	}
	_, err = s.attempt(ctx, h, d)
	return err
}

// note writes a new delivery; false when it is there already, in somebody's hands.
func (s *Service) note(ctx context.Context, h Webhook, d Delivery) (bool, error) {
	row := d.row()
	err := table.Decide(ctx, s.Table, []table.Write{table.Put(row, table.Absent()), d.duePut(h)})
	if err == nil {
		return true, nil
	}
	if refused := table.Refused(err); refused != nil && refused.Current[0] != nil {
		// Also ours, when an earlier attempt of the driver had written it: then the due row leads to it.
		return table.EqualItems(refused.Current[0], row), nil
	}
	return false, fmt.Errorf("note event %s for webhook %s: %w", d.Event, h.ID, err)
}
