package orders_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/assetry/assetry/shared/account"
)

func TestAClientIsToldOfItsOwnOrders(t *testing.T) {
	s := newStack(t)
	h := get[gotWebhook](s, request{query: fmt.Sprintf(`mutation { createWebhook(webhook_url: %q) { %s } }`, s.files.URL+"/hook", webhookFields)})
	if h.Secret == nil || !cmp.Equal(h.Events, []string{"order.updated"}) || h.URL != s.files.URL+"/hook" {
		t.Fatalf("createWebhook answered %+v", h)
	}
	_, _, colleague := s.newClient(s.home, account.ClientSpec{})
	o := get[gotOrder](s, request{query: `mutation { initializeOrder(order_name: "Town hall", product: "areaplan", metadata: {floor: 2, a: 1.10}) { ` + orderFields + ` } }`})
	get[gotOrder](s, request{token: colleague, query: `mutation { initializeOrder(order_name: "Another's", product: "areaplan") { order_id } }`})
	s.begin(o.OrderID, "xyz", "single", "")
	get[gotOrder](s, request{query: fmt.Sprintf(`mutation { cancelOrder(order_id: %q) { order_id } }`, o.OrderID)})
	s.settle()
	lib, err := standardwebhooks.NewWebhook(*h.Secret)
	if err != nil {
		t.Fatal(err)
	}
	var statuses []string
	for _, e := range s.files.events() {
		if err := lib.Verify([]byte(e.body), e.header); err != nil {
			t.Errorf("the receiver refuses %s: %v", e.body, err)
		}
		var got struct {
			Event string
			Order struct {
				ID       string `json:"order_id"`
				Status   string `json:"order_status"`
				Metadata string
			}
		}
		if err := json.Unmarshal([]byte(e.body), &got); err != nil {
			t.Fatal(err)
		}
		if got.Event != "order.updated" || got.Order.ID != o.OrderID || got.Order.Metadata != `{"floor":2,"a":1.10}` {
			t.Errorf("it was told %s", e.body)
		}
		statuses = append(statuses, got.Order.Status)
	}
	if diff := cmp.Diff([]string{"INITIALIZED", "CANCELLED"}, statuses); diff != "" {
		t.Errorf("the client was told of (-want +got):\n%s", diff)
	}
}

func TestTheLifeOfAWebhook(t *testing.T) {
	s := newStack(t)
	list := request{query: `{ webhooks { ` + webhookFields + ` } }`}
	if got := get[[]gotWebhook](s, list); len(got) != 0 {
		t.Errorf("a new client has the webhooks %+v", got)
	}
	create := request{query: `mutation { createWebhook(webhook_url: "https://hooks.example/in") { ` + webhookFields + ` } }`}
	h := get[gotWebhook](s, create)
	s.refused(create, "CONFLICT")
	on := func(field, more string) request {
		return request{query: fmt.Sprintf(`mutation { %s(webhook_id: %q %s) { %s } }`, field, h.WebhookID, more, webhookFields)}
	}
	moved := get[gotWebhook](s, on("updateWebhook", `, webhook_url: "https://other.example/"`))
	rotated := get[gotWebhook](s, on("rotateWebhookSecret", ""))
	if moved.URL != "https://other.example/" || moved.Secret != nil || rotated.Secret == nil || *rotated.Secret == *h.Secret {
		t.Errorf("updateWebhook answered %+v, rotateWebhookSecret another secret: %t", moved, rotated.Secret != nil && *rotated.Secret != *h.Secret)
	}
	moved.Secret = nil
	if diff := cmp.Diff([]gotWebhook{moved}, get[[]gotWebhook](s, list)); diff != "" {
		t.Errorf("webhooks (-want +got):\n%s", diff)
	}
	if got := get[gotWebhook](s, on("deleteWebhook", "")); got.WebhookID != h.WebhookID || got.Secret != nil {
		t.Errorf("deleteWebhook answered %+v", got)
	}
	s.refused(on("deleteWebhook", ""), "NOT_FOUND")
	if got := get[gotWebhook](s, create); got.WebhookID == h.WebhookID {
		t.Error("the next webhook has the id of the one that was deleted")
	}
}
