package main

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/polltest"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/upload"
)

// pdf is a whole document, as far as uploads look.
var pdf = []byte("%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n")

// mustBegin announces an asset.
func (h *house) mustBegin(t testing.TB) asset.Asset {
	t.Helper()
	a, _, err := h.services.Uploads().Begin(t.Context(), h.who, upload.Draft{Workspace: h.ws.ID, Name: "a.pdf", Declared: "application/pdf"})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// mustStore puts the bytes of an asset into the bucket; its event is lost.
func (h *house) mustStore(t testing.TB, a asset.Asset) blob.Object {
	t.Helper()
	o, err := h.services.Bucket().Put(t.Context(), a.Source().Key(), bytes.NewReader(pdf), int64(len(pdf)), blob.PutOptions{Type: "application/pdf"})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (h *house) state(t testing.TB, a asset.Asset) asset.State {
	t.Helper()
	got, err := h.services.Assets().Get(context.Background(), h.who, a.ID)
	if err != nil {
		t.Fatal(err)
	}
	return got.State
}

func TestLostEventsAreEmittedAgain(t *testing.T) {
	h := newHouse(t)
	arrived, waiting, settled, older := h.mustBegin(t), h.mustBegin(t), h.mustBegin(t), h.mustOld(t)
	h.mustStore(t, arrived)
	h.mustStore(t, older)
	o := h.mustStore(t, settled)
	if err := h.services.Uploads().Arrived(t.Context(), settled.Source(), o.Version); err != nil {
		t.Fatal(err)
	}
	if s := h.state(t, settled); s != asset.Ready {
		t.Fatalf("the settled asset is %s", s)
	}

	store := newTable(t)
	d := h.mustDeliver(t, store, changes{feed: h.db, grown: h.db.Notify})
	for range 2 { // a crash may interrupt it
		if err := replay(t.Context(), h.db, h.services, d.notify); err != nil {
			t.Fatalf("replay: %v", err)
		}
	}
	if n := undelivered(t, store); n != 4 {
		t.Errorf("two replays kept %d events, want one each for the two pending uploads with bytes", n)
	}
	t.Cleanup(d.start(t.Context(), func(err error) { t.Errorf("a source ended: %v", err) }))
	for name, a := range map[string]asset.Asset{"whose event was lost": arrived, "that was retried": older} {
		polltest.Eventually(t, "the upload "+name, func() bool { return h.state(t, a) == asset.Ready })
	}
	polltest.Eventually(t, "all deliveries", func() bool { return undelivered(t, store) == 0 })
	if s := h.state(t, waiting); s != asset.Pending {
		t.Errorf("the upload without bytes is %s, want pending", s)
	}
}

// mustOld writes an asset of five hours ago whose retry is due to be visited in this hour.
func (h *house) mustOld(t testing.TB) asset.Asset {
	t.Helper()
	a := asset.Asset{
		ID: id.NewAsset(h.ws.ID, time.Now().Add(-5*time.Hour)), Workspace: h.ws.ID, Version: 3, State: asset.Pending, Generation: 2,
		Via: asset.ViaSigned, CreatedBy: h.who.Key, Declared: "application/pdf", GrantUntil: time.Now().Add(10 * time.Minute),
	}
	due := schema.DueKey(time.Now().Add(30*time.Minute), h.ws.ID, a.ID)
	for _, it := range []table.Item{a.Row(), {table.AttrPK: table.String(due.PK), table.AttrSK: table.String(due.SK)}} {
		if _, err := h.db.Write(t.Context(), table.Put(it, table.Absent())); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// undelivered counts the events of objects that a store holds.
func undelivered(t testing.TB, store table.Table) (n int) {
	t.Helper()
	err := each(context.Background(), store, table.Query{PK: "async-on-object-created"}, func(table.Item) error { n++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAReplayThatCannotReadIsAnError(t *testing.T) {
	h := newHouse(t)
	k := schema.ActiveKey(time.Now(), h.ws.ID)
	k.SK = "no workspace"
	if _, err := h.db.Write(t.Context(), table.Put(table.Item{table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK)}, table.Absent())); err != nil {
		t.Fatal(err)
	}
	if err := replay(t.Context(), h.db, h.services, unheard); err == nil {
		t.Error("replay: no error")
	}
}
