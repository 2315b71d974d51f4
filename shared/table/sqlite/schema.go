package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/assetry/assetry/shared/table"
)

// layout is the file's tables. Keys are BLOBs, so they compare byte by byte. "expires" repeats the attribute of that name,
// rounded up to a whole second, for the sweep alone.
const layout = `
CREATE TABLE IF NOT EXISTS items (
	pk BLOB NOT NULL, sk BLOB NOT NULL, expires INTEGER, data BLOB NOT NULL,
	PRIMARY KEY (pk, sk)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS items_expires ON items (expires) WHERE expires IS NOT NULL;
CREATE TABLE IF NOT EXISTS indexes (
	id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, pk TEXT NOT NULL, sk TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS entries (
	ix INTEGER NOT NULL, ipk BLOB NOT NULL, isk BLOB NOT NULL, pk BLOB NOT NULL, sk BLOB NOT NULL,
	PRIMARY KEY (ix, ipk, isk, pk, sk)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS changes (
	seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL,
	pk BLOB NOT NULL, sk BLOB NOT NULL, old BLOB, new BLOB, expired INTEGER NOT NULL
);`

const (
	sqlGet       = `SELECT data FROM items WHERE pk = ? AND sk = ?`
	sqlPut       = `INSERT OR REPLACE INTO items (pk, sk, expires, data) VALUES (?, ?, ?, ?)`
	sqlDelete    = `DELETE FROM items WHERE pk = ? AND sk = ?`
	sqlEnter     = `INSERT OR REPLACE INTO entries (ix, ipk, isk, pk, sk) VALUES (?, ?, ?, ?, ?)`
	sqlLeave     = `DELETE FROM entries WHERE ix = ? AND ipk = ? AND isk = ? AND pk = ? AND sk = ?`
	sqlRecord    = `INSERT INTO changes (at, pk, sk, old, new, expired) VALUES (?, ?, ?, ?, ?, ?)`
	sqlOverdue   = `SELECT pk, sk FROM items WHERE expires <= ? ORDER BY expires LIMIT ?`
	sqlForget    = `DELETE FROM changes WHERE seq IN (SELECT seq FROM changes ORDER BY seq LIMIT ?) AND at < ?`
	sqlChanges   = `SELECT seq, at, pk, sk, old, new, expired FROM changes WHERE seq > ? ORDER BY seq LIMIT ?`
	sqlAscend    = `SELECT data FROM items WHERE pk = ? AND sk >= ? AND sk < ? ORDER BY sk`
	sqlDescend   = sqlAscend + ` DESC`
	sqlIxAscend  = sqlIxRange + ` ORDER BY e.isk, e.pk, e.sk`
	sqlIxDescend = sqlIxRange + ` ORDER BY e.isk DESC, e.pk DESC, e.sk DESC`
	sqlIxRange   = `SELECT i.data FROM entries e CROSS JOIN items i ON i.pk = e.pk AND i.sk = e.sk
WHERE e.ix = ? AND e.ipk = ? AND (e.isk, e.pk, e.sk) > (?, ?, ?) AND (e.isk, e.pk, e.sk) < (?, ?, ?)`
)

// reconcile makes the entries fit the indexes asked for: those of indexes no longer there, or of other attributes, are removed,
// and new indexes are filled from all items, in one transaction.
func (w *writer) reconcile(ctx context.Context, want []table.Index) ([]storedIndex, error) {
	var out []storedIndex
	err := w.transaction(ctx, func() error {
		have, err := w.storedIndexes(ctx)
		if err != nil {
			return err
		}
		for _, ix := range have {
			if slices.Contains(want, ix.Index) {
				out = append(out, ix)
			} else if err := w.dropIndex(ctx, ix); err != nil {
				return err
			}
		}
		var fresh []storedIndex
		for _, ix := range want {
			if slices.ContainsFunc(out, func(s storedIndex) bool { return s.Index == ix }) {
				continue
			}
			s, err := w.addIndex(ctx, ix)
			if err != nil {
				return err
			}
			fresh = append(fresh, s)
		}
		out = append(out, fresh...)
		return w.fill(ctx, fresh)
	})
	return out, err
}

func (w *writer) storedIndexes(ctx context.Context) ([]storedIndex, error) {
	rows, err := w.conn.QueryContext(ctx, `SELECT id, name, pk, sk FROM indexes ORDER BY id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []storedIndex
	for rows.Next() {
		var s storedIndex
		if err := rows.Scan(&s.id, &s.Name, &s.PK, &s.SK); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

func (w *writer) dropIndex(ctx context.Context, ix storedIndex) error {
	if _, err := w.conn.ExecContext(ctx, `DELETE FROM entries WHERE ix = ?`, ix.id); err != nil {
		return err
	}
	_, err := w.conn.ExecContext(ctx, `DELETE FROM indexes WHERE id = ?`, ix.id)
	return err
}

func (w *writer) addIndex(ctx context.Context, ix table.Index) (storedIndex, error) {
	if len(ix.Name) < 3 || ix.PK == "" || ix.SK == "" {
		return storedIndex{}, fmt.Errorf("index %+v: its name needs 3 characters and both attributes a name", ix)
	}
	res, err := w.conn.ExecContext(ctx, `INSERT INTO indexes (name, pk, sk) VALUES (?, ?, ?)`, ix.Name, ix.PK, ix.SK)
	if err != nil {
		return storedIndex{}, err
	}
	id, err := res.LastInsertId()
	return storedIndex{ix, id}, err
}

// fill enters every item into the new indexes.
func (w *writer) fill(ctx context.Context, fresh []storedIndex) error {
	if len(fresh) == 0 {
		return nil
	}
	rows, err := w.conn.QueryContext(ctx, `SELECT data FROM items`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var raw sql.RawBytes
		if err := rows.Scan(&raw); err != nil {
			return err
		}
		it, err := decode(raw)
		if err != nil {
			return err
		}
		if err := w.moveEntries(ctx, fresh, it.Key(), nil, it); err != nil {
			return err
		}
	}
	return rows.Err()
}
