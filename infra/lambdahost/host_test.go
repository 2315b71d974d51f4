package lambdahost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/polltest"
)

// program is the function of testdata, built once.
var program string

// TestMain builds the function. Told by hostVariable, it is a host itself, to be killed.
func TestMain(m *testing.M) {
	if path := os.Getenv(hostVariable); path != "" {
		hostUntilKilled(path)
	}
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "lambdahost")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(dir) }() // a folder of the system's
		program = filepath.Join(dir, "bootstrap")
		build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", program, "./testdata/function")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build the function: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// journal keeps the lines of functions.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(function, line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, function+": "+line)
}

func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.lines)
}

// find is the first line that contains a text.
func (j *journal) find(text string) string {
	all := j.all()
	if i := slices.IndexFunc(all, func(l string) bool { return strings.Contains(l, text) }); i >= 0 {
		return all[i]
	}
	return ""
}

// world is a host with one function, named f.
type world struct {
	*Host
	journal journal
}

func newWorld(t *testing.T, o Options, f Function) *world {
	t.Helper()
	w := &world{}
	o.Line = w.journal.add
	if f.Name == "" {
		f.Name = "f"
	}
	if f.Program == "" {
		f.Program = program
	}
	if f.Timeout == 0 {
		f.Timeout = time.Minute
	}
	h, err := Start(o, []Function{f})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	w.Host = h
	return w
}

// mode is a function that does not do what its events say.
func mode(name string) Function { return Function{Env: []string{"FUNCTION_MODE=" + name}} }

// do invokes the function and decodes its answer.
func do[A any](t *testing.T, w *world, event string) A {
	t.Helper()
	b, err := w.Invoke(t.Context(), "f", []byte(event))
	if err != nil {
		t.Fatalf("%s: %v", event, err)
	}
	var a A
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatalf("%s: the answer is %s: %v", event, b, err)
	}
	return a
}

func wantFunctionError(t *testing.T, err error) *FunctionError {
	t.Helper()
	var f *FunctionError
	if !errors.As(err, &f) {
		t.Fatalf("%v, want a FunctionError", err)
	}
	return f
}

func TestAFunctionAnswersItsEvent(t *testing.T) {
	w := newWorld(t, Options{}, Function{})
	if got := do[string](t, w, `{"do": "echo", "text": "é <&> \u0000"}`); got != "é <&> \x00" {
		t.Errorf("the answer is %q", got)
	}
	if s := w.Stats("f"); s.Processes != 1 || s.ColdStarts != 1 || s.Invocations != 1 || s.Errors != 0 {
		t.Errorf("Stats = %+v, want one process, one cold start, one invocation", s)
	}
}

func TestAFunctionSeesLambdasVariablesAndItsOwnAndNoOthers(t *testing.T) {
	t.Setenv("OF_THE_HOST", "secret")
	w := newWorld(t, Options{Region: "eu-north-1"}, Function{
		Env: []string{"ASSETRY_TABLE=t", "TZ=Europe/Berlin", "AWS_LAMBDA_FUNCTION_NAME=other", "AWS_ACCESS_KEY_ID=k"}, MemoryMB: 512,
	})
	got := map[string]string{}
	for _, v := range do[[]string](t, w, `{"do": "environment"}`) {
		name, value, _ := strings.Cut(v, "=")
		got[name] = value
	}
	for name, want := range map[string]string{
		"ASSETRY_TABLE": "t", "TZ": "Europe/Berlin", "AWS_ACCESS_KEY_ID": "k", "AWS_REGION": "eu-north-1", "AWS_DEFAULT_REGION": "eu-north-1",
		"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f", "_HANDLER": "bootstrap",
		"LAMBDA_TASK_ROOT": filepath.Dir(program), "LANG": "en_US.UTF-8",
	} {
		if got[name] != want {
			t.Errorf("%s = %q, want %q", name, got[name], want)
		}
	}
	if !strings.HasPrefix(got["AWS_LAMBDA_RUNTIME_API"], "127.0.0.1:") {
		t.Errorf("AWS_LAMBDA_RUNTIME_API = %q, want a loopback address", got["AWS_LAMBDA_RUNTIME_API"])
	}
	if _, there := got["OF_THE_HOST"]; there {
		t.Error("the function sees a variable of the host")
	}
}

func TestAnInvocationHasItsOwnContext(t *testing.T) {
	w := newWorld(t, Options{Region: "eu-north-1", Account: "123456789012"}, Function{Timeout: 20 * time.Second})
	type lambdaContext struct {
		ID, ARN, Trace, Dir string
		Left                int64
	}
	one, two := do[lambdaContext](t, w, `{"do": "context"}`), do[lambdaContext](t, w, `{"do": "context"}`)
	if one.ID == two.ID || len(one.ID) != 36 {
		t.Errorf("request ids %q and %q, want two UUIDs", one.ID, two.ID)
	}
	if want := "arn:aws:lambda:eu-north-1:123456789012:function:f"; one.ARN != want {
		t.Errorf("ARN = %q, want %q", one.ARN, want)
	}
	if !strings.HasPrefix(one.Trace, "Root=1-") || one.Trace == two.Trace {
		t.Errorf("traces %q and %q, want two of X-Ray", one.Trace, two.Trace)
	}
	if one.Left < 10_000 || one.Left > 20_000 {
		t.Errorf("%d ms are left, want nearly 20 s", one.Left)
	}
	if one.Dir != filepath.Dir(program) {
		t.Errorf("it runs in %s, want its own folder", one.Dir)
	}
}

func TestAFunctionsErrorIsPassedOnAndItsProcessKept(t *testing.T) {
	w := newWorld(t, Options{}, Function{Concurrency: 1})
	pid := do[int](t, w, `{"do": "pid"}`)
	_, err := w.Invoke(t.Context(), "f", []byte(`{"do": "fail", "text": "no such asset"}`))
	if f := wantFunctionError(t, err); f.Type != "failure" || f.Message != "no such asset" {
		t.Errorf("the error is %+v", f)
	}
	if again := do[int](t, w, `{"do": "pid"}`); again != pid {
		t.Errorf("process %d follows %d, want the same", again, pid)
	}
	if s := w.Stats("f"); s.Invocations != 3 || s.Errors != 1 {
		t.Errorf("Stats = %+v, want one error of three invocations", s)
	}
	if line := w.journal.find(`"platform.report"`); !strings.Contains(line, `"status":"error"`) || !strings.Contains(line, `"errorType":"failure"`) {
		t.Errorf("the platform wrote %q", line)
	}
}

func TestAProcessThatEndsIsReplaced(t *testing.T) {
	for _, tt := range []struct{ name, event, kind, message string }{
		{"it panics", `{"do": "panic", "text": "out of paper"}`, "string", "out of paper"},
		{"it exits with an error", `{"do": "exit", "size": 7}`, exitError, "Error: Runtime exited with error: exit status 7"},
		{"it exits without", `{"do": "exit"}`, exitError, "Error: Runtime exited without providing a reason"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, Options{}, Function{Concurrency: 1})
			pid := do[int](t, w, `{"do": "pid"}`)
			_, err := w.Invoke(t.Context(), "f", []byte(tt.event))
			if f := wantFunctionError(t, err); f.Type != tt.kind || !strings.HasSuffix(f.Message, tt.message) {
				t.Errorf("the error is %+v, want %s with %q", f, tt.kind, tt.message)
			}
			if again := do[int](t, w, `{"do": "pid"}`); again == pid {
				t.Error("the same process goes on")
			}
			if s := w.Stats("f"); s.ColdStarts != 2 || s.Errors != 1 {
				t.Errorf("Stats = %+v, want two cold starts and one error", s)
			}
		})
	}
}

func TestAProcessThatIsKilledFailsItsInvocationAlone(t *testing.T) {
	w := newWorld(t, Options{}, Function{})
	gate := filepath.Join(t.TempDir(), "gate")
	done := make(chan error, 1)
	go func() {
		_, err := w.Invoke(context.Background(), "f", fmt.Appendf(nil, `{"do": "wait", "file": %q, "text": "1"}`, gate))
		done <- err
	}()
	polltest.Eventually(t, "the invocation begins", func() bool { _, err := os.Stat(gate + ".1"); return err == nil })
	kill(t, w.Stats("f").PIDs[0])
	if f := wantFunctionError(t, <-done); f.Type != exitError || !strings.Contains(f.Message, "signal: killed") {
		t.Errorf("the error is %+v", f)
	}
	if got := do[string](t, w, `{"do": "echo", "text": "on"}`); got != "on" {
		t.Errorf("the next answer is %q", got)
	}
	if line := w.journal.find(`"platform.report"`); !strings.Contains(line, `"status":"failure","errorType":"Runtime.ExitError"`) {
		t.Errorf("the platform wrote %q", line)
	}
}

func TestAProcessThatIsKilledWhileIdleCostsNoInvocation(t *testing.T) {
	w := newWorld(t, Options{}, Function{})
	for range 5 {
		pid := do[int](t, w, `{"do": "pid"}`)
		polltest.Eventually(t, "it is idle", func() bool { return w.Stats("f").Idle == 1 })
		kill(t, pid)
		polltest.Eventually(t, "it is gone", func() bool { return w.Stats("f").Processes == 0 })
	}
	if s := w.Stats("f"); s.Errors != 0 || s.ColdStarts != 5 {
		t.Errorf("Stats = %+v, want five starts and no error", s)
	}
}

func kill(t *testing.T, pid int) {
	t.Helper()
	p, err := os.FindProcess(pid)
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnInvocationThatTakesTooLongIsKilled(t *testing.T) {
	w := newWorld(t, Options{}, Function{Timeout: time.Second, Concurrency: 1})
	pid := do[int](t, w, `{"do": "pid"}`)
	_, err := w.Invoke(t.Context(), "f", []byte(`{"do": "hang"}`))
	if !errors.Is(err, ErrTimeout) || err.Error() != "Task timed out after 1.00 seconds" {
		t.Errorf("Invoke = %v", err)
	}
	if again := do[int](t, w, `{"do": "pid"}`); again == pid {
		t.Error("the same process goes on")
	}
	if line := w.journal.find(`"platform.report"`); !strings.Contains(line, `"status":"timeout","errorType":"Sandbox.Timedout"`) {
		t.Errorf("the platform wrote %q", line)
	}
}

func TestAProcessThatLingersAfterItsAnswerIsKilledInTheEnd(t *testing.T) {
	f := mode("linger") // which answers at once
	f.Timeout = time.Second
	w := newWorld(t, Options{}, f)
	if got := do[int](t, w, `{}`); got != 1 {
		t.Errorf("the answer is %d", got)
	}
	polltest.Eventually(t, "the process is gone", func() bool { return w.Stats("f").Processes == 0 })
	if s := w.Stats("f"); s.Invocations != 1 || s.Errors != 0 {
		t.Errorf("Stats = %+v, want one invocation, which had answered", s)
	}
}

func TestInit(t *testing.T) {
	for _, tt := range []struct{ mode, kind, message, report string }{
		{"panic", exitError, "exit status 2", `"status":"failure","errorType":"Runtime.ExitError"`},
		{"exit", exitError, "exit status 1", `"status":"failure","errorType":"Runtime.ExitError"`},
		{"leave", exitError, "without providing a reason", `"status":"failure"`},
		{"report", "Function.NoConfig", "no table", `"status":"error","errorType":"Function.NoConfig"`},
	} {
		t.Run(tt.mode, func(t *testing.T) {
			w := newWorld(t, Options{}, mode(tt.mode))
			for range 2 { // the second invocation has a process of its own, which fails likewise
				_, err := w.Invoke(t.Context(), "f", []byte("{}"))
				if f := wantFunctionError(t, err); f.Type != tt.kind || !strings.Contains(f.Message, tt.message) {
					t.Errorf("the error is %+v, want %s with %q", f, tt.kind, tt.message)
				}
			}
			if s := w.Stats("f"); s.ColdStarts != 2 || s.Processes != 0 || s.Errors != 2 {
				t.Errorf("Stats = %+v, want two starts, two errors and no process", s)
			}
			if line := w.journal.find(`"platform.initReport"`); !strings.Contains(line, tt.report) {
				t.Errorf("the platform wrote %q, want %s", line, tt.report)
			}
		})
	}
	t.Run("what it wrote is there with the error", func(t *testing.T) {
		w := newWorld(t, Options{}, mode("exit"))
		if _, err := w.Invoke(t.Context(), "f", []byte("{}")); err == nil || w.journal.find("f: ASSETRY_TABLE is not set") == "" {
			t.Errorf("error %v, lines %q", err, w.journal.all())
		}
	})
	t.Run("it takes too long", func(t *testing.T) {
		w := newWorld(t, Options{InitLimit: 50 * time.Millisecond}, mode("hang"))
		_, err := w.Invoke(t.Context(), "f", []byte("{}"))
		if !errors.Is(err, ErrTimeout) || err.Error() != "Init timed out after 0.05 seconds" {
			t.Errorf("Invoke = %v", err)
		}
		if line := w.journal.find(`"platform.initReport"`); !strings.Contains(line, `"status":"timeout"`) {
			t.Errorf("the platform wrote %q", line)
		}
	})
	t.Run("there is no program", func(t *testing.T) {
		w := newWorld(t, Options{}, Function{Program: filepath.Join(t.TempDir(), "bootstrap")})
		_, err := w.Invoke(t.Context(), "f", []byte("{}"))
		if f := wantFunctionError(t, err); f.Type != invalidEntrypoint {
			t.Errorf("the error is %+v", f)
		}
	})
}

func TestAFunctionThatEndsWhileItIsIdleIsGivenUp(t *testing.T) {
	w := newWorld(t, Options{}, mode("vanish"))
	_, err := w.Invoke(t.Context(), "f", []byte("{}"))
	if f := wantFunctionError(t, err); f.Type != exitError {
		t.Errorf("the error is %+v", f)
	}
	if s := w.Stats("f"); s.ColdStarts > mostTries || s.Invocations != 1 || s.Errors != 1 {
		t.Errorf("Stats = %+v, want one failed invocation after at most %d starts", s, mostTries)
	}
}

func TestTheRuntimeAPIRefusesWhatItsContractDoesNotAllow(t *testing.T) {
	for _, tt := range []struct {
		mode  string
		lines []string // what it answered, in order
		err   string
	}{
		{"answer twice", []string{"202", "400 InvalidRequestID", "400 InvalidRequestID"}, ""},
		{"answer another", []string{"400 InvalidRequestID", "202"}, ""},
		{"ask before the answer", []string{"403 InvalidStateTransition", "202"}, ""},
		{"fail in init too late", []string{"403 InvalidStateTransition", "202"}, ""},
		{"call elsewhere", []string{"404", "202"}, ""},
		{"fail without JSON", []string{"202"}, "Unhandled: it broke"},
		{"fail without a word", []string{"202"}, "Unhandled: "},
	} {
		t.Run(tt.mode, func(t *testing.T) {
			w := newWorld(t, Options{}, mode(tt.mode))
			_, err := w.Invoke(t.Context(), "f", []byte("{}"))
			if said := fmt.Sprint(err); err != nil && said != tt.err || err == nil && tt.err != "" {
				t.Errorf("Invoke = %v, want %q", err, tt.err)
			}
			answers := func() (got []string) {
				for _, l := range w.journal.all() {
					if l = strings.TrimPrefix(l, "f: "); !strings.HasPrefix(l, "{") {
						got = append(got, l)
					}
				}
				return got
			}
			polltest.Eventually(t, "it has heard everything", func() bool { return len(answers()) >= len(tt.lines) })
			if got := answers(); !slices.Equal(got, tt.lines) {
				t.Errorf("the Runtime API answered %q, want %q", got, tt.lines)
			}
		})
	}
}

func TestStartRefusesWhatCannotRun(t *testing.T) {
	for name, fs := range map[string][]Function{
		"no name":    {{Program: program}},
		"no program": {{Name: "f"}},
		"one twice":  {{Name: "f", Program: program}, {Name: "f", Program: program}},
	} {
		if h, err := Start(Options{}, fs); err == nil {
			t.Errorf("%s: Start = nil", name)
			_ = h.Close() // the test has failed
		}
	}
	w := newWorld(t, Options{}, Function{})
	if _, err := w.Invoke(t.Context(), "g", nil); !errors.Is(err, ErrUnknown) {
		t.Errorf("Invoke of an unknown function = %v, want ErrUnknown", err)
	}
}
