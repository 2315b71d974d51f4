package sources

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/table"
)

// Queue is a queue of SQS with the one function that takes its messages.
type Queue struct {
	name     string
	box      *mailbox
	function string
	reports  bool
	invoke   Invoke
	place    Place
}

// QueueOptions say what a queue delivers to whom. Name is required, and BatchSize beside Function.
type QueueOptions struct {
	Name      string // its logical id, and its partition of the store
	Dead      string // of the queue that takes its dead letters; "": dead letters are dropped, and logged
	Receives  int    // deliveries of a message before it is one; 0: without end
	Function  string // the folder's name; "": nobody takes its messages, and Run must not be called
	BatchSize int    // most messages of one invocation
	Workers   int    // invocations at once; 0 is 1
	Reports   bool   // the answer names the messages that failed; else what it says is passed over
	Pauses    Pauses // nil: QueuePauses
}

// endless is more deliveries than there will be.
const endless = 1 << 30

// NewQueue makes a queue over a store. It delivers once Run is called.
func NewQueue(store table.Table, p Place, invoke Invoke, o QueueOptions) *Queue {
	if o.Pauses == nil {
		o.Pauses = QueuePauses
	}
	if o.Receives == 0 {
		o.Receives = endless
	}
	q := &Queue{name: o.Name, function: o.Function, reports: o.Reports, invoke: invoke, place: p}
	q.box = &mailbox{
		name: o.Name, store: store, workers: max(1, o.Workers), batch: o.BatchSize, tries: o.Receives, pauses: o.Pauses,
		work:   make(chan letter, channelSize),
		giveUp: func(ctx context.Context, m message, _ error) error { return bury(ctx, store, o.Name, o.Dead, m) },
	}
	if o.Function != "" {
		q.box.deliver = q.deliver
	}
	return q
}

// Put keeps a message, of any text, and has it delivered.
func (q *Queue) Put(ctx context.Context, body string) error { return q.box.put(ctx, body) }

// Run delivers until the context ends, and returns once nothing is under way. It fails when it cannot read what an earlier process left.
func (q *Queue) Run(ctx context.Context) error { return q.box.run(ctx) }

// deliver hands a batch to the function and gives what the function reports as failed.
func (q *Queue) deliver(ctx context.Context, batch []message) map[string]error {
	var e events.SQSEvent
	for _, m := range batch {
		e.Records = append(e.Records, events.SQSMessage{
			MessageId: m.id, ReceiptHandle: m.id, Body: m.payload, EventSource: "aws:sqs", AWSRegion: q.place.Region,
			EventSourceARN: q.place.arn("sqs", q.place.Stack+"-"+q.name),
			Attributes: map[string]string{
				"ApproximateReceiveCount": strconv.Itoa(m.receives), "SentTimestamp": strconv.FormatInt(m.sent().UnixMilli(), 10),
				"SenderId": q.place.Account, "ApproximateFirstReceiveTimestamp": strconv.FormatInt(time.Now().UnixMilli(), 10),
			},
		})
	}
	failed := map[string]error{}
	payload, err := json.Marshal(e)
	if err == nil {
		err = q.ask(ctx, payload, batch, failed)
	}
	if err != nil {
		for _, m := range batch {
			failed[m.id] = err
		}
	}
	return failed
}

// ask invokes the function. An answer that names a message which is not of the batch, or none, fails the whole batch, as on AWS.
func (q *Queue) ask(ctx context.Context, payload []byte, batch []message, failed map[string]error) error {
	b, err := q.invoke(ctx, q.function, payload)
	if err != nil || !q.reports {
		return err
	}
	reported, err := failures(b)
	if err != nil {
		return err
	}
	sent := map[string]bool{}
	for _, m := range batch {
		sent[m.id] = true
	}
	for _, id := range reported {
		if !sent[id] {
			return fmt.Errorf("the function reports message %q, which is not of its batch", id)
		}
	}
	for _, id := range reported {
		failed[id] = fmt.Errorf("the function reports message %s as failed", id)
	}
	return nil
}

// failures reads the items that a function reports as failed. No answer reports none.
func failures(answer []byte) (ids []string, err error) {
	var r struct {
		BatchItemFailures []struct {
			ItemIdentifier string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if len(answer) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(answer, &r); err != nil {
		return nil, fmt.Errorf("the function's answer is no report of a batch: %w", err)
	}
	for _, f := range r.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids, nil
}

// bury moves a message among the dead letters, where it stays until somebody removes it.
func bury(ctx context.Context, store table.Table, queue, dead string, m message) error {
	remove := table.Delete(table.Key{PK: queue, SK: m.id}, table.Present())
	if dead == "" {
		_, err := store.Write(ctx, remove)
		return err
	}
	return store.Transact(ctx, []table.Write{remove, table.Put(messageItem(dead, m.id, m.payload), table.Absent())})
}
