package main

import (
	"sync"
	"time"
)

// parcel is a message in a queue.
type parcel[T any] struct {
	body     T
	from     time.Time // not before
	receives int
}

// queue is a queue as bad as its contract allows: it gives messages in any order, twice, and late; one that was not handled comes again.
type queue[T any] struct {
	chance *chance
	clock  *clock
	mu     sync.Mutex // of waits: the bucket puts events from goroutines of its own
	waits  []parcel[T]
	tries  int // how often a message comes at most; 0: until it is handled
	leaky  bool

	given, twice, late, again, lost int
}

func (q *queue[T]) put(body T) { q.keep(parcel[T]{body: body, from: q.clock.now()}) }

func (q *queue[T]) keep(p parcel[T]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waits = append(q.waits, p)
}

// waiting is how many messages there are.
func (q *queue[T]) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waits)
}

// take removes one of the messages that are due.
func (q *queue[T]) take(now time.Time) (p parcel[T], ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var due []int
	for i, p := range q.waits {
		if !p.from.After(now) {
			due = append(due, i)
		}
	}
	if len(due) == 0 {
		return p, false
	}
	i, last := pick(q.chance, due...), len(q.waits)-1
	p = q.waits[i]
	q.waits[i] = q.waits[last]
	q.waits = q.waits[:last]
	return p, true
}

// give hands one message that is due to handle; false when none is.
func (q *queue[T]) give(handle func(T) error) bool {
	now := q.clock.now()
	p, ok := q.take(now)
	if !ok {
		return false
	}
	switch {
	case q.leaky && q.chance.one(40):
		q.lost++
		return true
	case q.chance.one(12):
		q.late++
		p.from = now.Add(q.chance.upTo(40 * time.Minute))
		q.keep(p)
		return true
	case q.chance.one(10):
		q.twice++
		q.keep(parcel[T]{body: p.body, from: now.Add(q.chance.upTo(10 * time.Minute)), receives: p.receives})
	}
	q.given++
	p.receives++
	if err := handle(p.body); err != nil {
		q.comesAgain(p)
	}
	return true
}

// comesAgain puts back a message that was not handled, unless it came often enough.
func (q *queue[T]) comesAgain(p parcel[T]) {
	if q.tries > 0 && p.receives >= q.tries {
		q.lost++
		return
	}
	q.again++
	p.from = q.clock.now().Add(time.Minute)
	q.keep(p)
}
