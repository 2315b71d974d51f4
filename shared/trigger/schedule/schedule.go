// Package schedule takes the events of schedules. All that one says is that it is time, so nobody reads it: a body of any form, or none, will do.
//
// Lambda repeats none of them (template.yaml): the next time goes on.
package schedule

import (
	"context"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/invocation"
)

// Consumer does what it is time for.
type Consumer func(context.Context, events.CloudWatchEvent) error

// Invoke is the consumer as a function of Lambda.
func (c Consumer) Invoke(ctx context.Context, _ []byte) ([]byte, error) {
	return invocation.Run(ctx, "schedule", func(ctx context.Context, r *invocation.Report) (any, error) {
		r.Records = 1
		err := c(ctx, events.CloudWatchEvent{})
		if err != nil {
			r.Failures = 1
		}
		return nil, err
	})
}
