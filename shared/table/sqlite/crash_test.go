package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
)

// envCrash names the file that a re-executed test binary writes until it is killed.
const envCrash = "ASSETRY_SQLITE_CRASH_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(envCrash); path != "" {
		writeUntilKilled(path)
	}
	os.Exit(m.Run())
}

// writeUntilKilled writes pairs of items in transactions and says the number of each one that was answered.
func writeUntilKilled(path string) {
	d, err := sqlite.Open(path, sqlite.Options{Indexes: []table.Index{byColor}})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	cs, _, err := d.Changes(context.Background(), "", 1<<30)
	for i := len(cs) / 2; err == nil; i++ {
		err = d.Transact(context.Background(), []table.Write{
			table.Put(red(fmt.Sprintf("%06d", i)), table.Absent()),
			table.Put(row(fmt.Sprintf("%06d", i), "b"), table.Absent()),
		})
		if err == nil {
			fmt.Println(i)
		}
	}
	fmt.Println(err)
	os.Exit(1)
}

func TestWritesThatWereAnsweredSurviveAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	answered := -1
	for round := range 5 {
		answered = killAfter(t, path, answered+20+13*round)
		d := start(t, path, sqlite.Options{Indexes: []table.Index{byColor}}, new(atomic.Int64))
		cs, _ := changes(t, d.DB, "")
		if len(cs)%2 != 0 || len(cs)/2 <= answered {
			t.Fatalf("%d changes after %d answered transactions of two", len(cs), answered+1)
		}
		for _, c := range cs {
			if got, err := d.Get(t.Context(), c.Key, table.Strong); err != nil || !table.EqualItems(got, c.New) {
				t.Fatalf("%s: %v, %v", c.Key, got, err)
			}
		}
		p, err := d.Query(t.Context(), table.Query{Index: byColor.Name, PK: "red", Limit: table.MaxQuery})
		if err != nil || len(p.Items) != len(cs)/2 {
			t.Fatalf("%d items in the index, want %d (%v)", len(p.Items), len(cs)/2, err)
		}
		d.Close()
	}
}

// killAfter lets a child write until it has answered number n, kills it, and gives the last number it answered.
func killAfter(t *testing.T, path string, n int) int {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), envCrash+"="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	last, lines := -1, bufio.NewScanner(out)
	for lines.Scan() {
		i, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatalf("the child says %q", lines.Text())
		}
		if last = i; i == n {
			child.Process.Kill() // what it still wrote into the pipe was answered too
		}
	}
	child.Wait()
	if last < n {
		t.Fatalf("the child stopped at %d, before %d", last, n)
	}
	return last
}
