package sources

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/polltest"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/tabletest"
)

func TestAnEventIsTriedAsOftenAsTheTemplateSaysAndKeptWhole(t *testing.T) {
	store, f := newTable(t), &function{answer: func(string, int) (string, error) { return "", errSaid }}
	failed := &Failures{Dir: filepath.Join(t.TempDir(), "failed")}
	a := NewAsync(store, here, f.invoke, AsyncOptions{Function: "on-thing", Retries: 2, Failed: failed, Pauses: quick})
	event := `{"Records": [{"text": "<&> 画"}]}`
	if err := a.Put(t.Context(), []byte(event)); err != nil {
		t.Fatal(err)
	}
	work(t, a.Run)
	polltest.Eventually(t, "an empty store", func() bool { return len(payloads(t, store, asyncPartition("on-thing"))) == 0 })
	if diff := cmp.Diff([]string{event, event, event}, f.calls()); diff != "" {
		t.Errorf("invocations (-want +got):\n%s", diff)
	}
	records := kept[FailedEvent](t, failed)
	if len(records) != 1 {
		t.Fatalf("%d failures are kept, want 1", len(records))
	}
	r := records[0]
	var want, got any
	if json.Unmarshal([]byte(event), &want) != nil || json.Unmarshal(r.RequestPayload, &got) != nil || !cmp.Equal(want, got) {
		t.Errorf("the event is kept as %s, want %s", r.RequestPayload, event)
	}
	if r.RequestContext.Condition != "RetriesExhausted" || r.RequestContext.Count != 3 || !strings.Contains(r.RequestContext.FunctionARN, "function:assetry-on-thing") ||
		!strings.Contains(cmp.Diff(nil, r.ResponsePayload), errSaid.Error()) {
		t.Errorf("record %+v", r)
	}
}

func TestAnEventThatSucceedsLaterIsNotKept(t *testing.T) {
	store, failed := newTable(t), &Failures{Dir: filepath.Join(t.TempDir(), "failed")}
	f := &function{answer: func(_ string, call int) (string, error) {
		if call < 3 {
			return "", errSaid
		}
		return "null", nil
	}}
	a := NewAsync(store, here, f.invoke, AsyncOptions{Function: "on-thing", Retries: 2, Failed: failed, Pauses: quick})
	if err := a.Put(t.Context(), []byte("{}")); err != nil {
		t.Fatal(err)
	}
	work(t, a.Run)
	polltest.Eventually(t, "an empty store", func() bool { return len(payloads(t, store, asyncPartition("on-thing"))) == 0 })
	if n := len(kept[FailedEvent](t, failed)); n != 0 || len(f.calls()) != 3 {
		t.Errorf("%d failures are kept after %d invocations, want none after 3", n, len(f.calls()))
	}
}

func TestAnEventThatIsTooOldIsGivenUpAfterOneMoreTry(t *testing.T) {
	store, failed := newTable(t), &Failures{Dir: filepath.Join(t.TempDir(), "failed")}
	f := &function{answer: func(string, int) (string, error) { return "", errSaid }}
	old := id.New(time.Now().Add(-time.Hour)).String()
	if _, err := store.Write(t.Context(), table.Put(messageItem(asyncPartition("on-thing"), old, "{}"), table.Absent())); err != nil {
		t.Fatal(err)
	}
	work(t, NewAsync(store, here, f.invoke, AsyncOptions{Function: "on-thing", Retries: 2, MostAge: time.Minute, Failed: failed, Pauses: quick}).Run)
	polltest.Eventually(t, "an empty store", func() bool { return len(payloads(t, store, asyncPartition("on-thing"))) == 0 })
	records := kept[FailedEvent](t, failed)
	if len(records) != 1 || records[0].RequestContext.Condition != "EventAgeExceeded" || len(f.calls()) != 1 {
		t.Errorf("after %d invocations %+v is kept", len(f.calls()), records)
	}
}

func TestAnEventWhoseFailureCannotBeKeptIsNotForgotten(t *testing.T) {
	store, f := newTable(t), &function{answer: func(string, int) (string, error) { return "", errSaid }}
	blocked := filepath.Join(t.TempDir(), "failed")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil { // a file where the folder should be
		t.Fatal(err)
	}
	a := NewAsync(store, here, f.invoke, AsyncOptions{Function: "on-thing", Failed: &Failures{Dir: blocked}, Pauses: quick})
	if err := a.Put(t.Context(), []byte("{}")); err != nil {
		t.Fatal(err)
	}
	stop := work(t, a.Run)
	polltest.Eventually(t, "the invocation", func() bool { return len(f.calls()) == 1 })
	stop()
	if n := len(payloads(t, store, asyncPartition("on-thing"))); n != 1 {
		t.Errorf("the store holds %d events, want the one that was kept nowhere else", n)
	}
}

var made = Object{
	Name: "ObjectCreated:Post", Bucket: "assetry", Key: "w/a b+c%/画/source", Version: "v1", ETag: "d41d8cd98f00b204e9800998ecf8427e", Size: 7,
	Time: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC),
}

func TestANotificationIsWhatS3Sends(t *testing.T) {
	f := &function{}
	a := NewAsync(newTable(t), here, f.invoke, AsyncOptions{Function: "on-object"})
	if err := Notify(t.Context(), here, []Notification{{Event: "s3:ObjectCreated:*", Function: a}}, made); err != nil {
		t.Fatal(err)
	}
	work(t, a.Run)
	polltest.Eventually(t, "the invocation", func() bool { return len(f.calls()) == 1 })
	var e events.S3Event
	if err := json.Unmarshal([]byte(f.calls()[0]), &e); err != nil {
		t.Fatal(err)
	}
	got := e.Records[0]
	want := events.S3Object{Key: "w/a+b%2Bc%25/%E7%94%BB/source", URLDecodedKey: made.Key, Size: 7, ETag: made.ETag, VersionID: "v1", Sequencer: got.S3.Object.Sequencer}
	if diff := cmp.Diff(want, got.S3.Object); diff != "" || len(want.Sequencer) != 16 {
		t.Errorf("object (-want +got):\n%s", diff)
	}
	if got.EventName != "ObjectCreated:Post" || got.EventSource != "aws:s3" || got.S3.Bucket.Name != "assetry" || got.EventVersion != "2.1" || !got.EventTime.Equal(made.Time) {
		t.Errorf("record %+v", got)
	}
}

func TestOnlyObjectsThatANotificationWantsAreTold(t *testing.T) {
	named := func(name, key string) Object { return Object{Name: name, Key: key} }
	for _, tt := range []struct {
		name string
		n    Notification
		o    Object
		want bool
	}{
		{"every creation", Notification{Event: "s3:ObjectCreated:*"}, named("ObjectCreated:Put", "a"), true},
		{"one kind", Notification{Event: "s3:ObjectCreated:Put"}, named("ObjectCreated:Put", "a"), true},
		{"another kind", Notification{Event: "s3:ObjectCreated:Put"}, named("ObjectCreated:Copy", "a"), false},
		{"another thing", Notification{Event: "s3:ObjectRemoved:*"}, named("ObjectCreated:Put", "a"), false},
		{"both ends of the key", Notification{Event: "s3:ObjectCreated:*", Prefix: "w/", Suffix: "/source"}, named("ObjectCreated:Put", "w/x/source"), true},
		{"another prefix", Notification{Event: "s3:ObjectCreated:*", Prefix: "w/", Suffix: "/source"}, named("ObjectCreated:Put", "v/x/source"), false},
		{"another suffix", Notification{Event: "s3:ObjectCreated:*", Prefix: "w/", Suffix: "/source"}, named("ObjectCreated:Put", "w/x/thumb"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store := newTable(t)
			tt.n.Function = NewAsync(store, here, nil, AsyncOptions{Function: "f"})
			if err := Notify(t.Context(), here, []Notification{tt.n}, tt.o); err != nil {
				t.Fatal(err)
			}
			if got := len(payloads(t, store, asyncPartition("f"))) == 1; got != tt.want {
				t.Errorf("told: %t, want %t", got, tt.want)
			}
		})
	}
}

func TestAnObjectWhoseEventCannotBeKeptIsAnError(t *testing.T) {
	faulty := tabletest.Faulty(newTable(t))
	faulty.FailNth(tabletest.VerbPut, 1, tabletest.LoseCall)
	ns := []Notification{{Event: "s3:ObjectCreated:*", Function: NewAsync(faulty, here, nil, AsyncOptions{Function: "f"})}}
	if err := Notify(t.Context(), here, ns, made); err == nil || !strings.Contains(err.Error(), made.Key) {
		t.Errorf("Notify = %v, want an error that names the key", err)
	}
}
