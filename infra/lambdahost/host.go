// Package lambdahost runs compiled functions as AWS Lambda does: each as processes of its own bootstrap, behind the documented Runtime API
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, version 2018-06-01), on this machine.
//
// What a function can rely on in AWS it can rely on here, and what it cannot it cannot here. A process handles one invocation at a time; more
// at once are more processes, up to the function's concurrency, and the rest waits in the order of arrival. A process has ten seconds to ask
// for its first event. It is frozen when it asks for the next one and nobody has any, so that nothing runs after an answer, and thawed for the
// next invocation. A process that exits, or whose time is over, is gone with its invocation, and the next one has a fresh process. Processes
// that nobody needs end after a while, so that a function without invocations has none.
//
// What is not Lambda's: memory is measured and not limited, a process has all processors of the machine, asynchronous invocations, extensions
// and response streaming do not exist, and invocations beyond the concurrency wait where Lambda would answer 429.
package lambdahost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Limits of Lambda, from its page on quotas and from that of the Runtime API.
const (
	MaxPayload         = 6291456          // bytes of an event
	MaxAnswer          = 6291556          // bytes of an answer
	DefaultConcurrency = 32               // processes of a function, where it names no other; ours
	DefaultIdle        = 5 * time.Minute  // after which a process that nobody needs ends; Lambda's is of this order
	initLimit          = 10 * time.Second // until a process has asked for its first event
	defaultTimeout     = 3 * time.Second  // of an invocation
	defaultMemory      = 128              // MB
	mostTries          = 3                // of an invocation whose process ends before it has the event
)

// Function is one function to host.
type Function struct {
	Name        string        // by which it is invoked: its folder's
	Program     string        // path of its bootstrap
	Env         []string      // NAME=value, beside those that Lambda sets
	Timeout     time.Duration // of an invocation; 0: 3 s, as in Lambda
	MemoryMB    int           // what the function is told that it has; 0: 128, as in Lambda
	Concurrency int           // processes at once; 0: DefaultConcurrency
}

// Options are what a host may be told; the zero value is right.
type Options struct {
	Region    string        // "": us-east-1
	Account   string        // "": 000000000000
	IdleAfter time.Duration // how long a process waits for an invocation before it ends; 0: DefaultIdle
	InitLimit time.Duration // how long a process may take until it asks for its first event; 0: 10 s, as in Lambda
	Output    io.Writer     // takes each line that a function or its platform writes, as "name: line"; nil: nobody
	Thawed    bool          // leaves idle processes running, for programs that look into them
	// Line takes the same lines, apart from their function's name, from several goroutines at once; nil: nobody.
	Line func(function, line string)
}

// Host runs functions until it is closed. All its methods may be called at once.
type Host struct {
	options   Options
	pools     map[string]*pool
	output    output
	starts    chan func()    // run on the thread that all processes are children of
	ending    chan struct{}  // closed by Close
	ended     chan struct{}  // closed when the thread has ended, after all processes
	processes sync.WaitGroup // added to by the thread only
	close     sync.Once
}

// Start makes a host. It starts no process: the first invocation of each function does.
func Start(o Options, fs []Function) (*Host, error) {
	o = o.withDefaults()
	h := &Host{
		options: o, pools: map[string]*pool{}, output: output{to: o.Output, each: o.Line},
		starts: make(chan func()), ending: make(chan struct{}), ended: make(chan struct{}),
	}
	for _, f := range fs {
		if f.Name == "" || f.Program == "" {
			return nil, fmt.Errorf("the function %q with the program %q: it needs both", f.Name, f.Program)
		}
		if h.pools[f.Name] != nil {
			return nil, fmt.Errorf("there are two functions %s", f.Name)
		}
		program, err := filepath.Abs(f.Program)
		if err != nil {
			return nil, fmt.Errorf("function %s: %w", f.Name, err)
		}
		f.Program = program
		h.pools[f.Name] = newPool(h, f.withDefaults())
	}
	go h.parent()
	return h, nil
}

func (o Options) withDefaults() Options {
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.Account == "" {
		o.Account = "000000000000"
	}
	if o.IdleAfter == 0 {
		o.IdleAfter = DefaultIdle
	}
	if o.InitLimit == 0 {
		o.InitLimit = initLimit
	}
	return o
}

func (f Function) withDefaults() Function {
	if f.Timeout == 0 {
		f.Timeout = defaultTimeout
	}
	if f.MemoryMB == 0 {
		f.MemoryMB = defaultMemory
	}
	if f.Concurrency == 0 {
		f.Concurrency = DefaultConcurrency
	}
	f.Env = slices.Clone(f.Env)
	return f
}

// Invoke runs a function with an event and returns its answer. It waits for a free process until the context ends. An invocation that has
// begun goes on when the context ends, as in Lambda, which never hears that a client left; Invoke returns the context's error then.
//
// Errors: *FunctionError for one that the function reported or died of, ErrTimeout when its time was over, ErrPayloadTooLarge,
// ErrAnswerTooLarge, ErrClosed, ErrUnknown.
func (h *Host) Invoke(ctx context.Context, name string, payload []byte) ([]byte, error) {
	p, err := h.pool(name)
	if err != nil {
		return nil, err
	}
	if len(payload) > MaxPayload {
		return nil, fmt.Errorf("%w: it has %d bytes, and Lambda takes at most %d", ErrPayloadTooLarge, len(payload), MaxPayload)
	}
	for tries := 1; ; tries++ {
		pr, err := p.acquire(ctx)
		if err != nil {
			p.refused(err)
			return nil, err
		}
		inv := newInvocation(payload, p.function.Timeout)
		pr.give(inv)
		select {
		case end := <-inv.done:
			if errors.Is(end.err, errNotTaken) { // it was killed while it was idle
				if tries < mostTries {
					continue
				}
				end.err = &FunctionError{exitError, "its processes end while they are idle"}
				p.count(true)
			}
			inv.settle()
			return end.answer, end.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Init starts one more process of a function and returns how long it took from its start until it asked for an event. It is idle then, as with
// provisioned concurrency. The errors are those of Invoke; a function that has as many processes as it may is one more.
func (h *Host) Init(ctx context.Context, name string) (time.Duration, error) {
	p, err := h.pool(name)
	if err != nil {
		return 0, err
	}
	if !p.reserve() {
		return 0, fmt.Errorf("function %s has all of its %d processes", name, p.function.Concurrency)
	}
	pr, err := p.start(ctx)
	if err != nil {
		return 0, err
	}
	p.release(pr)
	return pr.took, nil
}

// Recycle ends the idle processes of a function, as a deployment does, and returns when they have ended.
func (h *Host) Recycle(name string) error {
	p, err := h.pool(name)
	if err != nil {
		return err
	}
	for _, pr := range p.dismiss() {
		pr.stop(retired)
		<-pr.exited
	}
	return nil
}

// Close ends every process and every Invoke, within a second. It may be called more than once.
func (h *Host) Close() error {
	h.close.Do(func() {
		close(h.ending)
		for _, p := range h.pools {
			for _, pr := range p.shut() {
				pr.stop(closed)
			}
		}
	})
	<-h.ended
	return nil
}

func (h *Host) pool(name string) (*pool, error) {
	p := h.pools[name]
	if p == nil {
		return nil, fmt.Errorf("%w: %q", ErrUnknown, name)
	}
	return p, nil
}
