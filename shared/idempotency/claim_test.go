package idempotency_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/idempotency"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
	"github.com/assetry/assetry/shared/tabletest"
)

// desk is a service on a table of its own whose calls can be made to fail, with a clock.
type desk struct {
	*idempotency.Service
	table *tabletest.FaultyTable
	clock *domaintest.Clock
	w     id.Workspace
	by    id.Key
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	clock := domaintest.NewClock()
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "table.db"), sqlite.Options{Indexes: schema.Indexes(), Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	f := tabletest.Faulty(db)
	return &desk{
		Service: idempotency.New(f, idempotency.Options{Now: clock.Now}), table: f, clock: clock,
		w: id.NewWorkspace(clock.Now()), by: id.NewKey(clock.Now()),
	}
}

// request is a request with a body under the key "k".
func (d *desk) request(body string) idempotency.Request {
	return idempotency.Request{Key: "k", By: d.by, Sum: idempotency.SumOf([]byte(body)), In: d.w}
}

func (d *desk) mustClaim(t *testing.T, r idempotency.Request) idempotency.Claim {
	t.Helper()
	c, err := d.Claim(t.Context(), r)
	if err != nil {
		t.Fatalf("Claim: %v", err)
	}
	return c
}

func (d *desk) conclude(t *testing.T, c idempotency.Claim, outcome error) {
	t.Helper()
	if err := d.Conclude(t.Context(), c, outcome); err != nil {
		t.Fatalf("Conclude(%v): %v", outcome, err)
	}
}

// TestWhatARepeatMeets states what happened to the first request and what its repeat is told.
func TestWhatARepeatMeets(t *testing.T) {
	refused := fault.BadField("name", "is empty")
	const run = fault.Kind(255) // it runs
	for _, tt := range []struct {
		name    string
		outcome error         // of the first
		ended   bool          // it came to an end at all
		evident bool          // its success needs no mark
		later   time.Duration // until the repeat
		body    string        // of the repeat; "" is the same
		want    fault.Kind
		again   bool // the repeat goes on under the same id
	}{
		{"while the first runs, it is a duplicate", nil, false, false, 0, "", fault.Duplicate, true},
		{"just before the lease is over, it is a duplicate", nil, false, false, idempotency.Lease - time.Millisecond, "", fault.Duplicate, true},
		{"after a crash, it goes on when the lease is over", nil, false, false, idempotency.Lease, "", run, true},
		{"another body is refused while the first runs", nil, false, false, 0, "other", fault.KeyReused, false},
		{"another body is refused after a crash", nil, false, false, time.Hour, "other", fault.KeyReused, false},
		{"after success, it is a duplicate for two hours", nil, true, false, idempotency.Remembered - time.Second, "", fault.Duplicate, true},
		{"after success, another body is refused", nil, true, false, time.Hour, "other", fault.KeyReused, false},
		{"after two hours the key is free", nil, true, false, idempotency.Remembered, "other", run, false},
		{"after two hours a crash is forgotten", nil, false, false, idempotency.Remembered, "other", run, false},
		{"success that is evident is met by running again", nil, true, true, idempotency.Lease, "", run, true},
		{"what was refused may be sent again at once", refused, true, false, 0, "", run, false},
		{"what was refused may be corrected", refused, true, false, 0, "other", run, false},
		{"what failed goes on at once under the same id", fault.New(fault.Unavailable, "lost"), true, false, 0, "", run, true},
		{"what was throttled may have been half done, and keeps its id", fault.New(fault.Throttled, "slow"), true, false, 0, "", run, true},
		{"a bug may have been half done, and keeps its body", context.Canceled, true, false, 0, "other", fault.KeyReused, false},
		{"what turned out to exist is done", idempotency.Duplicate(), true, true, time.Hour, "", fault.Duplicate, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t)
			r := d.request("the same")
			r.Evident = tt.evident
			first := d.mustClaim(t, r)
			if first.Again || first.Thing.Tag() != d.w.Tag() {
				t.Errorf("the first claim is %+v, want a new id of workspace %s", first, d.w)
			}
			if tt.ended {
				d.conclude(t, first, tt.outcome)
			}
			d.clock.Advance(tt.later)
			if tt.body != "" {
				r = d.request(tt.body)
			}
			got, err := d.Claim(t.Context(), r)
			if (err == nil) != (tt.want == run) || err != nil && !fault.Is(err, tt.want) {
				t.Fatalf("the repeat gave %v, want kind %v", err, tt.want)
			}
			if same := got.Thing == first.Thing; tt.want != fault.KeyReused && same != tt.again {
				t.Errorf("the repeat has the id %s, the first %s; want the same: %t", got.Thing, first.Thing, tt.again)
			}
			if err == nil && got.Again != tt.again {
				t.Errorf("the repeat's Again is %t, want %t", got.Again, tt.again)
			}
		})
	}
}

func TestKeysBelongToWhoSentThem(t *testing.T) {
	d := newDesk(t)
	mine := d.request("x")
	theirs, other := mine, mine
	theirs.By = id.NewKey(d.clock.Now())
	other.Key = "k2"
	for _, r := range []idempotency.Request{mine, theirs, other} {
		d.mustClaim(t, r)
	}
}

// A request that ran before may have made something, however it ends this time: another body must not take its place.
func TestARefusalOfASecondRunKeepsTheKey(t *testing.T) {
	d := newDesk(t)
	first := d.mustClaim(t, d.request("x"))
	d.clock.Advance(idempotency.Lease)
	second := d.mustClaim(t, d.request("x"))
	d.conclude(t, second, fault.New(fault.Forbidden, "no longer"))
	if _, err := d.Claim(t.Context(), d.request("y")); !fault.Is(err, fault.KeyReused) {
		t.Errorf("another body gave %v, want %q", err, fault.KeyReused)
	}
	if third := d.mustClaim(t, d.request("x")); third.Thing != first.Thing || !third.Again {
		t.Errorf("the third run has %+v, want the id %s again", third, first.Thing)
	}
}

// Whoever outlived the lease has no say any more.
func TestWhoWasTakenOverConcludesNothing(t *testing.T) {
	for _, outcome := range []error{nil, fault.New(fault.Conflict, "no"), fault.New(fault.Unavailable, "lost")} {
		d := newDesk(t)
		slow := d.mustClaim(t, d.request("x"))
		d.clock.Advance(idempotency.Lease)
		d.mustClaim(t, d.request("x"))
		d.conclude(t, slow, outcome)
		if _, err := d.Claim(t.Context(), d.request("x")); !fault.Is(err, fault.Duplicate) {
			t.Errorf("after a late %v, the repeat gave %v, want %q: the second run holds the lease", outcome, err, fault.Duplicate)
		}
	}
}

func TestOfManyAtOnceOneRuns(t *testing.T) {
	d := newDesk(t)
	for _, crashed := range []bool{false, true} {
		ran := make([]bool, 16)
		domaintest.Together(len(ran), func(i int) {
			c, err := d.Claim(t.Context(), d.request("x"))
			ran[i] = err == nil && c.Again == crashed
			if err != nil && !fault.Is(err, fault.Duplicate) {
				t.Errorf("Claim: %v", err)
			}
		})
		n := 0
		for _, r := range ran {
			if r {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d of %d ran (after a crash: %t), want one", n, len(ran), crashed)
		}
		d.clock.Advance(idempotency.Lease)
	}
}

// A claim whose answer is lost must not tell the client of a thing that nobody is making.
func TestALostAnswerIsFoundAgain(t *testing.T) {
	for _, verb := range []string{tabletest.VerbPut, tabletest.VerbUpdate} {
		d := newDesk(t)
		if verb == tabletest.VerbUpdate {
			d.mustClaim(t, d.request("x"))
			d.clock.Advance(idempotency.Lease)
		}
		d.table.FailNth(verb, 1, tabletest.LoseAnswer)
		c := d.mustClaim(t, d.request("x"))
		d.conclude(t, c, nil)
		if _, err := d.Claim(t.Context(), d.request("x")); !fault.Is(err, fault.Duplicate) {
			t.Errorf("after a lost %s, the repeat gave %v, want %q", verb, err, fault.Duplicate)
		}
	}
}

func TestAClaimThatIsGivenUpLeavesTheKeyFree(t *testing.T) {
	d := newDesk(t)
	d.table.Script(func(c tabletest.Call) tabletest.Fault {
		if c.Verb == tabletest.VerbPut {
			return tabletest.LoseAnswer
		}
		return tabletest.None
	})
	if _, err := d.Claim(t.Context(), d.request("x")); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("Claim on a table without answers gave %v, want %q", err, fault.Unavailable)
	}
	d.table.Script(nil)
	d.mustClaim(t, d.request("x"))
}

func TestABrokenTableIsAnInternalError(t *testing.T) {
	s := idempotency.New(domaintest.Broken{Err: context.Canceled}, idempotency.Options{})
	_, err := s.Claim(t.Context(), idempotency.Request{Key: "k"})
	domaintest.WantKind(t, "Claim on a broken table", err, fault.Internal)
	if err := s.Conclude(t.Context(), idempotency.Claim{}, nil); !fault.Is(err, fault.Internal) {
		t.Errorf("Conclude on a broken table gave %v, want an internal error", err)
	}
}

func TestCost(t *testing.T) {
	d := newDesk(t)
	evident := d.request("x")
	evident.Evident = true
	var c idempotency.Claim
	for _, tt := range []struct {
		name     string
		do       func(ctx context.Context) error
		write    float64
		requests int
	}{
		{"a first request", func(ctx context.Context) (err error) { c, err = d.Claim(ctx, evident); return err }, 1, 1},
		{"the end of one that made what proves it", func(ctx context.Context) error { return d.Conclude(ctx, c, nil) }, 0, 0},
		{"a repeat", func(ctx context.Context) error { _, err := d.Claim(ctx, evident); return want(err, fault.Duplicate) }, 1, 1},
		{"the end of any other", func(ctx context.Context) error {
			return d.Conclude(ctx, c, fault.New(fault.Duplicate, "found"))
		}, 1, 1},
		{"a repeat of any other", func(ctx context.Context) error { _, err := d.Claim(ctx, evident); return want(err, fault.Duplicate) }, 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			read, write, requests := domaintest.Spent(t, func(ctx context.Context) {
				if err := tt.do(ctx); err != nil {
					t.Fatal(err)
				}
			})
			if read != 0 || write != tt.write || requests != tt.requests {
				t.Errorf("cost %v read units, %v write units, %d requests; want 0, %v, %d", read, write, requests, tt.write, tt.requests)
			}
		})
	}
}

// want is nil for an error of a kind.
func want(err error, k fault.Kind) error {
	if fault.Is(err, k) {
		return nil
	}
	return err
}

func TestCheckHoldsTheForm(t *testing.T) {
	for _, tt := range []struct {
		name, key string
		ok        bool
	}{
		{"a UUID", "4b0a2a6e-6f0a-4f0e-9a43-0d6b1c2f7a10", true},
		{"one character", "!", true},
		{"spaces and signs", "order 17 / line #3 ~", true},
		{"the longest", strings.Repeat("k", 255), true},
		{"none", "", false},
		{"one too long", strings.Repeat("k", 256), false},
		{"a tab", "a\tb", false},
		{"a delete", "a\x7f", false},
		{"an umlaut", "schlüssel", false},
		{"two of them, joined by a gateway", "a,b", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := idempotency.Check("Idempotency-Key", tt.key)
			if (err == nil) != tt.ok {
				t.Fatalf("Check(%q) = %v, want ok: %t", tt.key, err, tt.ok)
			}
			if fs := fault.FieldsOf(err); err != nil && (len(fs) != 1 || fs[0].Name != "Idempotency-Key") {
				t.Errorf("Check(%q) names %v, want the header", tt.key, fs)
			}
		})
	}
}

func TestSumTellsPartsApart(t *testing.T) {
	if idempotency.SumOf([]byte("ab"), []byte("c")) == idempotency.SumOf([]byte("a"), []byte("bc")) {
		t.Error("two requests with the same text in other parts have the same sum")
	}
}

func TestATornMarkerIsNotTheCallersFault(t *testing.T) {
	d := newDesk(t)
	d.mustClaim(t, d.request("x"))
	for _, edit := range []table.Edit{table.Set(schema.Thing, table.String("?")), table.Set(schema.Sum, table.String("00"))} {
		k := schema.IdempotencyKey(idempotency.SumOf([]byte(d.by.String()), []byte("k")))
		if _, err := d.table.Write(t.Context(), table.Update(k, table.Present(), edit)); err != nil {
			t.Fatal(err)
		}
		_, err := d.Claim(t.Context(), d.request("x"))
		domaintest.WantKind(t, "Claim of a torn marker", err, fault.Internal)
	}
}
