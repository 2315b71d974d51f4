package ratelimit_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/ratelimit"
	"github.com/assetry/assetry/shared/tabletest"
)

func TestOneProcessTakesTheWholeLimitAndNoMore(t *testing.T) {
	inBothHalls(t, func(t *testing.T, h *hall) {
		for _, limit := range []int{1, 2, 7, 99, 100, 1000} {
			p, start := h.process(), h.Calls("")
			h.clock.Advance(time.Minute)
			end := h.clock.Now().Truncate(time.Hour).Add(time.Hour)
			for i := range limit {
				got, err := p.Take(t.Context(), key, limit, 1)
				want := ratelimit.State{Limit: limit, Remaining: limit - i - 1, Reset: end}
				if diff := cmp.Diff(want, got); diff != "" || err != nil {
					t.Fatalf("limit %d, request %d: %v, state (-want +got):\n%s", limit, i+1, err, diff)
				}
			}
			if writes := h.Calls("") - start; writes > 100 {
				t.Errorf("limit %d: %d calls of the table, want at most 100", limit, writes)
			}
			h.wantRefusedFromMemory(t, p, limit, 1)
			h.atFullHour()
		}
	})
}

// wantRefusedFromMemory complains unless a request is refused without a call of the table.
func (h *hall) wantRefusedFromMemory(t *testing.T, p *ratelimit.Limiter, limit, n int) {
	t.Helper()
	before, now := h.Calls(""), h.clock.Now()
	end := now.Truncate(time.Hour).Add(time.Hour)
	got, err := p.Take(t.Context(), key, limit, n)
	domaintest.WantKind(t, "Take over the limit", err, fault.Throttled)
	var f *fault.Error
	if !errors.As(err, &f) || f.RetryAfter != end.Sub(now) || got.Reset != end || got.Limit != limit {
		t.Errorf("Take = %+v, %v; want the end of the hour in both", got, err)
	}
	if n := h.Calls("") - before; n != 0 {
		t.Errorf("%d calls of the table, want none", n)
	}
}

func TestManyProcessesTakeTheWholeLimitAndNoMore(t *testing.T) {
	inBothHalls(t, func(t *testing.T, h *hall) {
		const limit, processes, hands = 300, 6, 3
		ps := make([]*ratelimit.Limiter, processes)
		for i := range ps {
			ps[i] = h.process()
		}
		var taken atomic.Int64
		domaintest.Together(processes*hands, func(i int) {
			for {
				if _, err := ps[i%processes].Take(t.Context(), key, limit, 1); err != nil {
					domaintest.WantKind(t, "Take", err, fault.Throttled)
					return
				}
				taken.Add(1)
			}
		})
		if taken.Load() != limit {
			t.Errorf("%d requests were let through, want %d: each process spent what it held", taken.Load(), limit)
		}
	})
}

func TestManyProcessesOfOneRequestEachAreNotStarvedByTheirShares(t *testing.T) {
	h := newHall(t)
	through := 0
	for range 150 {
		if _, err := h.process().Take(t.Context(), key, 1000, 1); err == nil {
			through++
		}
	}
	if through < 90 { // shares of a hundredth, but for the last tenth
		t.Errorf("%d of 150 processes got their first request through, want at least 90", through)
	}
}

func TestARequestOfSeveralIsTakenWholeOrNotAtAll(t *testing.T) {
	h := newHall(t)
	p := h.process()
	for _, step := range []struct {
		n, remaining int
		refused      bool
	}{{15, 5, false}, {6, 5, true}, {20, 5, true}, {3, 2, false}, {0, 1, false}, {-4, 0, false}, {1, 0, true}} {
		got, err := p.Take(t.Context(), key, 20, step.n)
		if got.Remaining != step.remaining || fault.Is(err, fault.Throttled) != step.refused || !step.refused && err != nil {
			t.Errorf("Take(%d) = %+v, %v; want %d left, refused %t", step.n, got, err, step.remaining, step.refused)
		}
	}
}

func TestTheNextHourBeginsAnew(t *testing.T) {
	inBothHalls(t, func(t *testing.T, h *hall) {
		p := h.process()
		h.clock.Advance(time.Hour - time.Millisecond)
		for range 10 {
			if _, err := p.Take(t.Context(), key, 10, 1); err != nil {
				t.Fatal(err)
			}
		}
		h.wantRefusedFromMemory(t, p, 10, 1)
		h.clock.Advance(time.Millisecond)
		if got, err := p.Take(t.Context(), key, 10, 1); err != nil || got.Remaining != 9 {
			t.Errorf("Take = %+v, %v; want 9 left", got, err)
		}
	})
}

func TestKeysAreCountedApart(t *testing.T) {
	h := newHall(t)
	p := h.process()
	if _, err := p.Take(t.Context(), "one", 1, 1); err != nil {
		t.Fatal(err)
	}
	if got, err := p.Take(t.Context(), "another", 1, 1); err != nil {
		t.Errorf("Take of another key = %+v, %v", got, err)
	}
	_, err := p.Take(t.Context(), "one", 1, 1)
	domaintest.WantKind(t, "Take of the first again", err, fault.Throttled)
}

func TestSpendHasALimitForEachTier(t *testing.T) {
	h := newHall(t)
	for _, tt := range []struct {
		name  string
		o     ratelimit.Options
		tier  account.Tier
		limit int
	}{
		{"standard, where nothing is said", ratelimit.Options{}, account.Standard, 1000},
		{"premium, where nothing is said", ratelimit.Options{}, account.Premium, 5000},
		{"standard", ratelimit.Options{Standard: 3, Premium: 4}, account.Standard, 3},
		{"premium", ratelimit.Options{Standard: 3, Premium: 4}, account.Premium, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.Now = h.clock.Now
			c := account.Client{ID: id.NewClient(id.NewWorkspace(h.clock.Now()), h.clock.Now()), Tier: tt.tier}
			got, err := ratelimit.New(h, tt.o).Spend(t.Context(), c, 2)
			if err != nil || got.Limit != tt.limit || got.Remaining != tt.limit-2 {
				t.Errorf("Spend = %+v, %v; want %d left of %d", got, err, tt.limit-2, tt.limit)
			}
		})
	}
}

func TestTakeGivesNothingWhenTheTableFails(t *testing.T) {
	for _, tt := range []struct {
		name  string
		with  tabletest.Fault
		left  int // of 1000, after a request that comes through
		calls string
	}{
		{"and it was not written", tabletest.LoseCall, 999, tabletest.VerbPut},
		{"and it was written", tabletest.LoseAnswer, 989, tabletest.VerbPut},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHall(t)
			p := h.process()
			h.FailNth(tt.calls, 1, tt.with)
			if _, err := p.Take(t.Context(), key, 1000, 1); err == nil || strings.Contains(err.Error(), "requests an hour") {
				t.Fatalf("Take = %v, want the table's error", err)
			}
			if got, err := p.Take(t.Context(), key, 1000, 1); err != nil || got.Remaining != tt.left {
				t.Errorf("Take again = %+v, %v; want %d left", got, err, tt.left)
			}
		})
	}
}

// A driver that repeats a request whose answer was lost adds twice: half of the limit is lost, and it is never exceeded.
func TestSharesThatAreTakenTwiceMakeTheLimitEarlyAndNotLate(t *testing.T) {
	h := newHall(t)
	p := ratelimit.New(domaintest.Repeating{Table: h}, ratelimit.Options{Now: h.clock.Now})
	through := 0
	for {
		_, err := p.Take(t.Context(), key, 1000, 1)
		if err != nil {
			domaintest.WantKind(t, "Take", err, fault.Throttled)
			break
		}
		through++
	}
	if given, err := h.leased(t.Context(), h.clock.Now()); err != nil || given > 1000 || through > 1000 || through < 450 {
		t.Errorf("%d were let through and %d given out, %v; want about half of 1000, and never more", through, given, err)
	}
}

func TestTakeWaitsNoLongerThanItsContext(t *testing.T) {
	h := newHall(t)
	p := h.process()
	entered, leave := make(chan struct{}), make(chan struct{})
	h.Script(func(tabletest.Call) tabletest.Fault { close(entered); <-leave; return tabletest.None })
	first := make(chan error)
	go func() { _, err := p.Take(t.Context(), key, 10, 1); first <- err }()
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Take(ctx, key, 10, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("Take behind another = %v, want %v", err, context.Canceled)
	}
	close(leave)
	if err := <-first; err != nil {
		t.Errorf("the first Take: %v", err)
	}
}
