package sources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/polltest"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo/stream"
	"github.com/assetry/assetry/shared/table/sqlite"
)

// reader is a function that takes changes as a test lets it.
type reader struct {
	mu      sync.Mutex
	taken   []string // "<sort key>=<n>" of every change it took, in order
	batches []int    // sizes of the batches
	refuses func(c table.Change) bool
	fails   func(batch []table.Change, call int) error
}

func (r *reader) invoke(_ context.Context, _ string, payload []byte) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var e events.DynamoDBEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	var cs []table.Change
	for _, rec := range e.Records {
		c, err := stream.Decode(rec)
		if err != nil {
			return nil, err
		}
		cs = append(cs, c)
	}
	r.batches = append(r.batches, len(cs))
	if r.fails != nil {
		if err := r.fails(cs, len(r.batches)); err != nil {
			return nil, err
		}
	}
	for _, c := range cs {
		if r.refuses != nil && r.refuses(c) {
			return fmt.Appendf(nil, `{"batchItemFailures": [{"itemIdentifier": %q}]}`, c.Seq), nil
		}
		r.taken = append(r.taken, said(c))
	}
	return []byte(`{"batchItemFailures": []}`), nil
}

func said(c table.Change) string { return fmt.Sprintf("%s=%d", c.Key.SK, c.New.Int("n")) }

func (r *reader) seen() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.taken...)
}

func (r *reader) sizes() []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]int{}, r.batches...)
}

// mustChange writes items, each a change with a number, of seven keys in turn.
func mustChange(t testing.TB, db *sqlite.DB, from, to int) (want []string) {
	t.Helper()
	for i := from; i < to; i++ {
		sk := fmt.Sprintf("%04d", i%7)
		_, err := db.Write(context.Background(), table.Put(table.Item{
			table.AttrPK: table.String("p"), table.AttrSK: table.String(sk), "n": table.Int(int64(i)), "at": table.Int(time.Now().UnixNano()),
		}, table.Any(table.Absent(), table.Present())))
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprintf("%s=%d", sk, i))
	}
	return want
}

// newStream is a stream as template.yaml has them, with pauses of a test.
func newStream(db *sqlite.DB, store table.Table, r *reader, change func(*StreamOptions)) *Stream {
	o := StreamOptions{Function: "reader", ARN: "arn:aws:dynamodb:::stream", BatchSize: 100, Retries: 50, Reports: true, Bisect: true, Pauses: quick, Grown: db.Notify(), Idle: time.Minute}
	if change != nil {
		change(&o)
	}
	return NewStream(db, store, here, r.invoke, o)
}

// TestAQuietStreamIsReadAsSoonAsItHasGrown has a stream that nothing was written to for so long that it is read once an hour only,
// on a clock of the test: a Sleep takes no time.
func TestAQuietStreamIsReadAsSoonAsItHasGrown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, r := newTable(t), &reader{}
		inBackground(t, newStream(db, newTable(t), r, func(o *StreamOptions) { o.Idle = time.Hour }).Run)
		time.Sleep(10*time.Hour + time.Minute)
		want := mustChange(t, db, 0, 1)
		time.Sleep(time.Second)
		if diff := cmp.Diff(want, r.seen()); diff != "" {
			t.Errorf("changes within a second (-want +got):\n%s", diff)
		}
	})
}

func TestTheStreamDeliversEveryChangeInOrder(t *testing.T) {
	db, r := newTable(t), &reader{}
	want := mustChange(t, db, 0, 250)
	inBackground(t, newStream(db, newTable(t), r, nil).Run)
	polltest.Eventually(t, "what was there", func() bool { return len(r.seen()) == 250 })
	want = append(want, mustChange(t, db, 250, 260)...)
	polltest.Eventually(t, "what came later", func() bool { return len(r.seen()) == 260 })
	if diff := cmp.Diff(want, r.seen()); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if n := slices.Max(r.sizes()); n > 100 {
		t.Errorf("a batch has %d changes, want at most 100", n)
	}
}

func TestTheStreamIsReadAgainWithoutASign(t *testing.T) {
	db, r := newTable(t), &reader{}
	inBackground(t, newStream(db, newTable(t), r, func(o *StreamOptions) { o.Grown, o.Idle = nil, 5*time.Millisecond }).Run)
	for i := range 3 {
		mustChange(t, db, i, i+1)
		polltest.Eventually(t, "the change", func() bool { return len(r.seen()) == i+1 })
	}
}

func TestTheStreamGoesOnFromTheRecordThatFailed(t *testing.T) {
	for _, tt := range []struct {
		name string
		at   int64 // the change that is refused twice
	}{{"the first", 0}, {"in the middle", 5}, {"the last", 9}} {
		t.Run(tt.name, func(t *testing.T) {
			db, r, tries := newTable(t), &reader{}, 0
			r.refuses = func(c table.Change) bool {
				if c.New.Int("n") == tt.at && tries < 2 {
					tries++
					return true
				}
				return false
			}
			want := mustChange(t, db, 0, 10)
			inBackground(t, newStream(db, newTable(t), r, nil).Run)
			polltest.Eventually(t, "every change", func() bool { return len(r.seen()) >= 10 })
			if diff := cmp.Diff(want, r.seen()); diff != "" {
				t.Errorf("changes, none of them twice (-want +got):\n%s", diff)
			}
			rest := 10 - int(tt.at)
			if diff := cmp.Diff([]int{10, rest, rest}, r.sizes()); diff != "" {
				t.Errorf("batches (-want +got):\n%s", diff)
			}
		})
	}
}

func TestABatchThatFailsAsAWholeIsHalvedUntilTheBadRecordIsAlone(t *testing.T) {
	db, r, failed := newTable(t), &reader{}, &Failures{Dir: filepath.Join(t.TempDir(), "failed")}
	r.fails = func(batch []table.Change, _ int) error {
		if slices.ContainsFunc(batch, func(c table.Change) bool { return c.New.Int("n") == 5 }) {
			return errSaid
		}
		return nil
	}
	want := mustChange(t, db, 0, 8)
	inBackground(t, newStream(db, newTable(t), r, func(o *StreamOptions) { o.Retries, o.Failed = 2, failed }).Run)
	polltest.Eventually(t, "all but one", func() bool { return len(r.seen()) == 7 })
	if diff := cmp.Diff(slices.Delete(want, 5, 6), r.seen()); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{8, 4, 4, 2, 1, 1, 1, 1, 2}, r.sizes()); diff != "" {
		t.Errorf("batches: halves, the bad record three times, and the rest (-want +got):\n%s", diff)
	}
	records := kept[FailedBatch](t, failed)
	if len(records) != 1 {
		t.Fatalf("%d failures are kept, want 1", len(records))
	}
	b := records[0]
	var e events.DynamoDBEvent
	if err := json.Unmarshal([]byte(b.Payload), &e); err != nil || len(e.Records) != 1 {
		t.Fatalf("the payload is %s, %v", b.Payload, err)
	}
	c, err := stream.Decode(e.Records[0])
	if err != nil || said(c) != "0005=5" || b.Batch.First != c.Seq || b.Batch.Last != c.Seq || b.Batch.Size != 1 || b.RequestContext.Condition != "RetryAttemptsExhausted" {
		t.Errorf("kept is %+v of %+v, %v", c, b, err)
	}
}

func TestWithoutBisectABatchIsGivenUpWhole(t *testing.T) {
	db, r, failed := newTable(t), &reader{}, &Failures{Dir: filepath.Join(t.TempDir(), "failed")}
	r.fails = func(batch []table.Change, _ int) error {
		if batch[0].New.Int("n") == 0 {
			return errSaid
		}
		return nil
	}
	mustChange(t, db, 0, 6)
	inBackground(t, newStream(db, newTable(t), r, func(o *StreamOptions) { o.Bisect, o.Retries, o.Failed, o.BatchSize = false, 1, failed, 4 }).Run)
	polltest.Eventually(t, "what comes behind", func() bool { return slices.Equal(r.seen(), []string{"0004=4", "0005=5"}) })
	records := kept[FailedBatch](t, failed)
	if diff := cmp.Diff([]int{4, 4, 2}, r.sizes()); diff != "" || len(records) != 1 || records[0].Batch.Size != 4 {
		t.Errorf("kept are %+v after batches (-want +got):\n%s", records, diff)
	}
}

func TestARecordThatIsReportedTooOftenIsGivenUpAlone(t *testing.T) {
	db, r, failed := newTable(t), &reader{}, &Failures{Dir: filepath.Join(t.TempDir(), "failed")}
	r.refuses = func(c table.Change) bool { return c.New.Int("n") == 2 }
	want := mustChange(t, db, 0, 5)
	inBackground(t, newStream(db, newTable(t), r, func(o *StreamOptions) { o.Retries, o.Failed = 2, failed }).Run)
	polltest.Eventually(t, "the others", func() bool { return len(r.seen()) == 4 })
	if diff := cmp.Diff(slices.Delete(want, 2, 3), r.seen()); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if n := len(kept[FailedBatch](t, failed)); n != 1 {
		t.Errorf("%d failures are kept, want 1", n)
	}
	if diff := cmp.Diff([]int{5, 3, 3, 3, 2}, r.sizes()); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
}

func TestChangesThatAreTooOldAreGivenUpUndelivered(t *testing.T) {
	now := time.Now()
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "t.db"), sqlite.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	now = now.Add(-2 * time.Hour)
	mustChange(t, db, 0, 3)
	now = now.Add(2 * time.Hour)
	want := mustChange(t, db, 3, 5)
	r, failed := &reader{}, &Failures{Dir: filepath.Join(t.TempDir(), "failed")}
	inBackground(t, newStream(db, newTable(t), r, func(o *StreamOptions) { o.MostAge, o.Failed = time.Hour, failed }).Run)
	polltest.Eventually(t, "the young ones", func() bool { return slices.Equal(r.seen(), want) })
	records := kept[FailedBatch](t, failed)
	if len(records) != 1 || records[0].Batch.Size != 3 || records[0].RequestContext.Condition != "MaxAgeExceeded" {
		t.Errorf("kept are %+v, want the three old changes", records)
	}
}

func TestAnAnswerAboutAnotherBatchFailsTheWhole(t *testing.T) {
	for name, answer := range map[string]string{
		"a sequence number of another batch": `{"batchItemFailures": [{"itemIdentifier": "999999"}]}`,
		"no sequence number":                 `{"batchItemFailures": [{"itemIdentifier": ""}]}`,
		"no report":                          `"done"`,
	} {
		t.Run(name, func(t *testing.T) {
			db, store, f := newTable(t), newTable(t), &function{answer: func(string, int) (string, error) { return answer, nil }}
			mustChange(t, db, 0, 3)
			s := newStream(db, store, &reader{}, nil)
			s.invoke = f.invoke
			stop := inBackground(t, s.Run)
			polltest.Eventually(t, "further tries", func() bool { return len(f.calls()) >= 4 })
			stop()
			if at, err := s.position(t.Context()); err != nil || at != "" {
				t.Errorf("position = %q, %v, want the beginning", at, err)
			}
		})
	}
}

// odd matches records whose number is odd.
type odd struct{}

func (odd) Matches(event any) bool {
	text := fmt.Sprint(event.(map[string]any)["dynamodb"].(map[string]any)["NewImage"].(map[string]any)["n"])
	return strings.ContainsAny(text[len(text)-2:], "13579")
}

func TestOnlyWhatAFilterMatchesIsDelivered(t *testing.T) {
	db, store, r := newTable(t), newTable(t), &reader{}
	all := mustChange(t, db, 0, 20)
	s := newStream(db, store, r, func(o *StreamOptions) { o.Filters, o.BatchSize = []Matcher{odd{}}, 6 })
	inBackground(t, s.Run)
	var want []string
	for i := 1; i < len(all); i += 2 {
		want = append(want, all[i])
	}
	polltest.Eventually(t, "the odd ones", func() bool { return slices.Equal(r.seen(), want) })
	_, end, err := db.Changes(t.Context(), "", 100)
	if err != nil {
		t.Fatal(err)
	}
	polltest.Eventually(t, "the position behind all", func() bool { at, _ := s.position(context.Background()); return at == end })
}

func TestAPositionWhoseChangesAreGoneBeginsAnew(t *testing.T) {
	db, store, r := newTable(t), newTable(t), &reader{}
	want := mustChange(t, db, 0, 3)
	s := newStream(db, store, r, nil)
	if err := s.keep(t.Context(), "of a stream that is no more"); err != nil {
		t.Fatal(err)
	}
	s.feed = forgetful{db}
	inBackground(t, s.Run)
	polltest.Eventually(t, "everything that is left", func() bool { return slices.Equal(r.seen(), want) })
}

// forgetful is a feed that does not know a position any more.
type forgetful struct{ table.Feed }

func (f forgetful) Changes(ctx context.Context, after string, limit int) ([]table.Change, string, error) {
	if strings.Contains(after, "no more") {
		return nil, "", fault.New(fault.Invalid, "gone")
	}
	return f.Feed.Changes(ctx, after, limit)
}

func TestAFeedThatFailsIsReadAgain(t *testing.T) {
	db, r := newTable(t), &reader{}
	want := mustChange(t, db, 0, 3)
	s := newStream(db, newTable(t), r, nil)
	fails := 2
	s.feed = flaky{db, &fails}
	inBackground(t, s.Run)
	polltest.Eventually(t, "every change", func() bool { return slices.Equal(r.seen(), want) })
}

// flaky is a feed that fails some times.
type flaky struct {
	table.Feed
	times *int
}

func (f flaky) Changes(ctx context.Context, after string, limit int) ([]table.Change, string, error) {
	if *f.times > 0 {
		*f.times--
		return nil, "", errors.New("no feed")
	}
	return f.Feed.Changes(ctx, after, limit)
}

func TestThePositionSurvivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queue.db")
	db, store := newTable(t), openTable(t, path)
	want := mustChange(t, db, 0, 150)
	first := &reader{refuses: func(c table.Change) bool { return c.New.Int("n") >= 120 }}
	endlessly := func(o *StreamOptions) { o.Retries = -1 }
	stop := inBackground(t, newStream(db, store, first, endlessly).Run)
	polltest.Eventually(t, "all that may be taken, and more than one refusal after it", func() bool { return len(first.seen()) == 120 && len(first.sizes()) >= 4 })
	stop()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	store = openTable(t, path)
	second, other := &reader{}, &reader{}
	inBackground(t, newStream(db, store, second, endlessly).Run)
	inBackground(t, newStream(db, store, other, func(o *StreamOptions) { o.Function = "another" }).Run)
	polltest.Eventually(t, "the rest", func() bool { return len(second.seen()) == 30 })
	if diff := cmp.Diff(want, append(first.seen(), second.seen()...)); diff != "" {
		t.Errorf("changes, none of them twice (-want +got):\n%s", diff)
	}
	polltest.Eventually(t, "everything for another consumer", func() bool { return len(other.seen()) == 150 })
	if diff := cmp.Diff(want, other.seen()); diff != "" {
		t.Errorf("changes of the other consumer (-want +got):\n%s", diff)
	}
}

// Whatever fails, and in whatever way, the changes of one item are taken in order, and each change is taken, or kept among the failures.
func TestTheOrderOfEachItemHoldsWhateverFails(t *testing.T) {
	db, store, draws := newTable(t), newTable(t), 0
	rapid.Check(t, func(rt *rapid.T) {
		r, failed := &reader{}, &Failures{Dir: filepath.Join(t.TempDir(), "failed")}
		draws++
		_, from, err := db.Changes(context.Background(), "", 1_000_000) // behind what earlier draws changed
		if err != nil {
			rt.Fatal(err)
		}
		want := mustChange(t, db, 0, rapid.IntRange(1, 20).Draw(rt, "changes"))
		kinds := rapid.SliceOfN(rapid.IntRange(0, 5), len(want), len(want)).Draw(rt, "kinds") // 1: reported once, 2: fails once, 3: always reported, 4: always fails
		met := map[int64]bool{}
		once := func(n int64) bool { defer func() { met[n] = true }(); return !met[n] }
		r.refuses = func(c table.Change) bool {
			n := c.New.Int("n")
			return kinds[n] == 3 || kinds[n] == 1 && once(n)
		}
		r.fails = func(batch []table.Change, _ int) error {
			for _, c := range batch {
				if n := c.New.Int("n"); kinds[n] == 4 || kinds[n] == 2 && once(n) {
					return errSaid
				}
			}
			return nil
		}
		var lost []string
		for i, k := range kinds {
			if k == 3 || k == 4 {
				lost = append(lost, want[i])
			}
		}
		s := newStream(db, store, r, func(o *StreamOptions) {
			o.Function = fmt.Sprint("draw ", draws)
			o.Retries, o.Failed, o.Pauses = 2, failed, Pauses{0}
			o.BatchSize = rapid.IntRange(1, 8).Draw(rt, "batch")
		})
		if err := s.keep(context.Background(), from); err != nil {
			rt.Fatal(err)
		}
		for found := true; found; {
			if found, err = s.next(context.Background()); err != nil {
				rt.Fatal(err)
			}
		}
		taken := slices.DeleteFunc(slices.Clone(want), func(w string) bool { return slices.Contains(lost, w) })
		if diff := cmp.Diff(taken, r.seen()); diff != "" {
			rt.Errorf("taken (-want +got):\n%s", diff)
		}
		var given []string
		for _, b := range kept[FailedBatch](t, failed) {
			var e events.DynamoDBEvent
			if err := json.Unmarshal([]byte(b.Payload), &e); err != nil {
				rt.Fatal(err)
			}
			for _, rec := range e.Records {
				c, err := stream.Decode(rec)
				if err != nil {
					rt.Fatal(err)
				}
				given = append(given, said(c))
			}
		}
		slices.Sort(given)
		slices.Sort(lost)
		if diff := cmp.Diff(lost, given); diff != "" {
			rt.Errorf("kept among the failures (-want +got):\n%s", diff)
		}
	})
}
