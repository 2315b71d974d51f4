package privilege_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/assetry/assetry/infra/orderer"
	"github.com/assetry/assetry/shared/account"
)

// customer signs a new client of the workspace in, and gives its secret too.
func (w *world) customer(t *testing.T) (c *orderer.Client, id, secret string) {
	t.Helper()
	accounts := account.New(w.db, account.Options{})
	secret, made, err := accounts.IssueClient(t.Context(), "stories", w.workspace, account.ClientSpec{})
	if err != nil {
		t.Fatal(err)
	}
	c, err = orderer.SignIn(t.Context(), http.DefaultClient, w.api, made.ID.String(), secret)
	if err != nil {
		t.Fatal(err)
	}
	return c, made.ID.String(), secret
}

// tellTokens signs in more often than one lease of the limit takes, and revokes.
func tellTokens(t *testing.T, w *world) {
	_, id, secret := w.customer(t)
	for range 40 { // a lease is a part of the hour's limit, so that the row is made and then changed
		c, err := orderer.SignIn(t.Context(), http.DefaultClient, w.api, id, secret)
		if err != nil {
			break
		}
		w.revoke(t, id, secret, c.Token)
	}
	w.uses(t, "orders-token", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
	w.uses(t, "orders-revoke", "dynamodb:GetItem", "dynamodb:DeleteItem")
}

func (w *world) revoke(t *testing.T, id, secret, token string) {
	t.Helper()
	r, err := http.NewRequest("POST", w.api+"/v1/authentication/revoke", strings.NewReader("token="+token))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(id+":"+secret)))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body) // it has none
}

// points is a small scan.
func points(n int) []byte {
	var b bytes.Buffer
	for i := range 200 {
		fmt.Fprintf(&b, "%d.%02d %d.5 %d\n", i%20, i%100, i/20, n)
	}
	return b.Bytes()
}

// manyPoints is a scan of which a worker who is in a hurry leaves a checkpoint. It is a pole, which is quickly drawn.
func manyPoints() []byte { return bytes.Repeat([]byte("0.5 1.5 2\n0.5 1.5 3\n"), 600) }

// tellOrders orders by every way in and every field, until it is delivered.
func tellOrders(t *testing.T, w *world) {
	c, _, _ := w.customer(t)
	ctx := t.Context()
	do := func(query string, vars orderer.Vars) {
		t.Helper()
		var into any
		if err := c.Ask(ctx, query, vars, &into); err != nil {
			t.Errorf("%.80s: %v", query, err)
		}
	}
	o, err := c.Begin(ctx, "Story "+uuid.NewString())
	if err != nil {
		t.Fatal(err)
	}
	single, err := c.Upload(ctx, o.ID, `upload_type: "single"`)
	if err != nil {
		t.Fatal(err)
	}
	multi, err := c.Upload(ctx, o.ID, `upload_type: "multi", total_parts: 1`)
	if err != nil || len(multi.Parts) != 1 {
		t.Fatalf("multi: %+v, %v", multi, err)
	}
	do(`mutation ($a: ID!) { reissueUpload(asset_id: $a) { asset_id } }`, orderer.Vars{"a": multi.Asset})
	do(`query ($a: ID!) { uploadSession(asset_id: $a) { parts_received } }`, orderer.Vars{"a": multi.Asset})
	for address, scan := range map[string][]byte{single.URL: points(1), multi.Parts[0].URL: manyPoints()} {
		if err := c.Put(ctx, address, scan); err != nil {
			t.Fatal(err)
		}
	}
	do(`mutation ($a: ID!) { finalizeUpload(asset_id: $a) { upload_status } }`, orderer.Vars{"a": single.Asset})
	do(`mutation ($a: ID!) { finalizeUpload(asset_id: $a) { upload_status } }`, orderer.Vars{"a": multi.Asset})
	for _, arguments := range []string{`upload_type: "multi", total_parts: 2`, `upload_type: "single"`} {
		left, err := c.Upload(ctx, o.ID, arguments)
		if err != nil {
			t.Fatal(err)
		}
		do(`mutation ($a: ID!) { abandonUpload(asset_id: $a) { upload_status } }`, orderer.Vars{"a": left.Asset})
	}
	do(`mutation ($o: ID!) { updateOrder(order_id: $o, address: "Porto") { version } }`, orderer.Vars{"o": o.ID})
	do(`mutation { createWebhook(webhook_url: "https://shop.example.com/orders") { webhook_id } }`, nil)
	if _, err := c.Submit(ctx, o.ID); err != nil {
		t.Fatal(err)
	}
	w.until(t, "the order is completed", func() bool {
		got, err := c.Look(ctx, o.ID)
		return err == nil && got.Status == "COMPLETED"
	})
	do(`{ orders(first: 1) { next_cursor } }`, nil)
	do(`{ orders(first: 1, order_status: "COMPLETED") { next_cursor } }`, nil)
	do(`{ webhooks { webhook_id } }`, nil)
	do(`mutation ($a: ID!) { initializeDownload(asset_id: $a) { download_url } }`, orderer.Vars{"a": single.Asset})

	other, err := c.Begin(ctx, "Story "+uuid.NewString())
	if err != nil {
		t.Fatal(err)
	}
	do(`mutation ($o: ID!, $a: ID!) { attachAsset(order_id: $o, asset_id: $a) { version } }`, orderer.Vars{"o": other.ID, "a": single.Asset})
	do(`mutation ($o: ID!) { cancelOrder(order_id: $o) { order_status } }`, orderer.Vars{"o": other.ID})
	w.schedule(t, "orders-sweep")
	w.deliver(t)
}
