package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
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
	work    chan string // sort keys of stored events
	done    sync.WaitGroup
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
	return &objectQueue{store: store, bucket: bucket, deliver: deliver, work: make(chan string, 1024)}
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
	select {
	case q.work <- sk:
	default: // more than the channel holds: wait beside, so that the writer need not
		go func() { q.work <- sk }()
	}
	return nil
}

// record is what S3 sends (event structure 2.1).
func record(bucket string, e versity.Event) events.S3EventRecord {
	return events.S3EventRecord{
		EventVersion: "2.1", EventSource: "aws:s3", AWSRegion: localRegion, EventTime: e.Time.UTC(), EventName: e.Name,
		PrincipalID: events.S3UserIdentity{PrincipalID: localAccount},
		S3: events.S3Entity{
			SchemaVersion: "1.0", ConfigurationID: "local",
			Bucket: events.S3Bucket{Name: bucket, Arn: "arn:aws:s3:::" + bucket, OwnerIdentity: events.S3UserIdentity{PrincipalID: localAccount}},
			Object: events.S3Object{
				Key: url.QueryEscape(e.Key), Size: e.Size, ETag: e.ETag, VersionID: e.Version,
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
				case sk := <-q.work:
					q.send(ctx, sk)
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
			select {
			case q.work <- it.Key().SK:
			case <-ctx.Done():
				return nil
			}
		}
		if pg.Next == nil {
			return nil
		}
		query.After = pg.Next
	}
}

// send delivers one event until the function takes it or the context ends.
func (q *objectQueue) send(ctx context.Context, sk string) {
	k := table.Key{PK: objectPartition, SK: sk}
	it, err := q.store.Get(ctx, k, table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		return // delivered twice into the channel
	}
	pause := firstPause
	for ; ; pause = min(2*pause, longestPause) {
		if err == nil {
			err = q.hand(ctx, it)
		}
		if err == nil || ctx.Err() != nil {
			return
		}
		slog.WarnContext(ctx, "object event will be delivered again", "in", pause, "err", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
			err = nil
		}
	}
}

// hand gives an event to the function, in the JSON that AWS sends, and forgets it.
func (q *objectQueue) hand(ctx context.Context, it table.Item) error {
	var e events.S3Event
	if err := json.Unmarshal([]byte(it.Str(attrPayload)), &e); err != nil {
		return err
	}
	if err := q.deliver(ctx, e); err != nil {
		return err
	}
	_, err := q.store.Write(ctx, table.Delete(it.Key(), table.Present()))
	if _, gone := table.Lost(err); gone {
		return nil
	}
	return err
}
