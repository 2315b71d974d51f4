// Package polltest waits in tests for what another goroutine or process brings about, without a pause of a fixed length.
package polltest

import (
	"testing"
	"time"
)

const (
	looks = 2 * time.Millisecond
	limit = time.Minute // a busy machine; a condition that comes at all comes far sooner
)

// Eventually waits until a condition holds, and ends the test when it does not within a minute. It may only be called by the test's own
// goroutine.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	look := time.NewTicker(looks)
	defer look.Stop()
	for deadline := time.After(limit); !holds(); {
		select {
		case <-look.C:
		case <-deadline:
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}
