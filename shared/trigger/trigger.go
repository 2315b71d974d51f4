// Package trigger runs the functions that events invoke; each kind of event has a package of its own below.
//
// What an event cannot be made sense of, for ever or for now, is told to whoever sent it as that source understands it, and every source
// gives up one day and keeps the event whole (template.yaml): S3's notifications after three tries in the bucket of failed events, records of
// the stream after bisection and 50 tries there too, messages after five tries in their queue of dead letters. A schedule's event means only that
// it is time. What is well formed and none of ours is logged and left.
package trigger

import (
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/assetry/assetry/shared/invocation"
)

// Lambda runs the consumer of an event as a function. It does not return.
func Lambda(consumer lambda.Handler) { invocation.Start(consumer) }
