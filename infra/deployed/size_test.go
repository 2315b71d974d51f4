package deployed

import (
	"os"
	"path/filepath"
	"testing"
)

// The bars for a function that a busy machine does not move: shared/DESIGN.md, "Numbers to hold". `make bench` measures the others.
const (
	maxSize    = 12 << 20   // bytes of a program
	maxGraphQL = 15 << 20   // bytes of a program that executes GraphQL
	maxMemory  = 30_000_000 // bytes that a process has at most, resident
)

func TestEveryProgramIsSmall(t *testing.T) {
	w := newWorld(t)
	dir, err := built()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range deployed(t) {
		t.Run(f.Folder, func(t *testing.T) {
			t.Parallel()
			info, err := os.Stat(filepath.Join(dir, f.Folder))
			if err != nil {
				t.Fatal(err)
			}
			if most := maxSizeOf(f.Folder); info.Size() > most {
				t.Errorf("the program has %d bytes, at most %d are wanted: `go list -deps ./functions/%s` says what it links", info.Size(), most, f.Folder)
			}
			r := w.host(t, f)
			if _, err := r.Init(t.Context(), f.Folder); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Invoke(t.Context(), f.Folder, []byte(`{}`)); err != nil {
				t.Logf("the event of nothing: %v", err) // what it is answered is told by other tests
			}
			if got := r.Stats(f.Folder).PeakResident; got > maxMemory {
				t.Errorf("the process had %d bytes resident, at most %d are wanted", got, maxMemory)
			}
		})
	}
}

// maxSizeOf is how large a function's program may be, in bytes.
func maxSizeOf(folder string) int64 {
	if folder == "orders-graphql" { // the one that links an executor of GraphQL
		return maxGraphQL
	}
	return maxSize
}
