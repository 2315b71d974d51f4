package sqlite

import (
	"context"
	"strconv"
	"time"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/table"
)

// sweepBatch is how many rows one transaction of the sweep touches, so that writers wait no longer than for a few writes.
const sweepBatch = 100

// Changes reads the feed, see table.Feed. Here it is in commit order over all items. A position older than what is kept goes on
// with the oldest change that is.
func (d *DB) Changes(ctx context.Context, after string, limit int) ([]table.Change, string, error) {
	if limit < 1 {
		return nil, "", fault.BadField("limit", "%d changes; at least 1 is needed", limit)
	}
	from := int64(0)
	if after != "" {
		var err error
		if from, err = strconv.ParseInt(after, 10, 64); err != nil || from < 0 {
			return nil, "", fault.BadField("after", "%.60q is no position of this feed", after)
		}
	}
	if err := alive(ctx); err != nil {
		return nil, "", err
	}
	rows, err := d.read.changes.QueryContext(context.WithoutCancel(ctx), from, limit)
	if err != nil {
		return nil, "", classify(err)
	}
	defer rows.Close()
	var out []table.Change
	for rows.Next() {
		c, err := scanChange(rows.Scan)
		if err != nil {
			return nil, "", err
		}
		out = append(out, c)
		after = c.Seq
	}
	return out, after, classify(rows.Err())
}

func scanChange(scan func(...any) error) (c table.Change, err error) {
	var (
		seq, at          int64
		pk, sk, old, new []byte
	)
	if err = scan(&seq, &at, &pk, &sk, &old, &new, &c.Expired); err != nil {
		return c, err
	}
	c.Key = table.Key{PK: string(pk), SK: string(sk)}
	c.Seq = strconv.FormatInt(seq, 10)
	c.At = time.UnixMilli(at)
	if c.Old, err = decode(old); err != nil {
		return c, err
	}
	c.New, err = decode(new)
	return c, err
}

// Notify gives a channel that receives after the feed has grown, one token however much; read the feed until it is empty, then
// wait. Each call gives a channel of its own, which lives as long as the table is open.
func (d *DB) Notify() <-chan struct{} {
	c := make(chan struct{}, 1)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting = append(d.waiting, c)
	return c
}

func (d *DB) wake() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.waiting {
		select {
		case c <- struct{}{}:
		default: // a token is waiting already
		}
	}
}

// Sweep removes expired items, each with a change marked Expired, and changes older than the feed's retention. It gives the
// count of removed items. Reads and writes may go on meanwhile.
func (d *DB) Sweep(ctx context.Context) (removed int, err error) {
	for {
		n, err := d.sweepItems(ctx)
		removed += n
		if err != nil {
			return removed, err
		}
		if n < sweepBatch {
			break
		}
	}
	for {
		n, err := d.sweepFeed(ctx)
		if err != nil || n < sweepBatch {
			return removed, err
		}
	}
}

// sweepItems removes one batch of expired items.
func (d *DB) sweepItems(ctx context.Context) (int, error) {
	run := context.WithoutCancel(ctx)
	count := 0
	err := d.writer.transaction(ctx, func() error {
		at := d.now()
		keys, err := d.writer.overdueKeys(run, at)
		if err != nil {
			return err
		}
		for _, k := range keys {
			old, data, err := d.writer.load(run, k)
			if err != nil {
				return err
			}
			if _, err := d.writer.store(run, d.indexes, change{key: k, old: old, oldData: data, expired: true}, at); err != nil {
				return err
			}
			count++
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	if count > 0 {
		d.wake()
	}
	return count, nil
}

func (w *writer) overdueKeys(ctx context.Context, at time.Time) ([]table.Key, error) {
	rows, err := w.overdue.QueryContext(ctx, at.Unix(), sweepBatch)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var keys []table.Key
	for rows.Next() {
		var pk, sk []byte
		if err := rows.Scan(&pk, &sk); err != nil {
			return nil, err
		}
		keys = append(keys, table.Key{PK: string(pk), SK: string(sk)})
	}
	return keys, rows.Err()
}

// sweepFeed forgets one batch of the oldest changes.
func (d *DB) sweepFeed(ctx context.Context) (int64, error) {
	var n int64
	err := d.writer.transaction(ctx, func() error {
		res, err := d.writer.forget.ExecContext(context.WithoutCancel(ctx), sweepBatch, d.now().Add(-d.retention).UnixMilli())
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, err
}
