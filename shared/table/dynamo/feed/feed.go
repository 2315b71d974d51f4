// Package feed reads the change feed of a DynamoDB table from its stream, for tools that reconcile and for tests. Functions get the
// same records pushed (package stream) and do not link this.
//
// A stream is made of shards that end and have children; the changes of one item lie in a line of them. The feed reads a shard only
// after its parent, so the order per item holds. DynamoDB keeps 24 hours. The role needs dynamodb:DescribeStream, GetShardIterator
// and GetRecords on the stream; DynamoDB allows 5 GetRecords calls a second and shard, and two readers of a shard.
package feed

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/table"
)

// API is what the feed calls of *dynamodbstreams.Client.
type API interface {
	DescribeStream(context.Context, *dynamodbstreams.DescribeStreamInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error)
	GetShardIterator(context.Context, *dynamodbstreams.GetShardIteratorInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error)
	GetRecords(context.Context, *dynamodbstreams.GetRecordsInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error)
}

var _ API = (*dynamodbstreams.Client)(nil)

// maxRecords is how many records one GetRecords call may ask for (the API's limit).
const maxRecords = 1000

// Feed is the change feed of one table. Safe for concurrent use; calls run one after the other.
type Feed struct {
	client API
	arn    string

	mu   sync.Mutex
	held map[string]held // by shard; only saves calls, and carries on over the empty stretches a shard may have
}

var _ table.Feed = (*Feed)(nil)

// held is the iterator that goes on after a sequence number.
type held struct {
	after, iterator string
}

// New makes the feed of the stream with the ARN (a table's LatestStreamArn). It calls nothing.
func New(client API, streamARN string) *Feed {
	return &Feed{client: client, arn: streamARN, held: map[string]held{}}
}

// Changes implements table.Feed. A position that is no longer kept, or none of this feed's, is fault.Invalid: start over at "".
// limit is at least 1.
func (f *Feed) Changes(ctx context.Context, after string, limit int) ([]table.Change, string, error) {
	if limit < 1 {
		return nil, "", fault.BadField("limit", "%d changes; at least 1 are to be asked for", limit)
	}
	pos, err := parsePosition(after)
	if err != nil {
		return nil, "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	shards, err := f.shards(ctx)
	if err != nil {
		return nil, "", err
	}
	was := pos.String()
	if err := pos.prune(shards); err != nil {
		return nil, "", err
	}
	var got []table.Change
	for _, s := range shards {
		id := aws.ToString(s.ShardId)
		if pos.ended(id) || pos.blocked(s, shards) {
			continue
		}
		if got, err = f.read(ctx, s, pos, got, limit); err != nil {
			return nil, "", fmt.Errorf("shard %s: %w", id, err)
		}
		if len(got) >= limit {
			break
		}
	}
	if next := pos.String(); next != was {
		after = next
	}
	return got, after, nil
}

// shards lists what the stream has, parents before children.
func (f *Feed) shards(ctx context.Context) ([]types.Shard, error) {
	var all []types.Shard
	in := &dynamodbstreams.DescribeStreamInput{StreamArn: &f.arn}
	for {
		out, err := f.client.DescribeStream(ctx, in)
		if err != nil {
			return nil, failed("describe the stream", err)
		}
		all = append(all, out.StreamDescription.Shards...)
		if in.ExclusiveStartShardId = out.StreamDescription.LastEvaluatedShardId; in.ExclusiveStartShardId == nil {
			return lineage(all), nil
		}
	}
}

// read takes what the shard has after the position, up to limit changes in all, and moves the position. A shard that ended is read
// to its end; one that is open, until it answers nothing.
func (f *Feed) read(ctx context.Context, s types.Shard, pos position, got []table.Change, limit int) ([]table.Change, error) {
	id := aws.ToString(s.ShardId)
	for len(got) < limit {
		out, err := f.records(ctx, id, pos[id], min(limit-len(got), maxRecords))
		if err != nil {
			return nil, err
		}
		for _, r := range out.Records {
			c, err := change(r)
			if err != nil {
				return nil, err
			}
			got = append(got, c)
			pos[id] = c.Seq
		}
		if out.NextShardIterator == nil {
			delete(f.held, id)
			pos[id] = end
			return got, nil
		}
		f.held[id] = held{after: pos[id], iterator: *out.NextShardIterator}
		if closed := s.SequenceNumberRange != nil && s.SequenceNumberRange.EndingSequenceNumber != nil; len(out.Records) == 0 && !closed {
			return got, nil
		}
	}
	return got, nil
}

// records reads once after a sequence number ("" is the shard's beginning), by the iterator that is held if it still holds.
func (f *Feed) records(ctx context.Context, shard, after string, limit int) (*dynamodbstreams.GetRecordsOutput, error) {
	in := &dynamodbstreams.GetRecordsInput{Limit: aws.Int32(int32(limit))}
	if h, ok := f.held[shard]; ok && h.after == after {
		in.ShardIterator = &h.iterator
		out, err := f.client.GetRecords(ctx, in)
		if !stale(err) {
			return out, failed("get records", err)
		}
	}
	delete(f.held, shard)
	ask := &dynamodbstreams.GetShardIteratorInput{
		StreamArn: &f.arn, ShardId: &shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	}
	if after != "" {
		ask.ShardIteratorType, ask.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &after
	}
	it, err := f.client.GetShardIterator(ctx, ask)
	if err != nil {
		return nil, failed("get a shard iterator", err)
	}
	in.ShardIterator = it.ShardIterator
	out, err := f.client.GetRecords(ctx, in)
	return out, failed("get records", err)
}

// stale says that an iterator outlived its 15 minutes or the records it pointed at.
func stale(err error) bool {
	var expired *types.ExpiredIteratorException
	var trimmed *types.TrimmedDataAccessException
	return errors.As(err, &expired) || errors.As(err, &trimmed)
}

// failed turns an error of the SDK into the contract's; nil stays nil.
func failed(what string, err error) error {
	var trimmed *types.TrimmedDataAccessException
	var busy *types.LimitExceededException
	var api interface{ ErrorCode() string }
	switch {
	case err == nil:
		return nil
	case errors.As(err, &trimmed):
		return fault.Wrap(err, fault.Invalid, "%s", tooOld)
	case errors.As(err, &busy):
		return fault.Wrap(err, fault.Throttled, "the change feed is busy; wait a second and repeat")
	case errors.As(err, &api) && api.ErrorCode() != "InternalServerError":
		return fmt.Errorf("%s: %w", what, err)
	}
	return fault.Wrap(err, fault.Unavailable, "the change feed did not answer; repeat")
}

// change reads one record.
func change(r types.Record) (table.Change, error) {
	d := r.Dynamodb
	if d == nil || aws.ToString(d.SequenceNumber) == "" {
		return table.Change{}, fmt.Errorf("record %s has no sequence number", aws.ToString(r.EventID))
	}
	c := table.Change{Seq: *d.SequenceNumber, At: aws.ToTime(d.ApproximateCreationDateTime).UTC().Truncate(time.Second)}
	keys, err := item(d.Keys)
	if err != nil {
		return table.Change{}, fmt.Errorf("record %s: keys: %w", c.Seq, err)
	}
	c.Key = keys.Key()
	if c.Old, err = item(d.OldImage); err != nil {
		return table.Change{}, fmt.Errorf("record %s: old image: %w", c.Seq, err)
	}
	if c.New, err = item(d.NewImage); err != nil {
		return table.Change{}, fmt.Errorf("record %s: new image: %w", c.Seq, err)
	}
	by := r.UserIdentity
	c.Expired = c.New == nil && by != nil && aws.ToString(by.Type) == "Service" && aws.ToString(by.PrincipalId) == "dynamodb.amazonaws.com"
	return c, nil
}
