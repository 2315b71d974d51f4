package sqlite

import (
	"context"
	"math/big"
	"time"

	"github.com/assetry/assetry/shared/table"
)

// Write does one conditional write, see table.Table.
func (d *DB) Write(ctx context.Context, w table.Write) (table.Item, error) {
	if err := d.validate(w); err != nil {
		return nil, err
	}
	if err := alive(ctx); err != nil {
		return nil, err
	}
	if w.Verb == table.VerbCheck {
		return nil, d.check(ctx, w)
	}
	run := context.WithoutCancel(ctx)
	var (
		c       change
		changed bool
		lost    bool
		at      time.Time
	)
	err := d.writer.transaction(ctx, func() (err error) {
		at = d.now()
		if c, lost, err = d.plan(run, w, at); err != nil || lost {
			return err
		}
		changed, err = d.writer.store(run, d.indexes, c, at)
		return err
	})
	if err != nil {
		return nil, err
	}
	if lost {
		table.Spend(ctx, 0, table.LostUnits(c.old))
		return nil, &table.ConditionError{Key: w.Key, Current: table.Live(c.old, at)}
	}
	table.Spend(ctx, 0, table.ChangeUnits(c.old, c.new, d.defs))
	if changed {
		d.wake()
	}
	return c.new, nil
}

func (d *DB) validate(w table.Write) error {
	if err := table.Validate(w); err != nil {
		return err
	}
	return table.ValidateIndexed(w.Item, d.defs)
}

// check holds a condition outside a transaction: a read.
func (d *DB) check(ctx context.Context, w table.Write) error {
	it, _, err := load(context.WithoutCancel(ctx), d.read.get, w.Key)
	if err != nil {
		return err
	}
	table.Spend(ctx, table.ReadUnits(it.Size(), table.Strong), 0)
	if it = table.Live(it, d.now()); !w.Allows(it) {
		return &table.ConditionError{Key: w.Key, Current: it}
	}
	return nil
}

// plan reads the stored item and works out what the write makes of it; lost says that its condition does not hold.
func (d *DB) plan(ctx context.Context, w table.Write, at time.Time) (c change, lost bool, err error) {
	c.key = w.Key
	if c.old, c.oldData, err = d.writer.load(ctx, w.Key); err != nil {
		return c, false, err
	}
	current := table.Live(c.old, at)
	if !w.Allows(current) {
		return c, true, nil
	}
	switch w.Verb {
	case table.VerbPut:
		c.new = w.Item.Clone()
	case table.VerbUpdate:
		if c.new, err = table.Apply(current, w.Edits); err != nil {
			return c, false, err
		}
		if err := table.ValidateIndexed(c.new, d.defs); err != nil {
			return c, false, err
		}
	case table.VerbCheck:
		c.new = c.old
	}
	c.newData = encode(c.new)
	return c, false, nil
}

// Transact does all writes or none, see table.Table.
func (d *DB) Transact(ctx context.Context, ws []table.Write) error {
	if err := table.ValidateTransact(ws); err != nil {
		return err
	}
	for _, w := range ws {
		if err := table.ValidateIndexed(w.Item, d.defs); err != nil {
			return err
		}
	}
	if err := alive(ctx); err != nil {
		return err
	}
	run := context.WithoutCancel(ctx)
	t := &attempt{db: d, writes: ws, reasons: make([]table.Reason, len(ws)), stored: make([]table.Item, len(ws))}
	if err := d.writer.transaction(ctx, func() error { return t.run(run) }); err != nil {
		return err
	}
	if t.lost {
		table.Spend(ctx, 0, table.RefusedUnits(ws, t.reasons, t.stored))
		return &table.TransactError{Reasons: t.reasons, Current: t.current}
	}
	table.Spend(ctx, 0, 2*t.units)
	if t.changed {
		d.wake()
	}
	return nil
}

// attempt is one transaction under way.
type attempt struct {
	db      *DB
	writes  []table.Write
	reasons []table.Reason
	stored  []table.Item // of lost conditions: as stored, expired ones too
	current []table.Item // the same without expired ones
	lost    bool
	changed bool
	units   float64
}

// run decides every write before it stores any, so that a lost one leaves nothing to undo.
func (t *attempt) run(ctx context.Context) error {
	at := t.db.now()
	changes := make([]change, len(t.writes))
	t.current = make([]table.Item, len(t.writes))
	for i, w := range t.writes {
		c, lost, err := t.db.plan(ctx, w, at)
		if err != nil {
			return err
		}
		changes[i] = c
		if lost {
			t.lost = true
			t.reasons[i], t.stored[i], t.current[i] = table.ConditionLost, c.old, table.Live(c.old, at)
		}
	}
	if t.lost {
		return nil
	}
	for i, c := range changes {
		changed, err := t.db.writer.store(ctx, t.db.indexes, c, at)
		if err != nil {
			return err
		}
		t.changed = t.changed || changed
		if t.writes[i].Verb == table.VerbCheck {
			t.units += table.WriteUnits(c.old.Size())
		} else {
			t.units += table.ChangeUnits(c.old, c.new, t.db.defs)
		}
	}
	return nil
}

// ceil rounds a positive Number below 2^63 up to a whole one.
func ceil(n table.Number) int64 {
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		return 0
	}
	q, rest := new(big.Int).QuoRem(r.Num(), r.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		q.Add(q, big.NewInt(1))
	}
	return q.Int64()
}
