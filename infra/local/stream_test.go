package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo/stream"
	"github.com/assetry/assetry/shared/table/sqlite"
	"github.com/assetry/assetry/shared/trigger/change"
)

// reader is a consumer of the stream that takes what a test lets it take.
type reader struct {
	mu      sync.Mutex
	taken   []string // "<sort key>=<n>" of every change it took, in order
	batches []int    // sizes of the batches
	refuses func(c table.Change) bool
	fails   func(batch int) error
}

func (r *reader) consume(_ context.Context, e events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.batches = append(r.batches, len(e.Records))
	if r.fails != nil {
		if err := r.fails(len(r.batches)); err != nil {
			return events.DynamoDBEventResponse{}, err
		}
	}
	for _, rec := range e.Records {
		c, err := stream.Decode(rec)
		if err != nil || r.refuses != nil && r.refuses(c) {
			return events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{{ItemIdentifier: rec.Change.SequenceNumber}}}, nil
		}
		r.taken = append(r.taken, fmt.Sprintf("%s=%d", c.Key.SK, c.New.Int("n")))
	}
	return events.DynamoDBEventResponse{}, nil
}

func (r *reader) seen() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.taken...)
}

// mustChange writes items 0 to n-1, each a change.
func mustChange(t testing.TB, db *sqlite.DB, from, to int) (want []string) {
	t.Helper()
	for i := from; i < to; i++ {
		sk := fmt.Sprintf("%04d", i%7)
		_, err := db.Write(t.Context(), table.Put(table.Item{
			table.AttrPK: table.String("p"), table.AttrSK: table.String(sk), "n": table.Int(int64(i)),
		}, table.Any(table.Absent(), table.Present())))
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprintf("%s=%d", sk, i))
	}
	return want
}

func pumpTo(t testing.TB, feed, store *sqlite.DB, r change.Consumer) (stop func()) {
	t.Helper()
	p := &pump{"reader", feed, store, r}
	return inBackground(t, p.run)
}

func TestThePumpDeliversEveryChangeInOrder(t *testing.T) {
	feed, r := newTable(t), &reader{}
	want := mustChange(t, feed, 0, 250)
	pumpTo(t, feed, newTable(t), r.consume)
	eventually(t, "what was there", func() bool { return len(r.seen()) == 250 })
	want = append(want, mustChange(t, feed, 250, 260)...)
	eventually(t, "what came later", func() bool { return len(r.seen()) == 260 })
	if diff := cmp.Diff(want, r.seen()); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	for _, n := range r.batches {
		if n > batchSize {
			t.Errorf("a batch has %d changes, want at most %d", n, batchSize)
		}
	}
}

func TestThePumpGoesOnFromTheRecordThatFailed(t *testing.T) {
	for _, tt := range []struct {
		name string
		at   int64 // the change that is refused twice
	}{{"the first", 0}, {"in the middle", 5}, {"the last", 9}} {
		t.Run(tt.name, func(t *testing.T) {
			feed, r, tries := newTable(t), &reader{}, 0
			r.refuses = func(c table.Change) bool {
				if c.New.Int("n") == tt.at && tries < 2 {
					tries++
					return true
				}
				return false
			}
			want := mustChange(t, feed, 0, 10)
			pumpTo(t, feed, newTable(t), r.consume)
			eventually(t, "every change", func() bool { return len(r.seen()) >= 10 })
			if diff := cmp.Diff(want, r.seen()); diff != "" {
				t.Errorf("changes, none of them twice (-want +got):\n%s", diff)
			}
			rest := 10 - int(tt.at)
			if diff := cmp.Diff([]int{10, rest, rest}, r.batches); diff != "" {
				t.Errorf("batches (-want +got):\n%s", diff)
			}
		})
	}
}

func TestThePumpDeliversABatchAgainThatFailedAsAWhole(t *testing.T) {
	feed, r := newTable(t), &reader{}
	r.fails = func(batch int) error {
		if batch <= 2 {
			return errors.New("said by the test")
		}
		return nil
	}
	want := mustChange(t, feed, 0, 10)
	pumpTo(t, feed, newTable(t), r.consume)
	eventually(t, "every change", func() bool { return len(r.seen()) >= 10 })
	if diff := cmp.Diff(want, r.seen()); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestThePumpDoesNotBelieveAnAnswerAboutAnotherBatch(t *testing.T) {
	feed, store := newTable(t), newTable(t)
	mustChange(t, feed, 0, 3)
	p := &pump{"reader", feed, store, func(context.Context, events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
		return events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{{ItemIdentifier: "999999"}}}, nil
	}}
	if next, err := p.batch(t.Context(), ""); err == nil || next != "" {
		t.Errorf("batch = %q, %v, want no progress and an error", next, err)
	}
	if at, err := p.position(t.Context()); err != nil || at != "" {
		t.Errorf("position = %q, %v, want the beginning", at, err)
	}
}

func TestThePositionSurvivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queue.db")
	feed, store := newTable(t), openTable(t, path)
	want := mustChange(t, feed, 0, 150)
	first := &reader{refuses: func(c table.Change) bool { return c.New.Int("n") >= 120 }}
	stop := pumpTo(t, feed, store, first.consume)
	eventually(t, "all that may be taken, and the refusal after it", func() bool {
		first.mu.Lock()
		defer first.mu.Unlock()
		return len(first.taken) == 120 && len(first.batches) >= 3
	})
	stop()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	store = openTable(t, path)
	second, other := &reader{}, &reader{}
	pumpTo(t, feed, store, second.consume)
	inBackground(t, (&pump{"another", feed, store, other.consume}).run)
	eventually(t, "the rest", func() bool { return len(second.seen()) == 30 })
	if diff := cmp.Diff(want, append(first.seen(), second.seen()...)); diff != "" {
		t.Errorf("changes, none of them twice (-want +got):\n%s", diff)
	}
	eventually(t, "everything for another consumer", func() bool { return len(other.seen()) == 150 })
	if diff := cmp.Diff(want, other.seen()); diff != "" {
		t.Errorf("changes of the other consumer (-want +got):\n%s", diff)
	}
}
