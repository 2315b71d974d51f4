package privilege_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/assetry/assetry/infra/recorder"
)

// envRecords names the folder of the records that the acceptance suites on the deployed shape left, one file or more. `make test` sets it for
// a whole run; without it the stories of this package are all there is.
const envRecords = "ASSETRY_TEST_RECORDS"

// ledger is what was recorded, while it is recorded.
type ledger struct {
	mu    sync.Mutex
	rest  []byte
	calls []recorder.Call
}

var _ io.WriteCloser = (*ledger)(nil)

// Write takes lines of records.
func (l *ledger) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		line, rest, whole := bytes.Cut(l.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		var c recorder.Call
		if err := json.Unmarshal(line, &c); err != nil {
			return 0, err
		}
		l.calls, l.rest = append(l.calls, c), rest
	}
}

// Close does nothing.
func (l *ledger) Close() error { return nil }

// all are the calls so far.
func (l *ledger) all() []recorder.Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.calls)
}

// has says whether a function used an action.
func (l *ledger) has(function, action string) bool {
	return slices.ContainsFunc(l.all(), func(c recorder.Call) bool { return c.Function == function && c.Action == action })
}

// others are the records of the acceptance suites; none where envRecords is not set. A folder that has none is an error: the suites have
// recorded nothing, and nothing could be said of them.
func others(t *testing.T) (out []recorder.Call) {
	t.Helper()
	folder := os.Getenv(envRecords)
	if folder == "" {
		t.Logf("%s is not set: only the stories of this package are compared; `make test` adds the acceptance suites", envRecords)
		return nil
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		calls, err := recorder.Read(f)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, calls...)
	}
	if len(out) == 0 {
		t.Fatalf("%s=%s has no records: the acceptance suites on the deployed shape did not run, or did not record", envRecords, folder)
	}
	return out
}
