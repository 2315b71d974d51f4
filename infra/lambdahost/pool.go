package lambdahost

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// pool is the processes of one function, and who waits for one.
type pool struct {
	host     *Host
	function Function

	mu      sync.Mutex
	live    map[*process]bool // started and not ended
	idle    []*process        // frozen, the one that was used last at the end
	slots   int               // live processes and those about to start
	waiting []chan *process   // the first has waited longest; nil is the leave to start a process
	shutOff bool
	stats   Stats
}

func newPool(h *Host, f Function) *pool {
	return &pool{host: h, function: f, live: map[*process]bool{}}
}

// acquire is a process for one invocation: an idle one, a new one, or, once there are as many as may be, the next that is free.
func (p *pool) acquire(ctx context.Context) (*process, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	p.mu.Lock()
	if p.shutOff {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	if last := len(p.idle) - 1; last >= 0 && len(p.waiting) == 0 {
		pr := p.idle[last]
		p.idle = p.idle[:last]
		p.mu.Unlock()
		pr.rest.Stop()
		return pr, nil
	}
	if p.slots < p.function.Concurrency {
		p.slots++
		p.mu.Unlock()
		return p.start(ctx)
	}
	turn := make(chan *process, 1)
	p.waiting = append(p.waiting, turn)
	p.mu.Unlock()
	select {
	case pr := <-turn:
		if pr == nil {
			return p.start(ctx)
		}
		return pr, nil
	case <-ctx.Done():
		p.leave(turn)
		return nil, ctx.Err()
	case <-p.host.ending:
		p.leave(turn)
		return nil, ErrClosed
	}
}

// leave takes a waiting one out of the queue. What it was given meanwhile goes to the next.
func (p *pool) leave(turn chan *process) {
	p.mu.Lock()
	i := slices.Index(p.waiting, turn)
	if i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
	}
	p.mu.Unlock()
	if i >= 0 {
		return
	}
	if pr := <-turn; pr != nil {
		p.release(pr)
	} else {
		p.free()
	}
}

// reserve takes a slot for one more process, unless all are taken.
func (p *pool) reserve() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shutOff || p.slots >= p.function.Concurrency {
		return false
	}
	p.slots++
	return true
}

// start starts a process in a slot that was taken for it. When the context ends before the process is ready, it is free for others then.
func (p *pool) start(ctx context.Context) (*process, error) {
	type started struct {
		pr  *process
		err error
	}
	done := make(chan started, 1)
	go func() {
		pr, err := p.launch()
		done <- started{pr, err}
	}()
	select {
	case s := <-done:
		return s.pr, s.err
	case <-ctx.Done():
		go func() {
			if s := <-done; s.err == nil {
				p.release(s.pr)
			}
		}()
		return nil, ctx.Err()
	}
}

// joined counts a process that was started. It is false once the host is closed.
func (p *pool) joined(pr *process) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shutOff {
		return false
	}
	p.live[pr] = true
	p.stats.ColdStarts++
	p.stats.PeakProcesses = max(p.stats.PeakProcesses, len(p.live))
	return true
}

// release has a process that waits for an event serve whoever has waited longest, or rest.
func (p *pool) release(pr *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.live[pr] {
		return // it ended meanwhile
	}
	if len(p.waiting) > 0 {
		turn := p.waiting[0]
		p.waiting = p.waiting[1:]
		turn <- pr
		return
	}
	pr.freeze()
	p.idle = append(p.idle, pr)
	pr.rest.Reset(p.host.options.IdleAfter)
}

// ended forgets a process. Its slot goes to whoever has waited longest.
func (p *pool) ended(pr *process) {
	p.mu.Lock()
	delete(p.live, pr)
	if i := slices.Index(p.idle, pr); i >= 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
	}
	p.mu.Unlock()
	p.free()
}

// free gives a slot back.
func (p *pool) free() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) == 0 {
		p.slots--
		return
	}
	turn := p.waiting[0]
	p.waiting = p.waiting[1:]
	turn <- nil
}

// retire ends a process that nobody needed for long.
func (p *pool) retire(pr *process) {
	p.mu.Lock()
	i := slices.Index(p.idle, pr)
	if i >= 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
	}
	p.mu.Unlock()
	if i >= 0 {
		pr.stop(retired)
	}
}

// dismiss takes all idle processes out.
func (p *pool) dismiss() []*process {
	p.mu.Lock()
	defer p.mu.Unlock()
	idle := p.idle
	p.idle = nil
	return idle
}

// shut takes nobody in any more, and returns what is alive.
func (p *pool) shut() []*process {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shutOff = true
	var prs []*process
	for pr := range p.live {
		prs = append(prs, pr)
	}
	return prs
}

// started notes how long a process took to get ready.
func (p *pool) started(took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.LastInit = took
}

// saw notes how much memory a process had at most.
func (p *pool) saw(peak int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.PeakResident = max(p.stats.PeakResident, peak)
}

// refused counts an invocation for which no process could start.
func (p *pool) refused(err error) {
	var f *FunctionError
	if errors.As(err, &f) || errors.Is(err, ErrTimeout) {
		p.count(true)
	}
}

// count counts an invocation that ended.
func (p *pool) count(failed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Invocations++
	if failed {
		p.stats.Errors++
	}
}
