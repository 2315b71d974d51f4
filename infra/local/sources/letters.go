package sources

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/table"
)

// Letter is a message that a queue's function did not take, among the dead letters.
type Letter struct {
	ID   string
	Sent time.Time // when it was put on its queue
	Body string
}

// lettersPage is how many letters are read at once.
const lettersPage = 100

// Letters gives what a queue of dead letters holds, oldest first. It ends with the first error.
func Letters(ctx context.Context, store table.Table, dead string) iter.Seq2[Letter, error] {
	return func(yield func(Letter, error) bool) {
		q := table.Query{PK: dead, Limit: lettersPage}
		for {
			pg, err := store.Query(ctx, q)
			if err != nil {
				yield(Letter{}, fmt.Errorf("read %s: %w", dead, err))
				return
			}
			for _, it := range pg.Items {
				m := message{id: it.Key().SK}
				if !yield(Letter{m.id, m.sent(), it.Str(attrPayload)}, nil) {
					return
				}
			}
			if pg.Next == nil {
				return
			}
			q.After = pg.Next
		}
	}
}

// Replay puts a dead letter on a queue, as a new message, in one step; a queue that runs, in whichever process, finds it within moments.
// One that is no longer among the dead letters is no error: somebody else was faster.
func Replay(ctx context.Context, store table.Table, dead string, l Letter, queue string) error {
	err := store.Transact(ctx, []table.Write{
		table.Delete(table.Key{PK: dead, SK: l.ID}, table.Present()),
		table.Put(messageItem(queue, id.New(time.Now()).String(), l.Body), table.Absent()),
	})
	if refused := table.Refused(err); refused != nil && refused.Reasons[0] == table.ConditionLost {
		return nil
	}
	return err
}
