package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
)

// SQLite removes its log when the last connection to a file is closed.
func TestCloseLeavesOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	db, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	it := table.Item{table.AttrPK: table.String("p"), table.AttrSK: table.String("s")}
	if _, err := db.Write(t.Context(), table.Put(it, table.Absent())); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Get(t.Context(), it.Key(), table.Strong); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !os.IsNotExist(err) {
		t.Errorf("after Close the log is still there (%v): a connection was left open", err)
	}
}
