package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/trigger/importing"
	consumer "github.com/assetry/assetry/shared/trigger/queue"
	"github.com/assetry/assetry/shared/trigger/webhooks"
	"github.com/assetry/assetry/shared/webhook"
)

// eventBus is the event bus of the local stack: a log, one line of JSON an event, and rules that feed queues.
type eventBus struct {
	mu    sync.Mutex
	file  *os.File
	rules []rule
}

var _ bus.Publisher = (*eventBus)(nil)

// rule leads events of some types to a queue.
type rule struct {
	types []bus.Type
	queue *messageQueue
}

// ruled are the queues behind the bus, as template.yaml has them. The function sees a batch of one; workers is how many run at once.
var ruled = []struct {
	name     string
	types    []bus.Type
	workers  int
	consumer func(*boot.Services) consumer.Consumer
}{
	{"imports", []bus.Type{bus.ImportRequested}, 4, func(s *boot.Services) consumer.Consumer { return importing.Handler(s) }},
	{"webhooks", webhook.Types(), 8, func(s *boot.Services) consumer.Consumer { return webhooks.Handler(s) }},
}

// mostReceives is how often a message is delivered before it is given up: the pauses between add up to more than two minutes, which is longer
// than a worker that died can hold up the next. Deployed it is 5, with sixteen minutes between.
const mostReceives = 12

// rules are the rules of the bus, each with a queue of its own.
func rules(store table.Table, s *boot.Services) []rule {
	var rs []rule
	for _, r := range ruled {
		rs = append(rs, rule{r.types, newQueue(store, r.name, r.workers, mostReceives, overSQS(r.name, r.consumer(s)))})
	}
	return rs
}

// queues are those that the rules feed.
func (b *eventBus) queues() []*messageQueue {
	var qs []*messageQueue
	for _, r := range b.rules {
		qs = append(qs, r.queue)
	}
	return qs
}

// envelope is the outside of every event on EventBridge (its documented event structure).
type envelope struct {
	Version    string     `json:"version"`
	ID         string     `json:"id"`
	DetailType bus.Type   `json:"detail-type"`
	Source     string     `json:"source"`
	Account    string     `json:"account"`
	Time       string     `json:"time"`
	Region     string     `json:"region"`
	Resources  []string   `json:"resources"`
	Detail     bus.Detail `json:"detail"`
}

func openEventBus(path string) (*eventBus, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &eventBus{file: f}, nil
}

// Publish appends the events to the log, and puts each on the queues whose rules want it. An event that a queue did not keep has failed.
func (b *eventBus) Publish(ctx context.Context, events []bus.Event) (failed []int, err error) {
	lines := make([][]byte, len(events))
	for i, e := range events {
		if lines[i], err = json.Marshal(envelope{
			Version: "0", ID: e.Detail.ID, DetailType: e.Type, Source: bus.Source, Account: localAccount,
			Time: e.Time.UTC().Format(time.RFC3339), Region: localRegion, Resources: []string{}, Detail: e.Detail,
		}); err != nil {
			return nil, err
		}
	}
	if err := b.log(lines); err != nil {
		for i := range events {
			failed = append(failed, i)
		}
		return failed, err
	}
	for i, e := range events {
		if routeErr := b.route(ctx, e.Type, string(lines[i])); routeErr != nil {
			failed, err = append(failed, i), routeErr
		}
	}
	return failed, err
}

func (b *eventBus) log(lines [][]byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var text []byte
	for _, l := range lines {
		text = append(append(text, l...), '\n')
	}
	_, err := b.file.Write(text)
	return err
}

// route puts an event on the queues whose rules want it.
func (b *eventBus) route(ctx context.Context, t bus.Type, event string) error {
	for _, r := range b.rules {
		if !slices.Contains(r.types, t) {
			continue
		}
		if err := r.queue.put(ctx, event); err != nil {
			return err
		}
	}
	return nil
}

func (b *eventBus) close() { _ = b.file.Close() }

// overSQS delivers messages to the consumer of a queue in AWS, each as a batch of one record, in the JSON that AWS sends.
func overSQS(name string, c consumer.Consumer) func(context.Context, message) error {
	return func(ctx context.Context, m message) error {
		sent := strconv.FormatInt(time.Now().UnixMilli(), 10)
		batch := events.SQSEvent{Records: []events.SQSMessage{{
			MessageId: m.id, ReceiptHandle: m.id, Body: m.payload, EventSource: "aws:sqs", AWSRegion: localRegion,
			EventSourceARN: "arn:aws:sqs:" + localRegion + ":" + localAccount + ":" + name,
			Attributes:     map[string]string{"ApproximateReceiveCount": strconv.Itoa(m.receives), "SentTimestamp": sent},
		}}}
		b, err := json.Marshal(batch)
		if err != nil {
			return err
		}
		var wire events.SQSEvent
		if err := json.Unmarshal(b, &wire); err != nil {
			return err
		}
		answer, err := c(ctx, wire)
		if err != nil {
			return err
		}
		if len(answer.BatchItemFailures) > 0 {
			return fmt.Errorf("the function reports message %s as failed", answer.BatchItemFailures[0].ItemIdentifier)
		}
		return nil
	}
}
