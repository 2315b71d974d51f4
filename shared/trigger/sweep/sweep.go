// Package sweep runs the sweeper on a schedule: the net below the object events, and what ends abandoned uploads.
package sweep

import (
	"context"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/trigger/schedule"
	"github.com/assetry/assetry/shared/upload"
)

// Services is what the trigger needs.
type Services interface {
	Uploads() *upload.Service
}

// Handler takes the schedule's events, whose content does not matter. What could not be settled is an error, and tried again by the
// next sweep.
func Handler(s Services) schedule.Consumer {
	return func(ctx context.Context, _ events.CloudWatchEvent) error {
		done, err := s.Uploads().Sweep(ctx)
		slog.InfoContext(ctx, "swept", "visited", done.Visited, "settled", done.Settled)
		return err
	}
}
