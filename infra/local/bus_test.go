package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/tabletest"
	"github.com/assetry/assetry/shared/trigger/queue"
)

// happened is an event of a type about an asset.
func happened(t bus.Type, id string) bus.Event {
	return bus.Event{Type: t, Time: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), Detail: bus.Detail{SchemaVersion: bus.SchemaVersion, ID: id, Version: 1}}
}

func newBus(t *testing.T, store table.Table, rules ...rule) *eventBus {
	t.Helper()
	b, err := openEventBus(filepath.Join(t.TempDir(), "events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	b.rules = rules
	return b
}

// payloads are the messages that a partition of a store holds.
func payloads(t *testing.T, store table.Table, partition string) (out []string) {
	t.Helper()
	err := each(context.Background(), store, table.Query{PK: partition}, func(it table.Item) error {
		out = append(out, it.Str(attrPayload))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRulesFeedQueuesWithWhatTheyWant(t *testing.T) {
	store := newTable(t)
	nobody := func(context.Context, message) error { return nil }
	imports, all := newQueue(store, "imports", 1, 0, nobody), newQueue(store, "all", 1, 0, nobody)
	b := newBus(t, store, rule{[]bus.Type{bus.ImportRequested}, imports}, rule{[]bus.Type{bus.ImportRequested, bus.AssetReady}, all})
	failed, err := b.Publish(t.Context(), []bus.Event{happened(bus.AssetReady, "a:2"), happened(bus.ImportRequested, "b:import:1"), happened(bus.AssetDeleted, "c:3")})
	if err != nil || len(failed) > 0 {
		t.Fatalf("Publish = %v, %v", failed, err)
	}
	if n, m := len(payloads(t, store, "imports")), len(payloads(t, store, "all")); n != 1 || m != 2 {
		t.Errorf("the queues hold %d and %d messages, want 1 and 2", n, m)
	}
}

func TestAnEventThatAQueueDidNotKeepHasFailed(t *testing.T) {
	faulty := tabletest.Faulty(newTable(t))
	faulty.FailNth(tabletest.VerbPut, 2, tabletest.LoseCall)
	b := newBus(t, faulty, rule{[]bus.Type{bus.ImportRequested}, newQueue(faulty, "imports", 1, 0, nil)})
	failed, err := b.Publish(t.Context(), []bus.Event{happened(bus.ImportRequested, "a"), happened(bus.ImportRequested, "b"), happened(bus.ImportRequested, "c")})
	if err == nil || !slices.Equal(failed, []int{1}) {
		t.Errorf("Publish = %v, %v; want the second to have failed", failed, err)
	}
}

func TestAMessageIsWhatSQSDelivers(t *testing.T) {
	store := newTable(t)
	got := make(chan events.SQSEvent, 1)
	var decoded bus.Event
	q := newQueue(store, "imports", 1, 0, overSQS("imports", func(_ context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
		var err error
		decoded, err = queue.Decode(e.Records[0])
		got <- e
		return events.SQSEventResponse{}, err
	}))
	b := newBus(t, store, rule{[]bus.Type{bus.ImportRequested}, q})
	want := happened(bus.ImportRequested, "a:import:1")
	if _, err := b.Publish(t.Context(), []bus.Event{want}); err != nil {
		t.Fatal(err)
	}
	runQueue(t, q)
	var r events.SQSMessage
	select {
	case e := <-got:
		r = e.Records[0]
	case <-time.After(10 * time.Second):
		t.Fatal("no delivery")
	}
	if r.EventSource != "aws:sqs" || r.MessageId == "" || r.Attributes["ApproximateReceiveCount"] != "1" {
		t.Errorf("record %+v", r)
	}
	if diff := cmp.Diff(want, decoded); diff != "" {
		t.Errorf("event (-published +delivered):\n%s", diff)
	}
}

// runQueue runs a queue until the test ends or stop is called.
func runQueue(t *testing.T, q *messageQueue) (stop func()) {
	t.Helper()
	return inBackground(t, func(ctx context.Context) {
		if err := q.run(ctx); err != nil && ctx.Err() == nil {
			t.Errorf("run: %v", err)
		}
		<-ctx.Done()
		q.done.Wait()
	})
}

func TestAMessageThatKeepsFailingEndsAmongTheDeadLetters(t *testing.T) {
	for name, answer := range map[string]func(id string) (events.SQSEventResponse, error){
		"reported as failed": func(id string) (events.SQSEventResponse, error) {
			return events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{{ItemIdentifier: id}}}, nil
		},
		"the function fails": func(string) (events.SQSEventResponse, error) {
			return events.SQSEventResponse{}, errors.New("said by the test")
		},
	} {
		t.Run(name, func(t *testing.T) {
			store, tries := newTable(t), make(chan string, 10)
			q := newQueue(store, "imports", 2, 3, overSQS("imports", func(_ context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
				tries <- e.Records[0].Attributes["ApproximateReceiveCount"]
				return answer(e.Records[0].MessageId)
			}))
			if err := q.put(t.Context(), "poison"); err != nil {
				t.Fatal(err)
			}
			runQueue(t, q)
			eventually(t, "the dead letter", func() bool { return len(payloads(t, store, deadLetters("imports"))) == 1 })
			if left := payloads(t, store, "imports"); len(left) != 0 || len(tries) != 3 {
				t.Errorf("%d messages are left after %d deliveries, want none after 3", len(left), len(tries))
			}
			for _, want := range []string{"1", "2", "3"} {
				if n := <-tries; n != want {
					t.Errorf("the receive count was %s, want %s", n, want)
				}
			}
			if dead := payloads(t, store, deadLetters("imports")); dead[0] != "poison" {
				t.Errorf("the dead letter holds %q", dead[0])
			}
		})
	}
}

// The rules here are those of the template: same types, and a queue for each.
func TestRulesAreThoseOfTheTemplate(t *testing.T) {
	b, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Resources map[string]struct {
			Type       string `yaml:"Type"`
			Properties struct {
				EventPattern struct {
					Source     []string `yaml:"source"`
					DetailType []string `yaml:"detail-type"`
				} `yaml:"EventPattern"`
				Targets []struct {
					ID string `yaml:"Id"`
				} `yaml:"Targets"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	want, got := map[string][]string{}, map[string][]string{}
	for name, r := range doc.Resources {
		if r.Type != "AWS::Events::Rule" {
			continue
		}
		if !slices.Equal(r.Properties.EventPattern.Source, []string{bus.Source}) {
			t.Errorf("%s takes events of %v", name, r.Properties.EventPattern.Source)
		}
		for _, target := range r.Properties.Targets {
			want[target.ID] = slices.Sorted(slices.Values(r.Properties.EventPattern.DetailType))
		}
	}
	for _, r := range ruled {
		for _, typ := range r.types {
			got[r.name] = append(got[r.name], string(typ))
		}
		slices.Sort(got[r.name])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("types by target (-template.yaml +local stack):\n%s", diff)
	}
}

func TestTheLogHoldsOneEventALine(t *testing.T) {
	b := newBus(t, newTable(t))
	if _, err := b.Publish(t.Context(), []bus.Event{happened(bus.AssetReady, "a:2")}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(b.file.Name())
	if err != nil {
		t.Fatal(err)
	}
	var line envelope
	if err := json.Unmarshal(text, &line); err != nil || line.Source != bus.Source || line.DetailType != bus.AssetReady || line.Detail.ID != "a:2" {
		t.Errorf("the line is %s, %v", text, err)
	}
	if i, err := b.file.Stat(); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("the log has mode %v, %v, want one that only its owner reads", i.Mode().Perm(), err)
	}
}
