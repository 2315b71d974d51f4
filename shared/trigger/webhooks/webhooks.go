// Package webhooks brings events to the servers of users: a queue of domain events leads to the first attempt of each delivery, a schedule to all
// further ones.
package webhooks

import (
	"context"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/trigger/queue"
	"github.com/assetry/assetry/shared/trigger/schedule"
	"github.com/assetry/assetry/shared/webhook"
)

// Services is what the triggers need.
type Services interface {
	Webhooks() *webhook.Service
	Metrics() *metric.Log
}

// Handler takes batches of the queue that the bus feeds with asset.* and order.updated. An event of which some webhook may know nothing yet is reported as
// failed, and comes again; what a receiver did not take is not among them.
func Handler(s Services) queue.Consumer {
	return queue.Each(s.Metrics(), metric.Webhooks, s.Webhooks().Handle)
}

// Retries takes the schedule's events, whose content does not matter: it tries what is due. What could not be noted is an error, and tried
// again by the next run.
func Retries(s Services) schedule.Consumer {
	return func(ctx context.Context, _ events.CloudWatchEvent) error {
		n, err := s.Webhooks().Due(ctx)
		if n > 0 {
			slog.InfoContext(ctx, "deliveries tried again", "taken", n)
		}
		return err
	}
}
