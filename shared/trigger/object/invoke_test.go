package object_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/trigger/object"
)

// record is one of an event of S3, with some of its members replaced.
func record(key string, replaced ...string) string {
	r := fmt.Sprintf(`{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","eventTime":"2026-11-21T12:00:00.000Z",
		"s3":{"bucket":{"name":"assets"},"object":{"key":"%s","size":7,"eTag":"e","versionId":"v1","sequencer":"0"}}}`, key)
	return strings.NewReplacer(replaced...).Replace(r)
}

func TestEventsOfEveryForm(t *testing.T) {
	d := newDoor(t)
	d.name = "assets"
	key := d.mustAsset(t, asset.Pending, "").Key()
	for _, tt := range []struct {
		name    string
		payload string
		read    int    // objects that are looked at
		fails   string // what the error says; "" is none
	}{
		{"a new object", `{"Records":[` + record(key) + `]}`, 1, key},
		{"by a form", `{"Records":[` + record(key, "ObjectCreated:Put", "ObjectCreated:Post") + `]}`, 1, key},
		{"of parts that were joined", `{"Records":[` + record(key, "ObjectCreated:Put", "ObjectCreated:CompleteMultipartUpload") + `]}`, 1, key},
		{"spelled as a setting of notifications", `{"Records":[` + record(key, "ObjectCreated:Put", "s3:ObjectCreated:Put") + `]}`, 1, key},
		{"without a version", `{"Records":[` + record(key, `"versionId":"v1",`, "") + `]}`, 1, key},
		{"without a time", `{"Records":[` + record(key, `"eventTime":"2026-11-21T12:00:00.000Z",`, "") + `]}`, 1, key},
		{"without a size", `{"Records":[` + record(key, `"size":7,`, "") + `]}`, 1, key},
		{"of a later version of the format", `{"Records":[` + record(key, `"2.1"`, `"2.9","new":{"a":[1]}`) + `]}`, 1, key},
		{"a deleted object", `{"Records":[` + record(key, "ObjectCreated:Put", "ObjectRemoved:DeleteMarkerCreated") + `]}`, 0, ""},
		{"a restored object", `{"Records":[` + record(key, "ObjectCreated:Put", "ObjectRestore:Completed") + `]}`, 0, ""},
		{"an unknown event", `{"Records":[` + record(key, "ObjectCreated:Put", "ObjectCreatedNot") + `]}`, 0, ""},
		{"another bucket", `{"Records":[` + record(key, `"assets"`, `"photos"`) + `]}`, 0, ""},
		{"a bucket without a name", `{"Records":[` + record(key, `{"name":"assets"}`, `{}`) + `]}`, 0, ""},
		{"no bucket", `{"Records":[` + record(key, `"bucket":{"name":"assets"},`, ``) + `]}`, 0, ""},
		{"no object", `{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"assets"}}}]}`, 0, ""},
		{"an empty record", `{"Records":[{}]}`, 0, ""},
		{"a record of nothing", `{"Records":[null]}`, 0, ""},
		{"a unicode key that is not ours", `{"Records":[` + record("fotos/%C3%89t%C3%A9+%F0%9F%8C%86.png") + `]}`, 0, ""},
		{"S3's test event", `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-11-21T12:00:00.000Z","Bucket":"assets","RequestId":"a","HostId":"b"}`, 0, ""},
		{"no records", `{"Records":[]}`, 0, ""},
		{"records of nothing", `{"Records":null}`, 0, ""},
		{"an event of EventBridge", `{"version":"0","detail-type":"Object Created","source":"aws.s3","detail":{"bucket":{"name":"assets"}}}`, 0, ""},
		{"nothing", `null`, 0, ""},
		{"a list", `[]`, 0, "of another type"},
		{"no JSON", `<xml/>`, 0, "not JSON"},
		{"an empty payload", ``, 0, "not JSON"},
		{"a record that is a text", `{"Records":["a"]}`, 0, "record 0 of 1"},
		{"a time that is none", `{"Records":[` + record(key, "2026-11-21T12:00:00.000Z", "yesterday") + `]}`, 0, "record 0 of 1"},
		{"a key that is not percent-encoded, before a good one", `{"Records":[` + record("w/%zz") + `,` + record(key) + `]}`, 1, "record 0 of 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			reads := d.bucket.Calls()["Read"]
			out, err := object.Handler(d).Invoke(t.Context(), []byte(tt.payload))
			if got := d.bucket.Calls()["Read"] - reads; got != tt.read {
				t.Errorf("%d objects were looked at, want %d", got, tt.read)
			}
			switch {
			case tt.fails == "" && (err != nil || string(out) != "null"):
				t.Errorf("the answer is %s, %v", out, err)
			case tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails)):
				t.Errorf("the error is %v, want it to say %q", err, tt.fails)
			}
		})
	}
}

func TestAgesOfObjectEventsAreCounted(t *testing.T) {
	d := newDoor(t)
	key := d.mustAsset(t, asset.Pending, "").Key()
	var out bytes.Buffer
	d.metrics = metric.New(&out, "stack", metric.Options{})
	if _, err := object.Handler(d).Invoke(t.Context(), []byte(`{"Records":[`+record("photos/a.png")+`]}`)); err != nil || out.Len() > 0 {
		t.Errorf("an event that is none of ours: %v, metrics %s", err, &out)
	}
	_, _ = object.Handler(d).Invoke(t.Context(), []byte(`{"Records":[`+record(key)+`,`+record("photos/a.png")+`]}`))
	if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"Source":"objects"`) || !strings.Contains(got, `"QueueAge":`) {
		t.Errorf("metrics are %s, want one age of objects", got)
	}
}
