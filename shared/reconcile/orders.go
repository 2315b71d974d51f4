package reconcile

import (
	"context"
	"fmt"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// orders is a page of orders: others are told again how those stand that may have changed since.
func (s *Service) orders(ctx context.Context, at Cursor, r *Report) (Cursor, error) {
	q := table.Query{PK: schema.OrderPartition(at.Workspace), Limit: rowsPage}
	if at.After != (id.UUID{}) {
		q.From = at.After.String() + "\x00" // behind it
	}
	pg, err := s.Table.Query(ctx, q)
	if err != nil {
		return at, fmt.Errorf("read orders of %s: %w", at.Workspace, err)
	}
	var events []bus.Event
	for _, it := range pg.Items {
		r.Orders++
		o, err := order.FromRow(it)
		if err != nil {
			r.Unreadable++
			continue
		}
		if e, ok := s.orderAgain(o, it); ok {
			events = append(events, e)
		}
	}
	if err := s.tell(ctx, events, r); err != nil {
		return at, err
	}
	if pg.Next == nil {
		return Cursor{Workspace: at.Workspace, Step: StepObjects}, nil
	}
	_, last, ok := schema.ParseOrderKey(pg.Next.Key)
	if !ok {
		return at, fmt.Errorf("row %s is not an order", pg.Next.Key)
	}
	at.After = id.UUID(last)
	return at, nil
}

// orderAgain is the event of an order that may have changed since the time from which on changes were not told. One that holds its inputs may have
// come to do so at any time. A draft is not told of: nearly all never were anything else, and whoever began them knows.
func (s *Service) orderAgain(o order.Order, row table.Item) (bus.Event, bool) {
	if o.Status == order.Drafted || o.ChangedAt.Before(s.Tell) && o.SubmittedAt.Before(s.Tell) && !o.Held() {
		return bus.Event{}, false
	}
	at := s.Tell
	if o.CreatedAt().After(at) {
		at = o.CreatedAt()
	}
	return bus.StandingOrder(row, at.UTC())
}
