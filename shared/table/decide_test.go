package table_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/table"
)

// contended is a table whose transactions meet others first.
type contended struct {
	table.Table
	others int   // transactions that are in the way
	then   error // what is answered after them
	tries  int
	hear   func()
}

func (c *contended) Transact(context.Context, []table.Write) error {
	if c.tries++; c.hear != nil {
		c.hear()
	}
	if c.tries > c.others {
		return c.then
	}
	return &table.TransactError{Reasons: []table.Reason{table.Contended, table.Held}, Current: make([]table.Item, 2)}
}

func TestDecideWaitsForOtherTransactions(t *testing.T) {
	lost := &table.TransactError{Reasons: []table.Reason{table.Contended, table.ConditionLost}, Current: make([]table.Item, 2)}
	broken := errors.New("said by the test")
	for _, tt := range []struct {
		name   string
		others int
		then   error
		tries  int
	}{
		{"nobody is in the way", 0, nil, 1},
		{"three are in the way", 3, nil, 4},
		{"a condition is lost at once, beside others", 0, lost, 1},
		{"a condition is lost after two", 2, lost, 3},
		{"the table fails after one", 1, broken, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &contended{others: tt.others, then: tt.then}
			if err := table.Decide(t.Context(), c, nil); err != tt.then || c.tries != tt.tries {
				t.Errorf("Decide = %v after %d tries, want %v after %d", err, c.tries, tt.then, tt.tries)
			}
		})
	}
}

func TestDecideGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &contended{others: 1000}
		began := time.Now()
		err := table.Decide(t.Context(), c, nil)
		if took := time.Since(began); !fault.Is(err, fault.Throttled) || c.tries != 8 || took > 1130*time.Millisecond { // 10 ms, doubled six times, and at most 500
			t.Errorf("Decide = %v after %d tries in %v, want throttled after 8", err, c.tries, took)
		}
		if table.Refused(err) != nil {
			t.Error("it is a refusal, and no condition of it was lost")
		}
	})
}

func TestDecideEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := &contended{others: 1000, hear: cancel}
	if err := table.Decide(ctx, c, nil); !errors.Is(err, context.Canceled) || c.tries != 1 {
		t.Errorf("Decide = %v after %d tries, want canceled after 1", err, c.tries)
	}
}
