package order

import (
	"context"
	"fmt"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/table"
)

// Initialize begins an order in the one workspace that the principal has. Nothing is written for a draft that is refused: fault.Invalid names every
// argument that is wrong, fault.Conflict says that the workspace has as many open orders as it may. If an order has the draft's id, it is the answer.
func (s *Service) Initialize(ctx context.Context, p access.Principal, d Draft) (Order, error) {
	w, err := only(p)
	if err != nil {
		return Order{}, err
	}
	if err := access.Authorize(p, access.CreateOrder, w); err != nil {
		return Order{}, err
	}
	o := Order{
		ID: d.ID, Workspace: w, Client: p.Client, Version: 1, Status: Drafted, ChangedAt: s.present(),
		Name: d.Name, Product: d.Product, SqFt: d.SqFt, Address: d.Address, Units: d.Units, Metadata: d.Metadata,
	}
	if err := s.details(&o); err != nil {
		return Order{}, err
	}
	given := o.ID != (id.Order{})
	if given && o.ID.Tag() != w.Tag() {
		return Order{}, fmt.Errorf("begin order %s: the id is not one of workspace %s", o.ID, w)
	}
	return s.insert(ctx, o, given)
}

// only is the workspace of a principal that has one.
func only(p access.Principal) (id.Workspace, error) {
	ws := p.Workspaces()
	if len(ws) != 1 {
		return id.Workspace{}, fault.New(fault.Forbidden, "An order belongs to the workspace of whoever begins it, and this key reaches %d. Sign in as a client of the workspace.", len(ws))
	}
	return ws[0], nil
}

// insert writes a new order and counts it. An id that was given and is taken names the order that has it; another one is drawn again.
func (s *Service) insert(ctx context.Context, o Order, given bool) (Order, error) {
	var c counter
	for range maxTries {
		if o.ID == (id.Order{}) {
			o.ID = id.NewOrder(o.Workspace, s.now())
		}
		st := step{next: o, orders: 1}
		if err := s.mark(ctx, o, s.nextVisit(o)); err != nil {
			return Order{}, err
		}
		err := s.commit(ctx, append([]table.Write{table.Put(o.Row(), table.Absent())}, s.count(o.Workspace, st, c)...))
		if err == nil {
			return o, nil
		}
		if !refused(err) {
			return Order{}, fmt.Errorf("begin order %s: %w", o.ID, err)
		}
		if there, err := s.Find(ctx, o.Workspace, o.ID); err != nil && !fault.Is(err, fault.NotFound) || err == nil && given {
			return there, err
		} else if err == nil {
			o.ID = id.Order{}
		}
		if c, err = s.counter(ctx, o.Workspace); err != nil {
			return Order{}, err
		}
		if err := s.within(c, st); err != nil {
			return Order{}, err
		}
	}
	return Order{}, busy()
}

// Update changes the details of an order that is not submitted. One in Error becomes Initialized by it, or a draft without inputs, so that it can
// be submitted again. A change that is there already writes nothing. The errors are fault.Invalid about every argument that is wrong,
// fault.NotFound, fault.Forbidden and fault.Conflict for an order that was submitted or given up.
func (s *Service) Update(ctx context.Context, p access.Principal, o id.Order, c Change) (Order, error) {
	found, err := s.allowed(ctx, p, access.ChangeOrder, o)
	if err != nil {
		return Order{}, err
	}
	return s.move(ctx, found, func(ctx context.Context, now Order) (*step, error) {
		next := now.with(c)
		if err := s.details(&next); err != nil {
			return nil, err
		}
		if next.sameDetails(now) {
			return nil, nil
		}
		if !now.editable() {
			return nil, now.closed("its details can be changed")
		}
		return s.reopened(ctx, now, next)
	})
}

func (o Order) sameDetails(p Order) bool {
	return o.Name == p.Name && o.Product == p.Product && o.SqFt == p.SqFt && o.Address == p.Address && o.Units == p.Units && o.Metadata == p.Metadata
}

// reopened is the step to an order that a client changed: it is open again, or still, and can be submitted when it has inputs.
func (s *Service) reopened(ctx context.Context, now, next Order) (*step, error) {
	st := step{next: next}
	st.next.ChangedAt = s.present()
	st.next.Failure = ""
	st.next.Status = Drafted
	if next.Inputs > 0 {
		st.next.Status = Initialized
	}
	if now.Status != Error {
		return &st, nil
	}
	st.orders = 1
	return &st, s.mark(ctx, st.next, s.nextVisit(st.next))
}

// editable says whether details and inputs of the order may change.
func (o Order) editable() bool {
	return o.Status == Drafted || o.Status == Initialized || o.Status == Error
}

// closed refuses what an order that is not editable does not allow. What is the part of the sentence after "before".
func (o Order) closed(what string) error {
	if o.Status == Cancelled {
		return fault.New(fault.Conflict, "The order is %s: it was given up. Begin another order.", o.Status)
	}
	if o.Status == Uploading {
		return fault.New(fault.Conflict, "The order is %s: it was submitted, and only before that %s. Cancel it and begin another, or wait for what becomes of it.", o.Status, what)
	}
	return fault.New(fault.Conflict, "The order is %s: it was submitted, and only before that %s. Begin another order.", o.Status, what)
}
