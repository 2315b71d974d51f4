package orders_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAnOrderIsWhatWasSaidOfIt(t *testing.T) {
	s := newStack(t)
	metadata := `{"zebra": 1.10, "apple": [1e3, 12345678901234567890, {"b": null, "a": "<&>"}]}`
	o := get[gotOrder](s, request{
		query: `mutation M($metadata: JSON) { initializeOrder(order_name: "Town hall", product: "AreaPlan", estimated_sqft: 900, address: "1 Main Street",
			model_units: "metric", metadata: $metadata) { ` + orderFields + ` } }`,
		variables: `{"metadata": ` + metadata + `}`,
	})
	want := gotOrder{
		OrderID: o.OrderID, Name: "Town hall", Created: o.Created, Status: "DRAFT", Product: "areaplan", SqFt: new(int), Address: new(string), Units: new(string),
		Metadata: []byte(`{"zebra":1.10,"apple":[1e3,12345678901234567890,{"b":null,"a":"<&>"}]}`),
		Assets:   []gotAsset{}, Deliverables: []gotAsset{}, Problems: []gotProblem{}, Version: 1,
	}
	*want.SqFt, *want.Address, *want.Units = 900, "1 Main Street", "METRIC"
	if diff := cmp.Diff(want, o); diff != "" {
		t.Errorf("initializeOrder (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, s.order(o.OrderID)); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if len(o.Created) != len("2026-01-31T09:00:00.000Z") {
		t.Errorf("created is %q, want a moment to the millisecond", o.Created)
	}
}

// A literal comes back as a variable does.
func TestMetadataAsALiteral(t *testing.T) {
	s := newStack(t)
	o := get[gotOrder](s, request{query: `mutation { initializeOrder(order_name: "x", product: "areaplan", metadata: {z: 1.10, a: [true, null, "é"]}) { ` + orderFields + ` } }`})
	if string(o.Metadata) != `{"z":1.10,"a":[true,null,"é"]}` {
		t.Errorf("metadata is %s", o.Metadata)
	}
}

func TestUpdateOrderChangesWhatIsSentAndLeavesTheRest(t *testing.T) {
	s := newStack(t)
	o := get[gotOrder](s, request{query: `mutation { initializeOrder(order_name: "x", product: "areaplan", estimated_sqft: 900, address: "1 Main Street",
		model_units: "METRIC", metadata: {a: 1}) { ` + orderFields + ` } }`})
	want, sqft := o, 100
	for i, tt := range []struct {
		name, args string
		want       func()
	}{
		{"one detail", `order_name: "Town hall"`, func() { want.Name = "Town hall" }},
		{"null takes away", `address: null, metadata: null`, func() { want.Address, want.Metadata = nil, []byte("null") }},
		{"numbers", `estimated_sqft: 100`, func() { want.SqFt = &sqft }},
		{"null of a number", `estimated_sqft: null, model_units: null`, func() { want.SqFt, want.Units = nil, nil }},
	} {
		tt.want()
		want.Version = i + 2
		got := get[gotOrder](s, request{query: fmt.Sprintf(`mutation { updateOrder(order_id: %q, %s) { %s } }`, o.OrderID, tt.args, orderFields)})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	absent := request{
		query:     `mutation M($id: ID!, $name: String, $address: String) { updateOrder(order_id: $id, order_name: $name, address: $address) { ` + orderFields + ` } }`,
		variables: fmt.Sprintf(`{"id": %q, "address": "2 Main Street"}`, o.OrderID),
	}
	if got := get[gotOrder](s, absent); got.Name != "Town hall" || *got.Address != "2 Main Street" {
		t.Errorf("a variable that was not sent changed its argument: %+v", got)
	}
	s.refused(request{query: fmt.Sprintf(`mutation { updateOrder(order_id: %q, order_name: null) { order_id } }`, o.OrderID)}, "BAD_USER_INPUT")
}

func TestOrdersAreListedByTimeAndStatus(t *testing.T) {
	s := newStack(t)
	var ids []string
	for range 5 {
		ids = append([]string{s.newOrder().OrderID}, ids...)
	}
	get[gotOrder](s, request{query: fmt.Sprintf(`mutation { cancelOrder(order_id: %q) { order_id } }`, ids[1])})
	list := func(args string) (seen []string) {
		for after := "null"; after != ""; {
			page := get[struct {
				Orders     []gotOrder
				NextCursor *string `json:"next_cursor"`
			}](s, request{query: fmt.Sprintf(`{ orders(first: 2, after: %s %s) { orders { order_id } next_cursor } }`, after, args)})
			for _, o := range page.Orders {
				seen = append(seen, o.OrderID)
			}
			after = ""
			if page.NextCursor != nil {
				after = fmt.Sprintf("%q", *page.NextCursor)
			}
		}
		return seen
	}
	if diff := cmp.Diff(ids, list("")); diff != "" {
		t.Errorf("all orders, newest first (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(ids[1:2], list(`, order_status: "cancelled"`)); diff != "" {
		t.Errorf("cancelled orders (-want +got):\n%s", diff)
	}
	for _, args := range []string{"first: 0", "first: 101", `order_status: "LOST"`, `after: "nonsense"`} {
		s.refused(request{query: fmt.Sprintf(`{ orders(%s) { next_cursor } }`, args)}, "BAD_USER_INPUT")
	}
}

func TestAReadyAssetIsAttachedToASecondOrder(t *testing.T) {
	s := newStack(t)
	u := s.begin(s.newOrder().OrderID, "xyz", "single", "")
	s.send(*u.UploadURL, points(5000))
	s.finish(u.AssetID, "")
	o := s.newOrder()
	for range 2 {
		got := get[gotOrder](s, request{query: fmt.Sprintf(`mutation { attachAsset(order_id: %q, asset_id: %q) { %s } }`, o.OrderID, u.AssetID, orderFields)})
		if got.Status != "INITIALIZED" || len(got.Assets) != 1 || got.Assets[0].AssetID != u.AssetID || got.Version != 2 {
			t.Errorf("attachAsset answered %+v", got)
		}
	}
	if a := get[gotAsset](s, request{query: fmt.Sprintf(`{ asset(asset_id: %q) { %s } }`, u.AssetID, assetFields)}); a.Status != "ready" || *a.Type != "xyz" {
		t.Errorf("asset answered %+v", a)
	}
}
