package privilege_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/infra/pattern"
	"github.com/assetry/assetry/infra/template"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo/stream"
)

// deliver hands over everything that waits, and what comes of that, until nothing does.
func (w *world) deliver(t *testing.T) {
	t.Helper()
	for w.deliverObjects(t) || w.deliverChanges(t) || w.deliverMessages(t) {
	}
}

// invoke runs a function with an event. What the function says of it is the function's: a story looks at what it did.
func (w *world) invoke(t *testing.T, function string, event any) {
	t.Helper()
	payload, err := json.Marshal(event)
	if err != nil {
		t.Error(err) // not Fatal: a story may deliver beside its other steps
		return
	}
	if _, err := w.host.Invoke(t.Context(), function, payload); err != nil {
		t.Logf("%s: %v", function, err)
	}
}

// takeObjects are the events of the bucket that wait.
func (w *world) takeObjects() []versity.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	es := w.objects
	w.objects = nil
	return es
}

func (w *world) deliverObjects(t *testing.T) (some bool) {
	t.Helper()
	for _, e := range w.takeObjects() {
		some = true
		w.objectCreated(t, e)
	}
	return some
}

// objectCreated tells the functions of the bucket's notifications of a version.
func (w *world) objectCreated(t *testing.T, e versity.Event) {
	t.Helper()
	for _, n := range w.tmpl.Notifications {
		if !strings.HasPrefix(e.Key, n.Prefix) || !strings.HasSuffix(e.Key, n.Suffix) {
			continue
		}
		w.invoke(t, template.FolderOf(n.Function), events.S3Event{Records: []events.S3EventRecord{{
			EventVersion: "2.1", EventSource: "aws:s3", AWSRegion: place.Region, EventTime: e.Time, EventName: e.Name,
			S3: events.S3Entity{
				Bucket: events.S3Bucket{Name: e.Bucket, Arn: "arn:aws:s3:::" + e.Bucket},
				Object: events.S3Object{Key: strings.ReplaceAll(url.QueryEscape(e.Key), "%2F", "/"), Size: e.Size, ETag: e.ETag, VersionID: e.Version},
			},
		}}})
	}
}

// deliverChanges hands the table's changes to the functions that follow its stream, through their filters.
func (w *world) deliverChanges(t *testing.T) (some bool) {
	t.Helper()
	changes, next, err := w.db.Changes(t.Context(), w.position, 100)
	if err != nil {
		t.Error(err)
		return false
	}
	w.position = next
	for _, f := range w.tmpl.Functions {
		for _, e := range template.EventsOf[template.DynamoDB](f) {
			if batch := filtered(t, changes, e.Filters); len(batch.Records) > 0 {
				w.invoke(t, f.Folder, batch)
			}
		}
	}
	return len(changes) > 0
}

// filtered are the changes that one of the filters matches.
func filtered(t *testing.T, changes []table.Change, filters []string) (batch events.DynamoDBEvent) {
	t.Helper()
	for _, c := range changes {
		r := stream.Encode(c)
		var v any
		b, err := json.Marshal(r)
		if err == nil {
			err = json.Unmarshal(b, &v)
		}
		if err != nil {
			t.Error(err)
			continue
		}
		if slices.ContainsFunc(filters, func(f string) bool {
			p, err := pattern.Parse(f)
			if err != nil {
				t.Error(err)
				return false
			}
			return p.Matches(v)
		}) {
			batch.Records = append(batch.Records, r)
		}
	}
	return batch
}

// deliverMessages hands the messages of queues to their workers.
func (w *world) deliverMessages(t *testing.T) (some bool) {
	t.Helper()
	w.mu.Lock()
	waiting := w.messages
	w.messages = map[string][]string{}
	w.mu.Unlock()
	for _, f := range w.tmpl.Functions {
		for _, e := range template.EventsOf[template.SQS](f) {
			for i, body := range waiting[e.Queue] {
				some = true
				w.invoke(t, f.Folder, events.SQSEvent{Records: []events.SQSMessage{{
					MessageId: fmt.Sprintf("message-%d", i), ReceiptHandle: "r", Body: body, EventSource: "aws:sqs", AWSRegion: place.Region,
					Attributes: map[string]string{"ApproximateReceiveCount": "1", "SentTimestamp": fmt.Sprint(time.Now().UnixMilli())},
				}}})
			}
		}
	}
	return some
}

// schedule invokes a function as its schedule does.
func (w *world) schedule(t *testing.T, function string) {
	t.Helper()
	w.invoke(t, function, events.CloudWatchEvent{
		Version: "0", ID: "schedule", DetailType: "Scheduled Event", Source: "aws.events", AccountID: place.Account, Region: place.Region,
		Time: time.Now().UTC().Truncate(time.Second), Resources: []string{"arn:aws:events:us-east-1:000000000000:rule/" + function}, Detail: []byte("{}"),
	})
}
