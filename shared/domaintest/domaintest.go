package domaintest

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
)

// Driver is a table with its change feed.
type Driver interface {
	table.Table
	table.Feed
}

// NewTable is an empty table with the product's indexes; it goes with the test.
func NewTable(t testing.TB) Driver {
	t.Helper()
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "table.db"), sqlite.Options{Indexes: schema.Indexes()})
	if err != nil {
		t.Fatalf("open table: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close table: %v", err)
		}
	})
	return db
}

// Clock is a time that only the test moves. Safe for concurrent use.
type Clock struct {
	mu sync.Mutex
	t  time.Time
}

// NewClock starts at a fixed time that is a whole millisecond.
func NewClock() *Clock { return &Clock{t: time.UnixMilli(1_790_000_000_123).UTC()} }

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// Ahead is a clock that shows the real time plus what the test added, so that a bucket, which has the real time, takes what is signed now. Its zero value
// shows the real time. Safe for concurrent use.
type Ahead struct {
	mu sync.Mutex
	by time.Duration
}

// Now is the clock's time.
func (a *Ahead) Now() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Now().Add(a.by)
}

// Advance moves the clock.
func (a *Ahead) Advance(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.by += d
}

// WantKind complains unless err is of a kind.
func WantKind(t testing.TB, what string, err error, want fault.Kind) {
	t.Helper()
	if !fault.Is(err, want) {
		t.Errorf("%s: got error %v, want kind %q", what, err, want)
	}
}

// Spent runs f and gives the units and requests it consumed.
func Spent(t testing.TB, f func(context.Context)) (read, write float64, requests int) {
	t.Helper()
	ctx, m := table.WithMeter(t.Context())
	f(ctx)
	return m.Spent()
}

// Together runs f n times at once and waits for all.
func Together(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

// Repeating does every write and transaction twice and gives the second answer: a driver that repeated a request because its first
// answer was lost.
type Repeating struct{ table.Table }

// Write writes twice.
func (r Repeating) Write(ctx context.Context, w table.Write) (table.Item, error) {
	if _, err := r.Table.Write(ctx, w); err != nil {
		return nil, err
	}
	return r.Table.Write(ctx, w)
}

// Transact writes twice.
func (r Repeating) Transact(ctx context.Context, ws []table.Write) error {
	if err := r.Table.Transact(ctx, ws); err != nil {
		return err
	}
	return r.Table.Transact(ctx, ws)
}

// Contending refuses the first Times transactions as if others were writing the same items.
type Contending struct {
	table.Table
	Times int

	mu sync.Mutex
}

// Transact refuses, or does it.
func (c *Contending) Transact(ctx context.Context, ws []table.Write) error {
	c.mu.Lock()
	refuse := c.Times > 0
	c.Times--
	c.mu.Unlock()
	if !refuse {
		return c.Table.Transact(ctx, ws)
	}
	e := &table.TransactError{Reasons: make([]table.Reason, len(ws)), Current: make([]table.Item, len(ws))}
	e.Reasons[0] = table.Contended
	return e
}

// Broken answers every call with Err.
type Broken struct{ Err error }

// Get fails.
func (b Broken) Get(context.Context, table.Key, table.Consistency) (table.Item, error) {
	return nil, b.Err
}

// BatchGet fails.
func (b Broken) BatchGet(context.Context, []table.Key, table.Consistency) ([]table.Item, error) {
	return nil, b.Err
}

// Write fails.
func (b Broken) Write(context.Context, table.Write) (table.Item, error) { return nil, b.Err }

// Transact fails.
func (b Broken) Transact(context.Context, []table.Write) error { return b.Err }

// Query fails.
func (b Broken) Query(context.Context, table.Query) (table.Page, error) { return table.Page{}, b.Err }

var _ table.Table = Broken{}
