package deployed

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/assetry/assetry/infra/bars"
)

// TestEveryProgramIsSmall holds the bars that a busy machine does not move. The event is of nothing, so that also a function which is allowed more for its
// work has no more than the others. `make bench` measures the rest.
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
			if most := bars.Of(f.Folder).Size; info.Size() > most {
				t.Errorf("the program has %d bytes, at most %d are wanted: `go list -deps ./functions/%s` says what it links", info.Size(), most, f.Folder)
			}
			r := w.host(t, f)
			if _, err := r.Init(t.Context(), f.Folder); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Invoke(t.Context(), f.Folder, []byte(`{}`)); err != nil {
				t.Logf("the event of nothing: %v", err) // what it is answered is told by other tests
			}
			if got := r.Stats(f.Folder).PeakResident; got > bars.Memory {
				t.Errorf("the process had %d bytes resident, at most %d are wanted", got, bars.Memory)
			}
		})
	}
}
