package invocation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/invocation"
)

// lines reads a log, one JSON object a line.
func lines(t testing.TB, log string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for text := range strings.Lines(log) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("the line %q: %v", text, err)
		}
		out = append(out, line)
	}
	return out
}

// inLambda is the context of an invocation.
func inLambda(t testing.TB) context.Context {
	return lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "8f5a1c0e"})
}

// logged are the lines that a use of slog's default logger writes as a function's log.
func logged(t *testing.T, use func()) []map[string]any {
	t.Helper()
	t.Setenv("AWS_LAMBDA_FUNCTION_NAME", "stack-SweepFunction-1ABC")
	var out bytes.Buffer
	before := slog.Default()
	slog.SetDefault(invocation.NewLogger(&out))
	defer slog.SetDefault(before)
	use()
	return lines(t, out.String())
}

func TestLinesAreAsLambdaReadsThem(t *testing.T) {
	got := logged(t, func() {
		slog.WarnContext(inLambda(t), "said", "a", 1)
		slog.With("b", 2).WithGroup("g").Info("again", "time", "inside", "msg", "inside")
	})
	for _, line := range got {
		at, _ := line["timestamp"].(string)
		if when, err := time.Parse(time.RFC3339, at); err != nil || time.Since(when) > time.Minute {
			t.Errorf("timestamp %q is not RFC 3339 and now: %v", at, err)
		}
		delete(line, "timestamp")
	}
	want := []map[string]any{
		{"level": "WARN", "message": "said", "function": "stack-SweepFunction-1ABC", "lambda_request_id": "8f5a1c0e", "a": 1.0},
		{"level": "INFO", "message": "again", "function": "stack-SweepFunction-1ABC", "b": 2.0, "g": map[string]any{"time": "inside", "msg": "inside"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestTheLevelIsLambdas(t *testing.T) {
	levels := []string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR"}
	for setting, least := range map[string]int{"TRACE": 0, "DEBUG": 1, "INFO": 2, "": 2, "LOUD": 2, "WARN": 3, "warn": 3, "ERROR": 4, "FATAL": 5} {
		t.Run(setting, func(t *testing.T) {
			t.Setenv("AWS_LAMBDA_LOG_LEVEL", setting)
			var got, want []string
			for _, line := range logged(t, func() {
				for i, name := range levels {
					slog.Log(t.Context(), slog.Level(4*(i-2)), name)
				}
			}) {
				got = append(got, line["message"].(string))
			}
			want = append(want, levels[least:]...)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRunWritesTheLineOfTheInvocation(t *testing.T) {
	one, two := id.NewWorkspace(time.Now()), id.NewWorkspace(time.Now())
	said := errors.New("said by the test")
	leaky := &url.Error{Op: "Get", URL: "https://me:hunter2@files.example/a?X-Amz-Signature=hunter2", Err: said}
	for _, tt := range []struct {
		name   string
		handle func(context.Context, *invocation.Report) (any, error)
		out    string
		want   map[string]any
	}{
		{"nothing to answer", func(context.Context, *invocation.Report) (any, error) { return nil, nil },
			"null", map[string]any{"level": "INFO", "records": 0.0, "failures": 0.0, "outcome": "ok"}},
		{"all records of one workspace", func(ctx context.Context, r *invocation.Report) (any, error) {
			r.Records = 2
			r.Concerns(one)
			invocation.ReportOf(ctx).Concerns(one)
			return struct{ A int }{7}, nil
		}, `{"A":7}`, map[string]any{"level": "INFO", "records": 2.0, "failures": 0.0, "outcome": "ok", "workspace": one.String()}},
		{"records of two workspaces, one of which failed", func(_ context.Context, r *invocation.Report) (any, error) {
			r.Records, r.Failures = 2, 1
			r.Concerns(one)
			r.Concerns(two)
			return []int{1}, nil
		}, `[1]`, map[string]any{"level": "ERROR", "records": 2.0, "failures": 1.0, "outcome": "failed"}},
		{"an error with an address in it", func(context.Context, *invocation.Report) (any, error) { return nil, fmt.Errorf("copy: %w", leaky) },
			"", map[string]any{"level": "ERROR", "records": 0.0, "failures": 0.0, "outcome": "failed", "error": `copy: Get "https://files.example": said by the test`}},
		{"a panic", func(_ context.Context, r *invocation.Report) (any, error) {
			r.Records = 5
			panic("loud")
		}, "", map[string]any{"level": "ERROR", "records": 5.0, "failures": 0.0, "outcome": "failed", "error": "panic: loud"}},
		{"an answer that is no JSON", func(context.Context, *invocation.Report) (any, error) { return func() {}, nil },
			"", map[string]any{"level": "ERROR", "records": 0.0, "failures": 0.0, "outcome": "failed", "error": "json: unsupported type: func()"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out []byte
			var err error
			got := logged(t, func() { out, err = invocation.Run(inLambda(t), "queue", tt.handle) })
			if len(got) != 1 || string(out) != tt.out || (err != nil) != (tt.out == "") {
				t.Fatalf("Run = %s, %v with %d lines, want %s and one line", out, err, len(got), tt.out)
			}
			line := got[0]
			if ms, ok := line["ms"].(float64); !ok || ms < 0 {
				t.Errorf("ms = %v, want a number", line["ms"])
			}
			if stack, _ := line["stack"].(string); (tt.want["error"] == "panic: loud") != strings.Contains(stack, "log_test.go") {
				t.Errorf("stack = %q", stack)
			}
			for _, name := range []string{"ms", "stack", "timestamp"} {
				delete(line, name)
			}
			for name, value := range map[string]any{"message": "event", "trigger": "queue", "function": "stack-SweepFunction-1ABC", "lambda_request_id": "8f5a1c0e"} {
				tt.want[name] = value
			}
			if diff := cmp.Diff(tt.want, line); diff != "" {
				t.Errorf("line (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAReportOutsideOfAnInvocationIsNobodys(t *testing.T) {
	invocation.ReportOf(t.Context()).Concerns(id.NewWorkspace(time.Now()))
	if r := invocation.ReportOf(t.Context()); r.Records != 0 {
		t.Errorf("ReportOf = %+v", r)
	}
}
