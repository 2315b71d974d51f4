package sources

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
)

// TestMain silences what is logged of events that fail, which here is most.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

var here = Place{Region: "us-east-1", Account: "000000000000", Stack: "assetry"}

// quick are pauses for tests.
var quick = Pauses{time.Millisecond}

var errSaid = errors.New("said by the test")

// openTable opens a table in a file of the test's own.
func openTable(t testing.TB, path string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(path, sqlite.Options{Indexes: schema.Indexes()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func newTable(t testing.TB) *sqlite.DB {
	t.Helper()
	return openTable(t, filepath.Join(t.TempDir(), "t.db"))
}

// inBackground runs f until the test ends or stop is called, which waits for it.
func inBackground(t testing.TB, f func(context.Context)) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(ctx)
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}

// work runs a queue or asynchronous invocations until the test ends or stop is called.
func work(t testing.TB, run func(context.Context) error) (stop func()) {
	t.Helper()
	return inBackground(t, func(ctx context.Context) {
		if err := run(ctx); err != nil && ctx.Err() == nil {
			t.Errorf("run: %v", err)
		}
	})
}

// payloads are the messages that a partition of a store holds.
func payloads(t testing.TB, store table.Table, partition string) (out []string) {
	t.Helper()
	q := table.Query{PK: partition, Limit: 500}
	for {
		pg, err := store.Query(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range pg.Items {
			out = append(out, it.Str(attrPayload))
		}
		if pg.Next == nil {
			return out
		}
		q.After = pg.Next
	}
}

// kept are the records of failures below a folder, in the order of their names.
func kept[R any](t testing.TB, f *Failures) (out []R) {
	t.Helper()
	err := filepath.WalkDir(f.Dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && e.IsDir() {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var r R
		if err := json.Unmarshal(b, &r); err != nil {
			return err
		}
		out = append(out, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// function is one that counts what it was given, and answers as the test says.
type function struct {
	mu     sync.Mutex
	given  []string
	names  map[string]bool
	answer func(payload string, call int) (string, error) // nil: takes everything
}

func (f *function) invoke(_ context.Context, name string, payload []byte) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.names == nil {
		f.names = map[string]bool{}
	}
	f.names[name] = true
	f.given = append(f.given, string(payload))
	if f.answer == nil {
		return nil, nil
	}
	a, err := f.answer(string(payload), len(f.given))
	return []byte(a), err
}

// calls are the payloads it was given so far.
func (f *function) calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string{}, f.given...)
}
