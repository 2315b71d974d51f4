package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo/stream"
	"github.com/assetry/assetry/shared/table/sqlite"
	"github.com/assetry/assetry/shared/trigger/change"
)

// pump delivers the table's changes to one consumer, in order and at least once: the position is kept after a batch is done.
type pump struct {
	name     string
	feed     *sqlite.DB
	store    table.Table // queue.db
	consumer change.Consumer
}

const (
	positionPartition = "stream-positions"
	attrPosition      = "position"
	batchSize         = 100 // changes a batch holds at most; template.yaml has 100 for one consumer and 25 for the other
)

// run delivers until the context ends.
func (p *pump) run(ctx context.Context) {
	grown := p.feed.Notify()
	position, err := p.position(ctx)
	pause := firstPause
	for ctx.Err() == nil {
		var next string
		if err == nil {
			next, err = p.batch(ctx, position)
		}
		switch {
		case err != nil:
			if ctx.Err() == nil {
				slog.WarnContext(ctx, "stream batch will be delivered again", "consumer", p.name, "in", pause, "err", err)
			}
			wait(ctx, nil, pause)
			pause = min(2*pause, longestPause)
			position, err = p.position(ctx)
		case next == position:
			wait(ctx, grown, longestPause)
			pause = firstPause
		default:
			position, pause = next, firstPause
		}
	}
}

// wait ends with a signal, a time or the context.
func wait(ctx context.Context, signal <-chan struct{}, most time.Duration) {
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-signal:
	case <-t.C:
	}
}

// batch delivers the next changes after a position and keeps how far they are done.
func (p *pump) batch(ctx context.Context, position string) (string, error) {
	cs, next, err := p.feed.Changes(ctx, position, batchSize)
	if err != nil || len(cs) == 0 {
		return position, err
	}
	var e events.DynamoDBEvent
	for _, c := range cs {
		r := stream.Encode(c)
		r.AWSRegion, r.EventSourceArn = localRegion, "arn:aws:dynamodb:"+localRegion+":"+localAccount+":table/assetry/stream/local"
		e.Records = append(e.Records, r)
	}
	answer, err := p.invoke(ctx, e)
	if err != nil {
		return position, err
	}
	if len(answer.BatchItemFailures) == 0 {
		return next, p.keep(ctx, next)
	}
	return position, p.partly(ctx, position, cs, answer.BatchItemFailures[0].ItemIdentifier)
}

// partly keeps the position before the change that failed, and says so as an error, for a pause.
func (p *pump) partly(ctx context.Context, position string, cs []table.Change, failed string) error {
	for i, c := range cs {
		if c.Seq != failed {
			continue
		}
		if i > 0 {
			_, before, err := p.feed.Changes(ctx, position, i)
			if err != nil {
				return err
			}
			if err := p.keep(ctx, before); err != nil {
				return err
			}
		}
		return fmt.Errorf("change %s of %s failed", failed, c.Key)
	}
	return fmt.Errorf("consumer %s reports change %q, which is not of its batch", p.name, failed)
}

// invoke hands the batch over in the JSON that AWS sends.
func (p *pump) invoke(ctx context.Context, e events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return events.DynamoDBEventResponse{}, err
	}
	var wire events.DynamoDBEvent
	if err := json.Unmarshal(b, &wire); err != nil {
		return events.DynamoDBEventResponse{}, err
	}
	return p.consumer(ctx, wire)
}

func (p *pump) key() table.Key { return table.Key{PK: positionPartition, SK: p.name} }

func (p *pump) position(ctx context.Context) (string, error) {
	it, err := p.store.Get(ctx, p.key(), table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		return "", nil
	}
	return it.Str(attrPosition), err
}

// keep stores the position; there is one pump a consumer, so nobody else writes it.
func (p *pump) keep(ctx context.Context, position string) error {
	_, err := p.store.Write(ctx, table.Put(table.Item{
		table.AttrPK: table.String(positionPartition), table.AttrSK: table.String(p.name), attrPosition: table.String(position),
	}, table.Any(table.Absent(), table.Present())))
	return err
}
