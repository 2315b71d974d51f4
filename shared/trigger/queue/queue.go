// Package queue takes batches of a queue that a rule of the event bus feeds: SQS records, each with one EventBridge event, each of which holds
// one domain event. It reports the records that failed, so that the queue delivers them again, and those alone.
package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/bus"
)

// Consumer handles one batch of a queue.
type Consumer func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)

// Each makes a consumer that handles events one by one. Records are independent: one that fails stops no other. A record that cannot be read
// is logged and reported as failed, so that it ends among the dead letters, where somebody sees it.
func Each(handle func(context.Context, bus.Event) error) Consumer {
	return func(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
		out := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
		for _, r := range batch.Records {
			e, err := Decode(r)
			if err == nil {
				err = handle(ctx, e)
			}
			if err != nil {
				slog.ErrorContext(ctx, "a queued event failed and is delivered again", "message", r.MessageId,
					"receives", r.Attributes["ApproximateReceiveCount"], "event", e.Detail.ID, "err", err)
				out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: r.MessageId})
			}
		}
		return out, nil
	}
}

// Decode reads the domain event of a record. Fields that it does not know are passed over, as a later version of the product may add some.
func Decode(r events.SQSMessage) (bus.Event, error) {
	var outside events.EventBridgeEvent
	if err := json.Unmarshal([]byte(r.Body), &outside); err != nil {
		return bus.Event{}, fmt.Errorf("message %s is no event of a bus: %w", r.MessageId, err)
	}
	if outside.Source != bus.Source {
		return bus.Event{}, fmt.Errorf("message %s comes from %.100q, want %q", r.MessageId, outside.Source, bus.Source)
	}
	e := bus.Event{Type: bus.Type(outside.DetailType), Time: outside.Time}
	if err := json.Unmarshal(outside.Detail, &e.Detail); err != nil {
		return bus.Event{}, fmt.Errorf("detail of message %s: %w", r.MessageId, err)
	}
	if e.Type == "" || e.Detail.SchemaVersion != bus.SchemaVersion {
		return bus.Event{}, fmt.Errorf("message %s is of type %.100q and schema version %d; want a type and version %d",
			r.MessageId, e.Type, e.Detail.SchemaVersion, bus.SchemaVersion)
	}
	return e, nil
}
