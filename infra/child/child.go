// Package child runs programs that this one needs for as long as it lives: engines for tests and for local stacks. On Linux they end with
// it even when it is killed.
package child

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// maxOutput is how much of a program's output is kept for an error, in bytes.
const maxOutput = 64 << 10

// Child is a program that was started.
type Child struct {
	cmd    *exec.Cmd
	output tail
	done   chan struct{}
	stop   sync.Once
}

// Start starts the command. It gets a process group of its own, so that an interrupt typed at the terminal reaches this process first, which
// stops it after its own work. death is the signal that Linux sends it when this process is gone; elsewhere it then lives on. What it writes is
// kept for Err, and copied to where the command says.
func Start(cmd *exec.Cmd, death syscall.Signal) (*Child, error) {
	c := &Child{cmd: cmd, done: make(chan struct{})}
	if cmd.Stdout = c.both(cmd.Stdout); cmd.Stderr == nil {
		cmd.Stderr = cmd.Stdout
	} else {
		cmd.Stderr = c.both(cmd.Stderr)
	}
	cmd.SysProcAttr = withParent(&syscall.SysProcAttr{Setpgid: true}, death)
	if err := c.launch(); err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(cmd.Path), err)
	}
	return c, nil
}

func (c *Child) both(to io.Writer) io.Writer {
	if to == nil {
		return &c.output
	}
	return io.MultiWriter(&c.output, to)
}

// launch starts the process and waits for its end on one thread that stays: Linux tells a child of its parent's death when the thread that
// started it ends.
func (c *Child) launch() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.cmd.Start()
		started <- err
		if err == nil {
			_ = c.cmd.Wait()
			close(c.done)
		}
	}()
	return <-started
}

// PID is the id of the process.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Done is closed when the process is gone: after Stop, or because it ended by itself.
func (c *Child) Done() <-chan struct{} { return c.done }

// Err says how the process ended and what it wrote last. It is nil before Done is closed.
func (c *Child) Err() error {
	select {
	case <-c.done:
		return fmt.Errorf("%s ended: %s: %s", filepath.Base(c.cmd.Path), c.cmd.ProcessState, c.output.bytes())
	default:
		return nil
	}
}

// Stop asks the process to end, kills it after limit, and returns when it is gone. It may be called twice.
func (c *Child) Stop(limit time.Duration) {
	c.stop.Do(func() {
		_ = c.cmd.Process.Signal(syscall.SIGTERM)
		late := time.NewTimer(limit)
		defer late.Stop()
		select {
		case <-c.done:
		case <-late.C:
			_ = c.cmd.Process.Kill()
		}
	})
	<-c.done
}

// Await asks ready every 50 ms until it says yes, and fails when it fails, when the process ends, or after limit.
func (c *Child) Await(limit time.Duration, ready func() (bool, error)) error {
	late := time.NewTimer(limit)
	defer late.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-late.C:
			return errors.Join(fmt.Errorf("%s did not answer within %s", filepath.Base(c.cmd.Path), limit), c.said())
		case <-c.done:
			return c.Err()
		case <-tick.C:
		}
		if ok, err := ready(); ok || err != nil {
			return err
		}
	}
}

func (c *Child) said() error {
	if b := c.output.bytes(); len(b) > 0 {
		return fmt.Errorf("it wrote: %s", b)
	}
	return nil
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
