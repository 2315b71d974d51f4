package ratelimit_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/ratelimit"
	"github.com/assetry/assetry/shared/tabletest"
)

// actor is a process with a clock of its own, and what the test knows of its shares.
type actor struct {
	*ratelimit.Limiter
	ahead time.Duration // of the common clock
	hour  time.Time     // of held
	held  int           // what it took of that hour and has not spent, by the rows
}

// Processes with clocks that differ come and go, around the ends of hours, while calls of the table fail in both ways. Of no hour is ever more let
// through than the limit; and whoever is refused would have been over it, but for the shares that others hold or lost.
func TestNeverOverTheLimitAndEarlyByUnspentSharesAtMost(t *testing.T) {
	inBothHalls(t, func(t *testing.T, h *hall) {
		round := 0
		rapid.Check(t, func(r *rapid.T) {
			if round++; round > h.rounds {
				return
			}
			h.atFullHour() // every round has hours of its own: clocks differ by minutes
			h.clock.Advance(2 * time.Hour)
			c := &crowd{hall: h, limit: rapid.IntRange(1, 120).Draw(r, "limit"), through: map[time.Time]int{}, given: map[time.Time]int{}}
			c.actors = make([]*actor, rapid.IntRange(1, 5).Draw(r, "processes"))
			for i := range c.actors {
				c.restart(r, i)
			}
			for range rapid.IntRange(1, 40).Draw(r, "steps") {
				c.step(t, r)
			}
		})
	})
}

type crowd struct {
	*hall
	limit   int
	actors  []*actor
	through map[time.Time]int // requests that were let through, by the hour of the process that did
	given   map[time.Time]int // what the rows say was given out
}

// restart puts another process in the place of one; its shares are lost.
func (c *crowd) restart(r *rapid.T, i int) {
	a := &actor{ahead: time.Duration(rapid.IntRange(-120, 120).Draw(r, "clock ahead, seconds")) * time.Second}
	a.Limiter = ratelimit.New(c, ratelimit.Options{Now: func() time.Time { return c.clock.Now().Add(a.ahead) }})
	c.actors[i] = a
}

func (c *crowd) step(t *testing.T, r *rapid.T) {
	i := rapid.IntRange(0, len(c.actors)-1).Draw(r, "process")
	switch rapid.SampledFrom([]string{"take", "take", "take", "take many", "fail", "advance", "restart"}).Draw(r, "step") {
	case "take":
		c.take(t, r, c.actors[i], rapid.IntRange(1, 20).Draw(r, "n"))
	case "take many":
		for range c.limit {
			c.take(t, r, c.actors[i], 1)
		}
	case "fail":
		verb := rapid.SampledFrom([]string{tabletest.VerbPut, tabletest.VerbUpdate}).Draw(r, "verb")
		c.FailNth(verb, 1, rapid.SampledFrom([]tabletest.Fault{tabletest.LoseCall, tabletest.LoseAnswer}).Draw(r, "fault"))
	case "advance":
		c.clock.Advance(time.Duration(rapid.IntRange(1, 1800).Draw(r, "seconds")) * time.Second)
	case "restart":
		c.restart(r, i)
	}
}

func (c *crowd) take(t *testing.T, r *rapid.T, a *actor, n int) {
	hour := c.clock.Now().Add(a.ahead).Truncate(time.Hour)
	if !hour.Equal(a.hour) {
		a.hour, a.held = hour, 0
	}
	before, calls := c.given[hour], c.Calls("")
	st, outcome := a.Take(t.Context(), key, c.limit, n)
	if c.Calls("") != calls {
		var err error
		if c.given[hour], err = c.leased(t.Context(), hour); err != nil {
			r.Fatal(err)
		}
	}
	after := c.given[hour]
	switch {
	case outcome == nil:
		a.held += after - before - n
		c.through[hour] += n
	case fault.Is(outcome, fault.Throttled):
		a.held += after - before
		if a.held+c.limit-after >= n {
			r.Fatalf("%d were refused, though %d are held here and %d of %d are given out", n, a.held, after, c.limit)
		}
	default: // the table failed; what it may have given is lost, so that before is what counts
	}
	if a.held < 0 || after > c.limit || c.through[hour] > after {
		r.Fatalf("after %d: %d held, %d let through, %d given out, limit %d", n, a.held, c.through[hour], after, c.limit)
	}
	left := a.held + c.limit - after // whoever took no share now does not know what others took since the last
	if outcome == nil && (st.Remaining < left || after > before && st.Remaining != left || !st.Reset.Equal(hour.Add(time.Hour))) {
		r.Fatalf("state %+v with %d held and %d of %d given out in the hour from %v", st, a.held, after, c.limit, hour)
	}
}
