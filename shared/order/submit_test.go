package order_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/upload"
)

func TestSubmitAnOrderWhoseInputsAreReady(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		o, a := w.mustProcess(t)
		if o.Attempt != 1 || o.SubmittedAt.IsZero() {
			t.Errorf("Submit = %+v", o)
		}
		ins, err := w.Inputs(t.Context(), w.reader, o.ID)
		if err != nil || len(ins) != 1 || ins[0].HeldGeneration != 1 || ins[0].HeldObject != a.Object || ins[0].Format != "xyz" {
			t.Errorf("Inputs = %+v, %v; want one that is held", ins, err)
		}
		work, err := w.table.Get(t.Context(), schema.WorkKey(o.ID), table.Strong)
		if err != nil || work.Int(schema.Attempt) != 1 || work.Int(schema.Version) != 1 || work.Str(schema.Workspace) != w.ws.ID.String() {
			t.Errorf("the work row is %v, %v", work, err)
		}
		again := w.mustSubmit(t, o)
		if diff := cmp.Diff(o, again); diff != "" {
			t.Errorf("a second Submit differs:\n%s", diff)
		}
	})
}

func TestSubmitAnOrderWhoseInputsArrive(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		o := w.mustBegin(t)
		first, last := w.mustUpload(t, o), w.mustUpload(t, o)
		if o = w.mustSubmit(t, o); o.Status != order.Uploading {
			t.Fatalf("Submit = %s", o.Status)
		}
		if same := w.mustSubmit(t, o); same.Version != o.Version {
			t.Errorf("a second Submit wrote")
		}
		w.mustReady(t, first)
		w.hearAll(t)
		if got := w.mustGet(t, o); got.Status != order.Uploading {
			t.Errorf("with one of two inputs the order is %s", got.Status)
		}
		a := w.mustReady(t, last)
		cs := w.changes(t)
		for range 2 { // as the stream may
			for _, c := range cs {
				if err := w.hear(c); err != nil {
					t.Fatal(err)
				}
			}
		}
		o = w.mustGet(t, o)
		ins, err := w.Inputs(t.Context(), w.client, o.ID)
		if err != nil || o.Status != order.Processing || ins[1].HeldObject != a.Object {
			t.Errorf("the order is %s with %+v, %v", o.Status, ins, err)
		}
		w.wantOpen(t, 1, 0)
	})
}

func TestSubmitNamesEveryProblem(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	o := w.mustBegin(t)
	bad, good, alsoBad := w.mustUpload(t, o), w.mustUpload(t, o), w.mustUpload(t, o)
	w.mustFail(t, bad)
	w.mustReady(t, good)
	w.mustFail(t, alsoBad)
	before := w.mustGet(t, o)
	_, err := w.with(order.Options{Products: []string{"another"}}).Submit(t.Context(), w.client, o.ID)
	wantFields(t, err, "product", "assets.0", "assets.2")
	w.with(order.Options{})
	if diff := cmp.Diff(before, w.mustGet(t, o)); diff != "" {
		t.Errorf("a refused submission changed the order:\n%s", diff)
	}
	_, err = w.Submit(t.Context(), w.client, w.mustBegin(t).ID)
	wantFields(t, err, "assets")
}

func TestSubmitLeavesOutWhatNeverCame(t *testing.T) {
	for _, tt := range []struct {
		name  string
		sweep bool // the sweeper gave the upload up before
		later time.Duration
	}{
		{"when the grant is over", false, upload.DefaultGrant + time.Minute},
		{"when it was given up", true, upload.DefaultGrant + upload.DefaultSlack + time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, drivers.SQLite(t))
			o := w.mustBegin(t)
			never, came := w.mustUpload(t, o), w.mustUpload(t, o)
			w.mustReady(t, came)
			w.clock.Advance(tt.later)
			if tt.sweep {
				if _, err := w.uploads.Expire(t.Context(), never.Asset); err != nil {
					t.Fatal(err)
				}
			}
			got := w.mustSubmit(t, o)
			if got.Status != order.Processing || got.Inputs != 1 || len(got.Problems) != 1 || got.Problems[0].Path != "assets.0" {
				t.Errorf("Submit = %s with %d inputs and %v", got.Status, got.Inputs, got.Problems)
			}
			if a, err := w.assets.Get(t.Context(), w.client, never.Asset.ID); err != nil || a.Orders != "" || a.LeftOrder != o.ID {
				t.Errorf("what never came has orders %q, left %s, %v", a.Orders, a.LeftOrder, err)
			}
			w.hearAll(t)
			w.wantOpen(t, 1, 0)
		})
	}
}

func TestSubmitKeepsWhatMayStillCome(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	o := w.mustBegin(t)
	sent := w.mustUpload(t, o)
	w.send(t, sent.PutURL, scan(1))
	parts, err := w.BeginUpload(t.Context(), w.client, o.ID, order.Upload{Format: "xyz", Way: order.WayMulti, Parts: 2})
	if err != nil {
		t.Fatal(err)
	}
	w.send(t, parts.Grant.Parts[0].URL, scan(2))
	if _, err := w.BeginUpload(t.Context(), w.client, o.ID, order.Upload{Format: "xyz", Way: order.WayURL, Source: "https://scans.example/a.xyz"}); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(upload.DefaultPartGrant + time.Minute)
	if got := w.mustSubmit(t, o); got.Status != order.Uploading || got.Inputs != 3 || len(got.Problems) != 0 {
		t.Errorf("Submit = %s with %d inputs and %v; want all three", got.Status, got.Inputs, got.Problems)
	}
}

func TestSubmitRefusesWhenNothingIsLeft(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	o := w.mustBegin(t)
	w.mustUpload(t, o)
	w.clock.Advance(upload.DefaultGrant + time.Minute)
	_, err := w.Submit(t.Context(), w.client, o.ID)
	wantFields(t, err, "assets", "assets.0")
	if got := w.mustGet(t, o); got.Status != order.Initialized || got.Inputs != 1 {
		t.Errorf("the order is %s with %d inputs, want it as it was", got.Status, got.Inputs)
	}
}

func TestAnInputThatFailsSendsTheOrderBack(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	o := w.mustBegin(t)
	good, bad := w.mustUpload(t, o), w.mustUpload(t, o)
	w.mustReady(t, good)
	w.mustSubmit(t, o)
	w.mustFail(t, bad)
	w.hearAll(t)
	o = w.mustGet(t, o)
	if o.Status != order.Initialized || len(o.Problems) != 1 || o.Problems[0].Path != "assets.1" {
		t.Fatalf("the order is %s with %v", o.Status, o.Problems)
	}
	w.wantOpen(t, 1, 0)
	if _, _, err := w.uploads.Retry(t.Context(), w.client, bad.Asset.ID, ""); err != nil {
		t.Errorf("Retry of an input that is not held any more: %v", err)
	}
	if _, err := w.Abandon(t.Context(), w.client, bad.Asset.ID); err != nil {
		t.Fatal(err)
	}
	if o = w.mustSubmit(t, o); o.Status != order.Processing || o.Attempt != 2 || len(o.Problems) != 0 {
		t.Errorf("a second Submit = %s, attempt %d, %v", o.Status, o.Attempt, o.Problems)
	}
}

func TestAHeldInputIsNotRetried(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	o := w.mustBegin(t)
	se := w.mustUpload(t, o)
	w.mustSubmit(t, o)
	w.mustFail(t, se)
	_, _, err := w.uploads.Retry(t.Context(), w.client, se.Asset.ID, "") // nobody has heard of the failure yet
	wantKind(t, err, fault.Conflict)
}

func TestADeletedInputLeavesItsOrder(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	o := w.mustBegin(t)
	se := w.mustUpload(t, o)
	if err := w.assets.Delete(t.Context(), w.client, se.Asset.ID); err != nil {
		t.Fatal(err)
	}
	if ids := w.mustInputs(t, o); len(ids) != 0 {
		t.Errorf("a deleted input is listed: %v", ids)
	}
	w.hearAll(t)
	if got := w.mustGet(t, o); got.Status != order.Drafted || got.Inputs != 0 {
		t.Errorf("the order is %s with %d inputs", got.Status, got.Inputs)
	}
	w.wantOpen(t, 1, 0)
}

func TestAChangeThatComesBeforeTheSubmissionIsNotLost(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	o := w.mustBegin(t)
	se := w.mustUpload(t, o)
	once := true
	w.hooked.before = func() { // between what Submit read and what it writes
		if once {
			once = false
			w.mustReady(t, se)
			w.hearAll(t)
		}
	}
	if got := w.mustSubmit(t, o); got.Status != order.Processing {
		t.Errorf("Submit = %s, want PROCESSING", got.Status)
	}
}

func TestManySubmitAtOnce(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		o := w.mustBegin(t)
		w.mustReady(t, w.mustUpload(t, o))
		got := make([]order.Order, 8)
		domaintest.Together(len(got), func(i int) {
			var err error
			if got[i], err = w.Submit(context.Background(), w.client, o.ID); err != nil {
				t.Errorf("Submit: %v", err)
			}
		})
		for _, g := range got {
			if g.Status != order.Processing || g.Attempt != 1 {
				t.Errorf("Submit = %s, attempt %d", g.Status, g.Attempt)
			}
		}
	})
}

// A submission and a delete or a retry of its input meet: one of both happens, never both.
func TestSubmissionsRaceWithDeletesAndRetries(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		for round := range 4 {
			o := w.mustBegin(t)
			goes, stays := w.mustReady(t, w.mustUpload(t, o)), w.mustReady(t, w.mustUpload(t, o))
			var submitted, deleted error
			domaintest.Together(2, func(i int) {
				if i == 0 {
					_, submitted = w.Submit(context.Background(), w.client, o.ID)
				} else {
					deleted = w.assets.Delete(context.Background(), w.client, goes.ID)
				}
			})
			w.hearAll(t)
			got := w.mustGet(t, o)
			_, err := w.assets.Get(t.Context(), w.client, goes.ID)
			there := err == nil
			switch {
			case submitted != nil:
				t.Errorf("round %d: Submit: %v", round, submitted)
			case there && (deleted == nil || got.Inputs != 2), !there && (deleted != nil || got.Inputs != 1):
				t.Errorf("round %d: deleted %v, it is there %t, the order has %d inputs", round, deleted, there, got.Inputs)
			case deleted != nil && !fault.Is(deleted, fault.Conflict):
				t.Errorf("round %d: Delete: %v", round, deleted)
			}
			if a, err := w.assets.Get(t.Context(), w.client, stays.ID); err != nil || !a.Orders.Has(o.ID) {
				t.Errorf("round %d: the other input: %v", round, err)
			}
		}
		for round := range 4 {
			o := w.mustBegin(t)
			se := w.mustUpload(t, o)
			w.mustFail(t, se)
			var submitted, retried error
			domaintest.Together(2, func(i int) {
				if i == 0 {
					_, submitted = w.Submit(context.Background(), w.client, o.ID)
				} else {
					_, _, retried = w.uploads.Retry(context.Background(), w.client, se.Asset.ID, "")
				}
			})
			if retried != nil {
				t.Errorf("round %d: Retry: %v", round, retried)
			}
			got, a := w.mustGet(t, o), asset.Asset{}
			var err error
			if a, err = w.assets.Get(t.Context(), w.client, se.Asset.ID); err != nil || a.Generation != 2 {
				t.Errorf("round %d: generation %d, %v", round, a.Generation, err)
			}
			if ok := submitted == nil; ok != (got.Status == order.Uploading) || !ok && !fault.Is(submitted, fault.Invalid) {
				t.Errorf("round %d: Submit: %v, and the order is %s", round, submitted, got.Status)
			}
		}
	})
}

// Between what another API looked at and what it writes, the order is submitted: what it holds from then on stays.
func TestASubmissionInTheMiddleOfSomethingElseWins(t *testing.T) {
	for name, do := range map[string]func(w *world, o order.Order, a asset.Asset) error{
		"a delete": func(w *world, _ order.Order, a asset.Asset) error {
			return w.assets.Delete(t.Context(), w.client, a.ID)
		},
		"an abandonment": func(w *world, _ order.Order, a asset.Asset) error {
			return second(w.Abandon(t.Context(), w.client, a.ID))
		},
		"an update": func(w *world, o order.Order, _ asset.Asset) error {
			return second(w.Update(t.Context(), w.client, o.ID, order.Change{Name: to("late")}))
		},
		"an upload": func(w *world, o order.Order, _ asset.Asset) error {
			return second(w.BeginUpload(t.Context(), w.client, o.ID, single()))
		},
		"a cancellation": func(w *world, o order.Order, _ asset.Asset) error {
			return second(w.Cancel(t.Context(), w.client, o.ID))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, drivers.SQLite(t))
			o := w.mustBegin(t)
			a := w.mustReady(t, w.mustUpload(t, o))
			once := true
			w.hooked.before = func() {
				if once {
					once = false
					w.mustSubmit(t, o)
				}
			}
			wantKind(t, do(w, o, a), fault.Conflict)
			w.hearAll(t)
			if got := w.mustGet(t, o); got.Status != order.Processing || got.Inputs != 1 || got.Name != o.Name {
				t.Errorf("the order %q is %s with %d inputs", got.Name, got.Status, got.Inputs)
			}
			if got, err := w.assets.Get(t.Context(), w.client, a.ID); err != nil || !got.Orders.Has(o.ID) {
				t.Errorf("the input has orders %q, %v", got.Orders, err)
			}
		})
	}
}
