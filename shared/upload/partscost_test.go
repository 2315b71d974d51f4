package upload_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/upload"
)

// spent is what an action cost: units and requests of the table, and requests of the bucket by operation.
type spent struct {
	Read, Write float64
	Requests    int
	Bucket      map[string]int
}

// cost measures an action.
func cost(t *testing.T, act func(ctx context.Context) error) spent {
	t.Helper()
	ctx, units := table.WithMeter(context.Background())
	ctx, calls := blob.WithMeter(ctx)
	if err := act(ctx); err != nil {
		t.Fatal(err)
	}
	read, write, requests := units.Spent()
	return spent{read, write, requests, calls.ByOperation()}
}

// What an upload by parts costs a warm function, beside the parts themselves, which the client sends.
func TestCostOfAnUploadByParts(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		w.begin(t) // fills the caches of a warm function: workspace, hour's marker
		var a asset.Asset
		var g upload.PartsGrant
		want := func(what string, want, got spent) {
			t.Helper()
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s (-want +got):\n%s", what, d)
			}
		}
		d := w.draft()
		body := tall(1, twoParts)
		d.Checksum = blob.CRC64NVME.Of(body)
		want("begin: row, upload, its id", spent{0, 2, 2, map[string]int{"CreateMultipartUpload": 1}}, cost(t, func(ctx context.Context) (err error) {
			a, g, err = w.uploads.BeginParts(ctx, w.who, d, twoParts, upload.MinPartSize)
			return err
		}))
		sign := func(ctx context.Context) error {
			_, _, err := w.uploads.SignParts(ctx, w.who, a.ID, upload.PartsQuery{})
			return err
		}
		want("another page within a minute: the row is read", spent{1, 0, 1, map[string]int{}}, cost(t, sign))
		w.clock.Advance(10 * time.Minute)
		w.get(t, a.ID) // fills the cache of workspaces again
		want("re-issue later: the sweeper's marker, and the row", spent{1, 2, 3, map[string]int{}}, cost(t, sign))
		w.sendParts(t, g, body)
		want("list", spent{1, 0, 1, map[string]int{"ListParts": 1}}, cost(t, func(ctx context.Context) error {
			_, _, err := w.uploads.ListParts(ctx, w.who, a.ID, 0, 1000)
			return err
		}))
		complete := func(ctx context.Context) error {
			_, err := w.uploads.Complete(ctx, w.who, a.ID)
			return err
		}
		want("complete: list, join, look at the checksum, two ranges, settle",
			spent{1, 1, 2, map[string]int{"ListParts": 1, "CompleteMultipartUpload": 1, "HeadObject": 1, "GetObject": 2}}, cost(t, complete))
		want("complete again: the row is read", spent{1, 0, 1, map[string]int{}}, cost(t, complete))
		e, _ := w.take(0)
		src, _ := schema.ParseSource(e.Key)
		late := cost(t, func(ctx context.Context) error { return w.uploads.Arrived(ctx, src, e.Version) })
		want("the late event: one write that loses", spent{0, 1, 1, map[string]int{"GetObject": 2, "HeadObject": 1}}, late)
	})
}

func TestCostOfListingTenThousandParts(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	w.begin(t)
	a, _, err := w.uploads.BeginParts(context.Background(), w.who, w.draft(), upload.MaxSize, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := cost(t, func(ctx context.Context) error {
		if _, err := w.uploads.Complete(ctx, w.who, a.ID); err == nil {
			t.Error("an upload without parts was completed")
		}
		return nil
	})
	if d := cmp.Diff(spent{1, 0, 1, map[string]int{"ListParts": 10}}, got); d != "" {
		t.Errorf("complete with 10,000 parts missing (-want +got):\n%s", d)
	}
}
