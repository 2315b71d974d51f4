package sources

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

// mailbox delivers messages at least once and in no order: a message is on disk before whoever puts it goes on, and removed once it was taken.
type mailbox struct {
	name    string      // its partition of the store
	store   table.Table // of all mailboxes
	workers int         // deliveries at once
	batch   int         // most messages of a delivery
	tries   int         // deliveries of a message before it is given up
	age     time.Duration
	pauses  Pauses
	deliver func(context.Context, []message) (failed map[string]error) // why a message was not taken, by its id; nil: messages are kept, and that is all
	giveUp  func(context.Context, message, error) error                // keeps it elsewhere; until that is done the next start delivers it again

	work chan letter
	own  sync.Map // ids of messages that this process put or found, and has not delivered: they are not found once more
	done sync.WaitGroup
}

// message is what is delivered.
type message struct {
	id       string
	payload  string
	receives int // deliveries by this process, this one included
}

// sent is when a message was put.
func (m message) sent() time.Time {
	u, err := id.Parse(m.id)
	if err != nil {
		return time.Time{} // a store of somebody else's: as old as can be
	}
	return u.Time()
}

// letter is a stored message that is to be delivered.
type letter struct {
	id    string // of the message, and its sort key
	tries int    // deliveries before
}

const attrPayload = "payload"

// channelSize is how many letters wait in memory; more of them wait in goroutines.
const channelSize = 1024

// put keeps a message and has it delivered.
func (m *mailbox) put(ctx context.Context, payload string) error {
	sk := id.New(time.Now()).String()
	m.own.Store(sk, true)
	if _, err := m.store.Write(ctx, table.Put(messageItem(m.name, sk, payload), table.Absent())); err != nil {
		m.own.Delete(sk) // it may be there nevertheless: then the next start finds it
		return fmt.Errorf("keep a message of %s: %w", m.name, err)
	}
	if m.deliver == nil {
		return nil
	}
	l := letter{id: sk}
	select {
	case m.work <- l:
	default: // wait beside, so that the sender need not
		go func() { m.work <- l }()
	}
	return nil
}

func messageItem(partition, sk, payload string) table.Item {
	return table.Item{table.AttrPK: table.String(partition), table.AttrSK: table.String(sk), attrPayload: table.String(payload)}
}

// foreignEvery is how often a mailbox looks for messages that another process put, such as the operator's tool.
const foreignEvery = 2 * time.Second

// run delivers until the context ends, first what an earlier process left, and returns once nothing is under way. What another process puts
// meanwhile is found a little later.
func (m *mailbox) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer func() {
		stop()
		m.done.Wait()
	}()
	for range m.workers {
		m.done.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case l := <-m.work:
					m.send(ctx, m.more(l))
				}
			}
		})
	}
	if err := m.leftBehind(ctx); err != nil {
		return err
	}
	for ctx.Err() == nil {
		wait(ctx, nil, foreignEvery)
		if err := m.leftBehind(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "messages of others will be looked for again", "queue", m.name, "err", err)
		}
	}
	return nil
}

// leftBehind offers what is there and not known: what an earlier process did not deliver, or another one put.
func (m *mailbox) leftBehind(ctx context.Context) error {
	query := table.Query{PK: m.name, Limit: 500}
	for {
		pg, err := m.store.Query(ctx, query)
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("read undelivered messages of %s: %w", m.name, err)
		}
		for _, it := range pg.Items {
			if _, known := m.own.LoadOrStore(it.Key().SK, true); !known {
				m.offer(ctx, letter{id: it.Key().SK})
			}
		}
		if pg.Next == nil || ctx.Err() != nil {
			return nil
		}
		query.After = pg.Next
	}
}

// offer hands a letter to the workers, unless the context ends before one is free.
func (m *mailbox) offer(ctx context.Context, l letter) {
	select {
	case m.work <- l:
	case <-ctx.Done():
	}
}

// more adds what waits to a delivery, up to a batch.
func (m *mailbox) more(first letter) []letter {
	ls := []letter{first}
	for len(ls) < m.batch {
		select {
		case l := <-m.work:
			ls = append(ls, l)
		default:
			return ls
		}
	}
	return ls
}

// send delivers a batch. What fails is offered again after a pause; no worker waits for it, so that it holds up nothing else.
func (m *mailbox) send(ctx context.Context, ls []letter) {
	var batch []message
	for _, l := range ls {
		msg, there, err := m.read(ctx, l)
		switch {
		case err != nil:
			m.again(ctx, letter{l.id, l.tries}, l.tries+1, err) // it was not delivered, so that does not count
		case there:
			batch = append(batch, msg)
		}
	}
	if len(batch) == 0 {
		return
	}
	failed := m.deliver(ctx, batch)
	for _, msg := range batch {
		err := failed[msg.id]
		if err == nil {
			err = m.forget(ctx, msg)
		}
		if err != nil {
			m.failed(ctx, msg, err)
		}
	}
}

// read gives a message as it will be delivered; it is not there when it was among the work twice, and is delivered.
func (m *mailbox) read(ctx context.Context, l letter) (msg message, there bool, err error) {
	it, err := m.store.Get(ctx, table.Key{PK: m.name, SK: l.id}, table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		return message{}, false, nil
	}
	if err != nil {
		return message{}, false, err
	}
	return message{l.id, it.Str(attrPayload), l.tries + 1}, true, nil
}

// forget removes a message that was taken.
func (m *mailbox) forget(ctx context.Context, msg message) error {
	_, err := m.store.Write(ctx, table.Delete(table.Key{PK: m.name, SK: msg.id}, table.Present()))
	if _, gone := table.Lost(err); err != nil && !gone {
		return err
	}
	m.own.Delete(msg.id)
	return nil
}

// failed gives a message up that was delivered as often, or is as old, as it may be; another one is delivered again.
func (m *mailbox) failed(ctx context.Context, msg message, err error) {
	if ctx.Err() != nil {
		return
	}
	old := m.age > 0 && time.Since(msg.sent()) > m.age
	if msg.receives < m.tries && !old {
		m.again(ctx, letter{msg.id, msg.receives}, msg.receives, err)
		return
	}
	if giveUpErr := m.giveUp(ctx, msg, err); giveUpErr != nil {
		err = errors.Join(err, giveUpErr)
	} else {
		m.own.Delete(msg.id)
	}
	slog.ErrorContext(ctx, "a message is given up", "queue", m.name, "message", msg.id, "deliveries", msg.receives, "err", err)
}

// again offers a letter after the pause that follows a number of tries.
func (m *mailbox) again(ctx context.Context, l letter, tries int, err error) {
	if ctx.Err() != nil {
		return
	}
	pause := m.pauses.after(tries)
	slog.WarnContext(ctx, "a message will be delivered again", "queue", m.name, "message", l.id, "in", pause, "err", err)
	m.done.Go(func() {
		wait(ctx, nil, pause)
		m.offer(ctx, l)
	})
}
