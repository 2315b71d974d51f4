package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// objectQueue delivers object events to the finalizer, at least once: an event is on disk before the writer of the object gets its
// answer, and removed once the function has taken it.
type objectQueue struct {
	store   table.Table // queue.db
	bucket  string
	deliver func(context.Context, events.S3Event) error
	work    chan delivery
	done    sync.WaitGroup
}

// delivery is one of a stored event.
type delivery struct {
	event string        // its sort key
	pause time.Duration // before the next one, should this one fail
}

// Delivery of object events: as many at once as S3 might, each tried again with growing pauses.
const (
	objectPartition = "object-events"
	objectWorkers   = 8
	firstPause      = 200 * time.Millisecond
	longestPause    = 30 * time.Second
	attrPayload     = "payload"
)

func newObjectQueue(store table.Table, bucket string, deliver func(context.Context, events.S3Event) error) *objectQueue {
	return &objectQueue{store: store, bucket: bucket, deliver: deliver, work: make(chan delivery, 1024)}
}

// add keeps an event. It is called while the writer of the object waits. Only sources are notified, as template.yaml filters.
func (q *objectQueue) add(ctx context.Context, e versity.Event) error {
	if _, ok := schema.ParseSource(e.Key); !ok {
		return nil
	}
	payload, err := json.Marshal(events.S3Event{Records: []events.S3EventRecord{record(q.bucket, e)}})
	if err != nil {
		return err
	}
	sk := id.New(time.Now()).String()
	_, err = q.store.Write(ctx, table.Put(table.Item{
		table.AttrPK: table.String(objectPartition), table.AttrSK: table.String(sk), attrPayload: table.String(payload),
	}, table.Absent()))
	if err != nil {
		return fmt.Errorf("keep the event of %s: %w", e.Key, err)
	}
	d := delivery{sk, firstPause}
	select {
	case q.work <- d:
	default: // more than the channel holds: wait beside, so that the writer need not
		go func() { q.work <- d }()
	}
	return nil
}

// record is what S3 sends (event structure 2.1). It encodes keys as forms do, but for their slashes.
func record(bucket string, e versity.Event) events.S3EventRecord {
	return events.S3EventRecord{
		EventVersion: "2.1", EventSource: "aws:s3", AWSRegion: localRegion, EventTime: e.Time.UTC(), EventName: e.Name,
		PrincipalID: events.S3UserIdentity{PrincipalID: localAccount},
		S3: events.S3Entity{
			SchemaVersion: "1.0", ConfigurationID: "local",
			Bucket: events.S3Bucket{Name: bucket, Arn: "arn:aws:s3:::" + bucket, OwnerIdentity: events.S3UserIdentity{PrincipalID: localAccount}},
			Object: events.S3Object{
				Key: strings.ReplaceAll(url.QueryEscape(e.Key), "%2F", "/"), Size: e.Size, ETag: e.ETag, VersionID: e.Version,
				Sequencer: fmt.Sprintf("%016X", e.Time.UnixNano()),
			},
		},
	}
}

// run delivers until the context ends, first what an earlier process left.
func (q *objectQueue) run(ctx context.Context) error {
	for range objectWorkers {
		q.done.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case d := <-q.work:
					q.send(ctx, d)
				}
			}
		})
	}
	query := table.Query{PK: objectPartition, Limit: 500}
	for {
		pg, err := q.store.Query(ctx, query)
		if err != nil {
			return fmt.Errorf("read undelivered object events: %w", err)
		}
		for _, it := range pg.Items {
			q.offer(ctx, delivery{it.Key().SK, firstPause})
		}
		if pg.Next == nil || ctx.Err() != nil {
			return nil
		}
		query.After = pg.Next
	}
}

// offer hands a delivery to the workers, unless the context ends before one is free.
func (q *objectQueue) offer(ctx context.Context, d delivery) {
	select {
	case q.work <- d:
	case <-ctx.Done():
	}
}

// send delivers one event. One that fails is offered again after a pause; no worker waits for it, so that it holds up no other.
func (q *objectQueue) send(ctx context.Context, d delivery) {
	err := q.hand(ctx, table.Key{PK: objectPartition, SK: d.event})
	if err == nil || ctx.Err() != nil {
		return
	}
	slog.WarnContext(ctx, "object event will be delivered again", "in", d.pause, "err", err)
	q.done.Go(func() {
		wait(ctx, nil, d.pause)
		q.offer(ctx, delivery{d.event, min(2*d.pause, longestPause)})
	})
}

// hand gives an event to the function, in the JSON that AWS sends, and forgets it.
func (q *objectQueue) hand(ctx context.Context, k table.Key) error {
	it, err := q.store.Get(ctx, k, table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		return nil // it was among the work twice, and is delivered
	}
	if err != nil {
		return err
	}
	var e events.S3Event
	if err := json.Unmarshal([]byte(it.Str(attrPayload)), &e); err != nil {
		return err
	}
	if err := q.deliver(ctx, e); err != nil {
		return err
	}
	_, err = q.store.Write(ctx, table.Delete(k, table.Present()))
	if _, gone := table.Lost(err); gone {
		return nil
	}
	return err
}
