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
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/enginetest"
)

var seed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "decides when the stack is killed; a failed run prints it")

// builtIn is the folder of the program under test, removed at the end.
var builtIn string

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "assetry-acceptance-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	builtIn = dir
	code := m.Run()
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

// ready is the file that the stack writes once everything answers.
type ready struct {
	API       string `json:"api"`
	S3        string `json:"s3"`
	Workspace string `json:"workspace_id"`
	Key       string `json:"api_key"`
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
	startLimit = 30 * time.Second // a busy machine; usually under 1 s
	stopLimit  = 2 * time.Second  // what the stack promises after SIGINT and SIGTERM
)

// launch starts the program with flags and does not wait. The process ends with the test.
func launch(t *testing.T, data string, flags ...string) *stack {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	s := &stack{data: data, stdout: new(output), stderr: new(output), exited: make(chan struct{})}
	args := append([]string{"-data", data, "-template", filepath.Join(enginetest.Root(), "template.yaml")}, flags...)
	s.cmd = exec.Command(path, args...)
	s.cmd.Dir = t.TempDir()
	s.cmd.Stdout, s.cmd.Stderr = s.stdout, s.stderr
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = s.cmd.Wait() // the exit code is read from the state
		close(s.exited)
	}()
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("the stack wrote to stdout:\n%s\nand to stderr:\n%s", tail(s.stdout.String()), tail(s.stderr.String()))
		}
	})
	return s
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
