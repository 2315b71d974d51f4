package privilege_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/assetry/assetry/infra/orderer"
	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// keyed sends requests under an idempotency key.
type keyed string

// RoundTrip sends a request.
func (k keyed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Idempotency-Key", string(k))
	return http.DefaultTransport.RoundTrip(r)
}

// beside runs something. What it gives waits for its end.
func beside(do func() error) func(*testing.T) {
	done := make(chan error, 1)
	go func() { done <- do() }()
	return func(t *testing.T) {
		t.Helper()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// input begins an input of an order.
func input(t *testing.T, c *orderer.Client, order, arguments string) orderer.Session {
	t.Helper()
	s, err := c.Upload(t.Context(), order, arguments)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// put sends a small scan.
func put(t *testing.T, c *orderer.Client, address string, n int) {
	t.Helper()
	if err := c.Put(t.Context(), address, points(n)); err != nil {
		t.Fatal(err)
	}
}

// tellOrderUploads is inputs that go other ways: one arrives and its client says nothing, of one the parts are begun by two requests at once, one
// is sent again while it is finished, and one is announced again after a failure.
func tellOrderUploads(t *testing.T, w *world) {
	c, _, _ := w.customer(t)
	ctx := t.Context()
	o, err := c.Begin(ctx, "Story "+uuid.NewString())
	if err != nil {
		t.Fatal(err)
	}
	put(t, c, input(t, c, o.ID, `upload_type: "single"`).URL, 1)
	w.uses(t, "stream-cleanup", "dynamodb:UpdateItem") // it is no longer counted among those on their way

	g, letBegin := w.gates.hold(t, "orders-graphql", object("POST", "uploads"))
	begin := beside(func() error {
		_, err := c.Upload(ctx, o.ID, `upload_type: "multi", total_parts: 2`)
		return err
	})
	g.await(t)
	var into any
	if err := c.Ask(ctx, `mutation ($a: ID!) { reissueUpload(asset_id: $a) { asset_id } }`,
		orderer.Vars{"a": strings.TrimPrefix(w.newest(t), "asset_")}, &into); err != nil {
		t.Fatal(err)
	}
	letBegin()
	begin(t)
	w.uses(t, "orders-graphql", "s3:AbortMultipartUpload")

	twice := input(t, c, o.ID, `upload_type: "single"`)
	put(t, c, twice.URL, 2)
	w.takeObjects() // the news of the first bytes is late
	g, letFinish := w.gates.hold(t, "orders-graphql", operation("UpdateItem", "ready"))
	finish := beside(func() error {
		_, err := c.Finish(ctx, twice.Asset)
		return err
	})
	g.await(t)
	put(t, c, twice.URL, 3)
	w.until(t, "the second bytes have settled it", func() bool { return w.status(t, "asset_"+twice.Asset) == "ready" })
	letFinish()
	finish(t)
	w.uses(t, "orders-graphql", "s3:DeleteObjectVersion")

	again := *c
	again.HTTP = &http.Client{Transport: keyed(uuid.NewString())}
	takeAway := w.gates.fail("orders-graphql", http.StatusInternalServerError, operation("TransactWriteItems", "input#"))
	if s, err := again.Upload(ctx, o.ID, `upload_type: "single"`); err == nil {
		t.Errorf("without a table the answer was %+v", s)
	}
	takeAway()
	input(t, &again, o.ID, `upload_type: "single"`)
	w.uses(t, "orders-graphql", "dynamodb:ConditionCheckItem")
}

// tellOrderHolds retries and deletes inputs as any assets: each time it is asked whether an order holds them.
func tellOrderHolds(t *testing.T, w *world) {
	c, _, _ := w.customer(t)
	o, err := c.Begin(t.Context(), "Story "+uuid.NewString())
	if err != nil {
		t.Fatal(err)
	}
	s := input(t, c, o.ID, `upload_type: "single"`)
	if err := c.Put(t.Context(), s.URL, picture(0)); err != nil {
		t.Fatal(err)
	}
	asset := "asset_" + s.Asset
	w.becomes(t, asset, "failed")
	w.must(t, "POST", "/assets/"+asset+"/retry", nil)
	w.must(t, "DELETE", "/assets/"+asset, nil)
	w.uses(t, "assets-retry", "dynamodb:BatchGetItem")
	w.uses(t, "assets-delete", "dynamodb:BatchGetItem")
}

// order is an order of one small scan that is submitted.
func (w *world) order(t *testing.T, c *orderer.Client) string {
	t.Helper()
	o, err := c.Order(t.Context(), "Story "+uuid.NewString(), points(4))
	if err != nil {
		t.Fatal(err)
	}
	return o.ID
}

// completed delivers until an order is completed.
func (w *world) completed(t *testing.T, c *orderer.Client, order string) {
	t.Helper()
	w.until(t, "order "+order+" is completed", func() bool {
		got, err := c.Look(t.Context(), order)
		return err == nil && got.Status == "COMPLETED"
	})
}

// stores wants the request that stores the bytes of an asset.
func stores(r *http.Request, _ string) bool {
	return r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/source") && !r.URL.Query().Has("uploadId")
}

// tellOrderWork loses the bucket's answer to a deliverable's bytes, and holds those of another back until its asset is given up: they are removed.
func tellOrderWork(t *testing.T, w *world) {
	c, _, _ := w.customer(t)
	w.gates.lose("work-order", stores)
	w.completed(t, c, w.order(t, c))
	w.uses(t, "work-order", "s3:GetObject")

	w.order(t, c)
	var path string
	g, letGo := w.gates.hold(t, "work-order", func(r *http.Request, body string) bool {
		path = r.URL.Path
		return stores(r, body)
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.deliver(t)
	}()
	g.await(t)
	src, ok := schema.ParseSource(strings.TrimPrefix(path, "/"+bucketName+"/"))
	if !ok {
		t.Fatalf("%s is not the key of an asset's bytes", path)
	}
	d := w.domain(time.Now)
	a, err := d.assets.Find(t.Context(), src.Workspace, src.Asset)
	if err == nil { // as the client may, where the order has been given up meanwhile
		p := access.Principal{Grants: map[id.Workspace]access.Role{w.workspace: access.Editor}}
		_, err = d.uploads.Abandon(t.Context(), p, a, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	letGo()
	<-done
	w.uses(t, "work-order", "s3:DeleteObjectVersion")
}

// visit lets the time come at which an order is looked at.
func (w *world) visit(t *testing.T, order id.Order) {
	t.Helper()
	k := schema.OrderDueKey(time.Now().Add(past), w.workspace, order)
	if _, err := w.db.Write(t.Context(), table.Put(table.Item{table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK)}, table.Absent())); err != nil {
		t.Fatal(err)
	}
	w.schedule(t, "orders-sweep")
}

// tellOrderVisits visits an order whose worker does not come, then as the table's restore left it, without its work, and when it has ended and a
// worker that was frozen left a checkpoint.
func tellOrderVisits(t *testing.T, w *world) {
	c, _, _ := w.customer(t)
	text := w.order(t, c)
	o, err := id.ParseOrder(text)
	if err != nil {
		t.Fatal(err)
	}
	w.visit(t, o)
	w.uses(t, "orders-sweep", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:BatchGetItem", "dynamodb:UpdateItem", "dynamodb:PutItem", "dynamodb:DeleteItem")

	if _, err := w.db.Write(t.Context(), table.Delete(schema.WorkKey(o), table.Present())); err != nil {
		t.Fatal(err)
	}
	w.visit(t, o)
	w.uses(t, "orders-sweep", "dynamodb:ConditionCheckItem")
	w.completed(t, c, text)

	if _, err := w.bucket.Put(t.Context(), schema.CheckpointKey(w.workspace, o, 1), strings.NewReader("late"), 4, blob.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	w.visit(t, o)
	w.uses(t, "orders-sweep", "s3:ListBucketVersions", "s3:DeleteObjectVersion")
}
