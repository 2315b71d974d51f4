// Package trigger runs the functions that events invoke; each kind of event has a package of its own below.
package trigger

import (
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
)

// Lambda runs an event handler as a function, with JSON lines as its log. It does not return.
func Lambda(handler any) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	lambda.Start(handler)
}
