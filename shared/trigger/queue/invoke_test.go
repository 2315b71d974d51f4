package queue_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/trigger/queue"
)

// message is a record of SQS.
func message(id, body string) string {
	b, err := json.Marshal(events.SQSMessage{MessageId: id, Body: body, Attributes: map[string]string{"ApproximateReceiveCount": "1", "SentTimestamp": "1795262400000"}})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestMessagesOfEveryForm(t *testing.T) {
	good := message("good", body(t, ready, nil))
	edited := func(edit func(outside, detail map[string]any)) string { return message("bad", body(t, ready, edit)) }
	for _, tt := range []struct {
		name    string
		payload string
		handled int
		answer  string // "" is an error
	}{
		{"a good one", `{"Records":[` + good + `]}`, 1, `{"batchItemFailures":[]}`},
		{"no records", `{"Records":[]}`, 0, `{"batchItemFailures":[]}`},
		{"no batch", `{}`, 0, `{"batchItemFailures":[]}`},
		{"a body that is no JSON", `{"Records":[` + message("bad", "hello") + `,` + good + `]}`, 1, `{"batchItemFailures":[{"itemIdentifier":"bad"}]}`},
		{"an empty body", `{"Records":[` + message("bad", "") + `,` + good + `]}`, 1, `{"batchItemFailures":[{"itemIdentifier":"bad"}]}`},
		{"a body that is a list", `{"Records":[` + message("bad", "[1]") + `,` + good + `]}`, 1, `{"batchItemFailures":[{"itemIdentifier":"bad"}]}`},
		{"a notification of SNS", `{"Records":[` + message("bad", `{"Type":"Notification","Message":"{}"}`) + `]}`, 0, `{"batchItemFailures":[{"itemIdentifier":"bad"}]}`},
		{"an event of another source", `{"Records":[` + edited(func(o, _ map[string]any) { o["source"] = "aws.s3" }) + `]}`, 0, `{"batchItemFailures":[{"itemIdentifier":"bad"}]}`},
		{"an event without a type", `{"Records":[` + edited(func(o, _ map[string]any) { o["detail-type"] = "" }) + `]}`, 0, `{"batchItemFailures":[{"itemIdentifier":"bad"}]}`},
		{"an event without a detail", `{"Records":[` + edited(func(o, _ map[string]any) { delete(o, "detail") }) + `]}`, 0, `{"batchItemFailures":[{"itemIdentifier":"bad"}]}`},
		{"an event whose time is none", `{"Records":[` + edited(func(o, _ map[string]any) { o["time"] = "noon" }) + `]}`, 0, `{"batchItemFailures":[{"itemIdentifier":"bad"}]}`},
		{"a detail of a later schema", `{"Records":[` + edited(func(_, d map[string]any) { d["schema_version"] = 2 }) + `]}`, 0, `{"batchItemFailures":[{"itemIdentifier":"bad"}]}`},
		{"a detail of the wrong types", `{"Records":[` + edited(func(_, d map[string]any) { d["version"] = "two" }) + `]}`, 0, `{"batchItemFailures":[{"itemIdentifier":"bad"}]}`},
		{"one that fails, twice in the batch", `{"Records":[` + message("bad", "x") + `,` + message("bad", "x") + `]}`, 0,
			`{"batchItemFailures":[{"itemIdentifier":"bad"},{"itemIdentifier":"bad"}]}`},
		{"one that panics, between good ones", `{"Records":[` + good + `,` + edited(func(_, d map[string]any) { d["name"] = "panic" }) + `,` + good + `]}`, 2,
			`{"batchItemFailures":[{"itemIdentifier":"bad"}]}`},
		{"one without an id that fails", `{"Records":[` + message("", "x") + `]}`, 0, ""},
		{"records that are no list", `{"Records":7}`, 0, ""},
		{"a record that is a text", `{"Records":["a"]}`, 0, ""},
		{"no JSON", `hello`, 0, ""},
		{"nothing", ``, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			handled := 0
			out, err := queue.Each(nil, metric.Imports, func(_ context.Context, e bus.Event) error {
				if e.Detail.Name == "panic" {
					panic("loud")
				}
				handled++
				return nil
			}).Invoke(t.Context(), []byte(tt.payload))
			if (err != nil) != (tt.answer == "") || string(out) != tt.answer || handled != tt.handled {
				t.Errorf("%d were handled, want %d; the answer is %s, %v, want %s", handled, tt.handled, out, err, tt.answer)
			}
		})
	}
}

func TestAgesOfMessagesAreCounted(t *testing.T) {
	var out bytes.Buffer
	sent := time.UnixMilli(1795262400000)
	m := metric.New(&out, "stack", metric.Options{Now: func() time.Time { return sent.Add(1500 * time.Millisecond) }})
	handle := func(context.Context, bus.Event) error { return nil }
	payload := fmt.Sprintf(`{"Records":[%s,%s,{"messageId":"no attributes","body":"x"}]}`, message("1", "x"), message("2", "x"))
	if _, err := queue.Each(m, metric.Webhooks, handle).Invoke(t.Context(), []byte(payload)); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.HasPrefix(got, `{"QueueAge":[1.5,1.5],"Service":"stack","Source":"webhooks",`) || strings.Count(got, "\n") != 1 {
		t.Errorf("metrics are %s, want two ages of 1.5 s", got)
	}
}

// FuzzInvoke gives any payload to a consumer: it names records of the batch or fails as a whole, and never panics.
func FuzzInvoke(f *testing.F) {
	good := body(f, ready, nil)
	for _, s := range []string{
		`{}`, `null`, `[]`, `{"Records":null}`, `{"Records":[null]}`, `{"Records":[{}]}`, `{"Records":[{"messageId":"a","body":"{}"}]}`,
		`{"Records":[` + message("a", good) + `,` + message("b", strings.Replace(good, "asset.ready", "", 1)) + `]}`,
		`{"Records":[` + message("a", `{"source":"assetry","detail":null,"detail-type":"x"}`) + `]}`,
		`{"Records":[{"messageId":1}]}`, `{"Records":[{"messageId":"a","attributes":{"SentTimestamp":"-9223372036854775808"}}]}`,
	} {
		f.Add([]byte(s))
	}
	consume := queue.Each(metric.New(&bytes.Buffer{}, "stack", metric.Options{}), metric.Imports, func(context.Context, bus.Event) error { return nil })
	f.Fuzz(func(t *testing.T, payload []byte) {
		var batch events.SQSEvent
		readable := json.Unmarshal(payload, &batch) == nil
		out, err := consume.Invoke(t.Context(), payload)
		if err != nil {
			return
		}
		var answer events.SQSEventResponse
		if json.Unmarshal(out, &answer) != nil || !readable {
			t.Fatalf("an event that can be read: %t, gave %s", readable, out)
		}
		ids := map[string]bool{}
		for _, r := range batch.Records {
			ids[r.MessageId] = true
		}
		for _, failed := range answer.BatchItemFailures {
			if failed.ItemIdentifier == "" || !ids[failed.ItemIdentifier] {
				t.Errorf("the failure %q is none of the batch", failed.ItemIdentifier)
			}
		}
	})
}
