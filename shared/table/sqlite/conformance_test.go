package sqlite_test

import (
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/table/sqlite"
	"github.com/assetry/assetry/shared/tabletest"
)

// clocked is a table on a clock that tests can move.
type clocked struct {
	*sqlite.DB
	path   string
	o      sqlite.Options
	offset *atomic.Int64
}

// Advance moves the clock.
func (c *clocked) Advance(d time.Duration) { c.offset.Add(int64(d)) }

// Reopen closes the file and opens it again.
func (c *clocked) Reopen(t *testing.T) tabletest.Driver {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return start(t, c.path, c.o, c.offset)
}

func start(t *testing.T, path string, o sqlite.Options, offset *atomic.Int64) *clocked {
	t.Helper()
	o.Now = func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
	d, err := sqlite.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return &clocked{d, path, o, offset}
}

func TestContract(t *testing.T) {
	tabletest.Run(t, func(t *testing.T, o tabletest.Options) tabletest.Driver {
		path := filepath.Join(t.TempDir(), "a table?%20#.db")
		return start(t, path, sqlite.Options{Indexes: o.Indexes, LazyIndexes: o.Lazy}, new(atomic.Int64))
	})
}
