package order

import (
	"context"
	"fmt"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// Holder knows which orders hold their assets, from a table alone: packages asset and upload ask it, which a Service stands on.
type Holder struct{ Table table.Table }

var (
	_ asset.Holds = Holder{}
	_ asset.Holds = (*Service)(nil)
)

// Holding gives the first of some orders of a workspace that holds its assets, and whether there is one. Who is about to take the bytes of an
// asset away asks it, strongly consistent.
func (h Holder) Holding(ctx context.Context, w id.Workspace, orders []id.Order) (id.Order, bool, error) {
	keys := make([]table.Key, len(orders))
	for i, o := range orders {
		keys[i] = schema.OrderKey(w, o)
	}
	rows, err := h.Table.BatchGet(ctx, keys, table.Strong)
	if err != nil {
		return id.Order{}, false, fmt.Errorf("ask whether %d orders hold their assets: %w", len(orders), err)
	}
	for i, it := range rows {
		if (Order{Status: Status(it.Str(schema.OrderStatus))}).Held() {
			return orders[i], true, nil
		}
	}
	return id.Order{}, false, nil
}

// Holding is Holder's.
func (s *Service) Holding(ctx context.Context, w id.Workspace, orders []id.Order) (id.Order, bool, error) {
	return Holder{s.Table}.Holding(ctx, w, orders)
}
