package orders_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/tabletest"
)

// The key means something for every mutation: what makes something makes it once, and nothing else is done twice by it.
func TestARepeatUnderItsKeyAnswersWhatTheFirstMade(t *testing.T) {
	s := newStack(t)
	begin := request{query: `mutation { initializeOrder(order_name: "Town hall", product: "areaplan") { ` + orderFields + ` } }`, once: "order"}
	first, again := get[gotOrder](s, begin), get[gotOrder](s, begin)
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("the repeat of initializeOrder (-first +again):\n%s", diff)
	}
	for _, way := range []string{`upload_type: "single"`, `upload_type: "multi", total_parts: 2`} {
		in := request{query: fmt.Sprintf(`mutation { initializeUpload(order_id: %q, asset_type: "xyz", %s) { %s } }`, first.OrderID, way, uploadFields), once: strings.ReplaceAll(way, ",", "")}
		one, two := get[gotUpload](s, in), get[gotUpload](s, in)
		if one.AssetID != two.AssetID || (one.UploadURL == nil) != (two.UploadURL == nil) || len(one.PartURLs) != len(two.PartURLs) || !cmp.Equal(one.UploadID, two.UploadID) {
			t.Errorf("the repeat of initializeUpload with %s is %+v, want %+v", way, two, one)
		}
		if two.UploadURL != nil {
			s.send(*two.UploadURL, points(5000))
		}
	}
	if got := s.order(first.OrderID); len(got.Assets) != 2 {
		t.Errorf("two uploads, each sent twice, made %d inputs", len(got.Assets))
	}
	hook := request{query: `mutation { createWebhook(webhook_url: "https://hooks.example/") { ` + webhookFields + ` } }`, once: "hook"}
	h := get[gotWebhook](s, hook)
	if diff := cmp.Diff(h, get[gotWebhook](s, hook)); diff != "" || h.Secret == nil {
		t.Errorf("the repeat of createWebhook (-first +again):\n%s", diff)
	}
	rotate := request{query: fmt.Sprintf(`mutation { rotateWebhookSecret(webhook_id: %q) { %s } }`, h.WebhookID, webhookFields), once: "rotate"}
	r := get[gotWebhook](s, rotate)
	if diff := cmp.Diff(r, get[gotWebhook](s, rotate)); diff != "" || r.Secret == nil || *r.Secret == *h.Secret {
		t.Errorf("the repeat of rotateWebhookSecret (-first +again):\n%s", diff)
	}
}

func TestARepeatOfAChangeDoesNotUndoALaterOne(t *testing.T) {
	s := newStack(t)
	o := s.newOrder()
	rename := func(name, once string) request {
		return request{query: fmt.Sprintf(`mutation { updateOrder(order_id: %q, order_name: %q) { %s } }`, o.OrderID, name, orderFields), once: once}
	}
	get[gotOrder](s, rename("First", "1"))
	get[gotOrder](s, rename("Second", "2"))
	if got := get[gotOrder](s, rename("First", "1")); got.Name != "Second" {
		t.Errorf("after the repeat of the first change the order is called %q, want Second", got.Name)
	}
}

func TestAnotherRequestUnderAKeyIsRefused(t *testing.T) {
	s := newStack(t)
	o := s.newOrder()
	one := request{query: fmt.Sprintf(`mutation { cancelOrder(order_id: %q) { order_status } }`, o.OrderID), once: "k"}
	for range 2 {
		if got := get[gotOrder](s, one); got.Status != "CANCELLED" {
			t.Errorf("the order is %s, want CANCELLED", got.Status)
		}
	}
	other := one
	other.query = `mutation { initializeOrder(order_name: "x", product: "areaplan") { order_id } }`
	s.refused(other, "CONFLICT")
	two := request{query: `mutation { a: ` + other.query[len("mutation { "):len(other.query)-1] + ` b: ` + other.query[len("mutation { "):], once: "two"}
	s.refused(two, "BAD_USER_INPUT")
	wrong := other
	wrong.query, wrong.once = `mutation { initializeOrder(order_name: "", product: "areaplan") { order_id } }`, "again"
	s.refused(wrong, "BAD_USER_INPUT")
	wrong.query = other.query
	get[gotOrder](s, wrong) // what was refused leaves its key free
}

func TestAWebhookThatWasDeletedIsNotMadeAgainByARepeat(t *testing.T) {
	s := newStack(t)
	create := request{query: `mutation { createWebhook(webhook_url: "https://hooks.example/") { ` + webhookFields + ` } }`, once: "hook"}
	h := get[gotWebhook](s, create)
	get[gotWebhook](s, request{query: fmt.Sprintf(`mutation { deleteWebhook(webhook_id: %q) { webhook_id } }`, h.WebhookID)})
	for _, later := range []time.Duration{0, time.Minute} {
		s.late += later
		s.refused(create, "NOT_FOUND")
		if left := get[[]gotWebhook](s, request{query: `{ webhooks { webhook_id } }`}); len(left) != 0 {
			t.Errorf("%v later the client has the webhooks %+v, want none", later, left)
		}
	}
}

func TestOfManyRepeatsAtOnceOneMakes(t *testing.T) {
	s := newStack(t)
	begin := request{query: `mutation { initializeOrder(order_name: "Town hall", product: "areaplan") { order_id } }`, once: "order"}
	made := func(in request, field string) string {
		a := s.ask(in)
		if len(a.Errors) > 0 {
			t.Errorf("a repeat was refused: %+v", a.Errors)
		}
		return string(a.Data[field])
	}
	ids := make([]string, 8)
	domaintest.Together(len(ids), func(i int) { ids[i] = made(begin, "initializeOrder") })
	var o gotOrder
	if err := json.Unmarshal([]byte(ids[0]), &o); err != nil {
		t.Fatal(err)
	}
	upload := request{query: fmt.Sprintf(`mutation { initializeUpload(order_id: %q, asset_type: "xyz", upload_type: "single") { asset_id } }`, o.OrderID), once: "upload"}
	assets := make([]string, 8)
	domaintest.Together(len(assets), func(i int) { assets[i] = made(upload, "initializeUpload") })
	for _, all := range [][]string{ids, assets} {
		if slices.Sort(all); all[0] != all[len(all)-1] {
			t.Errorf("eight repeats at once made %v, want one thing", slices.Compact(all))
		}
	}
	if o = s.order(o.OrderID); len(o.Assets) != 1 {
		t.Errorf("the order has %d inputs, want 1", len(o.Assets))
	}
}

// A run whose write was done, and whose answer was lost, is completed by a repeat.
func TestARepeatAfterALostAnswerMakesNothingTwice(t *testing.T) {
	s := newStackBehind(t, func(db table.Table) table.Table { return tabletest.Faulty(db) })
	o := s.newOrder()
	upload := request{query: fmt.Sprintf(`mutation { initializeUpload(order_id: %q, asset_type: "xyz", upload_type: "single") { asset_id } }`, o.OrderID), once: "upload"}
	faulty := s.rows.(*tabletest.FaultyTable)
	faulty.Script(func(c tabletest.Call) tabletest.Fault {
		if c.Verb == tabletest.VerbTransact {
			return tabletest.LoseAnswer
		}
		return tabletest.None
	})
	s.refused(upload, "INTERNAL")
	faulty.Script(nil)
	got := s.order(o.OrderID)
	for _, later := range []time.Duration{0, time.Minute} {
		s.late += later
		if u := get[gotUpload](s, upload); len(got.Assets) != 1 || u.AssetID != got.Assets[0].AssetID {
			t.Errorf("%v later the repeat answered %s; the order has %+v", later, u.AssetID, got.Assets)
		}
	}
	if again := s.order(o.OrderID); len(again.Assets) != 1 {
		t.Errorf("after the repeats the order has %d inputs, want 1", len(again.Assets))
	}
}
