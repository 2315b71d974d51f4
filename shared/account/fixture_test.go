package account_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
)

// clock is a time that only the test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.UnixMilli(1_790_000_000_123).UTC()} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func newTable(t testing.TB) table.Table {
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

// newService is a service on a fresh table, and another one as a second process would have it.
func newService(t testing.TB) (s, other *account.Service, c *clock) {
	t.Helper()
	tab, c := newTable(t), newClock()
	return account.New(tab, account.Options{Now: c.Now}), account.New(tab, account.Options{Now: c.Now}), c
}

func mustWorkspace(t testing.TB, s *account.Service, title string) account.Workspace {
	t.Helper()
	w, err := s.CreateWorkspace(t.Context(), title)
	if err != nil {
		t.Fatalf("CreateWorkspace(%q): %v", title, err)
	}
	return w
}

func mustKey(t testing.TB, s *account.Service, r access.Role, ws ...id.Workspace) (string, account.Key) {
	t.Helper()
	grants := map[id.Workspace]access.Role{}
	for _, w := range ws {
		grants[w] = r
	}
	secret, k, err := s.IssueKey(t.Context(), "a key", grants)
	if err != nil {
		t.Fatalf("IssueKey: %v", err)
	}
	return secret, k
}

func wantKind(t testing.TB, what string, err error, want fault.Kind) {
	t.Helper()
	if !fault.Is(err, want) {
		t.Errorf("%s: got error %v, want kind %q", what, err, want)
	}
}

// spent runs f and gives what it consumed.
func spent(t testing.TB, f func(context.Context)) (read, write float64, requests int) {
	t.Helper()
	ctx, m := table.WithMeter(t.Context())
	f(ctx)
	return m.Spent()
}

// repeating does every single write twice and gives the second answer: a driver whose first answer was lost.
type repeating struct{ table.Table }

func (r repeating) Write(ctx context.Context, w table.Write) (table.Item, error) {
	if _, err := r.Table.Write(ctx, w); err != nil {
		return nil, err
	}
	return r.Table.Write(ctx, w)
}

// together runs f n times at once and waits for all.
func together(n int, f func(i int)) {
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
