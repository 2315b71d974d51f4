// Package sqlite keeps a table (package table) in one SQLite file: the metadata store of the local stack and of most tests.
//
// It is deliberately DynamoDB's equal, not better: the same limits, the same units, the same expiry, indexes that are only
// promised to be eventual. One connection writes, a pool reads; the file is in WAL mode with synchronous=NORMAL, so that a
// committed write survives the death of the process at any moment (though not always that of the machine).
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"sync"
	"time"

	driver "modernc.org/sqlite" // also registers itself with database/sql as "sqlite"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/table"
)

// DefaultFeedRetention is how long changes are kept unless Options say otherwise: as long as DynamoDB keeps its streams.
const DefaultFeedRetention = 24 * time.Hour

const (
	readers     = 8      // connections that read
	busyTimeout = 5000   // milliseconds a statement waits for a lock of somebody else, say the sqlite3 tool
	pageSize    = 8192   // bytes; a row of up to 2 KB stays in its tree
	resultBusy  = 5      // SQLITE_BUSY
	resultLock  = 6      // SQLITE_LOCKED
	maxRange    = "\xff" // greater than every key, since keys are UTF-8
)

// Options say what a table is like. The zero value is a table without indexes on the real clock.
type Options struct {
	Indexes       []table.Index    // the sparse indexes; a new one is filled from the items at Open
	Now           func() time.Time // the clock; nil is time.Now
	FeedRetention time.Duration    // how long Sweep leaves changes in the feed; 0 is DefaultFeedRetention
	LazyIndexes   bool             // for tests: index queries show the table as of the last SettleIndexes (or Open)
}

// DB is an open table. Safe for concurrent use within one process.
type DB struct {
	indexes   []storedIndex
	defs      []table.Index
	now       func() time.Time
	retention time.Duration

	writer *writer
	reads  *sql.DB
	read   readStatements
	lazy   *snapshot // nil unless LazyIndexes

	mu      sync.Mutex
	waiting []chan struct{}

	closing  sync.Once
	closeErr error
}

var (
	_ table.Table = (*DB)(nil)
	_ table.Feed  = (*DB)(nil)
)

// storedIndex is an index and the number its entries are kept under.
type storedIndex struct {
	table.Index
	id int64
}

// Open opens the table kept in the file at path and creates it if it is not there; its folder must exist. What a killed process
// left behind is recovered.
func Open(path string, o Options) (*DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	d := &DB{now: o.Now, retention: o.FeedRetention, defs: o.Indexes}
	if d.now == nil {
		d.now = time.Now
	}
	if d.retention == 0 {
		d.retention = DefaultFeedRetention
	}
	if err := d.open(abs, o); err != nil {
		d.Close()
		return nil, fmt.Errorf("open table %s: %w", path, err)
	}
	return d, nil
}

func (d *DB) open(path string, o Options) error {
	ctx := context.Background()
	w, err := openWriter(ctx, path)
	if err != nil {
		return err
	}
	d.writer = w
	if d.indexes, err = w.reconcile(ctx, o.Indexes); err != nil {
		return fmt.Errorf("bring indexes up to date: %w", err)
	}
	if d.reads, err = sql.Open("sqlite", dsn(path, "query_only(1)")); err != nil {
		return err
	}
	d.reads.SetMaxOpenConns(readers + 1) // one for the lazy snapshot
	d.reads.SetMaxIdleConns(readers + 1)
	if err := d.read.prepare(ctx, d.reads); err != nil {
		return err
	}
	if o.LazyIndexes {
		d.lazy = &snapshot{}
		return d.SettleIndexes(ctx)
	}
	return nil
}

// dsn names the file for the driver; the path is escaped, so any file name will do.
func dsn(path string, pragmas ...string) string {
	q := url.Values{"_pragma": append([]string{
		fmt.Sprintf("busy_timeout(%d)", busyTimeout),
		fmt.Sprintf("page_size(%d)", pageSize),
		"journal_mode(WAL)",
		"synchronous(NORMAL)",
		"cache_size(-16384)", // KB
	}, pragmas...)}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: q.Encode()}).String()
}

// Close ends the table's use of the file. A write under way finishes first; later calls fail. Closing again does nothing.
func (d *DB) Close() error {
	d.closing.Do(func() { d.closeErr = d.close() })
	return d.closeErr
}

func (d *DB) close() error {
	var errs []error
	if d.lazy != nil {
		errs = append(errs, d.lazy.close())
	}
	if d.reads != nil {
		errs = append(errs, d.reads.Close())
	}
	if d.writer != nil {
		errs = append(errs, d.writer.close())
	}
	return errors.Join(errs...)
}

// classify turns SQLite's "busy" into fault.Throttled: nothing was written, repeat. Other errors stay internal.
func classify(err error) error {
	var e *driver.Error
	if errors.As(err, &e) && (e.Code()&0xff == resultBusy || e.Code()&0xff == resultLock) {
		return fault.Wrap(err, fault.Throttled, "the table's file is in use by another program; try again")
	}
	return err
}

// alive refuses calls whose context is over, before anything is done.
func alive(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(err, fault.Unavailable, "the request ended before the table was asked; nothing was written")
	}
	return nil
}
