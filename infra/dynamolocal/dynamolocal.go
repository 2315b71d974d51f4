package dynamolocal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// ErrAbsent is wrapped by the error of a machine that has no Java or no DynamoDB Local.
var ErrAbsent = errors.New("`go run ./infra/tools install dynamodb` brings it")

const (
	startLimit = 60 * time.Second        // to answer; 2 s is usual, 5 s was seen on a busy machine
	stopLimit  = 1500 * time.Millisecond // to close its files when asked to stop; then it is killed, which loses nothing it answered
	maxOutput  = 64 << 10                // bytes of its output that are kept for an error
)

// Options say how a server runs.
type Options struct {
	Root string // top folder of the repository, which has .tools
	Dir  string // folder of the database, made if absent; "" is in memory
	Port int    // 0 picks a free one
}

// Server is a running DynamoDB Local. It ends with this process, on Linux even if that is killed.
type Server struct {
	endpoint string
	cmd      *exec.Cmd
	output   tail
	done     chan struct{}
	stop     sync.Once
}

// Start starts a server and returns once it answers; ctx bounds the wait, not the server. Without Java or DynamoDB Local the error is
// ErrAbsent.
func Start(ctx context.Context, o Options) (*Server, error) {
	cmd, err := command(&o)
	if err != nil {
		return nil, err
	}
	s := &Server{endpoint: "http://127.0.0.1:" + strconv.Itoa(o.Port), cmd: cmd, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &s.output, &s.output
	// A group of its own, so that an interrupt typed at the terminal reaches this process first, which stops the server after its own work.
	cmd.SysProcAttr = withParent(&syscall.SysProcAttr{Setpgid: true})
	if err := s.launch(); err != nil {
		return nil, fmt.Errorf("start DynamoDB Local: %w", err)
	}
	if err := s.ready(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// command prepares the server's process and settles the port.
func command(o *Options) (*exec.Cmd, error) {
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, fmt.Errorf("DynamoDB Local needs Java: %w (%w)", ErrAbsent, err)
	}
	lib := filepath.Join(o.Root, ".tools", "dynamodb", "lib")
	if _, err := os.Stat(lib); err != nil {
		return nil, fmt.Errorf("DynamoDB Local is not installed: %w (%w)", ErrAbsent, err)
	}
	place := []string{"-inMemory"}
	if o.Dir != "" {
		if err := os.MkdirAll(o.Dir, 0o700); err != nil {
			return nil, fmt.Errorf("folder of DynamoDB Local: %w", err)
		}
		place = []string{"-dbPath", o.Dir}
	}
	if o.Port, err = freePort(o.Port); err != nil {
		return nil, fmt.Errorf("port of DynamoDB Local: %w", err)
	}
	args := append([]string{
		"-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.library.path=" + lib,
		"-cp", filepath.Join(lib, "*"), "software.amazon.dynamodb.services.local.main.ServerRunner",
		"-sharedDb", "-disableTelemetry", "-port", strconv.Itoa(o.Port),
	}, place...)
	return exec.Command(java, args...), nil
}

// freePort makes sure that the port is free on every interface; 0 picks one.
func freePort(port int) (int, error) {
	l, err := net.Listen("tcp", ":"+strconv.Itoa(port))
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// launch starts the process and waits for its end on one thread that stays: Linux tells a child of its parent's death when the thread that
// started it ends.
func (s *Server) launch() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := s.cmd.Start()
		started <- err
		if err == nil {
			_ = s.cmd.Wait()
			close(s.done)
		}
	}()
	return <-started
}

// ready waits until the server answers anything at all: a request without a signature gets a 400.
func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("DynamoDB Local did not answer: %w", ctx.Err())
		case <-s.done:
			return fmt.Errorf("DynamoDB Local did not start: %w", s.Err())
		case <-tick.C:
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.endpoint, nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			return resp.Body.Close()
		}
	}
}

// Endpoint is the server's address, for example http://127.0.0.1:38123.
func (s *Server) Endpoint() string { return s.endpoint }

// PID is the id of the server's process.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Done is closed when the server is gone: after Stop, or because it ended by itself.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err says what the server wrote before it was gone. It is nil before Done is closed.
func (s *Server) Err() error {
	select {
	case <-s.done:
		return fmt.Errorf("DynamoDB Local ended: %s: %s", s.cmd.ProcessState, s.output.bytes())
	default:
		return nil
	}
}

// Stop ends the server and returns when it is gone, within two seconds. It may be called twice.
func (s *Server) Stop() {
	s.stop.Do(func() {
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		limit := time.NewTimer(stopLimit)
		defer limit.Stop()
		select {
		case <-s.done:
		case <-limit.C:
			_ = s.cmd.Process.Kill()
		}
	})
	<-s.done
}

// tail keeps the last of what is written to it.
type tail struct {
	mu   sync.Mutex
	last []byte
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, p...)
	t.last = t.last[max(0, len(t.last)-maxOutput):]
	return len(p), nil
}

func (t *tail) bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.TrimSpace(bytes.Clone(t.last))
}
