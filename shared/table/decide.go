package table

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/assetry/assetry/shared/fault"
)

// How long Decide waits for other transactions: about half a second in all, as long as many of them at the same item take to pass one by one.
const (
	decideTries  = 8
	firstPause   = 10 * time.Millisecond // at most, before the second try; it doubles
	longestPause = 500 * time.Millisecond
)

// Decide does writes all or none, as Transact, and again after a pause of random length while other transactions are writing the same
// items. So a *TransactError that it gives has at least one lost condition, and the caller can decide on it. When the others do not come to an
// end it is fault.Throttled, and nothing was written.
func Decide(ctx context.Context, t Table, ws []Write) error {
	pause := firstPause
	for tries := 1; ; tries++ {
		err := t.Transact(ctx, ws)
		refused := Refused(err)
		if refused == nil || refused.Lost() {
			return err
		}
		if tries == decideTries {
			return fault.New(fault.Throttled, "Many are changing the same things at this moment; wait a moment and repeat.")
		}
		wait := time.NewTimer(rand.N(pause))
		select {
		case <-ctx.Done():
			wait.Stop()
			return ctx.Err()
		case <-wait.C:
		}
		pause = min(2*pause, longestPause)
	}
}

// Lost says whether a condition did not hold; else only other transactions stood in the way.
func (e *TransactError) Lost() bool {
	for _, r := range e.Reasons {
		if r == ConditionLost {
			return true
		}
	}
	return false
}
