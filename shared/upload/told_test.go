package upload_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/tabletest"
	"github.com/assetry/assetry/shared/upload"
)

// What is told is what was written: once for each attempt, whoever comes again.
func TestEachAttemptIsToldOfOnce(t *testing.T) {
	ctx := t.Context()
	for _, tt := range []struct {
		name string
		live func(t *testing.T, w *world)
		want []string
	}{
		{"announced", func(t *testing.T, w *world) { w.begin(t) }, []string{"begun 1"}},
		{"refused", func(t *testing.T, w *world) {
			if _, _, err := w.uploads.Begin(ctx, w.who, upload.Draft{Workspace: w.ws.ID, Declared: "text/html"}); err == nil {
				t.Error("a page of HTML was taken")
			}
		}, nil},
		{"ready by its event, which comes again, and by complete", func(t *testing.T, w *world) {
			a, g := w.begin(t)
			w.mustSend(t, g, picture(1))
			w.clock.Advance(3 * time.Second)
			for range 2 {
				if err := w.uploads.Arrived(ctx, a.Source(), ""); err != nil {
					t.Fatal(err)
				}
				if _, err := w.uploads.Complete(ctx, w.who, a.ID); err != nil {
					t.Fatal(err)
				}
			}
			if w.took < 3*time.Second || w.took > 13*time.Second {
				t.Errorf("it took %v from its announcement, want a little over 3 s", w.took)
			}
		}, []string{"begun 1", "ready 1"}},
		{"sent in the request", func(t *testing.T, w *world) {
			if _, err := w.uploads.Direct(ctx, w.who, upload.Draft{Workspace: w.ws.ID, Declared: "image/png"}, picture(1)); err != nil {
				t.Fatal(err)
			}
		}, []string{"begun 1", "ready 1"}},
		{"rejected, and retried", func(t *testing.T, w *world) {
			a, g := w.begin(t)
			w.mustSend(t, g, []byte("<html>no picture</html>"))
			if got, err := w.uploads.Complete(ctx, w.who, a.ID); err != nil || got.State != asset.Failed {
				t.Fatalf("complete = %s, %v", got.State, err)
			}
			if _, _, err := w.uploads.Retry(ctx, w.who, a.ID, ""); err != nil {
				t.Fatal(err)
			}
		}, []string{"begun 1", "begun 2"}},
		{"an announcement that the table did not take", func(t *testing.T, w *world) {
			w.table.FailNth(tabletest.VerbPut, 2, tabletest.LoseCall) // the first is the marker that leads the sweeper
			if _, _, err := w.uploads.Begin(ctx, w.who, upload.Draft{Workspace: w.ws.ID}); err == nil {
				t.Error("a table that is away took an announcement")
			}
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, drivers.SQLite(t))
			tt.live(t, w)
			if diff := cmp.Diff(tt.want, w.heard); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}
