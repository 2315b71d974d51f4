package change_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/trigger/change"
)

// payload is a batch as Lambda hands it over, with some of its text replaced.
func payload(t *testing.T, cs []table.Change, replaced ...string) []byte {
	t.Helper()
	b, err := json.Marshal(batch(t, cs...))
	if err != nil {
		t.Fatal(err)
	}
	return []byte(strings.NewReplacer(replaced...).Replace(string(b)))
}

func TestBatchesOfEveryForm(t *testing.T) {
	three := []table.Change{becomesReady("a"), becomesReady("b"), becomesReady("c")}
	one := three[:1]
	for _, tt := range []struct {
		name    string
		payload []byte
		taken   int
		answer  string // "" is an error: the batch is halved, or given up when there is no half
	}{
		{"good ones", payload(t, three), 3, `{"batchItemFailures":null}`},
		{"no records", []byte(`{"Records":[]}`), 0, `{"batchItemFailures":null}`},
		{"no batch", []byte(`{}`), 0, `{"batchItemFailures":null}`},
		{"an unknown kind of record, alone", payload(t, one, "MODIFY", "TRUNCATE"), 0, `{"batchItemFailures":[{"itemIdentifier":"100"}]}`},
		{"unknown kinds of records", payload(t, three, "MODIFY", "TRUNCATE"), 0, ""},
		{"records of keys alone", payload(t, one, "NEW_AND_OLD_IMAGES", "KEYS_ONLY"), 0, `{"batchItemFailures":[{"itemIdentifier":"100"}]}`},
		{"a record without a sequence number", payload(t, one, `"SequenceNumber":"100"`, `"SequenceNumber":""`), 0, ""},
		{"a record without a change", []byte(`{"Records":[{"eventName":"INSERT"}]}`), 0, ""},
		{"a record of nothing", []byte(`{"Records":[null]}`), 0, ""},
		{"a value of an unknown type", payload(t, one, `{"S":"ready"}`, `{"X":"ready"}`), 0, ""},
		{"a number that is none", payload(t, one, `{"N":"2"}`, `{"N":"two"}`), 0, `{"batchItemFailures":[{"itemIdentifier":"100"}]}`},
		{"a row of another kind", payload(t, one, `"sk":{"S":"`, `"sk":{"S":"x`), 0, `{"batchItemFailures":null}`},
		{"records that are no list", []byte(`{"Records":{}}`), 0, ""},
		{"records of Kinesis", []byte(`{"Records":[{"kinesis":{"data":"aGk="},"eventSource":"aws:kinesis"}]}`), 0, ""},
		{"no JSON", []byte(`hello`), 0, ""},
		{"nothing", nil, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &deaf{}
			out, err := change.Publish(d).Invoke(t.Context(), tt.payload)
			if (err != nil) != (tt.answer == "") || string(out) != tt.answer || len(d.taken) != tt.taken {
				t.Errorf("the bus took %v, want %d; the answer is %s, %v, want %s", d.taken, tt.taken, out, err, tt.answer)
			}
		})
	}
}

func TestAPanicIsTheFailureOfOneRecord(t *testing.T) {
	handled := 0
	consume := change.Each(func(_ context.Context, c table.Change) error {
		if handled++; handled == 2 {
			panic("loud")
		}
		return nil
	})
	r, err := consume(t.Context(), batch(t, announced("a"), announced("b"), announced("c")))
	if got := reported(t, r, err); got != "101" || handled != 2 {
		t.Errorf("after %d records the stream goes on from %q, want 2 and 101", handled, got)
	}
}

// failedBy is an upload that ends as failed.
func failedBy(c asset.Cause) table.Change {
	change := becomesReady(string(c))
	change.New[schema.State], change.New[schema.Cause] = table.String(asset.Failed), table.String(c)
	return change
}

func TestWhatTheBusTookIsCounted(t *testing.T) {
	big := becomesReady("big")
	big.New[schema.Size] = table.Int(5 << 40)
	deleted := becomesReady("deleted")
	deleted.Old, deleted.New = deleted.New, nil
	for _, tt := range []struct {
		name    string
		changes []table.Change
		refuses func(int, bus.Event) bool
		want    []string
	}{
		{"nothing that counts", []table.Change{announced("a"), otherRow(), deleted}, nil, nil},
		{"two that became ready, beside others", []table.Change{announced("a"), becomesReady("b"), deleted, big}, nil,
			[]string{`{"BytesReady":[0,5497558138880],"Service":"stack","UploadsReady":2}`}},
		{"failures of each cause", []table.Change{failedBy(asset.Rejected), failedBy(asset.Expired), failedBy(asset.Rejected), failedBy(asset.Source), failedBy("mood")}, nil,
			[]string{`{"Reason":"expired","Service":"stack","UploadsFailed":1}`, `{"Reason":"other","Service":"stack","UploadsFailed":1}`,
				`{"Reason":"rejected","Service":"stack","UploadsFailed":2}`, `{"Reason":"source","Service":"stack","UploadsFailed":1}`}},
		{"only what comes before a refused one, because the rest comes again", []table.Change{becomesReady("a"), failedBy(asset.Expired), becomesReady("c")},
			func(i int, _ bus.Event) bool { return i == 1 }, []string{`{"BytesReady":0,"Service":"stack","UploadsReady":1}`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			d := &deaf{refuses: tt.refuses, metrics: metric.New(&out, "stack", metric.Options{Now: func() time.Time { return noon.Add(2 * time.Second) }})}
			if _, err := change.Publish(d)(t.Context(), batch(t, tt.changes...)); err != nil {
				t.Fatal(err)
			}
			ages, got := countsOf(t, out.String())
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("counted (-want +got):\n%s", diff)
			}
			if len(ages) != len(tt.changes) || ages[0] != 2 {
				t.Errorf("ages are %v, want 2 s for each of %d records", ages, len(tt.changes))
			}
		})
	}
}

// countsOf are the metrics of the publisher without their metadata, and the ages of its records.
func countsOf(t *testing.T, log string) (ages []float64, counts []string) {
	t.Helper()
	for line := range strings.Lines(log) {
		var doc map[string]any
		if err := json.Unmarshal([]byte(line), &doc); err != nil {
			t.Fatal(err)
		}
		delete(doc, "_aws")
		if age, ok := doc[metric.QueueAge]; ok {
			if doc[metric.Source] != metric.Publish {
				t.Errorf("the source is %v", doc[metric.Source])
			}
			if one, ok := age.(float64); ok {
				age = []any{one}
			}
			for _, a := range age.([]any) {
				ages = append(ages, a.(float64))
			}
			continue
		}
		b, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		counts = append(counts, string(b))
	}
	return ages, counts
}

func TestAgesOfChangesForCleanUpAreCounted(t *testing.T) {
	var out bytes.Buffer
	c := newCellar(t)
	c.metrics = metric.New(&out, "stack", metric.Options{Now: func() time.Time { return noon.Add(3 * time.Second) }})
	if _, err := change.CleanUp(c)(t.Context(), events.DynamoDBEvent{}); err != nil || out.Len() > 0 {
		t.Errorf("an empty batch: %v, metrics %s", err, &out)
	}
	if _, err := change.CleanUp(c)(t.Context(), batch(t, otherRow())); err != nil || !strings.HasPrefix(out.String(), `{"QueueAge":3,"Service":"stack","Source":"cleanup",`) {
		t.Errorf("metrics are %s, %v; want one age of 3 s", &out, err)
	}
}
