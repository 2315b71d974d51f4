package folder_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
)

func TestResolve(t *testing.T) {
	h := newHouse(t)
	trips := h.mustCreate(t, "Trips")
	for _, tt := range []struct {
		name, ref   string
		who         access.Principal
		read, write float64
	}{
		{"an id is one read", trips.ID.String(), h.editor, 1, 0},
		{"a name is one read", "Trips", h.editor, 1, 0},
		{"a name in other case is the same folder", "tRIPS", h.editor, 1, 0},
		{"a viewer may refer to a folder that is there", "Trips", h.viewer, 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			read, write, _ := domaintest.Spent(t, func(ctx context.Context) {
				f, err := h.Resolve(ctx, tt.who, h.w, tt.ref)
				if err != nil || f != trips.ID {
					t.Errorf("Resolve(%q) = %v, %v, want %v", tt.ref, f, err, trips.ID)
				}
			})
			if read != tt.read || write != tt.write {
				t.Errorf("cost %v read and %v write units, want %v and %v", read, write, tt.read, tt.write)
			}
		})
	}
}

func TestResolveCreatesANameThatIsNotThere(t *testing.T) {
	h := newHouse(t)
	f, err := h.Resolve(t.Context(), h.editor, h.w, "Neu")
	if err != nil {
		t.Fatalf("Resolve: %v", err)
	}
	again, err := h.Resolve(t.Context(), h.editor, h.w, "NEU")
	if err != nil || again != f {
		t.Errorf("Resolve again = %v, %v, want %v", again, err, f)
	}
	if n := h.rows(t, "folder#"); n != 1 {
		t.Errorf("%d folders, want 1", n)
	}
}

func TestResolveRefuses(t *testing.T) {
	h := newHouse(t)
	mine := h.mustCreate(t, "mine")
	gone := h.mustCreate(t, "gone")
	if err := h.Delete(t.Context(), h.editor, h.w, gone.ID, false); err != nil {
		t.Fatal(err)
	}
	theirs := id.NewFolder(id.NewWorkspace(time.Now()), time.Now())
	for _, tt := range []struct {
		name, ref string
		who       access.Principal
		want      fault.Kind
	}{
		{"an unknown id", id.NewFolder(h.w, time.Now()).String(), h.editor, fault.Invalid},
		{"a deleted folder's id", gone.ID.String(), h.editor, fault.Invalid},
		{"an id of another workspace", theirs.String(), h.editor, fault.Invalid},
		{"an id that does not parse", "fld_1", h.editor, fault.Invalid},
		{"nothing", "", h.editor, fault.Invalid},
		{"256 characters", strings.Repeat("x", 256), h.editor, fault.Invalid},
		{"a control character", "a\x7fb", h.editor, fault.Invalid},
		{"a new name from a viewer", "new", h.viewer, fault.Forbidden},
		{"a stranger", mine.ID.String(), h.stranger, fault.NotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, write, _ := domaintest.Spent(t, func(ctx context.Context) {
				_, err := h.Resolve(ctx, tt.who, h.w, tt.ref)
				domaintest.WantKind(t, "Resolve", err, tt.want)
				if f, ok := err.(*fault.Error); ok && tt.want == fault.Invalid && f.Fields[0].Name != "folder" {
					t.Errorf("field = %q, want folder", f.Fields[0].Name)
				}
			})
			if write != 0 {
				t.Errorf("a refused Resolve wrote %v units, want nothing", write)
			}
		})
	}
}

func TestResolveOfOneNameAtOnceGivesAllTheSameFolder(t *testing.T) {
	h := newHouse(t)
	var mu sync.Mutex
	got := map[id.Folder]int{}
	domaintest.Together(16, func(i int) {
		f, err := h.Resolve(t.Context(), h.editor, h.w, []string{"Race", "RACE"}[i%2])
		if err != nil {
			t.Errorf("Resolve: %v", err)
		}
		mu.Lock()
		defer mu.Unlock()
		got[f]++
	})
	if len(got) != 1 || h.rows(t, "folder#") != 1 || h.rows(t, "foldername#") != 1 {
		t.Errorf("folders given: %v, rows: %d, want one folder", got, h.rows(t, "folder#"))
	}
}
