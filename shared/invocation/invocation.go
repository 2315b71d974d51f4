// Package invocation is what surrounds every call of a function, whatever calls it: its log, its time, its panics.
//
// The log are JSON lines as Lambda reads them from a custom runtime whose log format is JSON: timestamp (RFC 3339), level and message, or
// Lambda takes a line for INFO. The level is AWS_LAMBDA_LOG_LEVEL, which Lambda sets from the function's ApplicationLogLevel. Each invocation ends
// with one line that says how it went; records that failed have a line each before it. Lines name routes, functions, ids and numbers;
// never a payload, a path, a query, a header or a secret.
package invocation

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// Start runs a function, with JSON lines on the standard output as its log. It does not return.
func Start(h lambda.Handler) {
	l := NewLogger(os.Stdout)
	slog.SetDefault(l)
	log.SetFlags(0)
	log.SetOutput(library{l})
	lambda.Start(h)
}

// Fail ends the process because the function cannot work, with one line that says why. It is for what main finds before Start.
func Fail(why error) {
	newLogger(os.Stdout, slog.LevelError).Error("the function does not start: " + why.Error())
	os.Exit(1)
}

// Panic is a recovered panic with the place where it happened.
type Panic struct {
	Value any
	Stack []byte
}

// Error names the value.
func (p *Panic) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Guard gives the error of f, which is a *Panic if f panics: one bad request or record ends no process.
func Guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &Panic{v, debug.Stack()}
		}
	}()
	return f()
}

// maxSpare is the most of an invocation's time that is kept back.
const maxSpare = 500 * time.Millisecond

// Bounded ends a little before the invocation does, by a tenth of what is left and half a second at most: what waits for something that does
// not answer then still says so, while Lambda would stop the function in the middle, and its caller would learn nothing.
func Bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, end.Add(-min(maxSpare, time.Until(end)/10)))
}
