package tabletest

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/table"
)

func testFeed(t *testing.T, open Open) {
	d := open(t, Options{Indexes: []table.Index{byColor}})
	w := &watcher{d: d}
	t.Run("a new table's feed is empty", func(t *testing.T) {
		if cs := w.until(t, func([]table.Change) bool { return true }); len(cs) != 0 {
			t.Errorf("got %v", cs)
		}
	})
	for _, c := range []struct {
		name string
		run  func(*testing.T, *watcher, string)
	}{
		{"put, update and delete appear with both images", feedImages},
		{"writes that change nothing do not appear", feedSilent},
		{"lost conditions and refused transactions do not appear", feedLost},
		{"a transaction's changes appear, checks and unchanged items do not", feedTransaction},
		{"the changes of one item are in order", feedOrder},
		{"the changes of an item written by many are a chain", feedChain},
		{"a put over an expired item has the expired one as its old image", feedExpired},
		{"every kind of value is in the images", feedValues},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, w, c.name) })
	}
	t.Run("the feed goes on from a position after a restart", func(t *testing.T) { feedResumes(t, open(t, Options{})) })
	t.Run("reading in small steps gives the same changes", func(t *testing.T) { feedSteps(t, d) })
	t.Run("a position that is none is refused", func(t *testing.T) {
		_, _, err := d.Changes(context.Background(), "no position\x00", 10)
		wantInvalid(t, err)
		_, _, err = d.Changes(context.Background(), "", 0)
		wantInvalid(t, err)
	})
}

// watcher reads a feed on from where it stopped.
type watcher struct {
	d    Driver
	pos  string
	seen map[string]bool // Seqs; consumers bear duplicates
}

// until reads on until done holds on the new changes and nothing more is there; duplicates are left out.
func (w *watcher) until(t reporter, done func([]table.Change) bool) []table.Change {
	t.Helper()
	if w.seen == nil {
		w.seen = map[string]bool{}
	}
	var all []table.Change
	eventually(t, "the feed's changes", func() bool {
		cs, next, err := w.d.Changes(context.Background(), w.pos, 100)
		if err != nil {
			t.Fatalf("changes after %q: %v", w.pos, err)
		}
		for _, c := range cs {
			if !w.seen[c.Seq] {
				w.seen[c.Seq] = true
				all = append(all, c)
			}
		}
		quiet := len(cs) == 0 && next == w.pos
		w.pos = next
		return quiet && done(all)
	})
	return all
}

// of reads on until a marker written now has appeared, and gives the changes in partition pk.
func (w *watcher) of(t reporter, pk string) []table.Change {
	t.Helper()
	marker := table.Key{PK: "marker/" + pk, SK: time.Now().Format(time.RFC3339Nano)}
	mustWrite(t, w.d, table.Put(row(marker.PK, marker.SK), table.Absent()))
	var out []table.Change
	for _, c := range w.until(t, func(cs []table.Change) bool {
		for _, c := range cs {
			if c.Key == marker {
				return true
			}
		}
		return false
	}) {
		if strings.HasPrefix(c.Key.PK, pk) {
			out = append(out, c)
		}
	}
	return out
}

// images is what a change is expected to show.
type images struct{ old, new table.Item }

// wantChanges demands exactly these changes of each item, in their order; the items among each other have none.
func wantChanges(t reporter, got []table.Change, want ...images) {
	t.Helper()
	wanted := map[table.Key][]images{}
	for _, w := range want {
		k := w.new.Key()
		if w.new == nil {
			k = w.old.Key()
		}
		wanted[k] = append(wanted[k], w)
	}
	last := map[table.Key]string{}
	for _, c := range got {
		if len(wanted[c.Key]) == 0 {
			t.Fatalf("a change of %s that nobody made: from %v to %v", c.Key, c.Old, c.New)
		}
		w := wanted[c.Key][0]
		wanted[c.Key] = wanted[c.Key][1:]
		wantItem(t, fmt.Sprintf("old image of %s", c.Key), c.Old, w.old)
		wantItem(t, fmt.Sprintf("new image of %s", c.Key), c.New, w.new)
		if before, ok := last[c.Key]; ok && cmp.Or(cmp.Compare(len(before), len(c.Seq)), cmp.Compare(before, c.Seq)) >= 0 {
			t.Errorf("%s: Seq %q after %q", c.Key, c.Seq, before)
		}
		last[c.Key] = c.Seq
		if c.Expired {
			t.Errorf("a write of %s is marked as an expiry", c.Key)
		}
		if age := time.Since(c.At); age < -time.Hour || age > time.Hour {
			t.Errorf("a change made now has the time %s", c.At)
		}
	}
	for k, left := range wanted {
		if len(left) > 0 {
			t.Errorf("%d changes of %s are missing, the first from %v to %v", len(left), k, left[0].old, left[0].new)
		}
	}
}

func feedImages(t *testing.T, w *watcher, pk string) {
	a := row(pk, "a", "n", table.Int(1))
	b := with(a, "n", table.Int(2), "s", table.String("x"))
	c := row(pk, "a", "z", table.Null{})
	mustWrite(t, w.d, table.Put(a, table.Absent()))
	mustWrite(t, w.d, table.Update(a.Key(), table.Present(), table.Add("n", table.Int(1)), table.Set("s", table.String("x"))))
	mustWrite(t, w.d, table.Put(c, table.Present()))
	mustWrite(t, w.d, table.Delete(c.Key(), table.Present()))
	mustWrite(t, w.d, table.Put(a, table.Absent()))
	wantChanges(t, w.of(t, pk), images{nil, a}, images{a, b}, images{b, c}, images{c, nil}, images{nil, a})
}

func feedSilent(t *testing.T, w *watcher, pk string) {
	a := row(pk, "a", "n", table.Int(1), "l", table.List{table.Int(1)}, "m", table.Map{"a": table.Int(1), "b": table.Int(2)})
	mustWrite(t, w.d, table.Put(a, table.Absent()))
	mustWrite(t, w.d, table.Put(a, table.Present()))
	mustWrite(t, w.d, table.Update(a.Key(), table.Present(), table.Set("n", table.Int(1))))
	mustWrite(t, w.d, table.Update(a.Key(), table.Present(), table.Add("n", table.Int(0)), table.Remove("none")))
	mustWrite(t, w.d, table.Check(a.Key(), table.Present()))
	mustTransact(t, w.d, table.Put(a, table.Present()), table.Check(table.Key{PK: pk, SK: "b"}, table.Absent()))
	wantChanges(t, w.of(t, pk), images{nil, a})
}

func feedLost(t *testing.T, w *watcher, pk string) {
	ctx := context.Background()
	a := row(pk, "a", "n", table.Int(1))
	mustWrite(t, w.d, table.Put(a, table.Absent()))
	for _, wr := range []table.Write{
		table.Put(with(a, "n", table.Int(2)), table.Absent()),
		table.Update(a.Key(), table.Eq("n", table.Int(2)), table.Set("n", table.Int(3))),
		table.Delete(a.Key(), table.Has("none")),
		table.Delete(table.Key{PK: pk, SK: "b"}, table.Absent()),
	} {
		if _, lost := table.Lost(second(w.d.Write(ctx, wr))); !lost {
			t.Errorf("verb %d was to lose", wr.Verb)
		}
		if table.Refused(w.d.Transact(ctx, []table.Write{table.Put(row(pk, "c"), table.Absent()), wr})) == nil {
			t.Errorf("a transaction with verb %d was to be refused", wr.Verb)
		}
	}
	wantChanges(t, w.of(t, pk), images{nil, a})
}

func second[T any](_ T, err error) error { return err }

func feedTransaction(t *testing.T, w *watcher, pk string) {
	a, b, c := row(pk, "a", "n", table.Int(1)), row(pk, "b", "n", table.Int(1)), row(pk, "c")
	mustTransact(t, w.d, table.Put(a, table.Absent()), table.Put(b, table.Absent()), table.Put(c, table.Absent()))
	a2, d := with(a, "n", table.Int(2)), row(pk, "d")
	mustTransact(t, w.d,
		table.Update(a.Key(), table.Present(), table.Set("n", table.Int(2))),
		table.Put(b, table.Present()),
		table.Delete(c.Key(), table.Present()),
		table.Put(d, table.Absent()),
		table.Check(table.Key{PK: pk, SK: "e"}, table.Absent()))
	wantChanges(t, w.of(t, pk), images{nil, a}, images{nil, b}, images{nil, c}, images{a, a2}, images{c, nil}, images{nil, d})
}

func feedOrder(t *testing.T, w *watcher, pk string) {
	var want []images
	for i := range 30 {
		sk := fmt.Sprint(i % 3)
		next := row(pk, sk, "n", table.Int(int64(i)))
		var old table.Item
		if i >= 3 {
			old = row(pk, sk, "n", table.Int(int64(i-3)))
		}
		mustPut(t, w.d, next)
		want = append(want, images{old, next})
	}
	wantChanges(t, w.of(t, pk), want...)
}

// feedChain lets many write one item; the feed must be its only history: every old image is the new image before it.
func feedChain(t *testing.T, w *watcher, pk string) {
	a := row(pk, "a", "n", table.Int(0))
	mustPut(t, w.d, a)
	race(func(i int) {
		for range 4 {
			_, err := w.d.Write(context.Background(), table.Update(a.Key(), table.Present(), table.Add("n", table.Int(1)), table.Set("who", table.Int(int64(i)))))
			if err != nil {
				t.Error(err)
			}
		}
	})
	var before table.Item
	got := w.of(t, pk)
	for _, c := range got {
		wantItem(t, "old image", c.Old, before)
		before = c.New
	}
	if len(got) != racers*4+1 || before.Int("n") != racers*4 {
		t.Errorf("%d changes up to %v, want %d", len(got), before, racers*4+1)
	}
}

func feedExpired(t *testing.T, w *watcher, pk string) {
	soon := time.Now().Add(10 * time.Minute) // by the driver's clock alone: DynamoDB Local would remove, and tell of it, what has expired by the real time
	old, next := row(pk, "a", table.AttrExpires, table.Int(soon.Unix())), row(pk, "a", "n", table.Int(2))
	mustWrite(t, w.d, table.Put(old, table.Absent()))
	w.d.Advance(15 * time.Minute)
	mustWrite(t, w.d, table.Put(next, table.Absent()))
	wantChanges(t, w.of(t, pk), images{nil, old}, images{old, next})
}

func feedValues(t *testing.T, w *watcher, pk string) {
	var want []images
	for name, v := range valueCases() {
		it := row(pk, name, "v", v)
		mustWrite(t, w.d, table.Put(it, table.Absent()))
		want = append(want, images{nil, it})
	}
	wantChanges(t, w.of(t, pk), want...)
}

func feedResumes(t *testing.T, d Driver) {
	a, b, c := row("resume", "a"), row("resume", "b"), row("resume", "c")
	mustPut(t, d, a)
	mustPut(t, d, b)
	w := &watcher{d: d}
	wantChanges(t, w.of(t, "resume"), images{nil, a}, images{nil, b})
	mustWrite(t, d, table.Delete(a.Key(), table.Present()))
	d = d.Reopen(t)
	w.d = d
	mustPut(t, d, c)
	wantChanges(t, w.of(t, "resume"), images{a, nil}, images{nil, c})
	wantItems(t, "items after the restart", walk(t, d, table.Query{PK: "resume", Limit: 10}), []table.Item{b, c})
	again := &watcher{d: d}
	wantChanges(t, again.of(t, "resume"), images{nil, a}, images{nil, b}, images{a, nil}, images{nil, c})
}

// feedSteps reads the whole feed twice, in large steps and one by one.
func feedSteps(t *testing.T, d Driver) {
	large := (&watcher{d: d}).of(t, "")
	pos, seen := "", map[string]bool{}
	eventually(t, "all changes one by one", func() bool {
		for {
			cs, next, err := d.Changes(context.Background(), pos, 1)
			if err != nil || len(cs) > 1 {
				t.Fatalf("changes after %q, at most 1: got %d, %v", pos, len(cs), err)
			}
			for _, c := range cs {
				seen[c.Seq] = true
			}
			if len(cs) == 0 && next == pos {
				break
			}
			pos = next
		}
		return len(seen) >= len(large)
	})
	if len(seen) != len(large) {
		t.Errorf("one by one %d changes, in large steps %d", len(seen), len(large))
	}
}
