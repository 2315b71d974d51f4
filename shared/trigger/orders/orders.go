// Package orders works on submitted orders, and looks after all that are open: a queue of requests for workers, and a schedule.
//
// A worker that goes on for long asks for the next one through the table's stream, and so feeds the queue that invokes it: the number of hops is
// bounded by the work itself, and the function's own loop detection has to be off.
package orders

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/processing"
	"github.com/assetry/assetry/shared/product"
	"github.com/assetry/assetry/shared/trigger/queue"
	"github.com/assetry/assetry/shared/trigger/schedule"
)

// WorkServices is what workers need.
type WorkServices interface {
	Processing(ps ...product.Product) *processing.Service
	Metrics() *metric.Log
}

// Work takes batches of order.submitted, and makes products.
func Work(s WorkServices, ps ...product.Product) queue.Consumer {
	return queue.Each(s.Metrics(), metric.Orders, func(ctx context.Context, e bus.Event) error {
		if e.Type != bus.OrderSubmitted || e.Detail.Order == nil {
			return fmt.Errorf("the event is of another type; this queue is for %s", bus.OrderSubmitted)
		}
		w, err := id.ParseWorkspace(e.Detail.Workspace)
		if err != nil {
			return errors.New("the event names no workspace")
		}
		o, err := id.ParseOrder(e.Detail.Order.Order)
		if err != nil {
			return errors.New("the event names no order")
		}
		if err := s.Processing(ps...).Work(ctx, w, o, e.Detail.Order.Attempt); err != nil {
			return err
		}
		slog.InfoContext(ctx, "order worked on", "workspace", w.String(), "order", o.String(), "attempt", e.Detail.Order.Attempt, "request", e.Detail.Version)
		return nil
	})
}

// SweepServices is what the schedule needs.
type SweepServices interface {
	OrderVisits() *order.Service // orders that show those in work to package processing
}

// Sweep takes the schedule's events, whose content does not matter: it visits every order whose time has come. What failed is an error, and tried
// again by the next run.
func Sweep(s SweepServices) schedule.Consumer {
	return func(ctx context.Context, _ events.CloudWatchEvent) error {
		n, err := s.OrderVisits().Visit(ctx)
		if n > 0 {
			slog.InfoContext(ctx, "orders visited", "visited", n)
		}
		return err
	}
}
