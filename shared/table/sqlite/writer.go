package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/table"
)

// writer is the one connection that writes, with its prepared statements. turn holds a token while nobody writes.
type writer struct {
	db   *sql.DB
	conn *sql.Conn
	turn chan struct{}

	closed chan struct{} // closed with the table; nobody gets the turn from then on

	begin, commit, rollback *sql.Stmt
	get, put, remove        *sql.Stmt
	enter, leave, record    *sql.Stmt
	overdue, forget         *sql.Stmt
}

var errClosed = errors.New("the table is closed")

func openWriter(ctx context.Context, path string) (*writer, error) {
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return nil, err
	}
	w := &writer{db: db, turn: make(chan struct{}, 1), closed: make(chan struct{})}
	w.turn <- struct{}{}
	if err := w.start(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return w, nil
}

func (w *writer) start(ctx context.Context) (err error) {
	if w.conn, err = w.db.Conn(ctx); err != nil {
		return err
	}
	if _, err = w.conn.ExecContext(ctx, layout); err != nil {
		return err
	}
	for _, p := range w.statements() {
		if *p.stmt, err = w.conn.PrepareContext(ctx, p.text); err != nil {
			return fmt.Errorf("prepare %q: %w", p.text, err)
		}
	}
	return nil
}

// statement is one of the writer's, and its text.
type statement struct {
	stmt **sql.Stmt
	text string
}

func (w *writer) statements() []statement {
	return []statement{
		{&w.begin, `BEGIN IMMEDIATE`}, {&w.commit, `COMMIT`}, {&w.rollback, `ROLLBACK`},
		{&w.get, sqlGet}, {&w.put, sqlPut}, {&w.remove, sqlDelete},
		{&w.enter, sqlEnter}, {&w.leave, sqlLeave}, {&w.record, sqlRecord},
		{&w.overdue, sqlOverdue}, {&w.forget, sqlForget},
	}
}

// close lets the write under way finish. The statements go first: while one of them is open, the file is.
func (w *writer) close() error {
	<-w.turn
	close(w.closed)
	var errs []error
	for _, p := range w.statements() {
		if *p.stmt != nil {
			errs = append(errs, (*p.stmt).Close())
		}
	}
	return errors.Join(append(errs, w.conn.Close(), w.db.Close())...)
}

// transaction runs f alone between BEGIN and COMMIT; its error rolls everything back. Only waiting for the turn heeds ctx:
// once begun, a write is not torn by a client that leaves.
func (w *writer) transaction(ctx context.Context, f func() error) (err error) {
	select {
	case <-w.turn:
	case <-w.closed:
		return errClosed
	case <-ctx.Done():
		return fault.Wrap(ctx.Err(), fault.Unavailable, "the request ended before its turn to write came; nothing was written")
	}
	defer func() { w.turn <- struct{}{} }()
	if _, err := w.begin.Exec(); err != nil {
		return classify(err)
	}
	done := false
	defer func() {
		if !done { // also when f panics
			_, rollbackErr := w.rollback.Exec()
			err = errors.Join(err, rollbackErr)
		}
	}()
	if err := f(); err != nil {
		return classify(err)
	}
	if _, err := w.commit.Exec(); err != nil {
		return classify(err)
	}
	done = true
	return nil
}

// load reads the stored item (an expired one too) and its encoding; nil when there is none.
func (w *writer) load(ctx context.Context, k table.Key) (table.Item, []byte, error) {
	return load(ctx, w.get, k)
}

func load(ctx context.Context, get *sql.Stmt, k table.Key) (table.Item, []byte, error) {
	var data []byte
	err := get.QueryRowContext(ctx, []byte(k.PK), []byte(k.SK)).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, classify(err)
	}
	it, err := decode(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", k, err)
	}
	return it, data, nil
}

// change is what one write does to one stored item.
type change struct {
	key              table.Key
	old, new         table.Item // nil: absent
	oldData, newData []byte
	expired          bool // a removal by the sweep
}

// store carries out a change: the item, its index entries and the feed's record. It says whether anything changed.
func (w *writer) store(ctx context.Context, indexes []storedIndex, c change, at time.Time) (bool, error) {
	if bytes.Equal(c.oldData, c.newData) {
		return false, nil
	}
	pk, sk := []byte(c.key.PK), []byte(c.key.SK)
	var err error
	if c.new == nil {
		_, err = w.remove.ExecContext(ctx, pk, sk)
	} else {
		_, err = w.put.ExecContext(ctx, pk, sk, expirySecond(c.new), c.newData)
	}
	if err != nil {
		return false, err
	}
	if err := w.moveEntries(ctx, indexes, c.key, c.old, c.new); err != nil {
		return false, err
	}
	_, err = w.record.ExecContext(ctx, at.UnixMilli(), pk, sk, nullable(c.oldData), nullable(c.newData), c.expired)
	return true, err
}

// moveEntries brings the index entries of one item from its old image to its new one.
func (w *writer) moveEntries(ctx context.Context, indexes []storedIndex, k table.Key, old, new table.Item) error {
	for _, ix := range indexes {
		was, wasIn := ix.KeyOf(old)
		is, isIn := ix.KeyOf(new)
		if wasIn == isIn && was == is {
			continue
		}
		if wasIn {
			if _, err := w.leave.ExecContext(ctx, ix.id, []byte(was.PK), []byte(was.SK), []byte(k.PK), []byte(k.SK)); err != nil {
				return err
			}
		}
		if isIn {
			if _, err := w.enter.ExecContext(ctx, ix.id, []byte(is.PK), []byte(is.SK), []byte(k.PK), []byte(k.SK)); err != nil {
				return err
			}
		}
	}
	return nil
}

// nullable keeps an absent image NULL.
func nullable(data []byte) any {
	if data == nil {
		return nil
	}
	return data
}

// expirySecond is the first whole second at which the item is expired, nil if it never is.
func expirySecond(it table.Item) any {
	n, ok := it[table.AttrExpires].(table.Number)
	if !ok {
		return nil
	}
	if n.Cmp(table.Int(math.MaxInt64)) >= 0 {
		return nil // after every clock
	}
	if n.Cmp(table.Int(0)) <= 0 {
		return int64(0)
	}
	return ceil(n)
}
