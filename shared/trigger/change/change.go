// Package change takes batches of the table's stream: one consumer publishes domain events, the other removes what changes leave
// behind. Both report the first record that failed, so that the stream goes on from there; everything before it is done. A record that can never
// be read or handled is alone in its batch before long, held back for the tries that the event source has, and then kept whole where it keeps such.
package change

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/invocation"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo/stream"
)

// Consumer handles one batch of the stream. An error is of the whole batch.
type Consumer func(context.Context, events.DynamoDBEvent) (events.DynamoDBEventResponse, error)

// Invoke is the consumer as a function of Lambda. A payload that is no batch is an error: the event source halves the batch until the record
// is alone that nobody can read, and keeps it after its last try.
func (c Consumer) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return invocation.Run(ctx, "stream", func(ctx context.Context, r *invocation.Report) (any, error) {
		var e events.DynamoDBEvent
		if err := invocation.Decode(payload, &e); err != nil {
			return nil, err
		}
		r.Records = len(e.Records)
		out, err := c(ctx, e)
		r.Failures = len(out.BatchItemFailures)
		return out, err
	})
}

// PublishServices is what publishing needs.
type PublishServices interface {
	Bus() bus.Publisher
	Metrics() *metric.Log
}

// Publish puts on the bus what a batch of changes means to others, and counts what the bus took of it: uploads that became ready, and that failed.
func Publish(s PublishServices) Consumer {
	return func(ctx context.Context, e events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
		s.Metrics().Waited(metric.Publish, made(e)...)
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
		failed, err := publish(ctx, s.Bus(), out)
		if failed < len(out) {
			broken, cause = record[failed], fmt.Errorf("event %s was not taken by the bus: %w", out[failed].Detail.ID, err)
		}
		tally(s.Metrics(), out[:failed])
		return from(ctx, e, broken, cause)
	}
}

// tally counts the uploads that events tell of.
func tally(m *metric.Log, es []bus.Event) {
	var ready []int64
	failed := map[asset.Cause]int{}
	for _, e := range es {
		switch e.Type {
		case bus.AssetReady:
			ready = append(ready, e.Detail.Size)
		case bus.AssetFailed:
			failed[known(e.Detail.Cause)]++
		}
	}
	m.Ready(ready)
	for _, c := range slices.Sorted(maps.Keys(failed)) {
		m.Failed(string(c), failed[c])
	}
}

// known is a cause as a dimension of metrics: CloudWatch keeps, and bills, each value for fifteen months.
func known(c asset.Cause) asset.Cause {
	switch c {
	case asset.Expired, asset.Rejected, asset.Source:
		return c
	}
	return "other"
}

// made are the times at which the records of a batch were made, in whole seconds.
func made(e events.DynamoDBEvent) []time.Time {
	at := make([]time.Time, len(e.Records))
	for i, r := range e.Records {
		at[i] = r.Change.ApproximateCreationDateTime.Time
	}
	return at
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

func decode(r events.DynamoDBEventRecord) (e bus.Event, ok bool, err error) {
	err = invocation.Guard(func() error {
		c, err := stream.Decode(r)
		if err != nil {
			return err
		}
		e, ok, err = bus.FromChange(c)
		return err
	})
	return e, ok, err
}

// Each makes a consumer that handles changes one by one, in order.
func Each(handle func(context.Context, table.Change) error) Consumer {
	return func(ctx context.Context, e events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
		for i, r := range e.Records {
			err := invocation.Guard(func() error {
				c, err := stream.Decode(r)
				if err != nil {
					return err
				}
				return handle(ctx, c)
			})
			if err != nil {
				return from(ctx, e, i, err)
			}
		}
		return events.DynamoDBEventResponse{}, nil
	}
}

// from tells the stream to go on from a record of the batch; the whole batch is done when there is no such record. Is it the first of several, that
// is an error of the batch: the event source then halves it, until the record is alone. Told to go on from the first, it would deliver the
// same batch again, and give up all of it with that one record.
func from(ctx context.Context, e events.DynamoDBEvent, record int, cause error) (events.DynamoDBEventResponse, error) {
	if record >= len(e.Records) {
		return events.DynamoDBEventResponse{}, nil
	}
	seq := e.Records[record].Change.SequenceNumber
	slog.LogAttrs(ctx, slog.LevelError, "stream goes on from a record that failed", append(invocation.Cause(cause),
		slog.String("sequence", seq), slog.Int("record", record), slog.Int("of", len(e.Records)))...)
	if seq == "" || record == 0 && len(e.Records) > 1 {
		return events.DynamoDBEventResponse{}, fmt.Errorf("record %d of %d, %q: %w", record, len(e.Records), seq, cause)
	}
	return events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{{ItemIdentifier: seq}}}, nil
}
