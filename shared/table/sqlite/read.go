package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"sync"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/table"
)

// pageBytes is where DynamoDB ends the answer to one request; queries are priced as if this store did too.
const pageBytes = 1 << 20

// readStatements are prepared once; the pool keeps them per connection.
type readStatements struct {
	get, changes                         *sql.Stmt
	ascend, descend, ixAscend, ixDescend *sql.Stmt
}

func (r *readStatements) prepare(ctx context.Context, db *sql.DB) (err error) {
	for _, p := range []struct {
		stmt **sql.Stmt
		text string
	}{
		{&r.get, sqlGet}, {&r.changes, sqlChanges}, {&r.ascend, sqlAscend}, {&r.descend, sqlDescend},
		{&r.ixAscend, sqlIxAscend}, {&r.ixDescend, sqlIxDescend},
	} {
		if *p.stmt, err = db.PrepareContext(ctx, p.text); err != nil {
			return fmt.Errorf("prepare %q: %w", p.text, err)
		}
	}
	return nil
}

// Get reads one item, see table.Table. Eventual only costs less here.
func (d *DB) Get(ctx context.Context, k table.Key, c table.Consistency) (table.Item, error) {
	if err := table.ValidateKey(k); err != nil {
		return nil, err
	}
	if err := alive(ctx); err != nil {
		return nil, err
	}
	it, _, err := load(context.WithoutCancel(ctx), d.read.get, k)
	if err != nil {
		return nil, err
	}
	table.Spend(ctx, table.ReadUnits(it.Size(), c), 0)
	if it = table.Live(it, d.now()); it == nil {
		return nil, table.ErrNotFound
	}
	return it, nil
}

// BatchGet reads several items, see table.Table.
func (d *DB) BatchGet(ctx context.Context, ks []table.Key, c table.Consistency) ([]table.Item, error) {
	if err := table.ValidateKeys(ks); err != nil {
		return nil, err
	}
	if err := alive(ctx); err != nil {
		return nil, err
	}
	if len(ks) == 0 {
		return nil, nil
	}
	out := make([]table.Item, len(ks))
	units := 0.0
	for i, k := range ks {
		it, _, err := load(context.WithoutCancel(ctx), d.read.get, k)
		if err != nil {
			return nil, err
		}
		units += table.ReadUnits(it.Size(), c)
		out[i] = table.Live(it, d.now())
	}
	table.Spend(ctx, units, 0)
	return out, nil
}

// Query reads one page of a range, see table.Table.
func (d *DB) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if err := table.ValidateQuery(q); err != nil {
		return table.Page{}, err
	}
	ix, err := d.index(q.Index)
	if err != nil {
		return table.Page{}, err
	}
	if err := alive(ctx); err != nil {
		return table.Page{}, err
	}
	if q.Empty() {
		return table.Page{}, nil
	}
	s := &scan{ctx: ctx, now: d.now(), want: q.Limit + 1, price: table.Strong}
	if q.Eventual || ix != nil {
		s.price = table.Eventual
	}
	if ix != nil && d.lazy != nil {
		err = d.lazy.query(s, *ix, q)
	} else {
		err = d.query(s, ix, q)
	}
	if err != nil {
		return table.Page{}, classify(err)
	}
	return page(q, ix, s.found), nil
}

// index finds a declared index; nil for the table itself.
func (d *DB) index(name string) (*storedIndex, error) {
	if name == "" {
		return nil, nil
	}
	for i := range d.indexes {
		if d.indexes[i].Name == name {
			return &d.indexes[i], nil
		}
	}
	return nil, fault.BadField("index", "the table has no index %q", name)
}

func (d *DB) query(s *scan, ix *storedIndex, q table.Query) error {
	stmt, args := d.read.ascend, rangeArgs(q)
	switch {
	case ix != nil && q.Descending:
		stmt, args = d.read.ixDescend, indexArgs(*ix, q)
	case ix != nil:
		stmt, args = d.read.ixAscend, indexArgs(*ix, q)
	case q.Descending:
		stmt = d.read.descend
	}
	rows, err := stmt.QueryContext(context.WithoutCancel(s.ctx), args...)
	if err != nil {
		return err
	}
	return s.read(rows)
}

// rangeArgs are the ends of a range of the table. Going on after a key means from its successor, the key with a zero byte more.
func rangeArgs(q table.Query) []any {
	from, to := q.From, q.To
	if to == "" {
		to = maxRange
	}
	if q.After != nil && q.Descending {
		to = q.After.Key.SK
	} else if q.After != nil {
		from = q.After.Key.SK + "\x00"
	}
	return []any{[]byte(q.PK), []byte(from), []byte(to)}
}

// indexArgs are the ends of a range of an index, both exclusive. No entry has an empty key, so (From, "", "") lies before all
// entries of From and (To, "", "") before all of To.
func indexArgs(ix storedIndex, q table.Query) []any {
	low, high := [3]string{q.From}, [3]string{q.To}
	if q.To == "" {
		high[0] = maxRange
	}
	if q.After != nil {
		at := [3]string{q.After.IndexSK, q.After.Key.PK, q.After.Key.SK}
		if q.Descending {
			high = at
		} else {
			low = at
		}
	}
	args := []any{ix.id, []byte(q.PK)}
	for _, s := range append(low[:], high[:]...) {
		args = append(args, []byte(s))
	}
	return args
}

// page cuts the item read ahead off and names the place to go on from.
func page(q table.Query, ix *storedIndex, found []table.Item) table.Page {
	if len(found) <= q.Limit {
		return table.Page{Items: found}
	}
	items := found[:q.Limit:q.Limit]
	last := items[q.Limit-1]
	next := &table.Pos{Key: last.Key()}
	if ix != nil {
		next.IndexSK = last.Str(ix.SK)
	}
	return table.Page{Items: items, Next: next}
}

// snapshot is the table as it was when the indexes were last settled: a read transaction that is kept open.
type snapshot struct {
	mu   sync.Mutex
	conn *sql.Conn
}

func (v *snapshot) close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.conn == nil {
		return nil
	}
	_, err := v.conn.ExecContext(context.Background(), `ROLLBACK`)
	v.conn.Close()
	v.conn = nil
	return err
}

// settle lets go of the old snapshot and takes a new one.
func (v *snapshot) settle(ctx context.Context, db *sql.DB) error {
	if err := v.close(); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, `BEGIN`); err != nil {
		return err
	}
	var n int
	if err := conn.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM entries LIMIT 1)`).Scan(&n); err != nil {
		return err // BEGIN alone takes no snapshot, the first read does
	}
	v.conn = conn
	return nil
}

func (v *snapshot) query(s *scan, ix storedIndex, q table.Query) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	text := sqlIxAscend
	if q.Descending {
		text = sqlIxDescend
	}
	rows, err := v.conn.QueryContext(context.WithoutCancel(s.ctx), text, indexArgs(ix, q)...)
	if err != nil {
		return err
	}
	return s.read(rows)
}

// SettleIndexes makes index queries show every write committed so far. Without Options.LazyIndexes they always do.
func (d *DB) SettleIndexes(ctx context.Context) error {
	if d.lazy == nil {
		return nil
	}
	return d.lazy.settle(ctx, d.reads)
}
