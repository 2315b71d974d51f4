package sources

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/polltest"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/tabletest"
)

// taker takes messages and counts, and fails when a test says so.
type taker struct {
	mu    sync.Mutex
	taken map[string]int // by payload
	tried map[string]int
	fails func(payload string, try int) bool
}

func newTaker() *taker { return &taker{taken: map[string]int{}, tried: map[string]int{}} }

func (f *taker) deliver(_ context.Context, batch []message) map[string]error {
	f.mu.Lock()
	defer f.mu.Unlock()
	failed := map[string]error{}
	for _, m := range batch {
		f.tried[m.payload]++
		if f.fails != nil && f.fails(m.payload, f.tried[m.payload]) {
			failed[m.id] = errSaid
			continue
		}
		f.taken[m.payload]++
	}
	return failed
}

func (f *taker) delivered() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.taken))
}

func (f *taker) tries(payload string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tried[payload]
}

const boxWorkers = 4

func newBox(store table.Table, f *taker) *mailbox {
	return &mailbox{
		name: "box", store: store, workers: boxWorkers, batch: 3, tries: endless, pauses: quick, deliver: f.deliver, work: make(chan letter, channelSize),
		giveUp: func(context.Context, message, error) error { return errors.New("nothing here is given up") },
	}
}

func numbers(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("%04d", i))
	}
	return out
}

func mustPut(t testing.TB, m *mailbox, payloads ...string) {
	t.Helper()
	for _, p := range payloads {
		if err := m.put(t.Context(), p); err != nil {
			t.Fatalf("put %s: %v", p, err)
		}
	}
}

func TestAMessageIsKeptBeforeItsSenderIsAnswered(t *testing.T) {
	store := newTable(t)
	m := newBox(store, newTaker())
	for i, p := range numbers(3) {
		mustPut(t, m, p)
		if n := len(payloads(t, store, "box")); n != i+1 {
			t.Errorf("after message %d the store holds %d", i+1, n)
		}
	}
}

func TestAMessageThatCannotBeKeptIsAnError(t *testing.T) {
	faulty := tabletest.Faulty(newTable(t))
	faulty.Script(func(tabletest.Call) tabletest.Fault { return tabletest.LoseCall })
	m := newBox(faulty, newTaker())
	if err := m.put(t.Context(), "lost"); err == nil {
		t.Error("put: no error, though nothing was kept")
	}
	if len(m.work) != 0 {
		t.Error("a message that was not kept is among the work")
	}
}

func TestEveryMessageIsDeliveredAndForgotten(t *testing.T) {
	for name, n := range map[string]int{"a few": 10, "more than wait in the channel": 50} {
		t.Run(name, func(t *testing.T) {
			store, f := newTable(t), newTaker()
			m := newBox(store, f)
			m.work = make(chan letter, 20)
			mustPut(t, m, numbers(n)...) // nobody takes them yet
			work(t, m.run)
			polltest.Eventually(t, "all deliveries", func() bool { return len(f.delivered()) == n && len(payloads(t, store, "box")) == 0 })
			if diff := cmp.Diff(numbers(n), f.delivered()); diff != "" {
				t.Errorf("delivered (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAMessageIsDeliveredAgainUntilItIsTaken(t *testing.T) {
	store, f := newTable(t), newTaker()
	f.fails = func(p string, try int) bool { return p == "0001" && try <= 2 }
	m := newBox(store, f)
	work(t, m.run)
	mustPut(t, m, numbers(3)...)
	polltest.Eventually(t, "all deliveries", func() bool { return len(f.delivered()) == 3 && len(payloads(t, store, "box")) == 0 })
	if n := f.tries("0001"); n != 3 {
		t.Errorf("the message that failed twice was delivered %d times, want 3", n)
	}
}

func TestMessagesThatFailHoldUpNoOthers(t *testing.T) {
	f, all := newTaker(), numbers(10*boxWorkers+1)
	good := all[len(all)-1]
	f.fails = func(p string, _ int) bool { return p != good }
	m := newBox(newTable(t), f)
	mustPut(t, m, all...)
	work(t, m.run)
	polltest.Eventually(t, "every bad message tried twice", func() bool {
		return !slices.ContainsFunc(all[:len(all)-1], func(p string) bool { return f.tries(p) < 2 })
	})
	if diff := cmp.Diff([]string{good}, f.delivered()); diff != "" {
		t.Errorf("delivered (-want +got):\n%s", diff)
	}
}

func TestAMessageThatCannotBeReadOrForgottenAtFirstIsDeliveredLater(t *testing.T) {
	for name, verb := range map[string]string{"its reading fails": tabletest.VerbGet, "forgetting it fails": tabletest.VerbDelete} {
		for fault, f := range map[string]tabletest.Fault{"throttled": tabletest.Throttle, "no answer": tabletest.LoseAnswer} {
			t.Run(name+", "+fault, func(t *testing.T) {
				store, taker := newTable(t), newTaker()
				faulty := tabletest.Faulty(store)
				faulty.FailNth(verb, 1, f)
				m := newBox(faulty, taker)
				work(t, m.run)
				mustPut(t, m, "one")
				polltest.Eventually(t, "the delivery", func() bool { return len(taker.delivered()) == 1 && len(payloads(t, store, "box")) == 0 })
			})
		}
	}
}

func TestWhatWasNotDeliveredSurvivesARestart(t *testing.T) {
	path, all := filepath.Join(t.TempDir(), "queue.db"), numbers(20)
	first, f := openTable(t, path), newTaker()
	f.fails = func(p string, _ int) bool { return !slices.Contains(all[:5], p) }
	m := newBox(first, f)
	stop := work(t, m.run)
	mustPut(t, m, all...)
	polltest.Eventually(t, "the good ones", func() bool { return len(f.delivered()) == 5 && len(payloads(t, first, "box")) == 15 })
	stop()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	second := openTable(t, path)
	f = newTaker()
	work(t, newBox(second, f).run)
	polltest.Eventually(t, "the others", func() bool { return len(payloads(t, second, "box")) == 0 })
	if diff := cmp.Diff(all[5:], f.delivered()); diff != "" {
		t.Errorf("delivered after the restart (-want +got):\n%s", diff)
	}
}

func TestALetterThatIsTwiceAmongTheWorkDoesNoHarm(t *testing.T) {
	store, f, all := newTable(t), newTaker(), numbers(4)
	m := newBox(store, f)
	mustPut(t, m, all...)
	var again []letter
	for range all {
		l := <-m.work
		again = append(again, l, l, l)
	}
	slices.Reverse(again)
	for _, l := range again {
		m.work <- l
	}
	work(t, m.run)
	polltest.Eventually(t, "all deliveries", func() bool { return len(m.work) == 0 && len(payloads(t, store, "box")) == 0 })
	if diff := cmp.Diff(all, f.delivered()); diff != "" {
		t.Errorf("delivered (-want +got):\n%s", diff)
	}
}

func TestAMailboxWhoseStoreCannotBeReadSaysSo(t *testing.T) {
	faulty := tabletest.Faulty(newTable(t))
	faulty.FailNth(tabletest.VerbQuery, 1, tabletest.LoseCall)
	if err := newBox(faulty, newTaker()).run(t.Context()); err == nil {
		t.Error("run: no error")
	}
}

func TestPausesEndWithTheirLast(t *testing.T) {
	p := Pauses{time.Second, time.Minute}
	for deliveries, want := range map[int]time.Duration{1: time.Second, 2: time.Minute, 3: time.Minute, 99: time.Minute} {
		if got := p.after(deliveries); got != want {
			t.Errorf("after %d deliveries %v, want %v", deliveries, got, want)
		}
	}
	if got := (Pauses{}).after(1); got != 0 {
		t.Errorf("no pauses: %v", got)
	}
}
