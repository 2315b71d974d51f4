package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/table"
)

// messageQueue delivers messages to a function, at least once and in no order: a message is on disk before whoever adds it goes on, and removed once the
// function has taken it.
type messageQueue struct {
	name     string      // its partition of the store
	store    table.Table // queue.db
	workers  int         // deliveries at once
	receives int         // deliveries of a message before it is put among the dead letters; 0: without end
	deliver  func(context.Context, message) error
	work     chan delivery
	own      sync.Map // ids of messages that this process put and has not delivered: the start does not find them once more
	done     sync.WaitGroup
}

// message is what is delivered.
type message struct {
	id       string
	payload  string
	receives int // deliveries by this process, this one included
}

// delivery is one of a stored message.
type delivery struct {
	message string        // its id, and sort key
	tries   int           // deliveries before
	pause   time.Duration // before the next one, should this one fail
}

// Pauses between the deliveries of one message.
const (
	firstPause   = 200 * time.Millisecond
	longestPause = 30 * time.Second
)

const attrPayload = "payload"

// deadLetters is the partition of what a queue has given up. It is kept until somebody removes it.
func deadLetters(queue string) string { return queue + "-dead" }

func newQueue(store table.Table, name string, workers, receives int, deliver func(context.Context, message) error) *messageQueue {
	return &messageQueue{name: name, store: store, workers: workers, receives: receives, deliver: deliver, work: make(chan delivery, 1024)}
}

// put keeps a message and has it delivered.
func (q *messageQueue) put(ctx context.Context, payload string) error {
	sk := id.New(time.Now()).String()
	q.own.Store(sk, true)
	if _, err := q.store.Write(ctx, table.Put(messageItem(q.name, sk, payload), table.Absent())); err != nil {
		q.own.Delete(sk) // it may be there nevertheless: then the next start finds it
		return fmt.Errorf("keep a message of %s: %w", q.name, err)
	}
	d := delivery{message: sk, pause: firstPause}
	select {
	case q.work <- d:
	default: // more than the channel holds: wait beside, so that the sender need not
		go func() { q.work <- d }()
	}
	return nil
}

func messageItem(partition, sk, payload string) table.Item {
	return table.Item{table.AttrPK: table.String(partition), table.AttrSK: table.String(sk), attrPayload: table.String(payload)}
}

// run delivers until the context ends, first what an earlier process left.
func (q *messageQueue) run(ctx context.Context) error {
	for range q.workers {
		q.done.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case d := <-q.work:
					q.send(ctx, d)
				}
			}
		})
	}
	query := table.Query{PK: q.name, Limit: 500}
	for {
		pg, err := q.store.Query(ctx, query)
		if err != nil {
			return fmt.Errorf("read undelivered messages of %s: %w", q.name, err)
		}
		for _, it := range pg.Items {
			if _, own := q.own.Load(it.Key().SK); own {
				continue
			}
			q.offer(ctx, delivery{message: it.Key().SK, pause: firstPause})
		}
		if pg.Next == nil || ctx.Err() != nil {
			return nil
		}
		query.After = pg.Next
	}
}

// offer hands a delivery to the workers, unless the context ends before one is free.
func (q *messageQueue) offer(ctx context.Context, d delivery) {
	select {
	case q.work <- d:
	case <-ctx.Done():
	}
}

// send delivers one message. One that fails is offered again after a pause; no worker waits for it, so that it holds up no other.
func (q *messageQueue) send(ctx context.Context, d delivery) {
	d.tries++
	err := q.hand(ctx, d)
	if err == nil || ctx.Err() != nil {
		return
	}
	if q.receives > 0 && d.tries >= q.receives {
		err = errors.Join(err, q.bury(ctx, d))
		slog.ErrorContext(ctx, "a message is given up", "queue", q.name, "message", d.message, "deliveries", d.tries, "err", err)
		return
	}
	slog.WarnContext(ctx, "a message will be delivered again", "queue", q.name, "in", d.pause, "err", err)
	q.done.Go(func() {
		wait(ctx, nil, d.pause)
		q.offer(ctx, delivery{d.message, d.tries, min(2*d.pause, longestPause)})
	})
}

// hand gives a message to the function, and forgets it.
func (q *messageQueue) hand(ctx context.Context, d delivery) error {
	k := table.Key{PK: q.name, SK: d.message}
	it, err := q.store.Get(ctx, k, table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		return nil // it was among the work twice, and is delivered
	}
	if err != nil {
		return err
	}
	if err := q.deliver(ctx, message{d.message, it.Str(attrPayload), d.tries}); err != nil {
		return err
	}
	_, err = q.store.Write(ctx, table.Delete(k, table.Present()))
	if _, gone := table.Lost(err); err != nil && !gone {
		return err
	}
	q.own.Delete(d.message)
	return nil
}

// bury puts a message among the dead letters. Until that is done, the next start delivers it again.
func (q *messageQueue) bury(ctx context.Context, d delivery) error {
	k := table.Key{PK: q.name, SK: d.message}
	it, err := q.store.Get(ctx, k, table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return q.store.Transact(ctx, []table.Write{
		table.Delete(k, table.Present()),
		table.Put(messageItem(deadLetters(q.name), d.message, it.Str(attrPayload)), table.Absent()),
	})
}
