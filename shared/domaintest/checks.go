package domaintest

import (
	"flag"
	"strconv"
	"testing"
)

// Checks sets how many histories a property test tries, until the test ends. Whoever calls the tests with -rapid.checks decides instead.
func Checks(t testing.TB, n int) {
	t.Helper()
	const name, rapidsOwn = "rapid.checks", "100"
	if flag.Lookup(name).Value.String() != rapidsOwn {
		return
	}
	if err := flag.Set(name, strconv.Itoa(n)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set(name, rapidsOwn) })
}
