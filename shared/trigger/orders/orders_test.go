package orders_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/processing"
	"github.com/assetry/assetry/shared/product"
	"github.com/assetry/assetry/shared/trigger/orders"
)

// house is an installation without orders.
type house struct{ work processing.Parts }

func (h house) Metrics() *metric.Log { return nil }

func (h house) Processing(ps ...product.Product) *processing.Service {
	return processing.New(h.work, processing.Options{})
}

func TestRequestsAreReadStrictly(t *testing.T) {
	const ws, o = "ws_01999999-0000-7000-8000-0000cafe0001", "0199aaaa-bbbb-7ccc-8ddd-eeeecafe0001"
	h := house{processing.Parts{Table: domaintest.NewTable(t)}}
	for _, tt := range []struct {
		name string
		typ  bus.Type
		d    bus.Detail
		ok   bool
	}{
		{"a request for work that is gone is done", bus.OrderSubmitted, bus.Detail{Workspace: ws, Version: 1, Order: &bus.OrderDetail{Order: o, Attempt: 1}}, true},
		{"an event of another type", bus.OrderUpdated, bus.Detail{Workspace: ws, Version: 1, Order: &bus.OrderDetail{Order: o}}, false},
		{"an event without an order", bus.OrderSubmitted, bus.Detail{Workspace: ws, Version: 1}, false},
		{"a workspace that is no id", bus.OrderSubmitted, bus.Detail{Workspace: "ws_1", Version: 1, Order: &bus.OrderDetail{Order: o, Attempt: 1}}, false},
		{"an order that is no id", bus.OrderSubmitted, bus.Detail{Workspace: ws, Version: 1, Order: &bus.OrderDetail{Order: "..", Attempt: 1}}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.d.SchemaVersion = bus.SchemaVersion
			body, err := json.Marshal(map[string]any{
				"source": bus.Source, "detail-type": tt.typ, "time": "2026-01-15T12:10:00Z", "resources": []string{}, "detail": tt.d,
			})
			if err != nil {
				t.Fatal(err)
			}
			got, err := orders.Work(h)(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m", Body: string(body)}}})
			if err != nil || (len(got.BatchItemFailures) == 0) != tt.ok {
				t.Errorf("answer %+v, %v; want it taken: %t", got, err, tt.ok)
			}
		})
	}
}
