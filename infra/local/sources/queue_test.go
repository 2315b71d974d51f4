package sources

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/polltest"
	"github.com/assetry/assetry/shared/tabletest"
)

func sqsEvent(t testing.TB, payload string) (e events.SQSEvent) {
	t.Helper()
	if err := json.Unmarshal([]byte(payload), &e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAMessageIsWhatSQSDelivers(t *testing.T) {
	f := &function{}
	q := NewQueue(newTable(t), here, f.invoke, QueueOptions{Name: "Jobs", Function: "on-job", BatchSize: 1})
	if err := q.Put(t.Context(), `{"a": "<&>"}`); err != nil {
		t.Fatal(err)
	}
	work(t, q.Run)
	polltest.Eventually(t, "the delivery", func() bool { return len(f.calls()) == 1 })
	r := sqsEvent(t, f.calls()[0]).Records[0]
	if r.Body != `{"a": "<&>"}` || r.EventSource != "aws:sqs" || r.MessageId == "" || r.ReceiptHandle == "" || !f.names["on-job"] ||
		r.EventSourceARN != "arn:aws:sqs:us-east-1:000000000000:assetry-Jobs" || r.Attributes["ApproximateReceiveCount"] != "1" || r.Attributes["SentTimestamp"] == "" {
		t.Errorf("record %+v", r)
	}
}

func TestMessagesThatWaitGoInBatches(t *testing.T) {
	f := &function{}
	q := NewQueue(newTable(t), here, f.invoke, QueueOptions{Name: "Jobs", Function: "on-job", BatchSize: 5})
	for _, n := range numbers(12) {
		if err := q.Put(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	work(t, q.Run)
	polltest.Eventually(t, "every delivery", func() bool { return len(f.calls()) >= 3 })
	var sizes []int
	for _, c := range f.calls() {
		sizes = append(sizes, len(sqsEvent(t, c).Records))
	}
	if !slices.Equal(sizes, []int{5, 5, 2}) {
		t.Errorf("batches of %v, want 5, 5 and 2", sizes)
	}
}

func TestNoMoreInvocationsRunAtOnceThanTheQueueMay(t *testing.T) {
	now, most, release := 0, 0, make(chan struct{})
	f := &function{}
	enter := func(d int) {
		f.mu.Lock()
		defer f.mu.Unlock()
		now += d
		most = max(most, now)
	}
	q := NewQueue(newTable(t), here, nil, QueueOptions{Name: "Jobs", Function: "on-job", BatchSize: 1, Workers: 3})
	q.invoke = func(ctx context.Context, name string, p []byte) ([]byte, error) {
		enter(1)
		defer enter(-1)
		<-release
		return f.invoke(ctx, name, p)
	}
	for _, n := range numbers(9) {
		if err := q.Put(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	work(t, q.Run)
	running := func() int {
		f.mu.Lock()
		defer f.mu.Unlock()
		return now
	}
	polltest.Eventually(t, "as many invocations as may be", func() bool { return running() == 3 })
	for range 9 {
		release <- struct{}{}
	}
	polltest.Eventually(t, "every delivery", func() bool { return len(f.calls()) == 9 })
	f.mu.Lock()
	defer f.mu.Unlock()
	if most != 3 {
		t.Errorf("%d invocations ran at once, want 3", most)
	}
}

func TestOnlyMessagesReportedAsFailedComeAgain(t *testing.T) {
	store, f := newTable(t), &function{}
	f.answer = func(payload string, call int) (string, error) {
		if call > 1 {
			return "", nil
		}
		for _, r := range sqsEvent(t, payload).Records {
			if r.Body == "0001" {
				return `{"batchItemFailures": [{"itemIdentifier": "` + r.MessageId + `"}]}`, nil
			}
		}
		return "", errSaid
	}
	q := NewQueue(store, here, f.invoke, QueueOptions{Name: "Jobs", Function: "on-job", BatchSize: 3, Reports: true, Pauses: quick})
	for _, n := range numbers(3) {
		if err := q.Put(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	work(t, q.Run)
	polltest.Eventually(t, "an empty queue", func() bool { return len(payloads(t, store, "Jobs")) == 0 })
	calls := f.calls()
	if len(calls) != 2 {
		t.Fatalf("%d invocations, want 2", len(calls))
	}
	again := sqsEvent(t, calls[1]).Records
	if len(again) != 1 || again[0].Body != "0001" || again[0].Attributes["ApproximateReceiveCount"] != "2" {
		t.Errorf("the second invocation got %+v, want the one that failed, received twice", again)
	}
}

func TestAMessageThatKeepsFailingEndsAmongTheDeadLetters(t *testing.T) {
	for name, answer := range map[string]func(id string) (string, error){
		"reported as failed": func(id string) (string, error) {
			return `{"batchItemFailures": [{"itemIdentifier": "` + id + `"}]}`, nil
		},
		"the function fails":                   func(string) (string, error) { return "", errSaid },
		"the answer is no report":              func(string) (string, error) { return "[", nil },
		"the answer names no message":          func(string) (string, error) { return `{"batchItemFailures": [{"itemIdentifier": ""}]}`, nil },
		"the answer is about somebody else's":  func(string) (string, error) { return `{"batchItemFailures": [{"itemIdentifier": "x"}]}`, nil },
		"the answer forgets to name a message": func(string) (string, error) { return `{"batchItemFailures": [{}]}`, nil },
	} {
		t.Run(name, func(t *testing.T) {
			store, f := newTable(t), &function{}
			f.answer = func(payload string, _ int) (string, error) { return answer(sqsEvent(t, payload).Records[0].MessageId) }
			q := NewQueue(store, here, f.invoke, QueueOptions{Name: "Jobs", Dead: "DeadJobs", Receives: 3, Function: "on-job", BatchSize: 1, Workers: 2, Reports: true, Pauses: quick})
			if err := q.Put(t.Context(), "poison"); err != nil {
				t.Fatal(err)
			}
			work(t, q.Run)
			polltest.Eventually(t, "the dead letter", func() bool { return len(payloads(t, store, "DeadJobs")) == 1 })
			if left := payloads(t, store, "Jobs"); len(left) != 0 || len(f.calls()) != 3 {
				t.Errorf("%d messages are left after %d deliveries, want none after 3", len(left), len(f.calls()))
			}
			for i, c := range f.calls() {
				if n := sqsEvent(t, c).Records[0].Attributes["ApproximateReceiveCount"]; n != []string{"1", "2", "3"}[i] {
					t.Errorf("delivery %d has the receive count %s", i+1, n)
				}
			}
			if dead := payloads(t, store, "DeadJobs"); dead[0] != "poison" {
				t.Errorf("the dead letter holds %q", dead[0])
			}
		})
	}
}

func TestADeadLetterThatCannotBeKeptStaysInItsQueue(t *testing.T) {
	store, f := newTable(t), &function{answer: func(string, int) (string, error) { return "", errSaid }}
	faulty := tabletest.Faulty(store)
	faulty.FailNth(tabletest.VerbTransact, 1, tabletest.LoseCall)
	o := QueueOptions{Name: "Jobs", Dead: "DeadJobs", Receives: 1, Function: "on-job", BatchSize: 1, Pauses: quick}
	q := NewQueue(faulty, here, f.invoke, o)
	if err := q.Put(t.Context(), "poison"); err != nil {
		t.Fatal(err)
	}
	stop := work(t, q.Run)
	polltest.Eventually(t, "the attempt to bury it", func() bool { return faulty.Calls(tabletest.VerbTransact) == 1 })
	stop()
	if n := len(payloads(t, store, "Jobs")); n != 1 {
		t.Fatalf("the queue holds %d messages, want the one", n)
	}
	work(t, NewQueue(faulty, here, f.invoke, o).Run) // the next start
	polltest.Eventually(t, "the dead letter", func() bool { return len(payloads(t, store, "DeadJobs")) == 1 })
}

func TestWithoutAQueueForThemDeadLettersAreDropped(t *testing.T) {
	store, f := newTable(t), &function{answer: func(string, int) (string, error) { return "", errSaid }}
	q := NewQueue(store, here, f.invoke, QueueOptions{Name: "Jobs", Receives: 2, Function: "on-job", BatchSize: 1, Pauses: quick})
	if err := q.Put(t.Context(), strings.Repeat("x", 1000)); err != nil {
		t.Fatal(err)
	}
	work(t, q.Run)
	polltest.Eventually(t, "an empty queue", func() bool { return len(payloads(t, store, "Jobs")) == 0 })
	if n := len(f.calls()); n != 2 {
		t.Errorf("%d deliveries, want 2", n)
	}
}

func TestTheTimeOfAMessageIsWhenItWasPut(t *testing.T) {
	began := time.Now().Add(-time.Millisecond)
	store, f := newTable(t), &function{}
	q := NewQueue(store, here, f.invoke, QueueOptions{Name: "Jobs", Function: "on-job", BatchSize: 1})
	if err := q.Put(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	m := message{id: (<-q.box.work).id}
	if at := m.sent(); at.Before(began.Truncate(time.Millisecond)) || at.After(time.Now()) {
		t.Errorf("sent at %v, want about %v", at, began)
	}
	if at := (message{id: "nonsense"}).sent(); !at.IsZero() {
		t.Errorf("a message without a time was sent at %v", at)
	}
}

func TestAReportThatNobodyAskedForIsPassedOver(t *testing.T) {
	store, f := newTable(t), &function{}
	f.answer = func(payload string, _ int) (string, error) {
		return `{"batchItemFailures": [{"itemIdentifier": "` + sqsEvent(t, payload).Records[0].MessageId + `"}]}`, nil
	}
	q := NewQueue(store, here, f.invoke, QueueOptions{Name: "Jobs", Function: "on-job", BatchSize: 1, Pauses: quick})
	if err := q.Put(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	work(t, q.Run)
	polltest.Eventually(t, "an empty queue", func() bool { return len(payloads(t, store, "Jobs")) == 0 })
	if n := len(f.calls()); n != 1 {
		t.Errorf("%d deliveries, want 1", n)
	}
}
