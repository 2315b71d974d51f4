package webhook

import (
	"context"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// DeliveriesOf is Deliveries of any webhook, a client's too, also when it is deleted.
func (s *Service) DeliveriesOf(ctx context.Context, h id.Webhook, cursor string, limit int) ([]Delivery, string, error) {
	q := table.Query{PK: h.String(), From: schema.DeliveryPrefix, To: schema.AfterPrefix(schema.DeliveryPrefix)}
	return pageOf(ctx, s, q, "deliveries\x00"+h.String(), cursor, limit, deliveryFromRow)
}
