package sqlite

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryStatementUsesAnIndex reads SQLite's own plan of every statement that reads or deletes.
func TestEveryStatementUsesAnIndex(t *testing.T) {
	d, err := Open(filepath.Join(t.TempDir(), "plan.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for name, text := range map[string]string{
		"get": sqlGet, "delete": sqlDelete, "leave an index": sqlLeave, "overdue items": sqlOverdue, "changes": sqlChanges,
		"range upwards": sqlAscend, "range downwards": sqlDescend, "index upwards": sqlIxAscend, "index downwards": sqlIxDescend,
	} {
		t.Run(name, func(t *testing.T) {
			args := make([]any, strings.Count(text, "?"))
			rows, err := d.reads.QueryContext(context.Background(), "EXPLAIN QUERY PLAN "+text, args...)
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			steps := 0
			for rows.Next() {
				var id, parent, unused int
				var step string
				if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
					t.Fatal(err)
				}
				steps++
				if !strings.HasPrefix(step, "SEARCH ") || !strings.Contains(step, " USING ") {
					t.Errorf("step %q is no search by an index", step)
				}
				if strings.Contains(step, " e ") && !strings.Contains(step, "ix=? AND ipk=? AND isk>? AND isk<?") && !strings.Contains(step, "(isk,pk,sk)") {
					t.Errorf("step %q does not end with the range", step)
				}
			}
			if steps == 0 {
				t.Error("no plan")
			}
		})
	}
}
