package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// objectQueue delivers object events to the finalizer: an event is on disk before the writer of the object gets its answer. None is given up.
type objectQueue struct {
	*messageQueue
	bucket string
}

// Delivery of object events: as many at once as S3 might.
const (
	objectPartition = "object-events"
	objectWorkers   = 8
)

func newObjectQueue(store table.Table, bucket string, deliver func(context.Context, events.S3Event) error) *objectQueue {
	return &objectQueue{newQueue(store, objectPartition, objectWorkers, 0, func(ctx context.Context, m message) error {
		var e events.S3Event // in the JSON that AWS sends
		if err := json.Unmarshal([]byte(m.payload), &e); err != nil {
			return err
		}
		return deliver(ctx, e)
	}), bucket}
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
	if err := q.put(ctx, string(payload)); err != nil {
		return fmt.Errorf("event of %s: %w", e.Key, err)
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
