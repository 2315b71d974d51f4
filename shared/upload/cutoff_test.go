package upload_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob/blobtest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/tabletest"
	"github.com/assetry/assetry/shared/upload"
)

// spot is one call of the table or the bucket that something befalls.
type spot struct {
	on, method string
	nth        int // of this method within the action
}

func (c spot) String() string { return fmt.Sprintf("%s: %s %d", c.on, c.method, c.nth) }

// meet makes every call of the table and the bucket known to f, counted from now; what f gives befalls it: 0 nothing, 1 it is refused, 2 it does
// not get there, 3 its answer is lost.
func (w *world) meet(f func(spot) int) (end func()) {
	seen := map[string]int{}
	next := func(on, method string) int {
		w.mu.Lock()
		seen[on+method]++
		c := spot{on, method, seen[on+method]}
		w.mu.Unlock()
		return f(c)
	}
	w.fault = func(c blobtest.Call) blobtest.Fault { return blobtest.Fault(next("bucket", c.Method)) }
	w.table.Script(func(c tabletest.Call) tabletest.Fault { return tabletest.Fault(next("table", c.Verb)) })
	return func() {
		w.fault = nil
		w.table.Script(nil)
	}
}

// onePart is a size that takes one part.
const onePart = 200

// story is something that is done to an asset by parts, and how its client goes on when it was cut off.
type story struct {
	prepare func(t *testing.T, w *world) asset.Asset // before anything fails
	act     func(w *world, a asset.Asset) error
}

var stories = map[string]story{
	"begin": {
		func(*testing.T, *world) asset.Asset { return asset.Asset{} },
		func(w *world, _ asset.Asset) error {
			_, _, err := w.uploads.BeginParts(context.Background(), w.who, w.draft(), onePart, upload.MinPartSize)
			return err
		},
	},
	"re-issue of an upload whose time has passed": {
		func(t *testing.T, w *world) asset.Asset {
			a, _ := w.beginParts(t, onePart)
			w.clock.Advance(3 * time.Hour)
			return a
		},
		func(w *world, a asset.Asset) error {
			_, _, err := w.uploads.SignParts(context.Background(), w.who, a.ID, upload.PartsQuery{})
			return err
		},
	},
	"complete": {
		func(t *testing.T, w *world) asset.Asset {
			a, g := w.beginParts(t, onePart)
			w.sendParts(t, g, tall(7, onePart))
			return a
		},
		func(w *world, a asset.Asset) error {
			_, err := w.uploads.Complete(context.Background(), w.who, a.ID)
			return err
		},
	},
	"retry": {
		func(t *testing.T, w *world) asset.Asset {
			a, _ := w.beginParts(t, onePart)
			w.clock.Advance(3 * time.Hour)
			w.mustSweep(t)
			w.mustCleanUp(t)
			return a
		},
		func(w *world, a asset.Asset) error {
			_, _, err := w.uploads.Retry(context.Background(), w.who, a.ID, "")
			return err
		},
	},
	"delete": {
		func(t *testing.T, w *world) asset.Asset {
			a, g := w.beginParts(t, onePart)
			w.sendParts(t, g, tall(7, onePart))
			return a
		},
		func(w *world, a asset.Asset) error { return w.assets.Delete(context.Background(), w.who, a.ID) },
	},
}

// Whichever call of an action by parts fails, in whichever way: the client that goes on brings its file in, the client that does not leaves nothing.
func TestAnActionThatIsCutOffAnywhere(t *testing.T) {
	for name, s := range stories {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, drivers.SQLite(t))
			w.begin(t) // the hour's marker is there, as with a warm function
			a := s.prepare(t, w)
			var cuts []spot
			end := w.meet(func(c spot) int { cuts = append(cuts, c); return 0 })
			if err := s.act(w, a); err != nil {
				t.Fatal(err)
			}
			end()
			if len(cuts) < 2 {
				t.Fatalf("only %v were called", cuts)
			}
			for _, c := range cuts {
				for kind, what := range map[int]string{1: "refused", 2: "never got there", 3: "answer lost"} {
					for going, goOn := range map[string]func(*testing.T, *world){"goes on": finish, "gives up": abandon} {
						t.Run(fmt.Sprintf("%s %s, the client %s", c, what, going), func(t *testing.T) { s.cutAt(t, c, kind, goOn) })
					}
				}
			}
		})
	}
}

// cutAt tells a story with one fault.
func (s story) cutAt(t *testing.T, at spot, kind int, goOn func(*testing.T, *world)) {
	w := newWorld(t, drivers.SQLite(t))
	w.begin(t)
	w.sweptUntilNow(t)
	a := s.prepare(t, w)
	end := w.meet(func(c spot) int {
		if c == at {
			return kind
		}
		return 0
	})
	err := s.act(w, a)
	end()
	if err != nil && !fault.Is(err, fault.Throttled) && !fault.Is(err, fault.Unavailable) {
		t.Fatalf("the client was told %v", err)
	}
	goOn(t, w)
	w.mustCleanUp(t)
	for _, later := range []time.Duration{4 * time.Hour, 27 * time.Hour, 3 * time.Hour} { // grants end, then what is looked at once more, then all
		w.clock.Advance(later)
		w.mustSweep(t)
		w.mustCleanUp(t)
	}
	w.wantTidy(t)
}

// finish is a client that goes on with every asset that it finds in its workspace until it is ready.
func finish(t *testing.T, w *world) {
	ctx := context.Background()
	for _, a := range w.list(t) {
		if a.Via != asset.ViaParts {
			continue
		}
		if a.State == asset.Failed {
			if _, _, err := w.uploads.Retry(ctx, w.who, a.ID, ""); err != nil {
				t.Fatalf("retry: %v", err)
			}
			a = w.get(t, a.ID)
		}
		if a.State == asset.Pending {
			_, g, err := w.uploads.SignParts(ctx, w.who, a.ID, upload.PartsQuery{})
			if err != nil {
				t.Fatalf("sign: %v", err)
			}
			if ps, _, err := w.uploads.ListParts(ctx, w.who, a.ID, 0, 10); err == nil && len(ps) == 0 {
				w.sendParts(t, g, tall(7, onePart))
			}
		}
		done, err := w.uploads.Complete(ctx, w.who, a.ID)
		if err != nil || done.State != asset.Ready {
			t.Fatalf("complete = %s, %v", done.State, err)
		}
		w.deliverAll(t)
		w.wantOnly(t, w.get(t, a.ID), tall(7, onePart))
	}
}

// abandon is a client that is never seen again.
func abandon(t *testing.T, w *world) { w.deliverAll(t) }

// list is every asset of the workspace.
func (w *world) list(t *testing.T) []asset.Asset {
	t.Helper()
	pg, err := w.assets.List(context.Background(), w.who, asset.Query{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return pg.Assets
}

// wantTidy complains unless nothing is pending and no upload is open, and the bucket holds what ready assets name and nothing else.
func (w *world) wantTidy(t *testing.T) {
	t.Helper()
	named := map[string]bool{}
	for _, a := range w.list(t) {
		if a.State == asset.Pending {
			t.Errorf("asset %s is still pending", a.ID)
		}
		if a.State == asset.Ready {
			named[a.Source().Key()+a.Object] = true
		}
	}
	vs, err := w.direct.Versions(context.Background(), "w/", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vs {
		if !named[v.Key+v.Version] {
			t.Errorf("version %s of %s is nobody's", v.Version, v.Key)
		}
		delete(named, v.Key+v.Version)
	}
	us, err := w.direct.Uploads(context.Background(), "w/")
	if err != nil || len(named)+len(us) != 0 {
		t.Errorf("%v are missing, the uploads %v are open, %v", named, us, err)
	}
}
