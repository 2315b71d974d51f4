package main

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/tabletest"
)

// finalizer is a function that counts the deliveries of each key, and fails when a test says so.
type finalizer struct {
	mu    sync.Mutex
	taken map[string]int // by decoded key
	tried map[string]int
	last  events.S3Event
	fails func(key string, try int) bool
}

func newFinalizer() *finalizer {
	return &finalizer{taken: map[string]int{}, tried: map[string]int{}}
}

func (f *finalizer) deliver(_ context.Context, e events.S3Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = e
	key := e.Records[0].S3.Object.URLDecodedKey
	f.tried[key]++
	if f.fails != nil && f.fails(key, f.tried[key]) {
		return errors.New("said by the test")
	}
	f.taken[key]++
	return nil
}

// delivered are the keys that were taken.
func (f *finalizer) delivered() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.taken))
}

func (f *finalizer) tries(key string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tried[key]
}

var testWorkspace = id.NewWorkspace(time.Now())

// sources are keys as our uploads have them.
func sources(n int) []string {
	var keys []string
	for range n {
		keys = append(keys, schema.Source{Workspace: testWorkspace, Asset: id.NewAsset(testWorkspace, time.Now()), Generation: 1}.Key())
	}
	slices.Sort(keys)
	return keys
}

func created(key string) versity.Event {
	return versity.Event{
		Name: "ObjectCreated:Post", Bucket: localBucket, Key: key, Version: "v1", ETag: "d41d8cd98f00b204e9800998ecf8427e", Size: 7,
		Time: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC),
	}
}

func mustAdd(t testing.TB, q *objectQueue, keys ...string) {
	t.Helper()
	for _, k := range keys {
		if err := q.add(t.Context(), created(k)); err != nil {
			t.Fatalf("add %s: %v", k, err)
		}
	}
}

// kept counts the events that a store holds.
func kept(t testing.TB, store table.Table) int {
	t.Helper()
	n := 0
	err := each(context.Background(), store, table.Query{PK: objectPartition}, func(table.Item) error { n++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// work runs a queue until the test ends or stop is called.
func work(t testing.TB, q *objectQueue) (stop func()) {
	t.Helper()
	return inBackground(t, func(ctx context.Context) {
		if err := q.run(ctx); err != nil && ctx.Err() == nil {
			t.Errorf("run: %v", err)
		}
		<-ctx.Done()
		q.done.Wait()
	})
}

func TestAnEventIsKeptBeforeItsWriterIsAnswered(t *testing.T) {
	store := newTable(t)
	q := newObjectQueue(store, localBucket, newFinalizer().deliver)
	for i, k := range sources(3) {
		mustAdd(t, q, k)
		if n := kept(t, store); n != i+1 {
			t.Errorf("after event %d the store holds %d", i+1, n)
		}
	}
	mustAdd(t, q, "somebody/elses.png", "w/x/thumb", "")
	if n := kept(t, store); n != 3 {
		t.Errorf("with events of keys that are no sources the store holds %d, want 3", n)
	}
}

func TestAnEventThatCannotBeKeptIsAnError(t *testing.T) {
	faulty := tabletest.Faulty(newTable(t))
	faulty.Script(func(tabletest.Call) tabletest.Fault { return tabletest.LoseCall })
	q := newObjectQueue(faulty, localBucket, newFinalizer().deliver)
	if err := q.add(t.Context(), created(sources(1)[0])); err == nil {
		t.Error("add: no error, though nothing was kept")
	}
	if len(q.work) != 0 {
		t.Error("an event that was not kept is among the work")
	}
}

func TestAnEventIsWhatS3Sends(t *testing.T) {
	f, key := newFinalizer(), sources(1)[0]
	q := newObjectQueue(newTable(t), localBucket, f.deliver)
	mustAdd(t, q, key)
	work(t, q)
	eventually(t, "the delivery", func() bool { return len(f.delivered()) == 1 })
	want := events.S3Object{Key: key, URLDecodedKey: key, Size: 7, ETag: "d41d8cd98f00b204e9800998ecf8427e", VersionID: "v1"}
	got := f.last.Records[0]
	want.Sequencer = got.S3.Object.Sequencer
	if diff := cmp.Diff(want, got.S3.Object); diff != "" || len(want.Sequencer) != 16 {
		t.Errorf("object (-want +got):\n%s", diff)
	}
	if got.EventName != "ObjectCreated:Post" || got.EventSource != "aws:s3" || got.S3.Bucket.Name != localBucket || got.EventVersion != "2.1" {
		t.Errorf("record %+v", got)
	}
	odd := record(localBucket, created("w/a b+c%/画")).S3.Object.Key
	if want := "w/a+b%2Bc%25/%E7%94%BB"; odd != want {
		t.Errorf("the key is encoded as %s, want %s", odd, want)
	}
}

func TestEveryEventIsDeliveredAndForgotten(t *testing.T) {
	for name, n := range map[string]int{"a few": 10, "more than wait in the channel": 1100} {
		t.Run(name, func(t *testing.T) {
			store, f, keys := newTable(t), newFinalizer(), sources(n)
			q := newObjectQueue(store, localBucket, f.deliver)
			mustAdd(t, q, keys...) // nobody takes them yet
			work(t, q)
			eventually(t, "all deliveries", func() bool { return len(f.delivered()) == n && kept(t, store) == 0 })
			if diff := cmp.Diff(keys, f.delivered()); diff != "" {
				t.Errorf("delivered (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnEventIsDeliveredAgainUntilTheFunctionTakesIt(t *testing.T) {
	store, f, keys := newTable(t), newFinalizer(), sources(3)
	f.fails = func(key string, try int) bool { return key == keys[1] && try <= 2 }
	q := newObjectQueue(store, localBucket, f.deliver)
	work(t, q)
	mustAdd(t, q, keys...)
	eventually(t, "all deliveries", func() bool { return len(f.delivered()) == 3 && kept(t, store) == 0 })
	if n := f.tries(keys[1]); n != 3 {
		t.Errorf("the event that failed twice was delivered %d times, want 3", n)
	}
}

func TestEventsThatFailHoldUpNoOthers(t *testing.T) {
	f, keys := newFinalizer(), sources(3*objectWorkers+1)
	good := keys[len(keys)-1]
	f.fails = func(key string, _ int) bool { return key != good }
	q := newObjectQueue(newTable(t), localBucket, f.deliver)
	mustAdd(t, q, keys...)
	work(t, q)
	eventually(t, "every bad event tried twice", func() bool {
		for _, k := range keys[:len(keys)-1] {
			if f.tries(k) < 2 {
				return false
			}
		}
		return true
	})
	if diff := cmp.Diff([]string{good}, f.delivered()); diff != "" {
		t.Errorf("delivered (-want +got):\n%s", diff)
	}
}

func TestAnEventThatCannotBeReadAtFirstIsDeliveredLater(t *testing.T) {
	for name, verb := range map[string]string{"its reading fails": tabletest.VerbGet, "forgetting it fails": tabletest.VerbDelete} {
		for fault, f := range map[string]tabletest.Fault{"throttled": tabletest.Throttle, "no answer": tabletest.LoseAnswer} {
			t.Run(name+", "+fault, func(t *testing.T) {
				store, fin, key := newTable(t), newFinalizer(), sources(1)[0]
				faulty := tabletest.Faulty(store)
				faulty.Script(func(c tabletest.Call) tabletest.Fault {
					if c.Verb == verb && c.Nth == 1 {
						return f
					}
					return tabletest.None
				})
				q := newObjectQueue(faulty, localBucket, fin.deliver)
				work(t, q)
				mustAdd(t, q, key)
				eventually(t, "the delivery", func() bool { return len(fin.delivered()) == 1 && kept(t, store) == 0 })
			})
		}
	}
}

func TestWhatWasNotDeliveredSurvivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queue.db")
	keys := sources(20)
	first := openTable(t, path)
	f := newFinalizer()
	f.fails = func(key string, _ int) bool { return !slices.Contains(keys[:5], key) }
	q := newObjectQueue(first, localBucket, f.deliver)
	stop := work(t, q)
	mustAdd(t, q, keys...)
	eventually(t, "the good ones", func() bool { return len(f.delivered()) == 5 && kept(t, first) == 15 })
	stop()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	second := openTable(t, path)
	f = newFinalizer()
	work(t, newObjectQueue(second, localBucket, f.deliver))
	eventually(t, "the others", func() bool { return kept(t, second) == 0 })
	if diff := cmp.Diff(keys[5:], f.delivered()); diff != "" {
		t.Errorf("delivered after the restart (-want +got):\n%s", diff)
	}
}

func TestADeliveryThatIsTwiceAmongTheWorkDoesNoHarm(t *testing.T) {
	store, f, keys := newTable(t), newFinalizer(), sources(4)
	q := newObjectQueue(store, localBucket, f.deliver)
	mustAdd(t, q, keys...)
	var again []delivery
	for range keys {
		d := <-q.work
		again = append(again, d, d, d)
	}
	slices.Reverse(again)
	for _, d := range again {
		q.work <- d
	}
	work(t, q)
	eventually(t, "all deliveries", func() bool { return len(q.work) == 0 && kept(t, store) == 0 })
	if diff := cmp.Diff(keys, f.delivered()); diff != "" {
		t.Errorf("delivered (-want +got):\n%s", diff)
	}
}

func TestAQueueWhoseStoreCannotBeReadSaysSo(t *testing.T) {
	faulty := tabletest.Faulty(newTable(t))
	faulty.Script(func(c tabletest.Call) tabletest.Fault {
		if c.Verb == tabletest.VerbQuery {
			return tabletest.LoseCall
		}
		return tabletest.None
	})
	ctx, cancel := context.WithCancel(context.Background())
	q := newObjectQueue(faulty, localBucket, newFinalizer().deliver)
	if err := q.run(ctx); err == nil {
		t.Error("run: no error")
	}
	cancel()
	q.done.Wait()
}
