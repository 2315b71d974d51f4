// Package change takes batches of the table's stream: one consumer publishes domain events, the other removes what changes leave
// behind. Both report the first record that failed, so that the stream goes on from there; everything before it is done.
package change

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo/stream"
)

// Consumer handles one batch of the stream.
type Consumer func(context.Context, events.DynamoDBEvent) (events.DynamoDBEventResponse, error)

// PublishServices is what publishing needs.
type PublishServices interface {
	Bus() bus.Publisher
}

// Publish puts on the bus what a batch of changes means to others.
func Publish(s PublishServices) Consumer {
	return func(ctx context.Context, e events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
		var out []bus.Event
		var record []int // of each event, the record it came from
		broken, cause := len(e.Records), error(nil)
		for i, r := range e.Records {
			ev, ok, err := decode(r)
			if err != nil {
				broken, cause = i, err // what comes before it still goes out
				break
			}
			if ok {
				out, record = append(out, ev), append(record, i)
			}
		}
		if failed, err := publish(ctx, s.Bus(), out); failed < len(out) {
			broken, cause = record[failed], fmt.Errorf("event %s was not taken by the bus: %w", out[failed].Detail.ID, err)
		}
		return from(ctx, e, broken, cause), nil
	}
}

// errRefused says that the bus refused an event and took the request.
var errRefused = errors.New("refused")

// publish sends events and gives the first that the bus did not take, and why; all were taken when that is their number.
func publish(ctx context.Context, b bus.Publisher, out []bus.Event) (first int, why error) {
	if len(out) == 0 {
		return 0, nil
	}
	failed, err := b.Publish(ctx, out)
	switch {
	case len(failed) > 0 && err == nil:
		return slices.Min(failed), errRefused
	case len(failed) > 0:
		return slices.Min(failed), err
	case err != nil:
		return 0, err // nothing is known of any
	}
	return len(out), nil
}

func decode(r events.DynamoDBEventRecord) (bus.Event, bool, error) {
	c, err := stream.Decode(r)
	if err != nil {
		return bus.Event{}, false, err
	}
	return bus.FromChange(c)
}

// Each makes a consumer that handles changes one by one, in order.
func Each(handle func(context.Context, table.Change) error) Consumer {
	return func(ctx context.Context, e events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
		for i, r := range e.Records {
			c, err := stream.Decode(r)
			if err == nil {
				err = handle(ctx, c)
			}
			if err != nil {
				return from(ctx, e, i, err), nil
			}
		}
		return events.DynamoDBEventResponse{}, nil
	}
}

// from tells the stream to go on from a record of the batch; the whole batch is done when there is no such record.
func from(ctx context.Context, e events.DynamoDBEvent, record int, cause error) events.DynamoDBEventResponse {
	if record >= len(e.Records) {
		return events.DynamoDBEventResponse{}
	}
	seq := e.Records[record].Change.SequenceNumber
	slog.ErrorContext(ctx, "stream goes on from a record that failed", "sequence", seq, "record", record, "of", len(e.Records), "err", cause)
	return events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{{ItemIdentifier: seq}}}
}
