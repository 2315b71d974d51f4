package order_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/order"
)

func TestInitialize(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	for _, tt := range []struct {
		name string
		d    order.Draft
		want []string // arguments that are refused
	}{
		{"a name and a product suffice", draft(), nil},
		{"everything may be said", order.Draft{Name: "n", Product: "AreaPlan", SqFt: 900, Address: "1 Main St\nFlat 2", Units: "metric", Metadata: `{"a": [1]}`}, nil},
		{"null is no metadata", order.Draft{Name: "n", Product: "areaplan", Metadata: "null"}, nil},
		{"metadata of ten nestings", order.Draft{Name: "n", Product: "areaplan", Metadata: strings.Repeat("[", 10) + strings.Repeat("]", 10)}, nil},
		{"metadata of eleven nestings", order.Draft{Name: "n", Product: "areaplan", Metadata: strings.Repeat(`{"a":`, 11) + "1" + strings.Repeat("}", 11)}, []string{"metadata"}},
		{"metadata of 16 KB", order.Draft{Name: "n", Product: "areaplan", Metadata: `"` + strings.Repeat("x", 16<<10-2) + `"`}, nil},
		{"metadata of a byte more", order.Draft{Name: "n", Product: "areaplan", Metadata: `"` + strings.Repeat("x", 16<<10-1) + `"`}, []string{"metadata"}},
		{"metadata that is cut off", order.Draft{Name: "n", Product: "areaplan", Metadata: `{"a":`}, []string{"metadata"}},
		{"metadata of two values", order.Draft{Name: "n", Product: "areaplan", Metadata: `1 2`}, []string{"metadata"}},
		{"an area below zero", order.Draft{Name: "n", Product: "areaplan", SqFt: -1}, []string{"estimated_sqft"}},
		{"an area above what the schema holds", order.Draft{Name: "n", Product: "areaplan", SqFt: 1 << 31}, []string{"estimated_sqft"}},
		{"units of feet and inches", order.Draft{Name: "n", Product: "areaplan", Units: "feet"}, []string{"model_units"}},
		{"no name", order.Draft{Product: "areaplan"}, []string{"order_name"}},
		{"a name with a line break", order.Draft{Name: "a\nb", Product: "areaplan"}, []string{"order_name"}},
		{
			"everything at once is wrong",
			order.Draft{Name: strings.Repeat("x", 256), Product: "cake", SqFt: -5, Address: strings.Repeat("x", 1001), Units: "cm", Metadata: "{"},
			[]string{"order_name", "product", "estimated_sqft", "address", "model_units", "metadata"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, err := w.Initialize(t.Context(), w.client, tt.d)
			if tt.want != nil {
				wantFields(t, err, tt.want...)
				return
			}
			if err != nil || o.Status != order.Drafted || o.Version != 1 || o.Client != w.client.Client {
				t.Fatalf("Initialize = %+v, %v; want a draft of the client", o, err)
			}
			if diff := cmp.Diff(o, w.mustGet(t, o)); diff != "" {
				t.Errorf("Get differs from what Initialize gave:\n%s", diff)
			}
		})
	}
	if o, err := w.Initialize(t.Context(), w.client, order.Draft{Name: "n", Product: "AREAPLAN", Units: "Imperial", Metadata: "{ \"a\" : 1 }"}); err != nil ||
		o.Product != "areaplan" || o.Units != "IMPERIAL" || o.Metadata != `{"a":1}` {
		t.Errorf("Initialize = %q %q %q, %v; want them as they are kept", o.Product, o.Units, o.Metadata, err)
	}
}

func TestWhoMayInitialize(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	_, err := w.Initialize(t.Context(), w.reader, draft())
	wantKind(t, err, fault.Forbidden)
	_, err = w.Initialize(t.Context(), access.Principal{}, draft())
	wantKind(t, err, fault.Forbidden)
	o := w.mustBegin(t)
	for name, err := range map[string]error{
		"Get":      second(w.Get(t.Context(), w.stranger, o.ID)),
		"Update":   second(w.Update(t.Context(), w.stranger, o.ID, order.Change{})),
		"Submit":   second(w.Submit(t.Context(), w.stranger, o.ID)),
		"Cancel":   second(w.Cancel(t.Context(), w.stranger, o.ID)),
		"Inputs":   second(w.Inputs(t.Context(), w.stranger, o.ID)),
		"Upload":   second(w.BeginUpload(t.Context(), w.stranger, o.ID, single())),
		"an order": second(w.Get(t.Context(), w.client, id.NewOrder(w.ws.ID, w.clock.Now()))),
	} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s of a stranger: %v, want not found", name, err)
		}
	}
	for name, err := range map[string]error{
		"Update": second(w.Update(t.Context(), w.reader, o.ID, order.Change{Name: to("x")})),
		"Submit": second(w.Submit(t.Context(), w.reader, o.ID)),
		"Cancel": second(w.Cancel(t.Context(), w.reader, o.ID)),
		"Upload": second(w.BeginUpload(t.Context(), w.reader, o.ID, single())),
	} {
		if !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s of a reader: %v, want forbidden", name, err)
		}
	}
	if _, err := w.Get(t.Context(), w.reader, o.ID); err != nil {
		t.Errorf("Get of a reader: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestADraftsIDIsUsedOnce(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	d := draft()
	d.ID = id.NewOrder(w.ws.ID, w.clock.Now())
	first, err := w.Initialize(t.Context(), w.client, d)
	if err != nil {
		t.Fatal(err)
	}
	d.Name = "Another"
	again, err := w.Initialize(t.Context(), w.client, d)
	if diff := cmp.Diff(first, again); err != nil || diff != "" {
		t.Errorf("the second Initialize: %v, differs:\n%s", err, diff)
	}
	w.wantOpen(t, 1, 0)
}

func TestUpdate(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t))
	o := w.mustBegin(t)
	o, err := w.Update(t.Context(), w.client, o.ID, order.Change{Name: to("Flat 8"), SqFt: to[int64](700), Units: to("imperial"), Metadata: to(`[1, 2]`)})
	if err != nil || o.Name != "Flat 8" || o.SqFt != 700 || o.Units != "IMPERIAL" || o.Metadata != "[1,2]" || o.Version != 2 {
		t.Fatalf("Update = %+v, %v", o, err)
	}
	same, err := w.Update(t.Context(), w.client, o.ID, order.Change{Name: to("Flat 8"), Metadata: to("[1,2]")})
	if diff := cmp.Diff(o, same); err != nil || diff != "" {
		t.Errorf("the same Update again: %v, differs:\n%s", err, diff)
	}
	o, err = w.Update(t.Context(), w.client, o.ID, order.Change{SqFt: to[int64](0), Units: to(""), Metadata: to("")})
	if err != nil || o.SqFt != 0 || o.Units != "" || o.Metadata != "" || o.Name != "Flat 8" {
		t.Errorf("taking details away = %+v, %v", o, err)
	}
	_, err = w.Update(t.Context(), w.client, o.ID, order.Change{Name: to(""), Product: to("cake")})
	wantFields(t, err, "order_name", "product")

	w.mustUpload(t, o)
	if o = w.mustSubmit(t, o); o.Status != order.Uploading {
		t.Fatalf("Submit = %s", o.Status)
	}
	_, err = w.Update(t.Context(), w.client, o.ID, order.Change{Name: to("late")})
	wantKind(t, err, fault.Conflict)
}

func TestList(t *testing.T) {
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		var all []order.Order
		for range 5 {
			all = append([]order.Order{w.mustBegin(t)}, all...)
		}
		cancelled, err := w.Cancel(t.Context(), w.client, all[2].ID)
		if err != nil {
			t.Fatal(err)
		}
		all[2] = cancelled
		drafts := append(append([]order.Order{}, all[:2]...), all[3:]...)
		for _, tt := range []struct {
			status order.Status
			limit  int
			want   []order.Order
		}{{"", 2, all}, {"", 100, all}, {order.Drafted, 3, drafts}, {order.Cancelled, 1, all[2:3]}, {order.Completed, 10, nil}} {
			var got []order.Order
			for cursor, first := "", true; first || cursor != ""; first = false {
				var some []order.Order
				if some, cursor, err = w.List(t.Context(), w.client, w.ws.ID, tt.status, cursor, tt.limit); err != nil || len(some) > tt.limit {
					t.Fatalf("List gave %d orders, %v", len(some), err)
				}
				got = append(got, some...)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("orders in %q by %d (-want +got):\n%s", tt.status, tt.limit, diff)
			}
		}
		_, cursor, _ := w.List(t.Context(), w.client, w.ws.ID, "", "", 2)
		_, _, err = w.List(t.Context(), w.client, w.ws.ID, order.Drafted, cursor, 2)
		wantFields(t, err, "after")
		_, _, err = w.List(t.Context(), w.client, w.ws.ID, "DONE", "x", 101)
		wantFields(t, err, "first", "order_status", "after")
		_, _, err = w.List(t.Context(), w.stranger, w.ws.ID, "", "", 2)
		wantKind(t, err, fault.NotFound)
	})
}

func TestQuotas(t *testing.T) {
	w := newWorld(t, drivers.SQLite(t)).with(order.Options{OpenOrders: 2, OpenUploads: 2})
	first, second := w.mustBegin(t), w.mustBegin(t)
	_, err := w.Initialize(t.Context(), w.client, draft())
	wantKind(t, err, fault.Conflict)
	a := w.mustUpload(t, first)
	w.mustUpload(t, second)
	_, err = w.BeginUpload(t.Context(), w.client, first.ID, single())
	wantKind(t, err, fault.Conflict)
	w.wantOpen(t, 2, 2)

	w.mustReady(t, a)
	w.hearAll(t)
	w.wantOpen(t, 2, 1)
	w.mustUpload(t, first)
	if _, err := w.Cancel(t.Context(), w.client, second.ID); err != nil {
		t.Fatal(err)
	}
	w.wantOpen(t, 1, 1)
	w.mustBegin(t)
}
