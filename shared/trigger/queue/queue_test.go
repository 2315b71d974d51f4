package queue_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/trigger/queue"
)

var ready = bus.Event{
	Type: bus.AssetReady, Time: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC),
	Detail: bus.Detail{
		SchemaVersion: bus.SchemaVersion, ID: "0199aaaa-bbbb-7ccc-8ddd-eeeecafe0001:2", Workspace: "ws_01999999-0000-7000-8000-0000cafe0001",
		Asset: "0199aaaa-bbbb-7ccc-8ddd-eeeecafe0001", Version: 2, Generation: 1, State: asset.Ready, Name: "Éclair <&> 画.png", Size: 7,
	},
}

// body is an event as a rule of the bus hands it to a queue; edit changes its outside.
func body(t testing.TB, e bus.Event, edit func(outside, detail map[string]any)) string {
	t.Helper()
	b, err := e.Detail.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var detail map[string]any
	if err := json.Unmarshal(b, &detail); err != nil {
		t.Fatal(err)
	}
	outside := map[string]any{
		"version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", "detail-type": e.Type, "source": bus.Source,
		"account": "111122223333", "time": e.Time.Format(time.RFC3339), "region": "us-east-1", "resources": []string{}, "detail": detail,
	}
	if edit != nil {
		edit(outside, detail)
	}
	if b, err = json.Marshal(outside); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestDecodeReadsWhatTheBusHandsOver(t *testing.T) {
	for name, edit := range map[string]func(outside, detail map[string]any){
		"as it is":                       nil,
		"with a field of a later time":   func(_, d map[string]any) { d["mood"] = "sunny" },
		"with a field outside of it all": func(o, _ map[string]any) { o["replay-name"] = "again" },
	} {
		t.Run(name, func(t *testing.T) {
			got, err := queue.Decode(events.SQSMessage{MessageId: "m", Body: body(t, ready, edit)})
			if d := cmp.Diff(ready, got); err != nil || d != "" {
				t.Errorf("Decode: %v (-want +got):\n%s", err, d)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":                      "",
		"no JSON":                      "hello",
		"a list":                       "[]",
		"an event of somebody else":    body(t, ready, func(o, _ map[string]any) { o["source"] = "aws.s3" }),
		"an event without a type":      body(t, ready, func(o, _ map[string]any) { delete(o, "detail-type") }),
		"an event without a detail":    body(t, ready, func(o, _ map[string]any) { delete(o, "detail") }),
		"a detail that is a text":      body(t, ready, func(o, _ map[string]any) { o["detail"] = "x" }),
		"a version of another kind":    body(t, ready, func(_, d map[string]any) { d["version"] = "two" }),
		"a later version of the shape": body(t, ready, func(_, d map[string]any) { d["schema_version"] = 2 }),
	} {
		t.Run(name, func(t *testing.T) {
			if e, err := queue.Decode(events.SQSMessage{MessageId: "m", Body: text}); err == nil {
				t.Errorf("Decode = %+v, want an error", e)
			}
		})
	}
}

func TestEachReportsWhatFailedAndNothingElse(t *testing.T) {
	bad := ready
	bad.Detail.Asset = "bad"
	batch := events.SQSEvent{Records: []events.SQSMessage{
		{MessageId: "1", Body: body(t, ready, nil)},
		{MessageId: "2", Body: body(t, bad, nil)},
		{MessageId: "3", Body: "{"},
		{MessageId: "4", Body: body(t, ready, nil)},
	}}
	handled := 0
	got, err := queue.Each(nil, metric.Imports, func(_ context.Context, e bus.Event) error {
		if e.Detail.Asset == "bad" {
			return errors.New("said by the test")
		}
		handled++
		return nil
	})(t.Context(), batch)
	want := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{{ItemIdentifier: "2"}, {ItemIdentifier: "3"}}}
	if d := cmp.Diff(want, got); err != nil || d != "" || handled != 2 {
		t.Errorf("%d were handled, want 2; %v (-want +got):\n%s", handled, err, d)
	}
}

func TestABatchWithoutFailuresSaysSoInJSON(t *testing.T) {
	got, err := queue.Each(nil, metric.Imports, func(context.Context, bus.Event) error { return nil })(t.Context(), events.SQSEvent{})
	b, jsonErr := json.Marshal(got)
	if err != nil || jsonErr != nil || string(b) != `{"batchItemFailures":[]}` {
		t.Errorf("an empty batch gave %s, %v, %v", b, err, jsonErr)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(body(f, ready, nil))
	f.Add("")
	f.Add(`{"source":"assetry","detail-type":"asset.ready","detail":{"schema_version":1}}`)
	f.Add(`{"source":"assetry","detail":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		e, err := queue.Decode(events.SQSMessage{MessageId: "m", Body: text})
		if err == nil && (e.Type == "" || e.Detail.SchemaVersion != bus.SchemaVersion) {
			t.Errorf("Decode took %+v", e)
		}
		if err != nil && len(text) > 10_000 && strings.Contains(err.Error(), text) {
			t.Error("the error repeats the whole message")
		}
	})
}
