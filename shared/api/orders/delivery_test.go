package orders_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/processing"
	"github.com/assetry/assetry/shared/product/catalog"
)

// From draft to delivery: the client is told of each step, and downloads what was made.
func TestAnOrderFromDraftToDelivery(t *testing.T) {
	s := newStack(t)
	s.works = processing.New(processing.Parts{
		Table: s.rows, Bucket: s.bucket, Assets: s.assets, Uploads: s.uploads, Orders: s.orders, Products: catalog.Products(),
	}, processing.Options{Now: s.now})
	get[gotWebhook](s, request{query: fmt.Sprintf(`mutation { createWebhook(webhook_url: %q) { webhook_id } }`, s.files.URL+"/hook")})
	o := s.newOrder()
	u := s.begin(o.OrderID, "xyz", "single", "")
	s.send(*u.UploadURL, points(200_000))
	s.finish(u.AssetID, "")
	if got := get[gotOrder](s, s.submit(o.OrderID)); got.Status != "PROCESSING" || got.Progress == nil || *got.Progress != 0 || len(got.Deliverables) != 0 {
		t.Errorf("finalizeOrder answered %+v", got)
	}
	s.settle()
	got := s.order(o.OrderID)
	if got.Status != "COMPLETED" || got.Progress == nil || *got.Progress != 100 || got.FailureReason != nil || len(got.Deliverables) == 0 {
		t.Fatalf("the order is %s at %v with %+v: %v", got.Status, got.Progress, got.Deliverables, got.FailureReason)
	}
	var names []string
	for _, d := range got.Deliverables {
		names = append(names, d.ContentType)
		link := get[gotDownload](s, request{query: fmt.Sprintf(`mutation { initializeDownload(asset_id: %q) { download_url expires_in } }`, d.AssetID)})
		status, body := s.follow(t, link.URL)
		if status != http.StatusOK || d.Size == nil || len(body) != int(*d.Size) || d.Status != "ready" || d.Type != nil {
			t.Errorf("%+v was downloaded with %d and %d bytes", d, status, len(body))
		}
	}
	for _, want := range []string{"application/json", "image/png", "application/pdf"} {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, want) }) {
			t.Errorf("the deliverables are %v, want %s among them", names, want)
		}
	}
	s.wasTold("INITIALIZED", "PROCESSING", "COMPLETED")
	s.refused(request{query: fmt.Sprintf(`mutation { cancelOrder(order_id: %q) { order_id } }`, o.OrderID)}, "CONFLICT")
}

// wasTold holds the statuses that the webhook of the client got.
func (s *stack) wasTold(want ...string) {
	s.t.Helper()
	var got []string
	for _, e := range s.files.events() {
		var body struct {
			Order struct {
				Status string `json:"order_status"`
			}
		}
		if err := json.Unmarshal([]byte(e.body), &body); err != nil {
			s.t.Fatal(err)
		}
		got = append(got, body.Order.Status)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("the client was told of (-want +got):\n%s", diff)
	}
}
