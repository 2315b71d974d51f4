// Package queue takes batches of a queue that a rule of the event bus feeds: SQS records, each with one EventBridge event, each of which holds
// one domain event. It reports the records that failed, so that the queue delivers them again, and those alone.
package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/invocation"
	"github.com/assetry/assetry/shared/metric"
)

// Consumer handles one batch of a queue.
type Consumer func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)

// Invoke is the consumer as a function of Lambda. A payload that is no batch is an error: its messages are delivered again, and end among the
// dead letters.
func (c Consumer) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return invocation.Run(ctx, "queue", func(ctx context.Context, r *invocation.Report) (any, error) {
		var e events.SQSEvent
		if err := invocation.Decode(payload, &e); err != nil {
			return nil, err
		}
		r.Records = len(e.Records)
		out, err := c(ctx, e)
		r.Failures = len(out.BatchItemFailures)
		return out, err
	})
}

// Each makes a consumer that handles events one by one; source names it in the metrics. Records are independent: one that fails stops no other. A
// record that cannot be read is logged and reported as failed, so that it ends among the dead letters, where somebody sees it.
func Each(m *metric.Log, source string, handle func(context.Context, bus.Event) error) Consumer {
	return func(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
		m.Waited(source, sent(batch)...)
		out := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
		for _, r := range batch.Records {
			err := invocation.Guard(func() error {
				e, err := Decode(r)
				if err != nil {
					return err
				}
				if w, err := id.ParseWorkspace(e.Detail.Workspace); err == nil {
					invocation.ReportOf(ctx).Concerns(w)
				}
				return handle(ctx, e)
			})
			if err == nil {
				continue
			}
			slog.LogAttrs(ctx, slog.LevelError, "a queued event failed and is delivered again", append(invocation.Cause(err),
				slog.String("message_id", r.MessageId), slog.String("receives", r.Attributes["ApproximateReceiveCount"]))...)
			if r.MessageId == "" {
				return out, fmt.Errorf("a message without an id failed: %w", err) // the whole batch is delivered again
			}
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: r.MessageId})
		}
		return out, nil
	}
}

// sent are the times at which the messages of a batch were put into the queue.
func sent(batch events.SQSEvent) []time.Time {
	var at []time.Time
	for _, r := range batch.Records {
		if ms, err := strconv.ParseInt(r.Attributes["SentTimestamp"], 10, 64); err == nil {
			at = append(at, time.UnixMilli(ms))
		}
	}
	return at
}

// Decode reads the domain event of a record. Fields that it does not know are passed over, as a later version of the product may add some. The
// error repeats nothing of the message, which may be anybody's.
func Decode(r events.SQSMessage) (bus.Event, error) {
	var outside events.EventBridgeEvent
	if err := invocation.Decode([]byte(r.Body), &outside); err != nil {
		return bus.Event{}, fmt.Errorf("it holds no event of a bus: %w", err)
	}
	if outside.Source != bus.Source {
		return bus.Event{}, fmt.Errorf("it holds an event of another source than %q", bus.Source)
	}
	e := bus.Event{Type: bus.Type(outside.DetailType), Time: outside.Time}
	if err := invocation.Decode(orNull(outside.Detail), &e.Detail); err != nil {
		return bus.Event{}, fmt.Errorf("its detail: %w", err)
	}
	if e.Type == "" || e.Detail.SchemaVersion != bus.SchemaVersion {
		return bus.Event{}, fmt.Errorf("it holds an event of schema version %d with a type of %d bytes; want version %d and a type",
			e.Detail.SchemaVersion, len(e.Type), bus.SchemaVersion)
	}
	return e, nil
}

// orNull is JSON for what may have been left out.
func orNull(b json.RawMessage) json.RawMessage {
	if len(b) == 0 {
		return json.RawMessage("null")
	}
	return b
}
