package deployed

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/assetry/assetry/infra/lambdahost"
	"github.com/assetry/assetry/infra/template"
	"github.com/assetry/assetry/shared/polltest"
)

// anything are payloads that no source sends, for every function.
var anything = map[string]string{
	"nothing":               ``,
	"null":                  `null`,
	"a text":                `"Records"`,
	"a number":              `1e400`,
	"a list":                `[]`,
	"an empty object":       `{}`,
	"half an object":        `{"Records": [`,
	"no records":            `{"Records": null}`,
	"an empty batch":        `{"Records": []}`,
	"records of another":    `{"Records": {"a": 1}}`,
	"a record of nothing":   `{"Records": [null]}`,
	"an empty record":       `{"Records": [{}]}`,
	"two empty records":     `{"Records": [{}, {}]}`,
	"a record that is text": `{"Records": ["s3"]}`,
	"fields of other types": `{"Records": [{"eventSource": 7, "eventName": {}, "s3": [], "dynamodb": "x", "body": {"a": 1}, "messageId": []}], "detail": 1, "version": 2}`,
	"a request of nothing":  `{"version": "2.0", "routeKey": null, "headers": null, "requestContext": {"http": null}}`,
	"a request by a number": `{"version": "2.0", "rawPath": 1, "requestContext": {"http": {"method": 1}}}`,
	"a body that is none":   `{"version": "2.0", "rawPath": "/", "isBase64Encoded": true, "body": "%%%", "requestContext": {"http": {"method": "POST", "path": "/"}}}`,
	"a test event of S3":    `{"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-01-15T12:10:00.000Z", "Bucket": "b", "RequestId": "r", "HostId": "h"}`,
	"deep nesting":          strings.Repeat(`{"Records":[`, 5000) + strings.Repeat(`]}`, 5000),
	"text that is no UTF-8": "{\"Records\": [{\"body\": \"\xff\xfe\"}]}",
	"a megabyte of text":    `{"Records": [{"messageId": "m", "body": "` + strings.Repeat("a", 1<<20) + `"}]}`,
}

// answered invokes the function and complains unless it answers or says that it failed, itself.
func (r *run) answered(t *testing.T, name, payload string) (answer []byte, err error) {
	t.Helper()
	before := len(r.own())
	answer, err = r.Invoke(t.Context(), r.name, []byte(payload))
	var f *lambdahost.FunctionError
	if err != nil && (!errors.As(err, &f) || strings.HasPrefix(f.Type, "Runtime.")) {
		t.Errorf("%s: %v, want an answer or an error of the function's own", name, err)
	}
	polltest.Eventually(t, name+" is logged", func() bool { return len(r.own()) > before })
	return answer, err
}

// survives complains when a process of the function has ended.
func (r *run) survives(t *testing.T) {
	t.Helper()
	if s := r.Stats(r.name); s.ColdStarts != 1 || s.Processes != 1 {
		t.Errorf("%d processes were started and %d live, want the first one alive", s.ColdStarts, s.Processes)
	}
}

// No payload ends a process, and each has its line in the log. Delivered again, it is met the same way.
func TestNoPayloadEndsAProcess(t *testing.T) {
	w := newWorld(t)
	for _, f := range deployed(t) {
		t.Run(f.Folder, func(t *testing.T) {
			t.Parallel()
			r := w.host(t, f)
			for name, payload := range anything {
				_, first := r.answered(t, name, payload)
				_, again := r.answered(t, name, payload)
				if (first == nil) != (again == nil) {
					t.Errorf("%s: %v, and delivered again %v", name, first, again)
				}
			}
			r.survives(t)
		})
	}
}

// function is the one in a folder.
func function(t *testing.T, folder string) template.Function {
	t.Helper()
	f, ok := readTemplate(t).Function(folder)
	if !ok {
		t.Fatalf("template.yaml has no function of %s", folder)
	}
	return f
}

// What is told to the source as failed is delivered again; nothing may come again for ever. So every source gives up, and where it has
// something to lose it keeps it.
func TestEverySourceGivesUp(t *testing.T) {
	tp := readTemplate(t)
	queues := map[string]template.Queue{}
	for _, q := range tp.Queues {
		queues[q.Name] = q
	}
	for _, f := range tp.Functions {
		if f.AsyncRetries > 2 || f.MaxEventAge <= 0 {
			t.Errorf("%s: Lambda repeats %d times within %s", f.Name, f.AsyncRetries, f.MaxEventAge)
		}
		for _, e := range template.EventsOf[template.DynamoDB](f) {
			if e.MaxRetries < 0 || e.MaxAge <= 0 || e.OnFailure == "" || !e.Bisect {
				t.Errorf("%s holds its stream up: %+v", f.Name, e)
			}
		}
		for _, e := range template.EventsOf[template.SQS](f) {
			if q := queues[e.Queue]; q.MaxReceives == 0 || q.DeadLetters == "" {
				t.Errorf("%s receives for ever: %+v", f.Name, q)
			}
		}
	}
	for _, n := range tp.Notifications {
		if f, ok := tp.Function(template.FolderOf(n.Function)); !ok || f.OnFailure == "" {
			t.Errorf("%s drops the events that it fails at", n.Function)
		}
	}
}

// key is a record of S3 about an object, in a bucket.
func object(bucket, name, key string) string {
	return fmt.Sprintf(`{"eventVersion": "2.1", "eventSource": "aws:s3", "eventTime": "2026-01-15T12:10:00.000Z", "eventName": %q,
		"s3": {"bucket": {"name": %q}, "object": {"key": %q, "size": 85, "versionId": "x"}}}`, name, bucket, key)
}

func records(rs ...string) string { return `{"Records": [` + strings.Join(rs, ", ") + `]}` }

func TestObjectEventsThatAreNoneOfOursAreLeft(t *testing.T) {
	w := newWorld(t)
	r := w.host(t, function(t, "on-object-created"))
	source := w.Poster().Source().Key()
	others := map[string]string{
		"a foreign bucket":               object("somebodys-bucket", "ObjectCreated:Put", source),
		"no bucket":                      object("", "ObjectCreated:Put", source),
		"an object that went":            object(w.bucket.Bucket, "ObjectRemoved:Delete", source),
		"an event of tomorrow":           object(w.bucket.Bucket, "ObjectDreamt:Of", source),
		"no key":                         object(w.bucket.Bucket, "ObjectCreated:Put", ""),
		"a key of somebody else":         object(w.bucket.Bucket, "ObjectCreated:Put", "backup/2026/source"),
		"a rendition beside the source":  object(w.bucket.Bucket, "ObjectCreated:Put", strings.TrimSuffix(source, "source")+"thumb"),
		"a key that climbs":              object(w.bucket.Bucket, "ObjectCreated:Put", "w/../../etc/source"),
		"a key with letters of the east": object(w.bucket.Bucket, "ObjectCreated:Put", "w/%E8%B5%84%E4%BA%A7/00/%F0%9F%96%BC/1/source"),
		"the same, not encoded":          object(w.bucket.Bucket, "ObjectCreated:Put", "w/资产/00/🖼/1/source"),
		"a key with spaces and pluses":   object(w.bucket.Bucket, "ObjectCreated:Put", "w/a+b%2Bc/00/d+e/1/source"),
		"a key with a null byte":         object(w.bucket.Bucket, "ObjectCreated:Put", "w/%00/00/x/1/source"),
		"a key that is no UTF-8":         object(w.bucket.Bucket, "ObjectCreated:Put", "w/%FF%FE/00/x/1/source"),
		"a key of 1,024 bytes":           object(w.bucket.Bucket, "ObjectCreated:Put", "w/"+strings.Repeat("a", 1015)+"/source"),
		"an attempt that is no number":   object(w.bucket.Bucket, "ObjectCreated:Put", strings.Replace(source, "/1/source", "/one/source", 1)),
	}
	for name, record := range others {
		if _, err := r.answered(t, name, records(record)); err != nil {
			t.Errorf("%s: %v, want it left", name, err)
		}
	}
	if _, err := r.answered(t, "a key that is not encoded right", records(object(w.bucket.Bucket, "ObjectCreated:Put", "w/%zz/source"))); err == nil {
		t.Error("a key that cannot be decoded is answered like one that can")
	}
	if got := w.poster(t); got != "pending_upload" {
		t.Errorf("the poster is %s before its event", got)
	}
	// Among all of those, the one that matters is seen to.
	good := w.sample(t, "on-object-created")
	good = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(good), "{"), "}")
	good = strings.TrimSuffix(strings.TrimSpace(good[strings.Index(good, "[")+1:]), "]")
	all := []string{good}
	for _, record := range others {
		all = append(all, record)
	}
	if _, err := r.answered(t, "all in one event", records(all...)); err != nil {
		t.Errorf("all in one event: %v", err)
	}
	if got := w.poster(t); got != "ready" {
		t.Errorf("the poster is %s after its event", got)
	}
	if _, err := r.answered(t, "its event once more", records(strings.ReplaceAll(good, "/source\"", "%2Fsource\""))); err != nil {
		t.Errorf("its event once more, with its slashes encoded: %v", err)
	}
	r.survives(t)
}
