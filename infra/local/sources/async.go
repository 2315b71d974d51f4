package sources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/uuid"

	"github.com/assetry/assetry/shared/table"
)

// Async invokes one function with events that nobody waits for, as Lambda does for S3: an event is kept, and the function invoked with it until
// it took it, was given it as often as it may be, or the event is too old.
type Async struct {
	box      *mailbox
	function string
	invoke   Invoke
	place    Place
	failed   *Failures
}

// AsyncOptions say which function is invoked, and how often. Function is required.
type AsyncOptions struct {
	Function string        // the folder's name
	Retries  int           // invocations after the first (MaximumRetryAttempts)
	MostAge  time.Duration // of an event that is still tried (MaximumEventAgeInSeconds); 0: any
	Failed   *Failures     // takes what is given up; nil: that is only logged
	Workers  int           // invocations at once; 0 is 1
	Pauses   Pauses        // nil: AsyncPauses
}

// asyncPartition is where the events for a function are kept.
func asyncPartition(function string) string { return "async-" + function }

// NewAsync makes the asynchronous invocations of a function over a store. It invokes once Run is called.
func NewAsync(store table.Table, p Place, invoke Invoke, o AsyncOptions) *Async {
	if o.Pauses == nil {
		o.Pauses = AsyncPauses
	}
	a := &Async{function: o.Function, invoke: invoke, place: p, failed: o.Failed}
	a.box = &mailbox{
		name: asyncPartition(o.Function), store: store, workers: max(1, o.Workers), batch: 1, tries: 1 + o.Retries, age: o.MostAge, pauses: o.Pauses,
		deliver: a.deliver, giveUp: a.giveUp, work: make(chan letter, channelSize),
	}
	return a
}

// Put keeps an event, in JSON, and has the function invoked with it.
func (a *Async) Put(ctx context.Context, event []byte) error { return a.box.put(ctx, string(event)) }

// Run invokes until the context ends, and returns once nothing is under way. It fails when it cannot read what an earlier process left.
func (a *Async) Run(ctx context.Context) error { return a.box.run(ctx) }

func (a *Async) deliver(ctx context.Context, batch []message) map[string]error {
	failed := map[string]error{}
	for _, m := range batch {
		if _, err := a.invoke(ctx, a.function, []byte(m.payload)); err != nil {
			failed[m.id] = err
		}
	}
	return failed
}

// giveUp keeps an event among the failures, whole, and forgets it.
func (a *Async) giveUp(ctx context.Context, m message, last error) error {
	if a.failed != nil {
		condition := retriesExhausted
		if m.receives < a.box.tries {
			condition = eventAgeExceeded
		}
		err := a.failed.keep("aws/lambda/async/"+a.place.Stack+"-"+a.function, FailedEvent{
			Version: "1.0", Timestamp: time.Now().UTC(), RequestPayload: json.RawMessage(m.payload),
			RequestContext:  failedRequest{uuid.NewString(), a.place.functionARN(a.function), condition, m.receives},
			ResponseContext: failedAnswer{200, "$LATEST", "Unhandled"},
			ResponsePayload: map[string]string{"errorMessage": last.Error()},
		})
		if err != nil {
			return err
		}
	}
	return a.box.forget(ctx, m)
}

// Object is a version of a key that was made in the bucket.
type Object struct {
	Name    string // of the event: "ObjectCreated:Put"
	Bucket  string
	Key     string // as it is, not URL-encoded
	Version string
	ETag    string // without quotes
	Size    int64  // bytes
	Time    time.Time
}

// Notification is one of a bucket's notifications: which function hears of which objects.
type Notification struct {
	Event          string // "s3:ObjectCreated:*", or one kind such as "s3:ObjectCreated:Put"
	Prefix, Suffix string // of the key; "" is every one
	Function       *Async
}

// wants says whether an object is to be told.
func (n Notification) wants(o Object) bool {
	name := strings.TrimPrefix(n.Event, "s3:")
	kind, any := strings.CutSuffix(name, "*")
	return (any && strings.HasPrefix(o.Name, kind) || name == o.Name) && strings.HasPrefix(o.Key, n.Prefix) && strings.HasSuffix(o.Key, n.Suffix)
}

// Notify tells functions of an object: its events are kept when it returns. It is called while the writer of the object waits.
func Notify(ctx context.Context, p Place, ns []Notification, o Object) error {
	var failed error
	for _, n := range ns {
		if !n.wants(o) {
			continue
		}
		payload, err := json.Marshal(events.S3Event{Records: []events.S3EventRecord{record(p, o)}})
		if err == nil {
			err = n.Function.Put(ctx, payload)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("event of %s: %w", o.Key, err))
		}
	}
	return failed
}

// record is what S3 sends (event structure 2.1). It encodes keys as forms do, but for their slashes.
func record(p Place, o Object) events.S3EventRecord {
	owner := events.S3UserIdentity{PrincipalID: p.Account}
	return events.S3EventRecord{
		EventVersion: "2.1", EventSource: "aws:s3", AWSRegion: p.Region, EventTime: o.Time.UTC(), EventName: o.Name, PrincipalID: owner,
		S3: events.S3Entity{
			SchemaVersion: "1.0", ConfigurationID: "local",
			Bucket: events.S3Bucket{Name: o.Bucket, Arn: "arn:aws:s3:::" + o.Bucket, OwnerIdentity: owner},
			Object: events.S3Object{
				Key: strings.ReplaceAll(url.QueryEscape(o.Key), "%2F", "/"), Size: o.Size, ETag: o.ETag, VersionID: o.Version,
				Sequencer: fmt.Sprintf("%016X", o.Time.UnixNano()),
			},
		},
	}
}
