package orders

import (
	"cmp"
	"context"
	"strings"

	"github.com/assetry/assetry/shared/api/orders/graph"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/order"
)

// InitializeOrder begins an order. A repeat under the same Idempotency-Key answers that order, as it stands.
func (r mutationFields) InitializeOrder(ctx context.Context, name, product string, sqft *int32, address, units *string, metadata graph.JSON) (*graph.Order, error) {
	text, err := argumentJSON(ctx, "metadata")
	if err != nil {
		return nil, err
	}
	return making(ctx, r.resolvers, func(ctx context.Context, thing id.UUID, _ bool) (*graph.Order, error) {
		return shown(r.s.Orders().Initialize(ctx, callOf(ctx).principal, order.Draft{
			ID: id.Order(thing), Name: name, Product: product, SqFt: int64(value(sqft)), Address: value(address), Units: value(units), Metadata: text,
		}))
	})
}

// UpdateOrder changes what was sent of an order's details; null takes a detail away. A repeat under the same Idempotency-Key changes nothing
// again, whatever others changed meanwhile.
func (r mutationFields) UpdateOrder(ctx context.Context, sent string, name, product *string, sqft *int32, address, units *string, metadata graph.JSON) (*graph.Order, error) {
	o, err := orderID(sent)
	if err != nil {
		return nil, err
	}
	c := order.Change{
		Name: change(ctx, "order_name", value(name)), Product: change(ctx, "product", value(product)), Address: change(ctx, "address", value(address)),
		Units: change(ctx, "model_units", value(units)), SqFt: change(ctx, "estimated_sqft", int64(value(sqft))),
	}
	if given(ctx, "metadata") {
		text, err := argumentJSON(ctx, "metadata")
		if err != nil {
			return nil, err
		}
		c.Metadata = &text
	}
	return once(ctx, r.resolvers, func(ctx context.Context) (*graph.Order, error) {
		return shown(r.s.Orders().Update(ctx, callOf(ctx).principal, o, c))
	}, func(ctx context.Context) (*graph.Order, error) {
		return shown(r.s.Orders().Get(ctx, callOf(ctx).principal, o))
	})
}

// change is what an argument changes a detail to; nil where it was not sent.
func change[T any](ctx context.Context, argument string, to T) *T {
	if !given(ctx, argument) {
		return nil
	}
	return &to
}

// AttachAsset makes an asset an input of an order.
func (r mutationFields) AttachAsset(ctx context.Context, sent, sentAsset string) (*graph.Order, error) {
	return r.onOrder(ctx, sent, func(ctx context.Context, o id.Order) (order.Order, error) {
		a, err := assetID(sentAsset)
		if err != nil {
			return order.Order{}, err
		}
		return r.s.Orders().Attach(ctx, callOf(ctx).principal, o, a)
	})
}

// FinalizeOrder submits an order.
func (r mutationFields) FinalizeOrder(ctx context.Context, sent string) (*graph.Order, error) {
	return r.onOrder(ctx, sent, func(ctx context.Context, o id.Order) (order.Order, error) {
		return r.s.Orders().Submit(ctx, callOf(ctx).principal, o)
	})
}

// CancelOrder gives an order up.
func (r mutationFields) CancelOrder(ctx context.Context, sent string) (*graph.Order, error) {
	return r.onOrder(ctx, sent, func(ctx context.Context, o id.Order) (order.Order, error) {
		return r.s.Orders().Cancel(ctx, callOf(ctx).principal, o)
	})
}

// onOrder does something to an order that is the same when it is done again.
func (r mutationFields) onOrder(ctx context.Context, sent string, do func(context.Context, id.Order) (order.Order, error)) (*graph.Order, error) {
	o, err := orderID(sent)
	if err != nil {
		return nil, err
	}
	return again(ctx, r.resolvers, func(ctx context.Context) (*graph.Order, error) { return shown(do(ctx, o)) })
}

// Order finds an order.
func (r queryFields) Order(ctx context.Context, sent string) (*graph.Order, error) {
	o, err := orderID(sent)
	if err != nil {
		return nil, err
	}
	return shown(r.s.Orders().Get(ctx, callOf(ctx).principal, o))
}

// defaultPage is how many orders a page has where nobody says, as the schema has it.
const defaultPage = 50

// Orders lists the orders of the client's workspace.
func (r queryFields) Orders(ctx context.Context, first *int32, after, status *string) (*graph.OrderPage, error) {
	p := callOf(ctx).principal
	limit := defaultPage
	if first != nil {
		limit = int(*first)
	}
	ws := p.Workspaces() // a client has one
	if len(ws) != 1 {
		return &graph.OrderPage{Orders: []graph.Order{}}, nil
	}
	found, next, err := r.s.Orders().List(ctx, p, ws[0], order.Status(strings.ToUpper(value(status))), value(after), limit)
	if err != nil {
		return nil, err
	}
	out := &graph.OrderPage{Orders: make([]graph.Order, len(found)), NextCursor: nullable(next)}
	for i, o := range found {
		out.Orders[i] = renderOrder(o)
	}
	return out, nil
}

// shown is an order as it is answered.
func shown(o order.Order, err error) (*graph.Order, error) {
	if err != nil {
		return nil, err
	}
	out := renderOrder(o)
	return &out, nil
}

func renderOrder(o order.Order) graph.Order {
	out := graph.Order{
		OrderID: o.ID.String(), OrderName: o.Name, Created: o.CreatedAt(), OrderStatus: string(o.Status), Product: o.Product,
		EstimatedSqft: count(o.SqFt), Address: nullable(o.Address), ModelUnits: nullable(o.Units), Metadata: graph.JSON(cmp.Or(o.Metadata, "null")),
		FailureReason: nullable(o.Failure), Problems: make([]graph.OrderProblem, len(o.Problems)), Version: int32(o.Version),
	}
	for i, p := range o.Problems {
		out.Problems[i] = graph.OrderProblem{Path: p.Path, Message: p.Message}
	}
	return out
}

// Assets are the inputs of an order.
func (r orderFields) Assets(ctx context.Context, o *graph.Order) ([]graph.Asset, error) {
	oid, err := orderID(o.OrderID)
	if err != nil {
		return nil, err
	}
	found, err := r.s.Orders().Inputs(ctx, callOf(ctx).principal, oid)
	if err != nil {
		return nil, err
	}
	out := make([]graph.Asset, len(found))
	for i, in := range found {
		out[i] = renderAsset(in.Asset, in.Format)
	}
	return out, nil
}

// Deliverables are what the last attempt at an order made, once it is whole.
func (r orderFields) Deliverables(ctx context.Context, o *graph.Order) ([]graph.Asset, error) {
	oid, err := orderID(o.OrderID)
	if err != nil || o.OrderStatus != string(order.Completed) {
		return []graph.Asset{}, err
	}
	found, err := r.s.Orders().Deliverables(ctx, callOf(ctx).principal, oid)
	if err != nil {
		return nil, err
	}
	out := make([]graph.Asset, len(found))
	for i, a := range found {
		out[i] = renderAsset(a, "")
	}
	return out, nil
}

// Progress is how far the workers of an order are, in percent.
func (r orderFields) Progress(ctx context.Context, shown *graph.Order) (*int32, error) {
	if shown.OrderStatus != string(order.Processing) && shown.OrderStatus != string(order.Completed) {
		return nil, nil // which costs no read
	}
	o, err := orderID(shown.OrderID)
	if err != nil {
		return nil, err
	}
	found, err := r.s.Orders().Get(ctx, callOf(ctx).principal, o)
	if err != nil {
		return nil, err
	}
	percent, known, err := r.s.Orders().Progress(ctx, found)
	if err != nil || !known {
		return nil, err
	}
	done := int32(percent)
	return &done, nil
}
