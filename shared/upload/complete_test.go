package upload_test

import (
	"context"
	"testing"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob/blobtest"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
)

// Between the reading of the row and that of the bytes the event rejects them, and the clean-up removes them.
func TestACompletionIsToldWhatWasDecidedMeanwhile(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		a, g := w.begin(t)
		w.send(t, g, html)
		w.fault = func(c blobtest.Call) blobtest.Fault {
			if c.Method == "Read" {
				w.fault = nil
				w.deliverAll(t)
				w.mustCleanUp(t)
			}
			return blobtest.None
		}
		got, err := w.uploads.Complete(context.Background(), w.who, a.ID)
		if err != nil || got.State != asset.Failed || got.Cause != asset.Rejected {
			t.Errorf("complete answered %s (%s), %v; want failed (rejected)", got.State, got.Cause, err)
		}
	})
}

func TestACompletionOfWhatIsDeletedMeanwhileIsMissing(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	a, g := w.begin(t)
	w.send(t, g, picture(1))
	w.fault = func(c blobtest.Call) blobtest.Fault {
		if c.Method == "Read" {
			w.fault = nil
			if err := w.assets.Delete(context.Background(), w.who, a.ID); err != nil {
				t.Error(err)
			}
			w.mustCleanUp(t)
		}
		return blobtest.None
	}
	_, err := w.uploads.Complete(context.Background(), w.who, a.ID)
	domaintest.WantKind(t, "complete", err, fault.NotFound)
}
