// Package change takes batches of the table's stream: one consumer publishes domain events, the other removes what changes leave
// behind. Both report the first record that failed, so that the stream goes on from there; everything before it is done.
package change

import (
	"context"
	"fmt"
	"log/slog"

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
		failed, err := s.Bus().Publish(ctx, out)
		if err != nil {
			slog.ErrorContext(ctx, "events not published", "err", err)
		}
		for _, f := range failed {
			if record[f] < broken {
				broken, cause = record[f], fmt.Errorf("event %s was not taken by the bus", out[f].Detail.ID)
			}
		}
		return from(ctx, e, broken, cause), nil
	}
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
