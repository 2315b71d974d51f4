package dynamolocal

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/assetry/assetry/infra/child"
)

// ErrAbsent is wrapped by the error of a machine that has no Java or no DynamoDB Local.
var ErrAbsent = errors.New("`go run ./infra/tools install dynamodb` brings it")

const (
	startLimit = 60 * time.Second        // to answer; 2 s is usual, 5 s was seen on a busy machine
	stopLimit  = 1500 * time.Millisecond // to close its files when asked to stop; then it is killed, which loses nothing it answered
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
	process  *child.Child
}

// Start starts a server and returns once it answers; ctx bounds the wait, not the server. Without Java or DynamoDB Local the error is
// ErrAbsent.
func Start(ctx context.Context, o Options) (*Server, error) {
	cmd, err := command(&o)
	if err != nil {
		return nil, err
	}
	process, err := child.Start(cmd, syscall.SIGKILL)
	if err != nil {
		return nil, fmt.Errorf("DynamoDB Local: %w", err)
	}
	s := &Server{endpoint: "http://127.0.0.1:" + strconv.Itoa(o.Port), process: process}
	if err := s.ready(ctx); err != nil {
		s.Stop()
		return nil, fmt.Errorf("DynamoDB Local did not start: %w", err)
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

// ready waits until the server answers anything at all: a request without a signature gets a 400.
func (s *Server) ready(ctx context.Context) error {
	return s.process.Await(startLimit, func() (bool, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.endpoint, nil)
		if err != nil {
			return false, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false, ctx.Err()
		}
		return true, resp.Body.Close()
	})
}

// Endpoint is the server's address, for example http://127.0.0.1:38123.
func (s *Server) Endpoint() string { return s.endpoint }

// PID is the id of the server's process.
func (s *Server) PID() int { return s.process.PID() }

// Done is closed when the server is gone: after Stop, or because it ended by itself.
func (s *Server) Done() <-chan struct{} { return s.process.Done() }

// Err says how the server ended and what it wrote last. It is nil before Done is closed.
func (s *Server) Err() error { return s.process.Err() }

// Stop ends the server and returns when it is gone, within two seconds. It may be called twice.
func (s *Server) Stop() { s.process.Stop(stopLimit) }
