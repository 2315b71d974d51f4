package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/assetry/assetry/shared/blob/blobtest"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/tabletest"
)

// blow is what befalls one call to table, bucket, bus or source.
type blow int

const (
	nothing    blow = iota
	throttle        // refused; it did not happen
	loseCall        // timed out; it did not happen
	loseAnswer      // timed out; it happened
	dieBefore       // the process ends before the call
	dieAfter        // the process ends after the call
)

var blowNames = [...]string{"nothing", "throttled", "call lost", "answer lost", "crash before", "crash after"}

// rareness is in how many calls one meets a blow.
const rareness = 24

// peril decides what befalls every call. A process that has died reaches nothing any more until the next one starts.
type peril struct {
	chance *chance
	seed   uint64

	mu             sync.Mutex
	off            bool
	dead           bool
	side           bool // what runs is aside: its calls are named
	mortal, fallen bool // of what is aside
	nth            map[string]int
	calls          int
	dealt          [len(blowNames)]int
}

func newPeril(seed uint64) *peril {
	return &peril{chance: newChance(seed, 1<<40), seed: seed, off: true, nth: map[string]int{}}
}

// next is what befalls the call that is about to be made on something. While several are made at once it is named.
func (p *peril) next(verb, name string) blow {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.side {
		return p.byName(verb, name)
	}
	if p.dead {
		return loseCall
	}
	p.calls++
	if p.off || !p.chance.one(rareness) {
		return nothing
	}
	b := pick(p.chance, throttle, throttle, loseCall, loseAnswer, loseAnswer, dieBefore, dieAfter)
	p.dealt[b]++
	p.dead = b == dieBefore || b == dieAfter
	return b
}

// named is what befalls a call that is made beside others, whose order is nobody's to tell: it follows from its name and how often it was
// made. It ends no process but one that is aside.
func (p *peril) named(verb, name string) blow {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.byName(verb, name)
}

// byName is named for who holds the lock.
func (p *peril) byName(verb, name string) blow {
	if p.fallen {
		return loseCall
	}
	p.calls++
	k := verb + " " + name
	p.nth[k]++
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %d", p.seed, k, p.nth[k]))
	if p.off || int(sum[0])%rareness != 0 {
		return nothing
	}
	b := []blow{throttle, loseCall, loseAnswer, dieBefore, dieAfter}[int(sum[1])%5]
	if b >= dieBefore && !p.mortal {
		b = loseAnswer
	}
	p.dealt[b]++
	p.fallen = b >= dieBefore
	return b
}

// aside runs a process whose calls are named, so that how it fares has no part in what befalls all others. It may be mortal if it makes one call
// at a time.
func (p *peril) aside(mortal bool, do func() error) error {
	p.set(true, mortal)
	err := do()
	if p.set(false, false) && err == nil {
		err = errCrashed
	}
	return err
}

// set begins and ends what is aside, and says whether its process has ended early.
func (p *peril) set(side, mortal bool) (fell bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fell = p.fallen
	p.side, p.mortal, p.fallen = side, mortal, false
	return fell
}

// died says whether the process ended since it was asked last; the next call is another process's.
func (p *peril) died() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.dead
	p.dead = false
	return d
}

// calm ends all blows.
func (p *peril) calm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.off, p.dead = true, false
}

func (p *peril) onTable(c tabletest.Call) tabletest.Fault {
	return tableFault(p.next(c.Verb, fmt.Sprint(c.Keys)))
}

// onIndex is for the index of words, which is written to several times at once.
func (p *peril) onIndex(c tabletest.Call) tabletest.Fault {
	return tableFault(p.named("index "+c.Verb, fmt.Sprint(c.Keys)))
}

func tableFault(b blow) tabletest.Fault {
	switch b {
	case throttle:
		return tabletest.Throttle
	case loseCall, dieBefore:
		return tabletest.LoseCall
	case loseAnswer, dieAfter:
		return tabletest.LoseAnswer
	}
	return tabletest.None
}

func (p *peril) onBucket(c blobtest.Call) blobtest.Fault {
	switch p.next(c.Method, c.Key) {
	case throttle:
		return blobtest.Throttled
	case loseCall, dieBefore:
		return blobtest.Unavailable
	case loseAnswer, dieAfter:
		return blobtest.Lost
	}
	return blobtest.None
}

// perilousBus is a bus that refuses, loses and takes twice.
type perilousBus struct {
	*peril
	taken func(bus.Event)
}

// Publish takes all events, some, or none, and may not say so.
func (b perilousBus) Publish(_ context.Context, es []bus.Event) (refused []int, err error) {
	lost := fault.New(fault.Unavailable, "the bus did not answer (injected)")
	switch b.next("publish", es[0].Detail.ID) {
	case throttle:
		half := len(es) / 2
		for i, e := range es {
			if i < half {
				b.taken(e)
			} else {
				refused = append(refused, i)
			}
		}
		return refused, nil
	case loseCall, dieBefore:
		return nil, lost
	case loseAnswer, dieAfter:
		err = lost
	}
	for _, e := range es {
		b.taken(e)
	}
	return nil, err
}
