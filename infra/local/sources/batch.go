package sources

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/uuid"

	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo/stream"
)

// entry is a change as it is delivered.
type entry struct {
	seq    string
	at     time.Time
	record events.DynamoDBEventRecord
}

// records are the changes that a filter lets through.
func (s *Stream) records(cs []table.Change) ([]entry, error) {
	var out []entry
	for _, c := range cs {
		r := stream.Encode(c)
		r.AWSRegion, r.EventSourceArn = s.place.Region, s.ARN
		passes, err := s.passes(r)
		if err != nil {
			return nil, err
		}
		if passes {
			out = append(out, entry{c.Seq, c.At, r})
		}
	}
	return out, nil
}

// passes says whether a filter matches the record as it travels.
func (s *Stream) passes(r events.DynamoDBEventRecord) (bool, error) {
	if len(s.Filters) == 0 {
		return true, nil
	}
	b, err := json.Marshal(r)
	if err != nil {
		return false, err
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return false, err
	}
	return slices.ContainsFunc(s.Filters, func(f Matcher) bool { return f.Matches(v) }), nil
}

// delivery is what was read at a position, on its way.
type delivery struct {
	*Stream
	at  string
	all []table.Change // before filters
}

// deliver hands records to the function until it took or was spared every one. Parts of a batch that was halved go in order: nothing overtakes
// a record that is tried again. The error is of the store or the context.
func (d delivery) deliver(ctx context.Context, rs []entry) error {
	for retries, tries := 0, 0; len(rs) > 0; {
		if old := d.tooOld(rs); old > 0 {
			if err := d.giveUp(ctx, rs[:old], recordAgeExceed, tries, nil); err != nil {
				return err
			}
			rs, retries = rs[old:], 0
			continue
		}
		first, cause := d.try(ctx, rs)
		tries++
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case cause == nil:
			return nil
		case first > 0: // what comes before it is done
			rs, retries = rs[first:], 0
			if err := d.keepBefore(ctx, d.at, d.all, rs[0].seq); err != nil {
				return err
			}
		case first < 0 && d.Bisect && len(rs) > 1: // to split a batch is no retry
			half := len(rs) / 2
			slog.WarnContext(ctx, "a batch is delivered in halves", "function", d.Function, "records", len(rs), "err", cause)
			if err := d.deliver(ctx, rs[:half]); err != nil {
				return err
			}
			rs, retries = rs[half:], 0
			continue
		case d.Retries >= 0 && retries >= d.Retries:
			n := len(rs)
			if first == 0 && d.Bisect {
				n = 1 // the function names it
			}
			if err := d.giveUp(ctx, rs[:n], attemptsExhaused, tries, cause); err != nil {
				return err
			}
			rs, retries = rs[n:], 0
			continue
		default:
			retries++
		}
		pause := d.Pauses.after(max(1, retries))
		slog.WarnContext(ctx, "a batch will be delivered again", "function", d.Function, "records", len(rs), "in", pause, "err", cause)
		wait(ctx, nil, pause)
	}
	return nil
}

// tooOld counts the records at the front that are not to be delivered any more.
func (d delivery) tooOld(rs []entry) (n int) {
	for d.MostAge > 0 && n < len(rs) && time.Since(rs[n].at) > d.MostAge {
		n++
	}
	return n
}

// try invokes the function once. With a cause, first is the record that the function wants to go on from, or -1 when it failed as a whole, said
// something that is no report, or named a record that is not of the batch.
func (d delivery) try(ctx context.Context, rs []entry) (first int, cause error) {
	payload, err := json.Marshal(batchOf(rs))
	if err != nil {
		return -1, err
	}
	answer, err := d.invoke(ctx, d.Function, payload)
	if err != nil {
		return -1, err
	}
	if !d.Reports {
		return 0, nil
	}
	reported, err := failures(answer)
	if err != nil {
		return -1, err
	}
	first = len(rs)
	for _, seq := range reported {
		i := slices.IndexFunc(rs, func(r entry) bool { return r.seq == seq })
		if i < 0 {
			return -1, fmt.Errorf("the function reports change %q, which is not of its batch", seq)
		}
		first = min(first, i)
	}
	if first == len(rs) {
		return 0, nil
	}
	return first, fmt.Errorf("the function reports change %s as failed", rs[first].seq)
}

func batchOf(rs []entry) (e events.DynamoDBEvent) {
	for _, r := range rs {
		e.Records = append(e.Records, r.record)
	}
	return e
}

// giveUp keeps records among the failures, whole.
func (d delivery) giveUp(ctx context.Context, rs []entry, condition string, tries int, cause error) error {
	slog.ErrorContext(ctx, "changes of the stream are given up", "function", d.Function, "records", len(rs), "first", rs[0].seq, "condition", condition, "err", cause)
	if d.Failed == nil {
		return nil
	}
	payload, err := json.Marshal(batchOf(rs))
	if err != nil {
		return err
	}
	last := rs[len(rs)-1]
	return d.Failed.keep("aws/lambda/"+d.place.Stack+"-"+d.Function+"/shard-0", FailedBatch{
		Version: "1.0", Timestamp: time.Now().UTC(), Payload: string(payload),
		RequestContext:  failedRequest{uuid.NewString(), d.place.functionARN(d.Function), condition, tries},
		ResponseContext: failedAnswer{200, "$LATEST", "Unhandled"},
		Batch:           FailedRange{Shard: "shard-0", First: rs[0].seq, Last: last.seq, FirstTime: rs[0].at, LastTime: last.at, Size: len(rs), Stream: d.ARN},
	})
}
