package invocation

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/assetry/assetry/shared/redact"
)

// Outcomes of an invocation, in its line.
const (
	OK      = "ok"
	Refused = "refused" // the caller can do something about it; kind says what it is
	Failed  = "failed"  // we cannot do what was asked, or not now
)

// NewLogger makes the log of a function, of lines that w takes whole. Every line names the function (AWS_LAMBDA_FUNCTION_NAME), and
// Lambda's id of the invocation when it is logged with its context.
func NewLogger(w io.Writer) *slog.Logger {
	return newLogger(w, level(os.Getenv("AWS_LAMBDA_LOG_LEVEL")))
}

func newLogger(w io.Writer, least slog.Level) *slog.Logger {
	l := slog.New(handler{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: least, ReplaceAttr: rename})})
	if name := os.Getenv("AWS_LAMBDA_FUNCTION_NAME"); name != "" {
		l = l.With("function", name)
	}
	return l
}

// level is the least level that is logged, by Lambda's name of it. Any other name is INFO, which is what Lambda takes it for.
func level(name string) slog.Level {
	switch strings.ToUpper(name) {
	case "TRACE":
		return slog.LevelDebug - 4
	case "DEBUG":
		return slog.LevelDebug
	case "WARN":
		return slog.LevelWarn
	case "ERROR":
		return slog.LevelError
	case "FATAL":
		return slog.LevelError + 4
	}
	return slog.LevelInfo
}

// rename gives the keys of a line the names that Lambda's own runtimes give them.
func rename(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.TimeKey:
		a.Key = "timestamp"
	case slog.MessageKey:
		a.Key = "message"
	}
	return a
}

// handler adds what the context of a line knows.
type handler struct{ slog.Handler }

// Handle writes a line.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		r.AddAttrs(slog.String("lambda_request_id", lc.AwsRequestID))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs is a handler whose lines have more attributes.
func (h handler) WithAttrs(as []slog.Attr) slog.Handler { return handler{h.Handler.WithAttrs(as)} }

// WithGroup is a handler whose lines have a group.
func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }

// Cause are the attributes that say why something failed: the error, of its addresses no more than their hosts, and the place of a panic.
func Cause(err error) []slog.Attr {
	as := []slog.Attr{slog.String("error", redact.Hosts(redact.Error(err).Error()))}
	var p *Panic
	if errors.As(err, &p) {
		as = append(as, slog.String("stack", string(p.Stack)))
	}
	return as
}

// library takes the lines of the library that asks Lambda for invocations. It prints every error that it reports; the line of the
// invocation has said that already.
type library struct{ log *slog.Logger }

// Write takes one line.
func (l library) Write(line []byte) (int, error) {
	if !bytes.HasPrefix(line, []byte(`{"errorMessage"`)) {
		l.log.Error(redact.Hosts(strings.TrimSpace(string(line))))
	}
	return len(line), nil
}
