package lambdahost

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// process is one process of a function, with a Runtime API of its own: whoever speaks there is this process.
type process struct {
	pool   *pool
	cmd    *exec.Cmd
	lines  *lines
	api    *http.Server
	began  time.Time
	took   time.Duration    // from its start to its first poll; set when ready is closed
	ready  chan struct{}    // closed at its first poll
	next   chan *invocation // what it is given at its next poll
	exited chan struct{}    // closed when it has ended and its slot is free
	rest   *time.Timer      // runs while it is idle

	mu        sync.Mutex
	current   *invocation    // from when it is given until the next poll
	initError *FunctionError // that it reported
	why       reason
}

// reason is why the host ended a process.
type reason int

const (
	itself   reason = iota // the host did not: it exited, crashed, or was killed by others
	retired                // nobody needed it
	overtime               // its invocation's time was over
	slow                   // it did not ask for an event in time
	closed                 // the host is closed
)

// parent starts all processes. It keeps its thread, because Linux sends the signal of a parent's death when the thread dies that started the
// child.
func (h *Host) parent() {
	defer close(h.ended)
	runtime.LockOSThread() // and never unlocked: the thread ends with the host
	for {
		select {
		case start := <-h.starts:
			start()
		case <-h.ending:
			h.processes.Wait() // they would be killed with the thread, and nobody would know why
			return
		}
	}
}

// launch starts a process and waits until it asks for its first event. Otherwise it has ended, and its slot is free.
func (p *pool) launch() (*process, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.free()
		return nil, fmt.Errorf("start a process of %s: %w", p.function.Name, err)
	}
	pr := &process{
		pool: p, cmd: exec.Command(p.function.Program), lines: &lines{function: p.function.Name, out: &p.host.output},
		ready: make(chan struct{}), next: make(chan *invocation, 1), exited: make(chan struct{}),
	}
	pr.rest = time.AfterFunc(time.Hour, func() { p.retire(pr) })
	pr.rest.Stop()
	pr.api = &http.Server{Handler: pr.routes(), ReadHeaderTimeout: p.host.options.InitLimit}
	go func() { _ = pr.api.Serve(listener) }() // ends with the process
	pr.cmd.Env = p.environment(listener.Addr().String())
	pr.cmd.Dir = filepath.Dir(p.function.Program)
	pr.cmd.Stdout, pr.cmd.Stderr = pr.lines, pr.lines
	pr.cmd.WaitDelay = time.Second // for whoever else has its output
	pr.cmd.SysProcAttr = attributes()
	if err := pr.exec(); err != nil {
		_ = pr.api.Close() // nobody is there
		p.free()
		return nil, err
	}
	return pr, pr.settle()
}

// exec starts the program, on the thread of parent.
func (pr *process) exec() error {
	h := pr.pool.host
	done := make(chan error, 1)
	start := func() {
		pr.mu.Lock()
		pr.began = time.Now()
		pr.mu.Unlock()
		err := pr.cmd.Start()
		if err == nil {
			if !pr.pool.joined(pr) { // before reap, which has it leave
				pr.stop(closed)
			}
			h.processes.Go(pr.reap)
		}
		done <- err
	}
	select {
	case h.starts <- start:
	case <-h.ending:
		return ErrClosed
	}
	if err := <-done; err != nil {
		failure := &FunctionError{invalidEntrypoint, err.Error()}
		h.output.initReport(pr, "failure", failure.Type)
		return failure
	}
	return nil
}

// settle waits for the first poll.
func (pr *process) settle() error {
	limit := time.NewTimer(pr.pool.host.options.InitLimit)
	defer limit.Stop()
	select {
	case <-pr.ready:
		pr.pool.started(pr.took)
		return nil
	case <-limit.C:
		pr.stop(slow)
		<-pr.exited
	case <-pr.exited:
	}
	return pr.initFailure()
}

// initFailure is why a process that has ended was never ready.
func (pr *process) initFailure() error {
	h := pr.pool.host
	pr.mu.Lock()
	defer pr.mu.Unlock()
	switch {
	case pr.why == closed:
		return ErrClosed
	case pr.why == slow:
		h.output.initReport(pr, "timeout", timedOut)
		return timeoutError{"Init", h.options.InitLimit}
	case pr.initError != nil:
		h.output.initReport(pr, "error", pr.initError.Type)
		return pr.initError
	}
	h.output.initReport(pr, "failure", exitError)
	return &FunctionError{exitError, pr.exit()}
}

// stop kills the process. Lambda gives one without extensions no signal before.
func (pr *process) stop(why reason) {
	pr.mu.Lock()
	if pr.why == itself {
		pr.why = why
	}
	pr.mu.Unlock()
	pr.pool.saw(pr.resident("VmHWM"))
	_ = pr.cmd.Process.Kill() // fails only for a process that has ended
}

// reap waits for the end of the process, and ends what was under way in it.
func (pr *process) reap() {
	_ = pr.cmd.Wait() // ProcessState has how it ended
	pr.lines.flush()
	pr.rest.Stop()
	_ = pr.api.Close() // the other side is gone
	pr.pool.ended(pr)
	pr.mu.Lock()
	close(pr.exited)
	inv := pr.current
	pr.mu.Unlock()
	if inv != nil {
		close(inv.settled)
		pr.cutOff(inv)
	}
}

// cutOff ends the invocation of a process that has ended. One that the process was not given yet may go to another.
func (pr *process) cutOff(inv *invocation) {
	inv.clock.Stop()
	pr.mu.Lock()
	why, taken := pr.why, inv.taken
	pr.mu.Unlock()
	end, status := ending{}, ""
	switch {
	case why == closed:
		end.err = ErrClosed
	case !taken:
		end.err = errNotTaken
	case why == overtime:
		end.err, status = timeoutError{"Task", inv.limit}, "timeout"
	default:
		end.err, status = &FunctionError{exitError, "RequestId: " + inv.id + " Error: " + pr.exit()}, "failure"
	}
	first, failed := pr.finish(inv, end)
	if status != "" && (first || !failed) { // what the function reported before it exited has its line
		pr.pool.host.output.report(pr, inv, status, kind(end.err))
	}
}

// exit says how the process ended, in Lambda's words.
func (pr *process) exit() string {
	if pr.cmd.ProcessState.Success() {
		return "Runtime exited without providing a reason"
	}
	return "Runtime exited with error: " + pr.cmd.ProcessState.String()
}

// resident is a figure of the process's memory in /proc, in bytes; 0 where there is none.
func (pr *process) resident(field string) int64 {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pr.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0
	}
	_, after, _ := bytes.Cut(status, []byte("\n"+field+":"))
	line, _, _ := bytes.Cut(after, []byte("\n"))
	kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(string(line)), " kB"), 10, 64) // 0 for one that has just ended
	return kb << 10
}
