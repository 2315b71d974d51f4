package object_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob/blobtest"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
	"github.com/assetry/assetry/shared/trigger/object"
	"github.com/assetry/assetry/shared/upload"
)

// door is the real uploads on a table, before a bucket that cannot be reached: what gets that far says so.
type door struct {
	db      *sqlite.DB
	bucket  *blobtest.Bucket
	w       id.Workspace
	uploads *upload.Service
	name    string // of the bucket
	metrics *metric.Log
}

func (d *door) BucketName() string       { return d.name }
func (d *door) Metrics() *metric.Log     { return d.metrics }
func (d *door) Uploads() *upload.Service { return d.uploads }

func newDoor(t testing.TB) *door {
	t.Helper()
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "table.db"), sqlite.Options{Indexes: schema.Indexes()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	accounts := account.New(db, account.Options{})
	ws, err := accounts.CreateWorkspace(t.Context(), "Test")
	if err != nil {
		t.Fatal(err)
	}
	d := &door{db: db, w: ws.ID}
	d.bucket = blobtest.Wrap(nil, func(blobtest.Call) blobtest.Fault { return blobtest.Unavailable })
	d.uploads = upload.New(upload.Parts{
		Table: db, Bucket: d.bucket, Workspaces: accounts,
		Assets: asset.New(db, accounts, page.NewSealer(secret.NewRoot()), asset.Options{}),
	}, upload.Options{})
	return d
}

// mustAsset writes an asset and gives the key of its source.
func (d *door) mustAsset(t testing.TB, s asset.State, version string) schema.Source {
	t.Helper()
	a := asset.Asset{
		ID: id.NewAsset(d.w, time.Now()), Workspace: d.w, Version: 1, State: s, Generation: 1, Via: asset.ViaSigned,
		CreatedBy: id.NewKey(time.Now()), Object: version, GrantUntil: time.Now().Add(time.Minute),
	}
	if _, err := d.db.Write(t.Context(), table.Put(a.Row(), table.Absent())); err != nil {
		t.Fatal(err)
	}
	return a.Source()
}

// changes counts the changes of the table so far.
func (d *door) changes(t testing.TB) int {
	t.Helper()
	cs, _, err := d.db.Changes(t.Context(), "", 100_000)
	if err != nil {
		t.Fatal(err)
	}
	return len(cs)
}

// parse reads an event as Lambda hands it over. Keys are given as S3 spells them, URL-encoded.
func parse(t testing.TB, keys ...string) events.S3Event {
	t.Helper()
	var records []string
	for _, k := range keys {
		records = append(records, fmt.Sprintf(`{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Post","eventTime":"2026-11-21T12:00:00.000Z",
			"s3":{"bucket":{"name":"assetry"},"object":{"key":%q,"size":7,"eTag":"e","versionId":"v1","sequencer":"0"}}}`, k))
	}
	var e events.S3Event
	if err := json.Unmarshal([]byte(`{"Records":[`+strings.Join(records, ",")+`]}`), &e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestKeysThatAreNotOursAreLeftAlone(t *testing.T) {
	d := newDoor(t)
	src := d.mustAsset(t, asset.Pending, "").Key()
	before := d.changes(t)
	for name, key := range map[string]string{
		"another folder":         "photos/cat.png",
		"a space as a plus":      "photos/my+cat.png",
		"a space as percent 20":  "photos/my%20cat.png",
		"a plus":                 "photos/1%2B1.png",
		"a percent":              "photos/100%25.png",
		"another script":         "photos/%E7%94%BB.png",
		"bytes that are no text": "photos/%FF%FE",
		"a null byte":            "photos/%00",
		"nothing":                "",
		"a rendition":            strings.TrimSuffix(src, "source") + "thumb",
		"our key and more":       src + "/more",
		"our key in capitals":    strings.ToUpper(src),
		"generation 0":           strings.Replace(src, "/1/source", "/0/source", 1),
		"generation 01":          strings.Replace(src, "/1/source", "/01/source", 1),
		"generation +1":          strings.Replace(src, "/1/source", "/%2B1/source", 1),
		"a slash before it":      "/" + src,
		"dots in it":             "w/../" + src,
		"encoded twice":          strings.ReplaceAll(src, "/", "%252F"),
	} {
		t.Run(name, func(t *testing.T) {
			if err := object.Handler(d)(t.Context(), parse(t, key)); err != nil {
				t.Errorf("Handler: %v", err)
			}
			if d.changes(t) != before || len(d.bucket.Calls()) > 0 {
				t.Errorf("a foreign key reached the table or the bucket: %v", d.bucket.Calls())
			}
		})
	}
}

func TestOurKeysAreFoundHoweverTheyAreEncoded(t *testing.T) {
	d := newDoor(t)
	src := d.mustAsset(t, asset.Pending, "").Key()
	for name, key := range map[string]string{
		"as they are":             src,
		"with encoded slashes":    strings.ReplaceAll(src, "/", "%2F"),
		"with lower-case escapes": strings.ReplaceAll(src, "/", "%2f"),
		"with every byte encoded": func() string {
			var b strings.Builder
			for _, c := range []byte(src) {
				fmt.Fprintf(&b, "%%%02X", c)
			}
			return b.String()
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			reads := d.bucket.Calls()["Read"]
			err := object.Handler(d)(t.Context(), parse(t, key))
			if err == nil || !strings.Contains(err.Error(), src) || !strings.Contains(err.Error(), "v1") {
				t.Errorf("Handler = %v, want the bucket's failure with key and version", err)
			}
			if d.bucket.Calls()["Read"] != reads+1 {
				t.Errorf("the bucket was asked %v, want one read more", d.bucket.Calls())
			}
		})
	}
}

func TestAKeyThatCannotBeDecodedIsNoEvent(t *testing.T) {
	for _, key := range []string{"%", "%2", "%zz", "w/%"} {
		var e events.S3Event
		if err := json.Unmarshal([]byte(`{"Records":[{"s3":{"object":{"key":"`+key+`"}}}]}`), &e); err == nil {
			t.Errorf("the key %q was decoded to %q", key, e.Records[0].S3.Object.URLDecodedKey)
		}
	}
}

func TestEveryRecordIsTriedAndEveryFailureNamed(t *testing.T) {
	d := newDoor(t)
	ours := []schema.Source{
		d.mustAsset(t, asset.Pending, ""), d.mustAsset(t, asset.Ready, "v1"),
		{Workspace: d.w, Asset: id.NewAsset(d.w, time.Now()), Generation: 1}, d.mustAsset(t, asset.Pending, ""),
	}
	err := object.Handler(d)(t.Context(), parse(t, ours[0].Key(), "foreign", ours[1].Key(), ours[2].Key(), ours[3].Key()))
	if err == nil {
		t.Fatal("Handler: no error, though the bucket cannot be reached")
	}
	for i, src := range ours {
		if !strings.Contains(err.Error(), src.Key()) {
			t.Errorf("record %d is not named: %v", i, err)
		}
	}
	if strings.Contains(err.Error(), "foreign") {
		t.Errorf("the foreign key is named: %v", err)
	}
	if n := d.bucket.Calls()["Read"]; n != len(ours) {
		t.Errorf("%d objects were read, want %d", n, len(ours))
	}
}

func TestAnEventWithoutRecordsIsDone(t *testing.T) {
	d := newDoor(t)
	for name, e := range map[string]events.S3Event{"no records": {}, "the test event of S3": func() (e events.S3Event) {
		if err := json.Unmarshal([]byte(`{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"assetry"}`), &e); err != nil {
			t.Fatal(err)
		}
		return e
	}()} {
		if err := object.Handler(d)(t.Context(), e); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzObjectEvents gives any JSON to the handler: it does it or says an error, and keys that are not ours change nothing.
func FuzzObjectEvents(f *testing.F) {
	d := newDoor(f)
	keys := []string{
		"", "photos/my+cat.png", "%E7%94%BB", "w/x/y/z/1/source",
		d.mustAsset(f, asset.Pending, "").Key(), d.mustAsset(f, asset.Ready, "v1").Key(), d.mustAsset(f, asset.Ready, "v2").Key(),
		schema.Source{Workspace: d.w, Asset: id.NewAsset(d.w, time.Now()), Generation: 9}.Key(),
		schema.Source{Workspace: id.NewWorkspace(time.Now()), Asset: id.NewAsset(d.w, time.Now()), Generation: 1}.Key(),
	}
	for _, k := range keys {
		f.Add([]byte(`{"Records":[{"eventName":"ObjectCreated:Put","s3":{"object":{"key":"` + k + `","versionId":"v1"}}}]}`))
	}
	for _, s := range []string{`{}`, `null`, `[]`, `{"Records":null}`, `{"Records":[null]}`, `{"Records":[{"s3":{"object":{"key":"%"}}}]}`, `{"Records":[{"eventTime":1}]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var raw struct{ Records []json.RawMessage }
		readable, ours := json.Unmarshal(b, &raw) == nil, false
		for _, record := range raw.Records {
			var r events.S3EventRecord
			readable = readable && json.Unmarshal(record, &r) == nil
			_, is := schema.ParseSource(r.S3.Object.URLDecodedKey)
			ours = ours || is
		}
		before, calls := d.changes(t), len(d.bucket.Calls())
		out, err := object.Handler(d).Invoke(t.Context(), b)
		if readable && !ours && err != nil || !readable && err == nil || err == nil && string(out) != "null" {
			t.Errorf("an event that can be read: %t, of ours: %t, gave %s, %v", readable, ours, out, err)
		}
		if !ours && (d.changes(t) != before || len(d.bucket.Calls()) != calls) {
			t.Error("an event of foreign keys reached the table or the bucket")
		}
	})
}
