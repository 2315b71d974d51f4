package versity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// stopLimit is how long Close waits for the child before it kills it: under the two seconds that `make run` has to stop.
const stopLimit = 1500 * time.Millisecond

// Server is a running child, as its parent sees it.
type Server struct {
	config Config
	addr   string
	http   *http.Client
	client *s3.Client
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	out    *lines
	ready  chan toParent // the answer to the settings, and perhaps one failure after it
	done   chan struct{} // closed when the child is gone
	err    error         // why it went; read after done
}

func launch(ctx context.Context, c Config) (*Server, error) {
	s, err := spawn(c)
	if err != nil {
		return nil, err
	}
	err = s.out.send(settings{c.Dir, c.Addr, c.AccessKey, c.SecretKey, c.Region, c.Accounts})
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("versity: hand the settings to the child: %w", err)
	}
	select {
	case m := <-s.ready:
		if m.Failure != "" {
			s.Close()
			return nil, c.failed(m)
		}
		s.connect(m.Listening)
		return s, nil
	case <-s.done:
		return nil, fmt.Errorf("versity: the child ended before it listened (does main call versity.MainIfChild first?): %w", s.err)
	case <-ctx.Done():
		s.Close()
		return nil, fmt.Errorf("versity: no answer from %s: %w", c.Addr, ctx.Err())
	}
}

func (c *Config) failed(m toParent) error {
	if m.InUse {
		return fmt.Errorf("versity: %s: %w: stop what listens there, or choose another address", c.Addr, ErrAddrInUse)
	}
	return fmt.Errorf("versity: start on %s over %s: %s", c.Addr, c.Dir, m.Failure)
}

func spawn(c Config) (*Server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("versity: find this program: %w", err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), envChild+"=1")
	cmd.Stderr = c.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("versity: pipe: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("versity: pipe: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("versity: start the child %s: %w", self, err)
	}
	s := &Server{
		config: c, cmd: cmd, stdin: stdin, out: &lines{w: stdin},
		ready: make(chan toParent, 2), done: make(chan struct{}),
	}
	go s.listen(stdout)
	return s, nil
}

// listen takes the child's lines until it ends, then reaps it.
func (s *Server) listen(stdout io.Reader) {
	said := ""
	err := receive(stdout, func(m toParent) error {
		if m.Event != nil {
			go s.record(*m.Event, m.ID)
			return nil
		}
		said = m.Failure
		s.ready <- m
		return nil
	})
	if !errors.Is(err, io.EOF) {
		s.cmd.Process.Kill() // it says what no child says
	}
	if err := s.cmd.Wait(); err != nil {
		s.err = fmt.Errorf("versity: the child ended: %w: %s", err, said)
	}
	close(s.done)
}

func (s *Server) record(e Event, id uint64) {
	if s.config.OnEvent != nil {
		s.config.OnEvent(e)
	}
	// A failure means that the child is gone, and Done says so.
	_ = s.out.send(toChild{Ack: id})
}

// Done is closed when the server is gone: after Close, or because it crashed.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err says why the server is gone, once Done is closed; nil after an orderly Close.
func (s *Server) Err() error { return s.err }

// Pid is the process id of the child.
func (s *Server) Pid() int { return s.cmd.Process.Pid }

// Close stops the server and returns when it is gone, within two seconds. It may be called twice.
func (s *Server) Close() { s.closeWithin(stopLimit) }

// closeWithin kills a child that does not end in time.
func (s *Server) closeWithin(limit time.Duration) {
	s.stdin.Close()
	select {
	case <-s.done:
	case <-time.After(limit):
		s.cmd.Process.Kill()
		<-s.done
	}
	if s.http != nil {
		s.http.CloseIdleConnections()
	}
}
