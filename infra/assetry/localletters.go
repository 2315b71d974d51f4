package main

import (
	"context"
	"fmt"
	"time"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/table"
)

// localLetters are the dead letters of a queue of a local stack: rows of its queue.db, under the name of the queue in template.yaml.
type localLetters struct {
	store       table.Table
	name        string
	queue, dead string // partitions
}

var _ deadLetters = localLetters{}

// attrPayload holds the text of a message of the local stack.
const attrPayload = "payload"

// lettersPage is how many letters are read at once.
const lettersPage = 100

func (q localLetters) source() string { return q.name }

func (q localLetters) each(ctx context.Context, f func(context.Context, deadLetter) (bool, error)) error {
	query := table.Query{PK: q.dead, Limit: lettersPage}
	for {
		pg, err := q.store.Query(ctx, query)
		if err != nil {
			return fmt.Errorf("read the dead letters of %s: %w", q.name, err)
		}
		for _, it := range pg.Items {
			if more, err := f(ctx, localLetter{q, it}); err != nil || !more {
				return err
			}
		}
		if pg.Next == nil {
			return nil
		}
		query.After = pg.Next
	}
}

// localLetter is one message.
type localLetter struct {
	place localLetters
	row   table.Item
}

func (l localLetter) describe() letterJSON {
	d := letterJSON{Source: l.place.name, ID: l.row.Key().SK, About: aboutMessage(l.row.Str(attrPayload))}
	if u, err := id.Parse(d.ID); err == nil {
		d.At = u.Time()
	}
	return d
}

// replay moves the message to its queue as a new one, in one transaction. A stack that runs finds it there within moments, another one when it
// starts.
func (l localLetter) replay(ctx context.Context) error {
	err := l.place.store.Transact(ctx, []table.Write{
		table.Delete(l.row.Key(), table.Present()),
		table.Put(table.Item{
			table.AttrPK: table.String(l.place.queue), table.AttrSK: table.String(id.New(time.Now()).String()),
			attrPayload: l.row[attrPayload],
		}, table.Absent()),
	})
	if refused := table.Refused(err); refused != nil && refused.Current[0] == nil {
		return nil // somebody else has replayed it
	}
	return err
}
