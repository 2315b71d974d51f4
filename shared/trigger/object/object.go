// Package object takes S3's notifications of new objects and finalizes the uploads they belong to.
//
// S3 invokes the function directly and repeats an invocation that failed twice; what fails still goes whole to the on-failure
// destination. Events may come twice, late and out of order; Arrived bears that.
//
// S3's test event has no records. What is of another bucket, of another event than a new object, or of a key that is no source of ours, is
// logged and left: no delivery of it can ever succeed.
package object

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/invocation"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/upload"
)

// Services is what the trigger needs.
type Services interface {
	Uploads() *upload.Service
	BucketName() string // "": events of any bucket are taken for ours
	Metrics() *metric.Log
}

// Consumer takes one event of S3.
type Consumer func(context.Context, events.S3Event) error

// Invoke is the consumer as a function of Lambda. A record that cannot be read, as one whose key is not percent-encoded, is an error and stops
// no other.
func (c Consumer) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return invocation.Run(ctx, "object", func(ctx context.Context, r *invocation.Report) (any, error) {
		var raw struct{ Records []json.RawMessage }
		if err := invocation.Decode(payload, &raw); err != nil {
			return nil, err
		}
		var e events.S3Event
		var errs []error
		for i, record := range raw.Records {
			var read events.S3EventRecord
			if err := invocation.Decode(record, &read); err != nil {
				errs = append(errs, fmt.Errorf("record %d of %d: %w", i, len(raw.Records), err))
				continue
			}
			e.Records = append(e.Records, read)
		}
		err := c(ctx, e)
		r.Records, r.Failures = len(raw.Records), r.Failures+len(errs)
		return nil, errors.Join(append(errs, err)...)
	})
}

// Handler takes S3 events. Records are independent: one that fails does not stop the others, and the error names them all.
func Handler(s Services) Consumer {
	return func(ctx context.Context, e events.S3Event) error {
		var errs []error
		var from []time.Time
		for _, r := range e.Records {
			src, ok := ours(s, r)
			if !ok {
				slog.WarnContext(ctx, "an object event is not about a source of ours; ignored")
				continue
			}
			from = append(from, r.EventTime)
			invocation.ReportOf(ctx).Concerns(src.Workspace)
			err := invocation.Guard(func() error { return s.Uploads().Arrived(ctx, src, r.S3.Object.VersionID) })
			if err != nil {
				errs = append(errs, fmt.Errorf("object %s version %s: %w", src.Key(), r.S3.Object.VersionID, err))
			}
		}
		s.Metrics().Waited(metric.Objects, from...)
		invocation.ReportOf(ctx).Failures = len(errs)
		return errors.Join(errs...)
	}
}

// ours gives the source that a record is about.
func ours(s Services, r events.S3EventRecord) (schema.Source, bool) {
	if name := s.BucketName(); name != "" && r.S3.Bucket.Name != name {
		return schema.Source{}, false
	}
	if r.EventName != "" && !strings.HasPrefix(strings.TrimPrefix(r.EventName, "s3:"), "ObjectCreated:") {
		return schema.Source{}, false
	}
	return schema.ParseSource(r.S3.Object.URLDecodedKey)
}
