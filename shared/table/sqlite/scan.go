package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/assetry/assetry/shared/table"
)

// scan collects want live items from rows in order. It pays as DynamoDB would: a request evaluates as many items as are still
// wanted, expired ones among them, ends early after a megabyte, and is rounded up as a whole.
type scan struct {
	ctx   context.Context
	now   time.Time
	want  int
	price table.Consistency
	found []table.Item
}

// read drains rows until enough was found, and closes them.
func (s *scan) read(rows *sql.Rows) error {
	defer rows.Close()
	s.found = make([]table.Item, 0, min(s.want, 64))
	asked, seen, size := s.want, 0, 0
	for len(s.found) < s.want && rows.Next() {
		if seen == asked || size > pageBytes {
			table.Spend(s.ctx, table.ReadUnits(size, s.price), 0)
			asked, seen, size = s.want-len(s.found), 0, 0
			if err := alive(s.ctx); err != nil {
				return err
			}
		}
		var raw sql.RawBytes
		if err := rows.Scan(&raw); err != nil {
			return err
		}
		it, err := decode(raw)
		if err != nil {
			return err
		}
		seen++
		size += it.Size()
		if !it.Expired(s.now) {
			s.found = append(s.found, it)
		}
	}
	table.Spend(s.ctx, table.ReadUnits(size, s.price), 0)
	return rows.Err()
}
