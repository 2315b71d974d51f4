package versity

import (
	"errors"
	"sync"
	"time"
)

// ackLimit is how long a write waits for the parent to record its event: far more than a commit to a local file takes.
const ackLimit = 10 * time.Second

var errNotRecorded = errors.New("the event of this write was not recorded")

// report hands an event to the parent and waits until it was recorded.
func (c *child) report(e Event) error {
	id, recorded := c.acks.expect()
	defer c.acks.forget(id)
	if err := c.out.send(toParent{Event: &e, ID: id}); err != nil {
		return errors.Join(errNotRecorded, err)
	}
	limit := time.NewTimer(ackLimit)
	defer limit.Stop()
	select {
	case <-recorded:
		return nil
	case <-c.acks.closed:
		return errNotRecorded
	case <-limit.C:
		return errNotRecorded
	}
}

// acks are the events on their way to the parent.
type acks struct {
	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan struct{}
	closed  chan struct{}
}

func newAcks() *acks { return &acks{waiting: map[uint64]chan struct{}{}, closed: make(chan struct{})} }

func (a *acks) expect() (uint64, <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last++
	ch := make(chan struct{})
	a.waiting[a.last] = ch
	return a.last, ch
}

func (a *acks) settle(id uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if ch, ok := a.waiting[id]; ok {
		close(ch)
		delete(a.waiting, id)
	}
}

func (a *acks) forget(id uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.waiting, id)
}

func (a *acks) close() { close(a.closed) }
