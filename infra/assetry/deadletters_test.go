package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/local/sources"
	"github.com/assetry/assetry/infra/local/versity/versitytest"
)

type (
	listed struct {
		DeadLetters []letterJSON `json:"dead_letters"`
		More        bool
	}
	replayed struct {
		Replayed []string
		Failed   []failureJSON
	}
)

// event is one as a bus delivers it to a queue.
func event(kind string, version int) string {
	return fmt.Sprintf(`{"version":"0","source":"assetry","detail-type":%q,"detail":{"schema_version":1,"event_id":"e","asset_id":"a","version":%d}}`, kind, version)
}

// places for dead letters in AWS: queues that this process answers for, and a real bucket.
func deadPlaces(t *testing.T) (*services, *versitytest.Server, []string) {
	t.Helper()
	signedIn(t)
	s, bucket := newServices(t), versitytest.Start(t)
	t.Setenv("AWS_ENDPOINT_URL_S3", bucket.URL())
	return s, bucket, []string{
		"--table", "t", "--bucket", "b", "--bus", "bus", "--failed-bucket", bucket.Bucket,
		"--imports-queue", s.address("imports"), "--imports-dead", s.address("imports-dead"),
		"--webhooks-queue", s.address("webhooks"), "--webhooks-dead", s.address("webhooks-dead"),
	}
}

// keepRecord puts a failed event into the bucket, as Lambda does.
func keepRecord(t *testing.T, b *versitytest.Server, key string, record any) {
	t.Helper()
	body, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Client().PutObject(t.Context(), &s3.PutObjectInput{Bucket: &b.Bucket, Key: &key, Body: bytes.NewReader(body)}); err != nil {
		t.Fatal(err)
	}
}

// recordKeys are the records that a bucket still has. The bucket keeps versions; AWS's does not.
func recordKeys(t *testing.T, b *versitytest.Server) (keys []string) {
	t.Helper()
	out, err := b.Client().ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &b.Bucket})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range out.Contents {
		keys = append(keys, aws.ToString(o.Key))
	}
	return keys
}

const (
	arnPublish = "arn:aws:lambda:us-east-1:000000000000:function:team-StreamPublishFunction-1A:$LATEST"
	arnObject  = "arn:aws:lambda:us-east-1:000000000000:function:team-OnObjectCreatedFunction-1B:$LATEST"
	keyStream  = "aws/lambda/5f0c7a1e-0000-4000-8000-000000000000/shardId-1/2026/11/21/2026-11-21T12.00.00-1"
	keyAsync   = "aws/lambda/async/team-OnObjectCreatedFunction-1B/2026/11/21/2026-11-21T12.00.00-2"
)

// streamRecord is a batch of the stream that a function did not take.
func streamRecord(arn, event string) map[string]any {
	return map[string]any{
		"version": "1.0", "timestamp": "2026-11-21T12:00:00Z", "payload": event,
		"requestContext":     map[string]any{"requestId": "r", "functionArn": arn, "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 51},
		"DDBStreamBatchInfo": map[string]any{"shardId": "shardId-1", "batchSize": 1},
	}
}

// asyncRecord is an asynchronous invocation that failed.
func asyncRecord(arn string, event any) map[string]any {
	return map[string]any{
		"version": "1.0", "timestamp": "2026-11-21T12:00:00Z", "requestPayload": event,
		"requestContext":  map[string]any{"requestId": "r", "functionArn": arn, "condition": "RetriesExhausted", "approximateInvokeCount": 3},
		"responsePayload": map[string]string{"errorMessage": "no"},
	}
}

func TestDeadLettersInAWSAreListedAndLeftWhereTheyAre(t *testing.T) {
	s, bucket, flags := deadPlaces(t)
	for v := range 12 { // more than one request brings
		s.put("imports-dead", event("import.requested", v+1))
	}
	s.put("webhooks-dead", "no event").attributes = map[string]string{"ERROR_CODE": "NO_PERMISSIONS"}
	keepRecord(t, bucket, keyStream, streamRecord(arnPublish, `{"Records":[{"eventID":"1"},{"eventID":"2"}]}`))
	keepRecord(t, bucket, keyAsync, asyncRecord(arnObject, map[string]any{"Records": []any{map[string]any{}}}))
	keepRecord(t, bucket, "aws/lambda/broken", "nothing of ours")
	keepRecord(t, bucket, "elsewhere/object", "not Lambda's")

	got := mustJSON[listed](t, append([]string{"dead-letters", "list"}, flags...)...)
	at := time.UnixMilli(1795262400000).UTC()
	var want []letterJSON
	for v := range 12 {
		want = append(want, letterJSON{fromImports, fmt.Sprintf("message-%d", v+1), at, fmt.Sprintf("import.requested of asset a, version %d", v+1), ""})
	}
	noon := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	want = append(want,
		letterJSON{fromWebhooks, "message-13", at, "a message that cannot be read", "NO_PERMISSIONS"},
		letterJSON{fromFailed, keyStream, noon, "2 records for team-StreamPublishFunction-1A", "RetryAttemptsExhausted"},
		letterJSON{fromFailed, keyAsync, noon, "1 record for team-OnObjectCreatedFunction-1B", "RetriesExhausted"},
		letterJSON{fromFailed, "aws/lambda/broken", time.Time{}, "a record that cannot be read", ""},
	)
	if diff := cmp.Diff(want, got.DeadLetters); diff != "" || got.More {
		t.Errorf("dead-letters list (-want +got):\n%s", diff)
	}
	some := mustJSON[listed](t, append([]string{"dead-letters", "list", "--limit", "3", "--source", "imports"}, flags...)...)
	if len(some.DeadLetters) != 3 || !some.More {
		t.Errorf("with --limit 3: %d letters, more is %v", len(some.DeadLetters), some.More)
	}
	for queue, n := range map[string]int{"imports-dead": 12, "webhooks-dead": 1, "imports": 0} {
		if left, hidden := s.bodies(queue); len(left) != n || hidden != 0 {
			t.Errorf("%s holds %d messages, %d of them hidden; want %d, none hidden", queue, len(left), hidden, n)
		}
	}
	if left := recordKeys(t, bucket); len(left) != 4 {
		t.Errorf("the bucket holds %v", left)
	}
}

func TestReplayInAWSRemovesOnlyWhatWasAccepted(t *testing.T) {
	s, bucket, flags := deadPlaces(t)
	s.put("imports-dead", event("import.requested", 1))
	s.put("webhooks-dead", event("asset.ready", 2))
	keepRecord(t, bucket, keyStream, streamRecord(arnPublish, `{"Records":[]}`))
	keepRecord(t, bucket, keyAsync, asyncRecord(arnObject, map[string]any{"Records": []any{}}))
	broken := true
	var events []string
	s.functions = func(name, event string) any {
		events = append(events, event)
		switch {
		case broken && name == arnObject:
			return errors.New("still out of order")
		case broken:
			return map[string]any{"batchItemFailures": []any{map[string]string{"itemIdentifier": "1"}}}
		}
		return map[string]any{"batchItemFailures": []any{}}
	}
	first := run(t, append([]string{"--json", "dead-letters", "replay"}, flags...)...)
	var got replayed
	decode(t, first.out, &got)
	failed := []string{}
	for _, f := range got.Failed {
		failed = append(failed, f.ID)
	}
	if first.code != exitFailed || !slices.Equal(got.Replayed, []string{"message-1", "message-2"}) || !slices.Equal(failed, []string{keyStream, keyAsync}) {
		t.Errorf("while functions are broken: exit code %d, %+v\n%s", first.code, got, first.err)
	}
	if !strings.Contains(first.out, "still out of order") || !strings.Contains(first.out, "did not take 1 record") {
		t.Errorf("it does not say why:\n%s", first.out)
	}
	for queue, n := range map[string]int{"imports": 1, "imports-dead": 0, "webhooks": 1, "webhooks-dead": 0} {
		if bodies, _ := s.bodies(queue); len(bodies) != n {
			t.Errorf("%s holds %v, want %d", queue, bodies, n)
		}
	}
	if left := recordKeys(t, bucket); len(left) != 2 {
		t.Errorf("records left while functions are broken: %v", left)
	}
	broken = false
	if second := mustJSON[replayed](t, append([]string{"dead-letters", "replay"}, flags...)...); len(second.Replayed) != 2 || len(second.Failed) != 0 {
		t.Errorf("once they are repaired: %+v", second)
	}
	if left := recordKeys(t, bucket); len(left) != 0 {
		t.Errorf("records left at the end: %v", left)
	}
	if want := []string{`{"Records":[]}`, `{"Records":[]}`, `{"Records":[]}`, `{"Records":[]}`}; !slices.Equal(events, want) {
		t.Errorf("functions were given %q, want the events as they were kept", events)
	}
}

func TestALetterThatItsQueueRefusesStays(t *testing.T) {
	s, _, flags := deadPlaces(t)
	s.put("imports-dead", event("import.requested", 1))
	for _, refused := range []string{"SendMessage", "DeleteMessage"} {
		s.refuse = refused
		got := run(t, append([]string{"dead-letters", "replay"}, flags...)...)
		if got.code != exitFailed || !strings.Contains(got.out, "AccessDenied") {
			t.Errorf("%s refused: exit code %d\n%s%s", refused, got.code, got.out, got.err)
		}
		if left, hidden := s.bodies("imports-dead"); len(left) != 1 || hidden != 0 {
			t.Errorf("%s refused: %d letters are left, %d hidden; want one that others see", refused, len(left), hidden)
		}
	}
	s.refuse = "ReceiveMessage"
	if got := run(t, append([]string{"dead-letters", "list"}, flags...)...); got.code != exitFailed || !strings.Contains(got.err, "lists the rights") {
		t.Errorf("a queue that may not be read: exit code %d\n%s", got.code, got.err)
	}
}

func TestReplayOfNamedLetters(t *testing.T) {
	s, _, flags := deadPlaces(t)
	for v := range 3 {
		s.put("imports-dead", event("import.requested", v+1))
	}
	if got := mustJSON[replayed](t, append([]string{"dead-letters", "replay", "message-2"}, flags...)...); !slices.Equal(got.Replayed, []string{"message-2"}) {
		t.Errorf("replayed: %v", got.Replayed)
	}
	if left, hidden := s.bodies("imports-dead"); len(left) != 2 || hidden != 0 {
		t.Errorf("left: %v, %d hidden", left, hidden)
	}
	if got := run(t, append([]string{"dead-letters", "replay", "message-2"}, flags...)...); got.code != exitMissing || !strings.Contains(got.err, "message-2") {
		t.Errorf("a letter that is not there: exit code %d\n%s", got.code, got.err)
	}
}

func TestRecordsThatCannotBeReplayedSayWhy(t *testing.T) {
	_, bucket, flags := deadPlaces(t)
	for key, record := range map[string]any{
		"aws/lambda/1-text":     "nothing of ours",
		"aws/lambda/2-empty":    map[string]any{},
		"aws/lambda/3-function": asyncRecord("arn:aws:s3:::bucket", map[string]any{"Records": []any{}}),
		"aws/lambda/4-payload":  streamRecord(arnPublish, `{"Records":[`),
		"aws/lambda/5-list":     asyncRecord(arnObject, []any{}),
	} {
		keepRecord(t, bucket, key, record)
	}
	s := run(t, append([]string{"--json", "dead-letters", "replay"}, flags...)...)
	var got replayed
	decode(t, s.out, &got)
	says := []string{"cannot be read", "keeps no event", "names no function", "keeps no event", "keeps no event"}
	if s.code != exitFailed || len(got.Failed) != len(says) {
		t.Fatalf("exit code %d, %+v", s.code, got)
	}
	for i, f := range got.Failed {
		if !strings.Contains(f.Message, says[i]) {
			t.Errorf("%s: %s, want %q", f.ID, f.Message, says[i])
		}
	}
	if left := recordKeys(t, bucket); len(left) != len(says) {
		t.Errorf("left: %v", left)
	}
}

func TestDeadLettersOfALocalStack(t *testing.T) {
	p := localPlace(t)
	queued := openFile(t, filepath.Join(p.folder, "queue.db"), nil)
	dead := func(queue string) (ls []sources.Letter) {
		for l, err := range sources.Letters(t.Context(), queued, queue) {
			if err != nil {
				t.Fatal(err)
			}
			ls = append(ls, l)
		}
		return ls
	}
	put := func(queue, body string) {
		q := sources.NewQueue(queued, sources.Place{}, nil, sources.QueueOptions{Name: queue})
		if err := q.Put(t.Context(), body); err != nil {
			t.Fatal(err)
		}
	}
	put(importDead, event("import.requested", 1))
	put(webhookDead, event("asset.failed", 7))
	failed := filepath.Join(p.folder, "failed", "aws", "lambda", "async", "assetry-on-object-created", "1")
	if err := os.MkdirAll(filepath.Dir(failed), 0o700); err != nil {
		t.Fatal(err)
	}
	keep := func(path string, record any) {
		b, err := json.Marshal(record)
		if err == nil {
			err = os.WriteFile(path, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	const arn = "arn:aws:lambda:us-east-1:000000000000:function:assetry-"
	keep(failed, asyncRecord(arn+"on-object-created:$LATEST", map[string]any{"Records": []any{}}))
	keep(failed+".part", "half of one")
	keep(filepath.Join(filepath.Dir(failed), "2"), asyncRecord(arn+"sweep:$LATEST", map[string]any{"Records": []any{}}))

	got := mustJSON[listed](t, p.args("dead-letters", "list")...)
	var about []string
	for _, l := range got.DeadLetters {
		about = append(about, l.Source+": "+l.About)
	}
	want := []string{
		"imports: import.requested of asset a, version 1", "webhooks: asset.failed of asset a, version 7",
		"failed-events: 0 records for assetry-on-object-created", "failed-events: 0 records for assetry-sweep",
	}
	if diff := cmp.Diff(want, about); diff != "" {
		t.Errorf("dead-letters list (-want +got):\n%s", diff)
	}
	s := run(t, p.args("dead-letters", "replay")...)
	if s.code != exitFailed || !strings.Contains(s.out, "3 events were accepted again, 1 failed") || !strings.Contains(s.out, `"sweep" keeps no failed events`) {
		t.Errorf("exit code %d\n%s%s", s.code, s.out, s.err)
	}
	for queue, n := range map[string]int{importDead: 0, webhookDead: 0, importQueue: 1, webhookQueue: 1} {
		if ls := dead(queue); len(ls) != n {
			t.Errorf("%s holds %v, want %d", queue, ls, n)
		}
	}
	if _, err := os.Stat(failed); !os.IsNotExist(err) {
		t.Errorf("the record that was handled is still there: %v", err)
	}
}
