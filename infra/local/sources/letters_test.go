package sources

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/polltest"
	"github.com/assetry/assetry/shared/table"
)

// letters are all that a queue of dead letters holds.
func letters(t *testing.T, store table.Table, dead string) (ls []Letter) {
	t.Helper()
	for l, err := range Letters(t.Context(), store, dead) {
		if err != nil {
			t.Fatal(err)
		}
		ls = append(ls, l)
	}
	return ls
}

// buryAll puts messages among the dead letters.
func buryAll(t *testing.T, store table.Table, bodies ...string) {
	t.Helper()
	q := NewQueue(store, here, nil, QueueOptions{Name: "Dead"})
	for _, b := range bodies {
		if err := q.Put(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDeadLettersAreReadInTheOrderInWhichTheyWereSent(t *testing.T) {
	store := newTable(t)
	bodies := numbers(lettersPage + 5)
	buryAll(t, store, bodies...)
	ls := letters(t, store, "Dead")
	if len(ls) != len(bodies) {
		t.Fatalf("%d letters, want %d", len(ls), len(bodies))
	}
	for i, l := range ls {
		if l.Body != bodies[i] || time.Since(l.Sent) > time.Minute || l.ID == "" {
			t.Errorf("letter %d is %+v, want %q", i, l, bodies[i])
		}
	}
	for range Letters(t.Context(), store, "Dead") {
		break // who has seen enough reads no more
	}
	for _, err := range Letters(t.Context(), domaintest.Broken{Err: errSaid}, "Dead") {
		if !errors.Is(err, errSaid) {
			t.Errorf("letters that cannot be read: %v", err)
		}
	}
}

// Replayed by another process, as the operator's tool does it, while the queue runs here.
func TestAReplayedLetterReachesAQueueThatRuns(t *testing.T) {
	store, f := newTable(t), newTaker()
	box := newBox(store, f)
	inBackground(t, func(ctx context.Context) {
		if err := box.run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	buryAll(t, store, "late")
	l := letters(t, store, "Dead")[0]
	for range 2 { // again is no error, and no second message
		if err := Replay(t.Context(), store, "Dead", l, "box"); err != nil {
			t.Fatal(err)
		}
	}
	polltest.Eventually(t, "the letter is taken", func() bool { return len(f.delivered()) == 1 })
	if left := letters(t, store, "Dead"); len(left) != 0 {
		t.Errorf("among the dead letters are still %v", left)
	}
	if n := f.tries("late"); n != 1 {
		t.Errorf("it was delivered %d times, want once", n)
	}
}

func TestALetterWhoseReplayFailsStays(t *testing.T) {
	store := newTable(t)
	buryAll(t, store, "kept")
	l := letters(t, store, "Dead")[0]
	if err := Replay(t.Context(), domaintest.Broken{Err: errSaid}, "Dead", l, "box"); !errors.Is(err, errSaid) {
		t.Errorf("Replay: %v, want the table's error", err)
	}
	if left := letters(t, store, "Dead"); len(left) != 1 {
		t.Errorf("among the dead letters are %v, want the one", left)
	}
}
