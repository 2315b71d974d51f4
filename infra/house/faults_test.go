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

// failures are what may befall the calls of table and bucket.
var failures = []struct {
	name  string
	rows  tabletest.Fault
	bytes blobtest.Fault
}{
	{"is silent", tabletest.LoseCall, blobtest.Unavailable},
	{"is busy", tabletest.Throttle, blobtest.Throttled},
}

// fail lets a script say which calls of table and bucket, counted from 1 and together, fail. It gives how many there were so far.
func (w *world) fail(rows tabletest.Fault, bytes blobtest.Fault, which func(nth int64) bool) (calls *atomic.Int64) {
	calls = &atomic.Int64{}
	w.rows.Script(func(tabletest.Call) tabletest.Fault {
		if which(calls.Add(1)) {
			return rows
		}
		return tabletest.None
	})
	w.fault = func(blobtest.Call) blobtest.Fault {
		if which(calls.Add(1)) {
			return bytes
		}
		return blobtest.None
	}
	return calls
}

// TestWhatIsBehindAFunctionMayFail breaks all calls of table and bucket, and then each in turn, for every sample event. Away altogether, every request that
// needs something is told to come again, and no event is taken for done. With one call broken, a client is told to come again, or served all
// the same. Nobody is told of an error of ours.
func TestWhatIsBehindAFunctionMayFail(t *testing.T) {
	names := functions(t)
	broken := int64(0)
	for _, file := range slices.Sorted(maps.Keys(sampleEvents(t))) {
		t.Run(file, func(t *testing.T) {
			for _, f := range failures {
				w := worldOf(t, file)
				calls := w.fail(f.rows, f.bytes, func(int64) bool { return true })
				if answer, err := hand(t, w, file, names); failed(answer, err) != (calls.Load() > 0) {
					t.Errorf("everything %s, in %d calls; the answer is %s, %v", f.name, calls.Load(), answer, err)
				}
				for nth := int64(1); ; nth++ {
					calls := w.fail(f.rows, f.bytes, func(n int64) bool { return n == nth })
					answer, err := hand(t, w, file, names)
					if calls.Load() < nth {
						break
					}
					broken++
					if says := unwell(answer, err); says != "" {
						t.Errorf("what answers call %d %s: %s", nth, f.name, says)
					}
				}
			}
		})
	}
	if broken < 100 {
		t.Errorf("only %d calls were broken", broken)
	}
}

// failed says whether an answer tells that an event is to come again.
func failed(answer []byte, err error) bool {
	var got struct {
		StatusCode        int
		Headers           map[string]string
		BatchItemFailures []any
	}
	_ = json.Unmarshal(answer, &got)
	again := got.StatusCode == 503 || got.StatusCode == 429
	return err != nil || len(got.BatchItemFailures) > 0 || again && got.Headers["Retry-After"] != ""
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
