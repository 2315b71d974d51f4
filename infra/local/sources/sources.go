// Package sources delivers events to functions, as AWS's event sources do: notifications of the bucket (Async, by Notify), the table's stream
// (Stream), queues behind rules of the event bus (Queue and Bus), and schedules (Schedule). What is delivered to whom, in which batches and
// how often again, its caller reads from template.yaml; what runs the functions is the caller's too (Invoke), so that functions in this
// process and the deployed binaries get the same payloads.
//
// Delivery is at least once. What was accepted is on disk before whoever brought it goes on, and the position in a stream is kept after a batch
// is done, so that a process which dies delivers again. Counts of deliveries begin anew with a process.
//
// What nobody could handle is kept: messages of a queue under the name of its queue of dead letters, in the same store; events and batches of
// a stream as files of Failures, whole, in the form that Lambda writes to a bucket.
//
// Unlike AWS. Between deliveries there are seconds, where AWS waits for minutes (see the Pauses). A stream's batches go one after another,
// whatever its parallelization, and a batch is cut off when the stream is read, before filters. A schedule never overlaps itself, and a
// firing that fails is not repeated. Queues keep what nobody takes without end.
package sources

import (
	"context"
	"time"
)

// Invoke runs a function, by the name of its folder, with an event in JSON, and gives its answer in JSON. An error says that the function
// failed, ran out of time, or could not be run.
type Invoke func(ctx context.Context, function string, payload []byte) ([]byte, error)

// Matcher is a filter of an event source or the pattern of a rule, on decoded JSON.
type Matcher interface{ Matches(event any) bool }

// Place is what events say about where they come from.
type Place struct {
	Region, Account string
	Stack           string // name of the stack, which names of queues and schedules begin with
}

func (p Place) arn(service, resource string) string {
	return "arn:aws:" + service + ":" + p.Region + ":" + p.Account + ":" + resource
}

// Pauses are the times between the deliveries of one event; the last of them holds for all further ones.
type Pauses []time.Duration

// StreamPauses, QueuePauses and AsyncPauses are how long the sources of the local stack wait. AWS hides a message of a queue for its
// visibility timeout, and waits for one minute and then two before it invokes a function again. Together they are long enough for an engine
// that is started again, and for the lease of a worker that died (two minutes) to end while its queue still tries.
var (
	StreamPauses = Pauses{200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second}
	QueuePauses  = Pauses{time.Second, 5 * time.Second, 25 * time.Second, 125 * time.Second}
	AsyncPauses  = Pauses{5 * time.Second, time.Minute}
)

// after is the pause after a number of deliveries, from 1 on.
func (p Pauses) after(deliveries int) time.Duration {
	if len(p) == 0 {
		return 0
	}
	return p[min(deliveries, len(p))-1]
}

// wait ends with a signal, a time or the context.
func wait(ctx context.Context, signal <-chan struct{}, most time.Duration) {
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-signal:
	case <-t.C:
	}
}
