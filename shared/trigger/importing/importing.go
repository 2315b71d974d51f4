// Package importing takes the queue of requests for imports and does the work of each: it copies, for as long as one invocation may.
//
// The queue delivers a request again that failed or whose function died; requests may come twice, late and out of order. Import bears that. A
// function that goes on for long asks for the next one through the table's stream, and so feeds the queue that invokes it: the number of
// hops is bounded by the import itself, and the function's own loop detection has to be off.
package importing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/trigger/queue"
	"github.com/assetry/assetry/shared/upload"
)

// Services is what the trigger needs.
type Services interface {
	Uploads() *upload.Service
	Metrics() *metric.Log
}

// Handler takes batches of import.requested.
func Handler(s Services) queue.Consumer {
	return queue.Each(s.Metrics(), metric.Imports, func(ctx context.Context, e bus.Event) error {
		if e.Type != bus.ImportRequested {
			return fmt.Errorf("the event is of another type; this queue is for %s", bus.ImportRequested)
		}
		w, err := id.ParseWorkspace(e.Detail.Workspace)
		if err != nil {
			return errors.New("the event names no workspace")
		}
		a, err := id.ParseAsset(e.Detail.Asset)
		if err != nil {
			return errors.New("the event names no asset")
		}
		if err := s.Uploads().Import(ctx, w, a, e.Detail.Version); err != nil {
			return err
		}
		slog.InfoContext(ctx, "import worked on", "workspace", w.String(), "asset", a.String(), "request", e.Detail.Version)
		return nil
	})
}
