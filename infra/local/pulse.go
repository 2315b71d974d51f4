package main

import (
	"sync"
	"time"
)

// pulse tells readers that something may have happened, not more often than pulseEvery.
type pulse struct {
	mu      sync.Mutex
	readers []chan struct{}
	waiting bool // for the next beat
}

// pulseEvery is short against what people notice, and long against one look at a stream.
const pulseEvery = 10 * time.Millisecond

// listen gives a channel that gets a token at a beat, one however many.
func (p *pulse) listen() <-chan struct{} {
	c := make(chan struct{}, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.readers = append(p.readers, c)
	return c
}

// beat tells all readers, a moment later.
func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting {
		return
	}
	p.waiting = true
	time.AfterFunc(pulseEvery, p.tell)
}

func (p *pulse) tell() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = false
	for _, c := range p.readers {
		select {
		case c <- struct{}{}:
		default: // a token is waiting already
		}
	}
}
