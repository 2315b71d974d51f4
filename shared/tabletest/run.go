package tabletest

import (
	"context"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/table"
)

// Options is what a test wants of the table it opens.
type Options struct {
	Indexes []table.Index // the sparse indexes it has
	Lazy    bool          // index reads should lag until SettleIndexes, if the driver can make them
}

// Driver is an open table under test, with its feed.
type Driver interface {
	table.Table
	table.Feed

	// SettleIndexes returns when index queries show every write that was answered before the call.
	SettleIndexes(ctx context.Context) error

	// Advance moves the driver's idea of now, which starts at the real time.
	Advance(d time.Duration)

	// Reopen closes the driver and opens another on the same data. The old one is not used again.
	Reopen(t *testing.T) Driver
}

// Open opens a new, empty table; t.Cleanup closes it.
type Open func(t *testing.T, o Options) Driver

// Run holds a driver to the contract of package table.
func Run(t *testing.T, open Open) {
	for _, part := range []struct {
		name string
		run  func(*testing.T, Open)
	}{
		{"conditions", testConditions},
		{"writes", testWrites},
		{"refusals", testRefusals},
		{"values", testValues},
		{"sizes", testSizes},
		{"reads", testReads},
		{"queries", testQueries},
		{"query pages", testPages},
		{"indexes", testIndexes},
		{"expiry", testExpiry},
		{"transactions", testTransactions},
		{"concurrent writers", testConcurrency},
		{"change feed", testFeed},
		{"units", testUnits},
		{"random programs", testPrograms},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, open) })
	}
}
