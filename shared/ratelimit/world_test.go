package ratelimit_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/ratelimit"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo/dynamotest"
	"github.com/assetry/assetry/shared/table/sqlite"
	"github.com/assetry/assetry/shared/tabletest"
)

const key = "cl_someone"

// hall is a table whose calls can be made to fail, and a clock.
type hall struct {
	*tabletest.FaultyTable
	clock  *domaintest.Clock
	rounds int // of a property test; DynamoDB Local takes milliseconds for a call
}

func newHall(t testing.TB) *hall {
	t.Helper()
	clock := domaintest.NewClock()
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "table.db"), sqlite.Options{Indexes: schema.Indexes(), Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	h := &hall{tabletest.Faulty(db), clock, 100}
	h.atFullHour()
	return h
}

// inBothHalls runs a test on SQLite and on DynamoDB Local.
func inBothHalls(t *testing.T, f func(t *testing.T, h *hall)) {
	t.Run("sqlite", func(t *testing.T) { f(t, newHall(t)) })
	t.Run("dynamo", func(t *testing.T) {
		h := &hall{tabletest.Faulty(dynamotest.Open(t, schema.Indexes()...)), domaintest.NewClock(), 12}
		h.clock.Advance(time.Since(h.clock.Now())) // the table's own clock is the machine's
		h.atFullHour()
		f(t, h)
	})
}

// atFullHour moves the clock to the beginning of the next hour.
func (h *hall) atFullHour() {
	now := h.clock.Now()
	h.clock.Advance(now.Truncate(time.Hour).Add(time.Hour).Sub(now))
}

// process is a limiter of its own.
func (h *hall) process() *ratelimit.Limiter {
	return ratelimit.New(h, ratelimit.Options{Now: h.clock.Now})
}

// leased is what the row of an hour says was given out.
func (h *hall) leased(ctx context.Context, at time.Time) (int, error) {
	it, err := h.Get(ctx, schema.RateKey(key, at), table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		return 0, nil
	}
	return int(it.Int(schema.Leased)), err
}
