package samples

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/product"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// Points is the file behind the sample scan: a post of 12 metres, as xyz. From above it is small, so that it is drawn within a worker's first beat,
// also by a program that is made to run slowly.
func Points() []byte {
	var b bytes.Buffer
	for i := range 120 {
		fmt.Fprintf(&b, "0.5 0.5 %d.%d\n", i/10, i%10)
	}
	return b.Bytes()
}

// OrderID is the id of the sample order.
func (s Scene) OrderID() id.Order { return must(id.ParseOrder(s.id(Order))) }

// Scan is a ready scan, the input of the sample order, with an object version and ETag.
func (s Scene) Scan(version, etag string) asset.Asset {
	a := s.asset(Scan, "hall.xyz", asset.Ready, 5*time.Minute)
	a.Version, a.Declared, a.Type, a.Size, a.Object, a.ETag = 2, "model/x-xyz", "model/x-xyz", int64(len(Points())), version, etag
	a.Format, a.CreatedBy, a.Orders = "xyz", ClientID.Key(), asset.OrdersOf(s.OrderID())
	return a
}

// Submitted is the sample order, with its workers.
func (s Scene) Submitted() order.Order {
	at := s.now.UTC() // in the hour of the sweeper's marker
	return order.Order{
		ID: s.OrderID(), Workspace: WorkspaceID, Client: ClientID, Version: 3, Status: order.Processing, Name: "Hall", Product: product.Areaplan,
		SqFt: 1292, Address: "Hauptplatz 1, Graz", Units: product.Metric, Inputs: 1, Attempt: 1, SubmittedAt: at, ChangedAt: at.Add(-time.Minute),
	}
}

// WorkRow is the row of the work on the sample order, which nobody has begun.
func (s Scene) WorkRow() table.Item {
	return Row(schema.WorkKey(s.OrderID()), table.Item{
		schema.Workspace: table.String(Workspace), schema.Attempt: table.Int(1), schema.Version: table.Int(1),
	})
}

// orderIsSubmitted brings the scan, and submits the order.
func (w *World) orderIsSubmitted(ctx context.Context) error {
	body := Points()
	o, err := w.Bucket.Put(ctx, w.Scan("", "").Source().Key(), bytes.NewReader(body), int64(len(body)), blob.PutOptions{Type: "model/x-xyz"})
	if err != nil {
		return fmt.Errorf("store the scan: %w", err)
	}
	for _, it := range []table.Item{
		w.Scan(o.Version, o.ETag).Row(), w.Submitted().Row(), w.WorkRow(),
		Row(schema.InputKey(w.OrderID(), w.Scan("", "").ID), table.Item{
			schema.Workspace: table.String(Workspace), schema.Format: table.String("xyz"), schema.HeldGen: table.Int(1),
			schema.HeldObject: table.String(o.Version),
		}),
		Row(schema.OrderCountKey(WorkspaceID), table.Item{schema.OpenOrders: table.Int(1), schema.OpenUploads: table.Int(0)}),
	} {
		if err := w.write(ctx, table.Put(it, table.Absent())); err != nil {
			return err
		}
	}
	return nil
}

// orderIsDue submits the order, whose request nobody heard, and has its visit due.
func (w *World) orderIsDue(ctx context.Context) error {
	if err := w.orderIsSubmitted(ctx); err != nil {
		return err
	}
	return w.write(ctx, table.Put(Row(schema.OrderDueKey(w.now.Add(-time.Second), WorkspaceID, w.OrderID()), nil), table.Absent()))
}
