package processing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// work is the row of the work on an order. Package order puts a new one for each attempt, and this package alone changes it.
type work struct {
	order      id.Order
	workspace  id.Workspace
	attempt    int       // of the order
	worker     string    // token of whoever is at it; "": nobody
	leaseUntil time.Time // until when that holds; without a worker: until when the work rests after a failure
	askAfter   time.Time // before it nobody asks for a worker again
	tries      int       // how often a worker began where the work stands
	hop        int       // how often it was handed over
	last       string    // the last step that is done; "": none
	planned    int       // deliverables of the steps that are done
	made       int       // deliverables that are registered
	checkpoint string    // object version; "": the present step begins at its beginning
	ended      time.Time // zero: the attempt goes on
	waits      bool      // for a place
}

func readWork(it table.Item) (work, error) {
	o, ok := schema.ParseWorkKey(it.Key())
	if !ok {
		return work{}, fmt.Errorf("row %s is not the work on an order", it.Key())
	}
	w, err := id.ParseWorkspace(it.Str(schema.Workspace))
	if err != nil {
		return work{}, fmt.Errorf("row %s: %w", it.Key(), err)
	}
	waits, _ := it[schema.Waits].(table.Bool)
	return work{
		order: o, workspace: w, attempt: int(it.Int(schema.Attempt)), worker: it.Str(schema.Worker), leaseUntil: millis(it, schema.LeaseUntil),
		askAfter: millis(it, schema.AskAfter), tries: int(it.Int(schema.Tries)), hop: int(it.Int(schema.Hop)), last: it.Str(schema.LastStep),
		planned: int(it.Int(schema.Planned)), made: int(it.Int(schema.Made)), checkpoint: it.Str(schema.Checkpoint),
		ended: millis(it, schema.EndedAt), waits: bool(waits),
	}, nil
}

// millis is a time of a row; zero where there is none.
func millis(it table.Item, attr string) time.Time {
	if ms := it.Int(attr); ms != 0 {
		return time.UnixMilli(ms)
	}
	return time.Time{}
}

func at(attr string, t time.Time) table.Edit { return table.Set(attr, table.Int(t.UnixMilli())) }

// key is of a pointer: a heart asks for it while its worker writes other fields.
func (r *work) key() table.Key { return schema.WorkKey(r.order) }

// free says whether the work may be claimed at a time; whileFree is the condition for it.
func (r work) free(now time.Time) bool {
	return r.ended.IsZero() && !now.Before(r.leaseUntil)
}

// whileFree holds while nobody is at an attempt that goes on, and it does not rest.
func whileFree(attempt int, now time.Time) table.Cond {
	return table.All(ofAttempt(attempt), table.HasNot(schema.EndedAt),
		table.Any(table.HasNot(schema.LeaseUntil), table.Less(schema.LeaseUntil, table.Int(now.UnixMilli()+1))))
}

func ofAttempt(attempt int) table.Cond { return table.Eq(schema.Attempt, table.Int(int64(attempt))) }

// counted holds while a number that begins at 0 is n.
func counted(attr string, n int) table.Cond {
	if n == 0 {
		return table.Any(table.HasNot(attr), table.Eq(attr, table.Int(0)))
	}
	return table.Eq(attr, table.Int(int64(n)))
}

// ask are the edits that ask for a worker: the change of the row is the request, once nobody stands in it.
func ask(after time.Time) []table.Edit {
	return []table.Edit{
		table.Add(schema.Version, table.Int(1)), at(schema.AskAfter, after), table.Remove(schema.Worker), table.Remove(schema.LeaseUntil),
		table.Remove(schema.Waits),
	}
}

// over are the edits that end an attempt.
func over(now time.Time) []table.Edit {
	return []table.Edit{
		at(schema.EndedAt, now), table.Remove(schema.Worker), table.Remove(schema.LeaseUntil), table.Remove(schema.Checkpoint),
	}
}

// rowOf reads the row of the work on an order; ok is false where there is none.
func (s *Service) rowOf(ctx context.Context, o id.Order) (row work, ok bool, err error) {
	it, err := s.Table.Get(ctx, schema.WorkKey(o), table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		return work{}, false, nil
	}
	if err != nil {
		return work{}, false, fmt.Errorf("read the work on order %s: %w", o, err)
	}
	row, err = readWork(it)
	return row, err == nil, err
}
