package lambdahost

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// invocation is one event on its way through a process. Its process's mutex guards taken and end.
type invocation struct {
	id      string
	trace   string
	payload []byte
	limit   time.Duration
	began   time.Time
	clock   *time.Timer   // ends the process when the limit is over
	taken   bool          // the process was given it
	end     *ending       // once it has one
	done    chan ending   // has room for the one
	settled chan struct{} // closed when its process asks for the next event, or has ended
}

// settleTime is for how long an answer waits for its process to be free again. Otherwise a client that sends one request after the other would
// meet a process that has just answered and not asked for more, and start a second.
const settleTime = 5 * time.Millisecond

func (inv *invocation) settle() {
	t := time.NewTimer(settleTime)
	defer t.Stop()
	select {
	case <-inv.settled:
	case <-t.C:
	}
}

// ending is how an invocation ended.
type ending struct {
	answer []byte
	err    error
}

func newInvocation(payload []byte, limit time.Duration) *invocation {
	return &invocation{id: newID(), trace: newTrace(), payload: payload, limit: limit, done: make(chan ending, 1), settled: make(chan struct{})}
}

// newID is a request id: a random UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// newTrace is the X-Ray header of a request that is not traced.
func newTrace() string {
	var b [20]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("Root=1-%08x-%x;Parent=%x;Sampled=0", time.Now().Unix(), b[:12], b[12:])
}

// give hands an invocation to a process that waits for one.
func (pr *process) give(inv *invocation) {
	pr.mu.Lock()
	select {
	case <-pr.exited:
		pr.mu.Unlock()
		inv.done <- ending{err: errNotTaken}
		return
	default:
	}
	pr.current, inv.began = inv, time.Now()
	inv.clock = time.AfterFunc(inv.limit, func() { pr.expire(inv) })
	pr.mu.Unlock()
	pr.thaw()
	pr.next <- inv
}

// expire ends a process whose invocation is not over in time: it has not answered, or does something else instead of asking for more.
func (pr *process) expire(inv *invocation) {
	pr.mu.Lock()
	late := pr.current == inv
	pr.mu.Unlock()
	if late {
		pr.stop(overtime)
	}
}

// finish gives an invocation its end, unless it has one. It says whether this was the first, and whether the invocation failed.
func (pr *process) finish(inv *invocation, end ending) (first, failed bool) {
	pr.mu.Lock()
	first = inv.end == nil
	if first {
		inv.end = &end
	}
	failed = inv.end.err != nil
	pr.mu.Unlock()
	if !first {
		return first, failed
	}
	if !errors.Is(end.err, errNotTaken) && !errors.Is(end.err, ErrClosed) {
		pr.pool.count(failed)
	}
	inv.done <- end
	return first, failed
}

// kind is the type of an error in Lambda's reports.
func kind(err error) string {
	var f *FunctionError
	switch {
	case errors.As(err, &f):
		return f.Type
	case errors.Is(err, ErrTimeout):
		return timedOut
	}
	return answerTooLarge
}
