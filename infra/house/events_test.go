package house

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/dialects"
	"github.com/assetry/assetry/infra/samples"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/product/catalog"
	"github.com/assetry/assetry/shared/trigger/change"
	"github.com/assetry/assetry/shared/trigger/importing"
	"github.com/assetry/assetry/shared/trigger/object"
	"github.com/assetry/assetry/shared/trigger/orders"
	"github.com/assetry/assetry/shared/trigger/sweep"
	"github.com/assetry/assetry/shared/trigger/webhooks"
)

func diff(got, want string) string {
	return cmp.Diff(strings.Split(got, "\n"), strings.Split(want, "\n"))
}

// handler is what the main of a function gives to Lambda.
func handler(t *testing.T, function string, w *world) any {
	t.Helper()
	if h, ok := dialects.Handlers(w, "us-east-1")[function]; ok {
		return web.Invoke(h)
	}
	switch function {
	case "on-object-created":
		return object.Handler(w)
	case "stream-publish":
		return change.Publish(w)
	case "stream-cleanup":
		return change.CleanUp(w)
	case "on-import-requested":
		return importing.Handler(w)
	case "work-order":
		return orders.Work(w, catalog.Products()...)
	case "orders-sweep":
		return orders.Sweep(w)
	case "sweep":
		return sweep.Handler(w)
	case "on-webhook-event":
		return webhooks.Handler(w)
	case "webhook-retries":
		return webhooks.Retries(w)
	}
	t.Fatalf("function %s has no handler here", function)
	return nil
}

// Each sample event goes through its function's handler as Lambda would hand it over, and the golden file says what came of it: the answer, what
// was written, what was published, what the bucket holds. What it called is held against its role.
func TestSampleEventsAreAnswered(t *testing.T) {
	names := functions(t)
	all := sampleEvents(t)
	for _, file := range slices.Sorted(maps.Keys(all)) {
		t.Run(file, func(t *testing.T) {
			w := newWorld(t, samples.Now.Add(samples.After(file)))
			if err := w.samples.Prepare(t.Context(), file); err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("events", file+".json"), encode(t, all[file]))
			payload := w.samples.Payload(read(t, "events", file+".json"))
			_, start, err := w.db.Changes(t.Context(), "", 1000)
			if err != nil {
				t.Fatal(err)
			}
			function := functionOf(file+".json", names)
			answer, err := lambda.NewHandler(handler(t, function, w)).Invoke(context.Background(), payload)
			w.judge(t, function)
			outcome := w.outcome(t, start)
			outcome.Answer, outcome.Err = answer, err
			golden(t, filepath.Join("infra/house/testdata", file+".golden"), []byte(w.samples.Settle(outcome.String())))
		})
	}
}

// outcome is what a function did: changes of the table after a position, published events, what was sent, the versions in the bucket.
func (w *world) outcome(t *testing.T, after string) samples.Outcome {
	t.Helper()
	cs, _, err := w.db.Changes(t.Context(), after, 1000)
	if err != nil {
		t.Fatal(err)
	}
	vs, err := w.bucket.Versions(t.Context(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	return samples.Outcome{Changes: cs, Events: w.bus.sent, Posts: w.posts.got, Versions: vs}
}
