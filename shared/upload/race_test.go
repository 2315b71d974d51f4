package upload_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob/blobtest"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/tabletest"
	"github.com/assetry/assetry/shared/upload"
)

func TestEventAndCompleteTogetherSettleOnce(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		ctx := context.Background()
		w := newWorld(t, open(t))
		a, g := w.begin(t)
		w.mustSend(t, g, picture(1))
		e, _ := w.take(0)
		answers := make([]asset.Asset, 8)
		var wg sync.WaitGroup
		for i := range answers {
			wg.Go(func() {
				if err := w.deliver(e); err != nil {
					t.Errorf("event: %v", err)
				}
				var err error
				if answers[i], err = w.uploads.Complete(ctx, w.who, a.ID); err != nil {
					t.Errorf("complete: %v", err)
				}
			})
		}
		wg.Wait()
		for _, got := range answers {
			if d := cmp.Diff(w.get(t, a.ID), got); d != "" {
				t.Errorf("answers differ (-row +answer):\n%s", d)
			}
		}
		if answers[0].Version != 2 {
			t.Errorf("the row was written %d times after it was announced, want once", answers[0].Version-1)
		}
	})
}

func TestLostAnswersLoseNothing(t *testing.T) {
	ctx := context.Background()
	t.Run("the settling write is done but its answer is lost: the event is delivered again and finds it done", func(t *testing.T) {
		w := newWorld(t, drivers.SQLite(t))
		a, g := w.begin(t)
		w.mustSend(t, g, picture(1))
		e, _ := w.take(0)
		w.table.FailNth(tabletest.VerbUpdate, 1, tabletest.LoseAnswer)
		domaintest.WantKind(t, "event", w.deliver(e), fault.Unavailable)
		if err := w.deliver(e); err != nil {
			t.Fatal(err)
		}
		got := w.get(t, a.ID)
		w.wantOnly(t, got, picture(1))
	})
	t.Run("direct bytes are stored but the answer is lost: the create still answers ready", func(t *testing.T) {
		w := newWorld(t, drivers.SQLite(t))
		w.fault = blobtest.Nth("Put", 1, blobtest.Lost)
		got, err := w.uploads.Direct(ctx, w.who, upload.Draft{Workspace: w.ws.ID}, picture(1))
		if err != nil || got.State != asset.Ready {
			t.Fatalf("direct = %s, %v", got.State, err)
		}
		w.deliverAll(t)
		w.wantOnly(t, w.get(t, got.ID), picture(1))
	})
	t.Run("direct bytes never arrive: the create fails and the sweeper ends the row", func(t *testing.T) {
		w := newWorld(t, drivers.SQLite(t))
		w.fault = blobtest.Nth("Put", 1, blobtest.Unavailable)
		_, err := w.uploads.Direct(ctx, w.who, upload.Draft{Workspace: w.ws.ID}, picture(1))
		domaintest.WantKind(t, "direct", err, fault.Unavailable)
		pg, err := w.assets.List(ctx, w.who, asset.Query{Limit: 10})
		if err != nil || len(pg.Assets) != 1 || pg.Assets[0].State != asset.Pending {
			t.Fatalf("after the failed create the list holds %+v, %v", pg.Assets, err)
		}
		w.clock.Advance(2 * 3600e9)
		w.mustSweep(t)
		if got := w.get(t, pg.Assets[0].ID); got.State != asset.Failed {
			t.Errorf("after the sweep: %s", got.State)
		}
	})
}

func TestBadDraftsWriteNothing(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	before := w.end(t)
	cases := map[string]struct {
		d    upload.Draft
		body []byte
		want fault.Kind
	}{
		"a type that is not taken":          {upload.Draft{Workspace: w.ws.ID, Declared: "text/html"}, picture(1), fault.Invalid},
		"a name with a control character":   {upload.Draft{Workspace: w.ws.ID, Name: "a\x00b"}, picture(1), fault.Invalid},
		"a workspace of somebody else":      {upload.Draft{}, picture(1), fault.NotFound},
		"a folder id that is not there":     {upload.Draft{Workspace: w.ws.ID, Folder: "fld_x"}, picture(1), fault.Invalid},
		"bytes that are HTML":               {upload.Draft{Workspace: w.ws.ID}, html, fault.Invalid},
		"no bytes":                          {upload.Draft{Workspace: w.ws.ID}, nil, fault.Invalid},
		"more bytes than a request carries": {upload.Draft{Workspace: w.ws.ID}, make([]byte, upload.MaxDirect+1), fault.TooLarge},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := w.uploads.Direct(ctx, w.who, c.d, c.body)
			domaintest.WantKind(t, "direct", err, c.want)
		})
	}
	if after := w.end(t); after != before {
		t.Errorf("refused drafts wrote to the table")
	}
	if w.waiting() != 0 {
		t.Errorf("refused drafts wrote to the bucket")
	}
}

func TestSplitWorkspaceKeepsOldIdsAndMergesLists(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	var want []asset.Asset
	add := func(n int) {
		for range n {
			a, _ := w.begin(t)
			want = append([]asset.Asset{a}, want...)
		}
	}
	add(5)
	if _, err := w.accounts.Split(ctx, w.ws.ID, 8); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(11 * 60e9)
	add(30)
	shards := map[int]bool{}
	for _, a := range want {
		shards[a.Shard] = true
		if d := cmp.Diff(a, w.get(t, a.ID)); d != "" {
			t.Errorf("get after the split (-begin +get):\n%s", d)
		}
	}
	if len(shards) < 3 {
		t.Errorf("30 assets landed in %d shards of 8", len(shards))
	}
	var got []asset.Asset
	for q := (asset.Query{Limit: 7}); ; {
		pg, err := w.assets.List(ctx, w.who, q)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, pg.Assets...)
		if q.Cursor = pg.Next; q.Cursor == "" {
			break
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("list over all shards (-want +got):\n%s", d)
	}
}

// The budgets are those of shared/DESIGN.md, "Cost of one small upload": write and read units, requests to table and bucket.
func TestCostOfOneUpload(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		w.begin(t) // fills the caches of a warm function: workspace, hour's marker

		ctx, units := table.WithMeter(context.Background())
		a, g, err := w.uploads.Begin(ctx, w.who, upload.Draft{Workspace: w.ws.ID, Name: "a.png", Declared: "image/png"})
		if err != nil {
			t.Fatal(err)
		}
		w.mustSend(t, g, picture(1))
		e, _ := w.take(0)
		src, _ := schema.ParseSource(e.Key)
		reads := w.bucket.Calls()["Read"]
		if err := w.uploads.Arrived(ctx, src, e.Version); err != nil {
			t.Fatal(err)
		}
		read, write, requests := units.Spent()
		if write > 3 || read > 1 || requests > 2 {
			t.Errorf("bare upload: %v write and %v read units in %d requests; budget 3, 1 and 2", write, read, requests)
		}
		if n := w.bucket.Calls()["Read"] - reads; n != 1 {
			t.Errorf("bare upload: %d ranged reads, want 1", n)
		}

		ctx, units = table.WithMeter(context.Background())
		if _, err := w.uploads.Complete(ctx, w.who, a.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := w.assets.Get(ctx, w.who, a.ID); err != nil {
			t.Fatal(err)
		}
		read2, write2, requests2 := units.Spent()
		if write+write2 > 4 || read2 > 2 || requests2 > 2 {
			t.Errorf("complete and one poll after the event: %v write and %v read units in %d requests; budget 4 in all, 2 and 2", write2, read2, requests2)
		}
	})
}

func TestCostOfADirectUpload(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		w.begin(t)
		ctx, units := table.WithMeter(context.Background())
		if _, err := w.uploads.Direct(ctx, w.who, upload.Draft{Workspace: w.ws.ID, Name: "a.png"}, picture(1)); err != nil {
			t.Fatal(err)
		}
		e, _ := w.take(0)
		src, _ := schema.ParseSource(e.Key)
		if err := w.uploads.Arrived(ctx, src, e.Version); err != nil {
			t.Fatal(err)
		}
		if read, write, _ := units.Spent(); write > 4 || read > 2 {
			t.Errorf("direct upload with its event: %v write and %v read units; budget 4 and 2", write, read)
		}
		if n := w.bucket.Calls()["Read"]; n != 1 {
			t.Errorf("direct upload: %d reads, want only the event's, since the bytes were in hand", n)
		}
	})
}
