package webhook

import (
	"context"
	"errors"
	"fmt"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// List gives a page of up to limit webhooks of a workspace, newest first, and the cursor of the next page, "" after the last. A limit outside
// 1 to page.MaxLimit and a cursor of another list are fault.Invalid.
func (s *Service) List(ctx context.Context, p access.Principal, w id.Workspace, cursor string, limit int) ([]Webhook, string, error) {
	if err := access.Authorize(p, access.ListWebhooks, w); err != nil {
		return nil, "", err
	}
	q := table.Query{PK: w.String(), From: schema.WebhookPrefix, To: schema.AfterPrefix(schema.WebhookPrefix)}
	return pageOf(ctx, s, q, "webhooks\x00"+w.String(), cursor, limit, fromRow)
}

// Deliveries gives a page of up to limit deliveries of a webhook, newest event first, and the cursor of the next page, "" after the last.
// They are in order of the events' times, which the bus gives in whole seconds. Errors are those of List; fault.NotFound says that there
// is no such webhook.
func (s *Service) Deliveries(ctx context.Context, p access.Principal, w id.Workspace, h id.Webhook, cursor string, limit int) ([]Delivery, string, error) {
	if _, err := s.Get(ctx, p, w, h); err != nil {
		return nil, "", err
	}
	q := table.Query{PK: h.String(), From: schema.DeliveryPrefix, To: schema.AfterPrefix(schema.DeliveryPrefix)}
	return pageOf(ctx, s, q, "deliveries\x00"+h.String(), cursor, limit, deliveryFromRow)
}

// pageOf reads a page of rows, the greatest sort key first.
func pageOf[T any](ctx context.Context, s *Service, q table.Query, scope, cursor string, limit int, decode func(table.Item) (T, error)) ([]T, string, error) {
	if err := page.CheckLimit(limit); err != nil {
		return nil, "", err
	}
	q.Descending, q.Limit = true, limit
	if cursor != "" {
		after, err := s.Sealer.Open(scope, cursor)
		if err != nil {
			return nil, "", err
		}
		q.After = &table.Pos{Key: table.Key{PK: q.PK, SK: string(after)}}
	}
	pg, err := s.Table.Query(ctx, q)
	if err != nil {
		return nil, "", fmt.Errorf("list %s of %s: %w", q.From, q.PK, err)
	}
	out := make([]T, len(pg.Items))
	for i, it := range pg.Items {
		if out[i], err = decode(it); err != nil {
			return nil, "", err
		}
	}
	if pg.Next == nil {
		return out, "", nil
	}
	return out, s.Sealer.Seal(scope, []byte(pg.Next.Key.SK)), nil
}

// delivery reads a delivery of a webhook. The error is fault.NotFound when there is none.
func (s *Service) delivery(ctx context.Context, h id.Webhook, d id.Delivery) (Delivery, error) {
	it, err := s.Table.Get(ctx, schema.DeliveryKey(h, d), table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		return Delivery{}, access.Missing("delivery")
	}
	if err != nil {
		return Delivery{}, fmt.Errorf("read delivery %s: %w", d, err)
	}
	return deliveryFromRow(it)
}
