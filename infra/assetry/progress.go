package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/assetry/assetry/shared/table"
)

// How often progress is shown: a person sees it move, a log stays short.
const (
	drawEvery = 200 * time.Millisecond
	logEvery  = 10 * time.Second
)

// progress shows how a long run comes along, on err: in one line that is written over at a terminal, line by line now and then elsewhere, not at all
// for machines. told takes what is new; "" ends it. Requests to the table count by the context.
func (c *call) progress(ctx context.Context, what string) (counting context.Context, told func(string)) {
	counting, meter := table.WithMeter(ctx)
	if c.json {
		return counting, func(string) {}
	}
	p := &progress{call: c, what: what, meter: meter, done: make(chan struct{})}
	p.ended.Go(p.tick)
	return counting, p.told
}

// progress is what is known of a long run.
type progress struct {
	*call
	what  string
	meter *table.Meter
	done  chan struct{}
	ended sync.WaitGroup

	mu   sync.Mutex
	text string
}

// tick shows what is known again and again, until the run is over.
func (p *progress) tick() {
	every := logEvery
	if p.draws {
		every = drawEvery
	}
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-p.done:
			if p.draws {
				fmt.Fprint(p.err, "\r\x1b[K")
			}
			return
		case <-t.C:
			p.show()
		}
	}
}

func (p *progress) show() {
	p.mu.Lock()
	text := p.text
	p.mu.Unlock()
	if text == "" {
		_, _, requests := p.meter.Spent()
		text = counted(requests, "request", "requests") + " to the table"
	}
	line := p.what + ": " + text
	if p.draws {
		fmt.Fprint(p.err, "\r\x1b[K"+line)
		return
	}
	fmt.Fprintln(p.err, line)
}

// told keeps what is new; "" ends the showing.
func (p *progress) told(text string) {
	if text == "" {
		close(p.done)
		p.ended.Wait()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text = text
}
