package invocation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/assetry/assetry/shared/id"
)

// Report is what the handler of an event says of the invocation, for its line.
type Report struct {
	Records  int // in the event
	Failures int // of them, as reported to whoever sent the event; for a stream 1, the record it goes on from

	workspaces map[id.Workspace]bool
}

// Concerns notes the workspace that a record is of. It is in the line where there is one only.
func (r *Report) Concerns(w id.Workspace) {
	if r.workspaces == nil {
		r.workspaces = map[id.Workspace]bool{}
	}
	r.workspaces[w] = true
}

type reportKey struct{}

// ReportOf is the report of the invocation that ctx belongs to; outside of one it is nobody's.
func ReportOf(ctx context.Context) *Report {
	if r, ok := ctx.Value(reportKey{}).(*Report); ok {
		return r
	}
	return &Report{}
}

// Run calls the handler of an event, gives its answer as JSON, and writes the line of the invocation. A panic is an error: Lambda delivers
// the event again, as far as its source goes. The trigger says in the line what kind of event it was.
func Run(ctx context.Context, trigger string, handle func(context.Context, *Report) (any, error)) ([]byte, error) {
	start := time.Now()
	r := &Report{}
	bounded, cancel := Bounded(context.WithValue(ctx, reportKey{}, r))
	defer cancel()
	var out []byte
	err := Guard(func() error {
		answer, err := handle(bounded, r)
		if err != nil {
			return err
		}
		out, err = json.Marshal(answer)
		return err
	})
	r.log(ctx, trigger, time.Since(start), err)
	return out, err
}

// log writes the line of an invocation.
func (r *Report) log(ctx context.Context, trigger string, took time.Duration, err error) {
	as := []slog.Attr{
		slog.String("trigger", trigger), slog.Int("records", r.Records), slog.Int("failures", r.Failures),
		slog.String("outcome", OK), Milliseconds(took),
	}
	level := slog.LevelInfo
	if err != nil || r.Failures > 0 {
		level, as[3] = slog.LevelError, slog.String("outcome", Failed)
	}
	if len(r.workspaces) == 1 {
		for w := range r.workspaces {
			as = append(as, slog.String("workspace", w.String()))
		}
	}
	if err != nil {
		as = append(as, Cause(err)...)
	}
	slog.Default().LogAttrs(ctx, level, "event", as...)
}

// Milliseconds is how long something took, to the microsecond.
func Milliseconds(d time.Duration) slog.Attr {
	return slog.Float64("ms", float64(d.Microseconds())/1000)
}

// Decode reads a payload. The error says where it is wrong and not what is there: it may be anybody's secret.
func Decode(payload []byte, event any) error {
	err := json.Unmarshal(payload, event)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		return fmt.Errorf("the payload of %d bytes is not JSON from byte %d on", len(payload), syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Errorf("the payload is no %T: its field %q before byte %d is of another type", event, kind.Field, kind.Offset)
	}
	return fmt.Errorf("the payload is no %T: a value in it cannot be read (%T)", event, err)
}
