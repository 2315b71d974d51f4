// Package ratelimit counts what is asked for under a key in an hour, and refuses what is over a limit.
//
// The hours are those of the clock, in UTC. A row of the table for each key and hour says how much of the limit was given out to processes; a
// process takes a share of it by one conditional addition, spends the share in memory, and comes back for another. So the limit is never
// exceeded, whatever dies when, and a request costs a write once in many. What it costs is earliness: a share that a process took and did
// not spend is lost to the others, and so is one whose answer got lost.
//
// A share is a twentieth of the limit at most and a hundredth at least, so that an hour has at most a hundred of them. A process begins with the
// smallest and doubles it each time, because most processes of many see few requests; and no share is more than a tenth of what is
// left, so that little is held back when the limit is near.
package ratelimit

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// Window is what a limit is counted over.
const Window = time.Hour

// Requests an hour where the installation does not say: what the published service gives its two tiers.
const (
	DefaultStandard = 1000
	DefaultPremium  = 5000
)

// The shares of a limit that are taken at a time.
const (
	smallest = 100 // a hundredth: the most writes that an hour costs
	largest  = 20  // a twentieth
	ofLeft   = 10  // a tenth of what is left
)

// keepFor is how long a row is kept after its hour: more than the clocks of two processes can differ by, so that none begins an hour again that
// another has used up.
const keepFor = Window

// maxKeys bounds the memory of a process, in keys of the present hour; each takes some 100 bytes.
const maxKeys = 10_000

// Options are what a Limiter may be given. The zero value works.
type Options struct {
	Now      func() time.Time // nil is time.Now
	Standard int              // requests an hour of a client of that tier; 0 is DefaultStandard
	Premium  int              // 0 is DefaultPremium
}

// Limiter refuses what is over a limit. Safe for concurrent use; make one per process, because it holds the shares.
type Limiter struct {
	t    table.Table
	o    Options
	mu   sync.Mutex
	hour time.Time // of windows
	open map[string]*window
}

// window is one key in one hour, as this process knows it. Whoever has put something into busy may use it.
type window struct {
	busy   chan struct{}
	hour   time.Time
	leased int // how much of the limit all processes together took, as far as it is known here
	held   int // how much of that is here and not spent
	share  int // the last that was taken
}

// State is where a limit stands after a request, for the client that made it.
type State struct {
	Limit     int
	Remaining int       // as far as this process knows; what others took counts as spent
	Reset     time.Time // when the hour ends
}

// New makes a Limiter on a table.
func New(t table.Table, o Options) *Limiter {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Standard == 0 {
		o.Standard = DefaultStandard
	}
	if o.Premium == 0 {
		o.Premium = DefaultPremium
	}
	return &Limiter{t: t, o: o}
}

// Spend counts n requests of a client against the limit of its tier. See Take.
func (l *Limiter) Spend(ctx context.Context, c account.Client, n int) (State, error) {
	limit := l.o.Standard
	if c.Tier == account.Premium {
		limit = l.o.Premium
	}
	return l.Take(ctx, c.ID.String(), limit, n)
}

// Take counts n requests, at least one, under a key in the present hour, all or none. The error is fault.Throttled, with the rest of the hour
// as RetryAfter, when they would be over the limit: then fewer may still be taken. The state is given in either case. Any other error is
// that of the table, and nothing was taken. Keys are made of ids, never of free text.
func (l *Limiter) Take(ctx context.Context, key string, limit, n int) (State, error) {
	now := l.o.Now().UTC()
	w := l.window(key, now.Truncate(Window))
	select {
	case w.busy <- struct{}{}:
		defer func() { <-w.busy }()
	case <-ctx.Done():
		return State{}, ctx.Err()
	}
	n = max(n, 1)
	for w.held < n && w.held+limit-w.leased >= n {
		if err := l.lease(ctx, key, w, limit, n); err != nil {
			return w.state(limit), fmt.Errorf("count requests of %s: %w", key, err)
		}
	}
	if w.held < n {
		return w.state(limit), refusal(limit, n, w.state(limit).Reset.Sub(now))
	}
	w.held -= n
	return w.state(limit), nil
}

func refusal(limit, n int, wait time.Duration) error {
	f := fault.New(fault.Throttled, "%d requests an hour are allowed, and %d more would be over it; wait for the next hour, which begins in %d seconds.",
		limit, n, (wait+time.Second-1)/time.Second)
	f.RetryAfter = wait
	return f
}

func (w *window) state(limit int) State {
	return State{Limit: limit, Remaining: max(0, w.held+limit-w.leased), Reset: w.hour.Add(Window)}
}

// window finds what is known of a key in an hour. What is known of another hour is forgotten, and everything when there are too many keys: then
// some shares are lost, which makes the limit come earlier.
func (l *Limiter) window(key string, hour time.Time) *window {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.hour.Equal(hour) || len(l.open) >= maxKeys {
		l.hour, l.open = hour, map[string]*window{}
	}
	w := l.open[key]
	if w == nil {
		w = &window{busy: make(chan struct{}, 1), hour: hour}
		l.open[key] = w
	}
	return w
}

// lease takes a share for a window if there is one, or else learns how much others have taken.
func (l *Limiter) lease(ctx context.Context, key string, w *window, limit, n int) error {
	share := w.next(limit, n)
	k := schema.RateKey(key, w.hour)
	write := table.Update(k, table.Less(schema.Leased, table.Int(int64(limit-share+1))), table.Add(schema.Leased, table.Int(int64(share))))
	if w.leased == 0 {
		write = table.Put(table.Item{
			table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK), schema.Leased: table.Int(int64(share)),
			table.AttrExpires: table.Int(w.hour.Add(Window + keepFor).Unix()),
		}, table.Absent())
	}
	it, err := l.t.Write(ctx, write)
	if current, lost := table.Lost(err); lost {
		w.leased = int(current.Int(schema.Leased))
		return nil
	}
	if err != nil {
		return err
	}
	w.leased, w.share = int(it.Int(schema.Leased)), share
	w.held += share
	return nil
}

// next is how much to take: at least what n needs, at most what is left.
func (w *window) next(limit, n int) int {
	left := limit - w.leased
	least := (limit + smallest - 1) / smallest
	want := min(2*w.share, limit/largest, left/ofLeft)
	return min(max(want, least, n-w.held), left)
}
