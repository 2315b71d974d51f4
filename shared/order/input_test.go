package order_test

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/tabletest"
	"github.com/assetry/assetry/shared/upload"
)

func TestWhatAnUploadMaySay(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t)).with(order.Options{MaxUpload: 6 << 30})
	o := w.mustBegin(t)
	for _, tt := range []struct {
		name string
		u    order.Upload
		want []string
	}{
		{"another format", order.Upload{Format: "las", Way: "single"}, []string{"asset_type"}},
		{"another way", order.Upload{Format: "e57", Way: "ftp"}, []string{"upload_type"}},
		{"nothing at all", order.Upload{}, []string{"asset_type", "upload_type"}},
		{"an import without an address", order.Upload{Format: "e57", Way: "url"}, []string{"url"}},
		{"an import from another kind of address", order.Upload{Format: "e57", Way: "url", Source: "file:///etc/passwd"}, []string{"url"}},
		{"an import with parts, a size and a first", order.Upload{Format: "e57", Way: "url", Source: "https://a.example/x.e57", Parts: 2, Size: 5, First: 1},
			[]string{"total_parts", "first", "size_bytes"}},
		{"one PUT with an address and parts", order.Upload{Format: "e57", Way: "single", Source: "https://a.example/", Parts: 2}, []string{"url", "total_parts"}},
		{"one PUT of more than a PUT takes", order.Upload{Format: "e57", Way: "single", Size: 5<<30 + 1}, []string{"size_bytes"}},
		{"parts without a number", order.Upload{Format: "e57", Way: "multi"}, []string{"total_parts"}},
		{"a negative number of parts", order.Upload{Format: "e57", Way: "multi", Parts: -1}, []string{"total_parts"}},
		{"10,001 parts", order.Upload{Format: "e57", Way: "multi", Parts: 10_001}, []string{"total_parts"}},
		{"parts with an address", order.Upload{Format: "e57", Way: "multi", Parts: 2, Source: "https://a.example/"}, []string{"url"}},
		{"more bytes by parts than are taken", order.Upload{Format: "e57", Way: "multi", Parts: 20, Size: 7 << 30}, []string{"size_bytes"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := w.BeginUpload(t.Context(), w.client, o.ID, tt.u)
			wantFields(t, err, tt.want...)
		})
	}
	if got := w.mustGet(t, o); got.Status != order.Drafted || got.Version != o.Version {
		t.Errorf("after what was refused the order is %s at version %d", got.Status, got.Version)
	}
	w.wantOpen(t, 1, 0)
}

func TestAnUploadByOnePut(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		o := w.mustBegin(t)
		se := w.mustUpload(t, o)
		if se.Order != o.ID || se.Format != "xyz" || se.Way != order.WaySingle || se.Status != order.StatusPending || se.PutURL == "" || se.Expires.IsZero() {
			t.Errorf("BeginUpload = %+v", se)
		}
		if got := w.mustGet(t, o); got.Status != order.Initialized || got.Inputs != 1 {
			t.Errorf("the order is %s with %d inputs", got.Status, got.Inputs)
		}
		w.wantOpen(t, 1, 1)
		_, err := w.FinalizeUpload(t.Context(), w.client, se.Asset.ID, o.ID, "", nil)
		wantKind(t, err, fault.Conflict)
		_, err = w.FinalizeUpload(t.Context(), w.client, se.Asset.ID, id.NewOrder(w.ws.ID, w.clock.Now()), "none", []blob.Part{{Number: 1}})
		wantFields(t, err, "order_id", "upload_id")

		again, err := w.Reissue(t.Context(), w.client, se.Asset.ID, upload.PartsQuery{})
		if err != nil || again.PutURL == "" || again.Order != o.ID {
			t.Fatalf("Reissue = %+v, %v", again, err)
		}
		a := w.mustReady(t, again)
		if order.FormatOf(a) != "xyz" {
			t.Errorf("the input is %s", a.Type)
		}
		done, err := w.FinalizeUpload(t.Context(), w.client, a.ID, o.ID, "", nil)
		if err != nil || done.Status != order.StatusReady {
			t.Errorf("a second FinalizeUpload = %s, %v", done.Status, err)
		}
		_, err = w.Reissue(t.Context(), w.client, a.ID, upload.PartsQuery{})
		wantKind(t, err, fault.Conflict)
		w.hearAll(t)
		w.hearAll(t)
		w.wantOpen(t, 1, 0)
		if got, err := w.Downloadable(t.Context(), w.reader, a.ID); err != nil || got.ID != a.ID {
			t.Errorf("Downloadable = %v, %v", got.ID, err)
		}
	})
}

func TestAnUploadByParts(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	o := w.mustBegin(t)
	body := bytes.Repeat(scan(3), upload.MinPartSize/len(scan(3))+1)
	se, err := w.BeginUpload(t.Context(), w.client, o.ID, order.Upload{Format: "xyz", Way: order.WayMulti, Parts: 3, First: 2})
	if err != nil || se.Parts != 3 || len(se.Grant.Parts) != 2 || se.Next != 2 || se.Grant.Upload == "" {
		t.Fatalf("BeginUpload = %+v, %v", se, err)
	}
	var sent []blob.Part
	for _, p := range se.Grant.Parts {
		etag, status := w.send(t, p.URL, body)
		if status != http.StatusOK {
			t.Fatalf("the bucket answered %d", status)
		}
		sent = append(sent, blob.Part{Number: p.Number, ETag: etag})
	}
	got, err := w.Session(t.Context(), w.reader, se.Asset.ID, 0)
	if err != nil || got.Received != 2 || got.Parts != 3 || got.Grant != nil || got.Status != order.StatusPending {
		t.Errorf("Session = %+v, %v; want 2 of 3 parts, and no URLs", got, err)
	}
	if got, err = w.Session(t.Context(), w.reader, se.Asset.ID, 1); err != nil || got.Received != 1 {
		t.Errorf("Session after part 1 = %d parts, %v; want 1", got.Received, err)
	}
	_, err = w.Session(t.Context(), w.reader, se.Asset.ID, 10_001)
	wantFields(t, err, "after")
	_, err = w.FinalizeUpload(t.Context(), w.client, se.Asset.ID, o.ID, se.Grant.Upload, sent)
	wantKind(t, err, fault.Conflict)
	_, err = w.FinalizeUpload(t.Context(), w.client, se.Asset.ID, o.ID, "another", sent)
	wantFields(t, err, "upload_id")

	rest, err := w.Reissue(t.Context(), w.client, se.Asset.ID, upload.PartsQuery{})
	if err != nil || len(rest.Grant.Parts) != 1 || rest.Grant.Parts[0].Number != 3 {
		t.Fatalf("Reissue = %+v, %v; want part 3 alone", rest, err)
	}
	_, err = w.Reissue(t.Context(), w.client, se.Asset.ID, upload.PartsQuery{Numbers: []int{4}})
	wantFields(t, err, "part_numbers")
	etag, _ := w.send(t, rest.Grant.Parts[0].URL, scan(4))
	sent = append(sent, blob.Part{Number: 3, ETag: etag})
	if none, err := w.Reissue(t.Context(), w.client, se.Asset.ID, upload.PartsQuery{}); err != nil || none.Grant != nil || none.Received != 3 {
		t.Errorf("Reissue when all have arrived = %+v, %v; want no URLs", none, err)
	}
	done, err := w.FinalizeUpload(t.Context(), w.client, se.Asset.ID, o.ID, se.Grant.Upload, sent)
	if err != nil || done.Status != order.StatusReady {
		t.Fatalf("FinalizeUpload = %s %q, %v", done.Status, done.Asset.Failure, err)
	}
}

func TestAnImport(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	o := w.mustBegin(t)
	se, err := w.BeginUpload(t.Context(), w.client, o.ID, order.Upload{Format: "e57", Way: order.WayURL, Source: "https://scans.example/hall.e57"})
	if err != nil || se.Status != order.StatusImporting || se.Way != order.WayURL || se.Asset.Name != "hall.e57" {
		t.Fatalf("BeginUpload = %+v, %v", se, err)
	}
	if done, err := w.FinalizeUpload(t.Context(), w.client, se.Asset.ID, o.ID, "", nil); err != nil || done.Status != order.StatusImporting {
		t.Errorf("FinalizeUpload = %s, %v; want importing", done.Status, err)
	}
	_, err = w.Reissue(t.Context(), w.client, se.Asset.ID, upload.PartsQuery{})
	wantKind(t, err, fault.Conflict)
	if o = w.mustSubmit(t, o); o.Status != order.Uploading {
		t.Errorf("Submit = %s, want UPLOADING at once", o.Status)
	}
}

func TestAnUploadsIDIsUsedOnce(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	o := w.mustBegin(t)
	u := single()
	u.ID = id.NewAsset(w.ws.ID, w.clock.Now())
	for range 3 {
		se, err := w.BeginUpload(t.Context(), w.client, o.ID, u)
		if err != nil || se.Asset.ID != u.ID || se.PutURL == "" {
			t.Fatalf("BeginUpload = %+v, %v", se, err)
		}
		u.Again = true
	}
	if got := w.mustGet(t, o); got.Inputs != 1 {
		t.Errorf("the order has %d inputs, want 1", got.Inputs)
	}
	w.mustSubmit(t, o)
	if se, err := w.BeginUpload(t.Context(), w.client, o.ID, u); err != nil || se.Asset.ID != u.ID || se.PutURL == "" {
		t.Errorf("BeginUpload once more, when the order is submitted = %+v, %v", se, err)
	}
}

func TestAnOrderHasAtMostFortyInputs(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	o := w.mustBegin(t)
	for range order.MaxInputs {
		w.mustUpload(t, o)
	}
	_, err := w.BeginUpload(t.Context(), w.client, o.ID, single())
	wantKind(t, err, fault.Conflict)
	if o = w.mustSubmit(t, o); o.Status != order.Uploading || o.Inputs != order.MaxInputs {
		t.Errorf("Submit = %s with %d inputs", o.Status, o.Inputs)
	}
	if o, err = w.Cancel(t.Context(), w.client, o.ID); err != nil || o.Inputs != 0 {
		t.Errorf("Cancel leaves %d inputs, %v", o.Inputs, err)
	}
	w.wantOpen(t, 0, 0)
}

func TestAttach(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		one, two := w.mustBegin(t), w.mustBegin(t)
		se := w.mustUpload(t, one)
		got, err := w.Attach(t.Context(), w.client, two.ID, se.Asset.ID)
		if err != nil || got.Status != order.Initialized || got.Inputs != 1 {
			t.Fatalf("Attach = %+v, %v", got, err)
		}
		again, err := w.Attach(t.Context(), w.client, two.ID, se.Asset.ID)
		if err != nil || again.Version != got.Version {
			t.Errorf("Attach again gave version %d, %v; want %d", again.Version, err, got.Version)
		}
		w.wantOpen(t, 2, 2)
		w.mustReady(t, se)
		w.hearAll(t)
		w.wantOpen(t, 2, 0)
		if two = w.mustSubmit(t, two); two.Status != order.Processing {
			t.Errorf("Submit = %s", two.Status)
		}
		wantKind(t, w.assets.Delete(t.Context(), w.client, se.Asset.ID), fault.Conflict)

		// It leaves the order that is not submitted, and stays in the other.
		if left, err := w.Abandon(t.Context(), w.client, se.Asset.ID); err != nil || left.Order != one.ID || left.Status != order.StatusReady {
			t.Errorf("Abandon = %+v, %v", left, err)
		}
		if one = w.mustGet(t, one); one.Status != order.Drafted || one.Inputs != 0 {
			t.Errorf("the order that it left is %s with %d inputs", one.Status, one.Inputs)
		}
		if ids := w.mustInputs(t, two); len(ids) != 1 {
			t.Errorf("the other order has %v", ids)
		}
	})
}

func TestWhatCannotBeAttached(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	o := w.mustBegin(t)
	png, _, err := w.uploads.Begin(t.Context(), w.client, upload.Draft{Workspace: w.ws.ID, Declared: "image/png"})
	if err != nil {
		t.Fatal(err)
	}
	failed := w.mustFail(t, w.mustUpload(t, w.mustBegin(t)))
	theirs, err := w.Initialize(t.Context(), w.stranger, draft())
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := w.BeginUpload(t.Context(), w.stranger, theirs.ID, single())
	if err != nil {
		t.Fatal(err)
	}
	popular := w.mustReady(t, w.mustUpload(t, w.mustBegin(t)))
	for range asset.MaxOrders - 1 {
		if _, err := w.Attach(t.Context(), w.client, w.mustBegin(t).ID, popular.ID); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		a    id.Asset
		want fault.Kind
	}{
		"a picture":                  {png.ID, fault.Conflict},
		"what failed":                {failed.ID, fault.Conflict},
		"another workspace's":        {foreign.Asset.ID, fault.NotFound},
		"what is not there":          {id.NewAsset(w.ws.ID, w.clock.Now()), fault.NotFound},
		"one that 20 orders are of ": {popular.ID, fault.Conflict},
	} {
		_, err := w.Attach(t.Context(), w.client, o.ID, tt.a)
		if !fault.Is(err, tt.want) {
			t.Errorf("attach %s: %v, want kind %q", name, err, tt.want)
		}
	}
	if got := w.mustGet(t, o); got.Version != 1 {
		t.Errorf("the order is at version %d, want 1", got.Version)
	}
}

func TestAbandon(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		o := w.mustBegin(t)
		pending, ready := w.mustUpload(t, o), w.mustUpload(t, o)
		w.mustReady(t, ready)
		for range 2 {
			se, err := w.Abandon(t.Context(), w.client, pending.Asset.ID)
			if err != nil || se.Status != order.StatusAbandoned || se.Order != o.ID || se.Asset.Orders != "" {
				t.Errorf("Abandon = %+v, %v", se, err)
			}
		}
		if got := w.mustGet(t, o); got.Status != order.Initialized || got.Inputs != 1 {
			t.Errorf("the order is %s with %d inputs", got.Status, got.Inputs)
		}
		for range 2 {
			se, err := w.Abandon(t.Context(), w.client, ready.Asset.ID)
			if err != nil || se.Status != order.StatusReady || se.Order != o.ID {
				t.Errorf("Abandon = %+v, %v", se, err)
			}
		}
		if got := w.mustGet(t, o); got.Status != order.Drafted || got.Inputs != 0 {
			t.Errorf("the order is %s with %d inputs", got.Status, got.Inputs)
		}
		w.hearAll(t)
		w.wantOpen(t, 1, 0)
		if _, err := w.Submit(t.Context(), w.client, o.ID); !fault.Is(err, fault.Invalid) {
			t.Errorf("Submit without inputs: %v", err)
		}
		never, _, err := w.uploads.Begin(t.Context(), w.client, upload.Draft{Workspace: w.ws.ID})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Abandon(t.Context(), w.client, never.ID)
		wantKind(t, err, fault.NotFound)
	})
}

func TestASubmittedOrdersInputsStay(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	o := w.mustBegin(t)
	pending, ready := w.mustUpload(t, o), w.mustUpload(t, o)
	w.mustReady(t, ready)
	free := w.mustUpload(t, w.mustBegin(t))
	w.mustSubmit(t, o)
	for name, err := range map[string]error{
		"abandon what is pending": second(w.Abandon(t.Context(), w.client, pending.Asset.ID)),
		"abandon what is ready":   second(w.Abandon(t.Context(), w.client, ready.Asset.ID)),
		"delete":                  w.assets.Delete(t.Context(), w.client, ready.Asset.ID),
		"delete what is pending":  w.assets.Delete(t.Context(), w.client, pending.Asset.ID),
		"attach":                  second(w.Attach(t.Context(), w.client, o.ID, free.Asset.ID)),
		"upload":                  second(w.BeginUpload(t.Context(), w.client, o.ID, single())),
		"update":                  second(w.Update(t.Context(), w.client, o.ID, order.Change{Name: to("x")})),
	} {
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("%s: %v, want a conflict", name, err)
		}
	}
}

// A crash at any call leaves the order usable, and the input in it or not.
func TestAnUploadThatIsCutOff(t *testing.T) {
	for nth := 1; ; nth++ {
		w := newWorld(t, drivers.SQLite(t))
		o := w.mustBegin(t)
		calls := 0
		w.table.Script(func(c tabletest.Call) tabletest.Fault {
			if c.Write {
				if calls++; calls == nth {
					return tabletest.LoseAnswer
				}
			}
			return tabletest.None
		})
		_, err := w.BeginUpload(t.Context(), w.client, o.ID, order.Upload{Format: "xyz", Way: order.WayMulti, Parts: 2})
		w.table.Script(nil)
		if calls < nth {
			if err != nil {
				t.Fatal(err)
			}
			return
		}
		got := w.mustGet(t, o)
		_, err = w.table.Get(t.Context(), schema.OrderCountKey(w.ws.ID), table.Strong)
		if ids := w.mustInputs(t, o); err != nil || len(ids) != got.Inputs {
			t.Errorf("cut off at write %d: %d inputs, the order says %d", nth, len(ids), got.Inputs)
		}
		w.wantOpen(t, 1, int64(got.Inputs))
		if _, err := w.Cancel(t.Context(), w.client, o.ID); err != nil {
			t.Errorf("cut off at write %d: Cancel: %v", nth, err)
		}
		w.wantOpen(t, 0, 0)
	}
}

// Between what an abandonment looked at and what it writes, another order gets the asset: it leaves both.
func TestAnAttachmentInTheMiddleOfAnAbandonment(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		one, two := w.mustBegin(t), w.mustBegin(t)
		se := w.mustUpload(t, one)
		once := true
		w.hooked.before = func() {
			if once {
				once = false
				if _, err := w.Attach(t.Context(), w.client, two.ID, se.Asset.ID); err != nil {
					t.Errorf("Attach: %v", err)
				}
			}
		}
		left, err := w.Abandon(t.Context(), w.client, se.Asset.ID)
		if err != nil || left.Status != order.StatusAbandoned || left.Asset.Orders != "" {
			t.Errorf("Abandon = %+v, %v", left, err)
		}
		for _, o := range []order.Order{one, two} {
			if got := w.mustGet(t, o); got.Status != order.Drafted || got.Inputs != 0 {
				t.Errorf("order %s is %s with %d inputs", o.ID, got.Status, got.Inputs)
			}
		}
		w.wantOpen(t, 2, 0)
	})
}

// Between what an abandonment looked at and what it writes, the bytes come and are good: the asset stays, out of its order.
func TestBytesInTheMiddleOfAnAbandonment(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	o := w.mustBegin(t)
	se := w.mustUpload(t, o)
	once := true
	w.hooked.before = func() {
		if once {
			once = false
			w.mustReady(t, se)
		}
	}
	left, err := w.Abandon(t.Context(), w.client, se.Asset.ID)
	if err != nil || left.Status != order.StatusReady || left.Asset.Orders != "" {
		t.Errorf("Abandon = %+v, %v", left, err)
	}
	if got := w.mustGet(t, o); got.Status != order.Drafted {
		t.Errorf("the order is %s", got.Status)
	}
	w.wantOpen(t, 1, 0)
}
