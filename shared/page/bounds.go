package page

import (
	"time"

	"github.com/assetry/assetry/shared/fault"
)

// MaxLimit is the most entries in one page of any list (the published contract's).
const MaxLimit = 100

// A search without an index reads rows until it has found a page, or comes to one of these bounds.
const (
	SearchRows = 20_000          // rows one page of a search reads at most
	SearchTime = 3 * time.Second // how long it reads: a tenth of what the gateway waits
)

// CheckLimit refuses a limit outside 1 to MaxLimit, as fault.Invalid about the field "limit".
func CheckLimit(limit int) error {
	if limit < 1 || limit > MaxLimit {
		return fault.BadField("limit", "is %d; send 1 to %d", limit, MaxLimit)
	}
	return nil
}
