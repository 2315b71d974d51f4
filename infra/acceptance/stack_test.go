package acceptance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/assetry/assetry/infra/local/programs"
	"github.com/assetry/assetry/shared/enginetest"
)

var seed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "decides when the stack is killed; a failed run prints it")

// The shapes of the stack under test, as ASSETRY_TEST_SHAPE names them. Every test of this package is about both; infra/tools says which few
// need not run twice.
const (
	envShape    = "ASSETRY_TEST_SHAPE"
	lambdaShape = "lambda" // the deployed programs and DynamoDB Local (-lambda); else everything is one process
)

// envRecords names the folder that takes the rights which functions use, in the shape of the deployed programs; infra/privilege compares them with
// the roles.
const envRecords = "ASSETRY_TEST_RECORDS"

// deployed says that the shape under test is that of the deployed programs.
func deployed() bool { return os.Getenv(envShape) == lambdaShape }

// builtIn is the folder of the program under test, removed at the end.
var builtIn string

// shared is the stack of the tests that need none of their own, in the shape that takes seconds to start.
var shared *stack

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "assetry-acceptance-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	builtIn = dir
	if shape := os.Getenv(envShape); shape != "" && shape != lambdaShape {
		fmt.Fprintf(os.Stderr, "%s is %q; it can be %q, or nothing\n", envShape, shape, lambdaShape)
		os.Exit(2)
	}
	code := m.Run()
	if shared != nil {
		shared.kill()
	}
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// program builds ./infra/local once and gives the path of the binary.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(builtIn, "assetry")
	cmd := exec.Command("go", "build", "-o", path, "./infra/local")
	cmd.Dir = enginetest.Root()
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the local stack: %w\n%s", err, out)
	}
	return path, nil
})

// binaries builds the deployed programs, which the stack would do at its start, so that no test waits for that.
var binaries = map[bool]func() (string, error){false: sync.OnceValues(func() (string, error) { return buildFunctions(false) }), true: sync.OnceValues(func() (string, error) { return buildFunctions(true) })}

func buildFunctions(localSources bool) (string, error) {
	entries, err := os.ReadDir(filepath.Join(enginetest.Root(), "functions"))
	if err != nil {
		return "", err
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return programs.Build(context.Background(), programs.Options{Root: enginetest.Root(), Names: names, LocalSources: localSources})
}

// ready is the file that the stack writes once everything answers.
type ready struct {
	API       string `json:"api"`
	S3        string `json:"s3"`
	Workspace string `json:"workspace_id"`
	Key       string `json:"api_key"`
	Orders    struct {
		Client string `json:"client_id"`
		Secret string `json:"client_secret"`
	} `json:"orders"`
}

// stack is a running local stack.
type stack struct {
	ready
	data           string // its folder
	stdout, stderr *output
	cmd            *exec.Cmd
	exited         chan struct{} // closed when the process has ended
}

// output is what a process wrote so far; safe to read while it writes.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write takes what the process wrote.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

// String is all of it.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

const (
	startLimit = time.Minute     // a busy machine; usually under 1 s, and 3 s with DynamoDB Local
	stopLimit  = 2 * time.Second // what the stack promises after SIGINT and SIGTERM
)

// launch starts the program with flags and does not wait. The process ends with the test.
func launch(t *testing.T, data string, flags ...string) *stack {
	t.Helper()
	s := spawn(t, t.TempDir(), data, flags...)
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			s.tell(t)
		}
	})
	return s
}

// spawn starts the program in the shape under test.
func spawn(t *testing.T, dir, data string, flags ...string) *stack {
	t.Helper()
	path, err := program()
	if err == nil && deployed() {
		enginetest.Tool(t, "dynamodb", "lib")
		flags = append(flags, "-lambda")
		if folder := os.Getenv(envRecords); folder != "" {
			flags = append(flags, "-record", filepath.Join(folder, "acceptance.jsonl"))
		}
		_, err = binaries[slices.Contains(flags, "-allow-local-sources")]()
	}
	if err != nil {
		t.Fatal(err)
	}
	s := &stack{data: data, stdout: new(output), stderr: new(output), exited: make(chan struct{})}
	args := append([]string{"-data", data, "-template", filepath.Join(enginetest.Root(), "template.yaml")}, flags...)
	s.cmd = exec.Command(path, args...)
	s.cmd.Dir = dir
	s.cmd.Stdout, s.cmd.Stderr = s.stdout, s.stderr
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = s.cmd.Wait() // the exit code is read from the state
		close(s.exited)
	}()
	return s
}

// tell shows what the stack and its functions wrote.
func (s *stack) tell(t *testing.T) {
	t.Logf("the stack wrote to stdout:\n%s\nand to stderr:\n%s\nits functions:\n%s", tail(s.stdout.String()), tail(s.stderr.String()), tail(s.functionLog()))
}

// functionLog is what the deployed programs wrote; empty where there are none.
func (s *stack) functionLog() string {
	b, _ := os.ReadFile(filepath.Join(s.data, "functions.log"))
	return string(b)
}

// anyStack is a running stack, for tests that only use it: one of its own, or that of all of them where a start takes seconds.
func anyStack(t *testing.T) *stack {
	t.Helper()
	if !deployed() {
		return start(t, t.TempDir())
	}
	if shared == nil {
		dir := filepath.Join(builtIn, "shared")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, "ready.json")
		s := spawn(t, dir, filepath.Join(dir, "data"), "-addr", "127.0.0.1:0", "-s3-addr", "127.0.0.1:0", "-ready", file)
		s.awaitReady(t, file)
		shared = s
	}
	t.Cleanup(func() {
		if t.Failed() {
			shared.tell(t)
		}
	})
	return shared
}

func tail(s string) string {
	const most = 6000
	if len(s) <= most {
		return s
	}
	return "..." + s[len(s)-most:]
}

// start starts the stack on free ports over a folder, with further flags, and waits until it is ready.
func start(t *testing.T, data string, flags ...string) *stack {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ready.json")
	s := launch(t, data, append([]string{"-addr", "127.0.0.1:0", "-s3-addr", "127.0.0.1:0", "-ready", file}, flags...)...)
	s.awaitReady(t, file)
	return s
}

func (s *stack) awaitReady(t *testing.T, file string) {
	t.Helper()
	s.await(t, startLimit, "it is ready", func() bool {
		b, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			return false
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &s.ready); err != nil {
			t.Fatalf("the ready file was there before it was whole: %v: %q", err, b)
		}
		return true
	})
}

// await polls a condition while the process lives.
func (s *stack) await(t *testing.T, limit time.Duration, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-s.exited:
			t.Fatalf("the stack ended before %s: %v", what, s.cmd.ProcessState)
		case <-ctx.Done():
			t.Fatalf("not within %v: %s", limit, what)
		case <-tick.C:
		}
	}
}

// kill ends the process at once, as a power cut would.
func (s *stack) kill() {
	_ = s.cmd.Process.Kill() // it may have ended already
	<-s.exited
}

// stop asks the process to end and fails unless it does so in time and cleanly.
func (s *stack) stop(t *testing.T, sig syscall.Signal) {
	t.Helper()
	began := time.Now()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	if code := s.exitCode(t, 10*stopLimit); code != 0 {
		t.Errorf("%v: exit code %d, want 0", sig, code)
	}
	if took := time.Since(began); took > stopLimit {
		t.Errorf("%v: stopped after %v, want at most %v", sig, took, stopLimit)
	}
}

// exitCode waits for the end of the process.
func (s *stack) exitCode(t *testing.T, limit time.Duration) int {
	t.Helper()
	select {
	case <-s.exited:
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(limit):
		t.Fatalf("the process still runs after %v", limit)
		return 0
	}
}
