package house

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/assetry/assetry/infra/samples"
	"github.com/assetry/assetry/shared/blob/blobtest"
	"github.com/assetry/assetry/shared/tabletest"
)

// hand hands a sample event to its function in a world.
func hand(t *testing.T, w *world, file string, names []string) ([]byte, error) {
	t.Helper()
	function := functionOf(file+".json", names)
	return lambda.NewHandler(handler(t, function, w)).Invoke(context.Background(), w.samples.Payload(read(t, "events", file+".json")))
}

// worldOf is the world of a sample event, ready for it.
func worldOf(t *testing.T, file string) *world {
	t.Helper()
	w := newWorld(t, samples.Now.Add(samples.After(file)))
	if err := w.samples.Prepare(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	return w
}

// TestWhatIsBehindAFunctionMayFail breaks each call of the table, and then of the bucket, in turn, for every sample event: a client is told to come again,
// or served all the same, and an event is reported as failed or done. Nobody is told of an error of ours.
func TestWhatIsBehindAFunctionMayFail(t *testing.T) {
	names := functions(t)
	broken := 0
	for _, file := range slices.Sorted(maps.Keys(sampleEvents(t))) {
		t.Run(file, func(t *testing.T) {
			for name, fault := range map[string]struct {
				rows  tabletest.Fault
				bytes blobtest.Fault
			}{"is busy": {tabletest.Throttle, blobtest.Throttled}, "is silent": {tabletest.LoseCall, blobtest.Unavailable}} {
				w := worldOf(t, file)
				for nth := 1; ; nth++ {
					var calls atomic.Int64
					next := func() bool { return calls.Add(1) == int64(nth) }
					w.rows.Script(func(tabletest.Call) tabletest.Fault {
						if next() {
							return fault.rows
						}
						return tabletest.None
					})
					w.fault = func(blobtest.Call) blobtest.Fault {
						if next() {
							return fault.bytes
						}
						return blobtest.None
					}
					answer, err := hand(t, w, file, names)
					if calls.Load() < int64(nth) {
						break
					}
					broken++
					if says := unwell(answer, err); says != "" {
						t.Errorf("what answers call %d %s: %s", nth, name, says)
					}
				}
			}
		})
	}
	if broken < 100 {
		t.Errorf("only %d calls were broken", broken)
	}
}

// unwell says what is wrong with an answer to an event behind which something failed; "" is nothing.
func unwell(answer []byte, err error) string {
	if err != nil {
		return "" // of an event: whoever sent it delivers it again
	}
	var http events.APIGatewayV2HTTPResponse
	if json.Unmarshal(answer, &http) != nil || http.StatusCode == 0 {
		return ""
	}
	comeAgain := http.StatusCode == 429 || http.StatusCode == 503
	switch {
	case comeAgain && http.Headers["Retry-After"] == "":
		return fmt.Sprintf("%d without Retry-After: %s", http.StatusCode, http.Body)
	case !comeAgain && http.StatusCode >= 500:
		return fmt.Sprintf("%d %s", http.StatusCode, http.Body)
	}
	return ""
}

// TestWhatIsBehindAFunctionMayBeAway has nothing answer at all: every request that needs something is 503, and no event is taken for done.
func TestWhatIsBehindAFunctionMayBeAway(t *testing.T) {
	names := functions(t)
	for _, file := range slices.Sorted(maps.Keys(sampleEvents(t))) {
		t.Run(file, func(t *testing.T) {
			w := worldOf(t, file)
			var asked atomic.Bool
			w.rows.Script(func(tabletest.Call) tabletest.Fault {
				asked.Store(true)
				return tabletest.LoseCall
			})
			w.fault = func(blobtest.Call) blobtest.Fault {
				asked.Store(true)
				return blobtest.Unavailable
			}
			answer, err := hand(t, w, file, names)
			var got struct {
				StatusCode        int
				Headers           map[string]string
				BatchItemFailures []any
			}
			_ = json.Unmarshal(answer, &got)
			failed := err != nil || len(got.BatchItemFailures) > 0 || got.StatusCode == 503 && got.Headers["Retry-After"] != ""
			if asked.Load() != failed {
				t.Errorf("something was asked: %t; the answer is %s, %v", asked.Load(), answer, err)
			}
		})
	}
}
