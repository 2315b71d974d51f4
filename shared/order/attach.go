package order

import (
	"context"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// Attach makes an asset of the order's workspace an input of it: one that is ready and a scan, or one whose bytes are on their way. An order in
// Error becomes Initialized by it. An asset that is an input already changes nothing. The errors are fault.NotFound, fault.Forbidden, and
// fault.Conflict for an order that was submitted, is full or given up, and for an asset that failed, is no scan or has as many orders as it may.
func (s *Service) Attach(ctx context.Context, p access.Principal, o id.Order, aid id.Asset) (Order, error) {
	found, err := s.allowed(ctx, p, access.ChangeOrder, o)
	if err != nil {
		return Order{}, err
	}
	return s.move(ctx, found, func(ctx context.Context, now Order) (*step, error) {
		a, err := s.Assets.Allowed(ctx, p, access.ReadAsset, aid)
		if err != nil {
			return nil, err
		}
		if a.Workspace != now.Workspace {
			return nil, asset.Missing()
		}
		if a.Orders.Has(o) {
			return nil, nil
		}
		if err := now.room(); err != nil {
			return nil, err
		}
		if err := fit(a); err != nil {
			return nil, err
		}
		st, err := s.joining(ctx, now)
		if err != nil {
			return nil, err
		}
		st.join(input{id: a.ID, workspace: a.Workspace, format: FormatOf(a), open: a.State == asset.Pending})
		st.also = append(st.also, table.Update(a.Key(), table.Eq(schema.Version, table.Int(a.Version)),
			table.Set(schema.Orders, table.String(a.Orders.With(o))), table.Add(schema.Version, table.Int(1))))
		return st, nil
	})
}

// joining is the step to an order that has one input more.
func (s *Service) joining(ctx context.Context, now Order) (*step, error) {
	next := now
	next.Inputs++
	next.Problems = nil
	return s.reopened(ctx, now, next)
}

// join adds the row of the input that comes.
func (st *step) join(in input) {
	st.also = append(st.also, table.Put(in.item(st.next.ID), table.Absent()))
	if in.open {
		st.uploads++
	}
}

// room refuses an order that takes no further input.
func (o Order) room() error {
	if !o.editable() {
		return o.closed("its inputs can be changed")
	}
	if o.Inputs >= MaxInputs {
		return fault.New(fault.Conflict, "The order has %d inputs, which is as many as it may have. Abandon one first, or begin another order.", o.Inputs)
	}
	return nil
}

// fit refuses an asset that cannot be an input.
func fit(a asset.Asset) error {
	switch {
	case a.State == asset.Failed:
		return fault.New(fault.Conflict, "The asset has failed: %s Retry it first, or upload the scan anew.", a.Failure)
	case a.Orders.Len() >= asset.MaxOrders:
		return fault.New(fault.Conflict, "The asset belongs to %d orders, which is as many as it may.", a.Orders.Len())
	case a.State == asset.Ready && FormatOf(a) == "":
		return fault.New(fault.Conflict, "The asset is %s; an input is a scan, of the formats %s.", a.Type, formatList())
	case a.State == asset.Pending && a.Declared != "" && a.Declared != undeclared && FormatOf(a) == "":
		return fault.New(fault.Conflict, "The asset was announced as %s; an input is a scan, of the formats %s.", a.Declared, formatList())
	}
	return nil
}

// undeclared is the content type of bytes that nobody said anything of (RFC 2046).
const undeclared = "application/octet-stream"
