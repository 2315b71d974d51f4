package order

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// Submit hands an order in: it is Processing if all inputs are ready, else Uploading until they are, and holds them from then on. Inputs of which
// nothing has come and nothing can come any more are left out, and named in the order's problems. The error is fault.Invalid about every
// path at which something is wrong, such as "assets.0"; then nothing changes. An order that was submitted is the answer as it stands; one that was
// given up is fault.Conflict.
func (s *Service) Submit(ctx context.Context, p access.Principal, o id.Order) (Order, error) {
	found, err := s.allowed(ctx, p, access.SubmitOrder, o)
	if err != nil {
		return Order{}, err
	}
	return s.move(ctx, found, func(ctx context.Context, now Order) (*step, error) {
		switch now.Status {
		case Drafted, Initialized:
			return s.submission(ctx, now)
		case Cancelled:
			return nil, now.closed("it can be submitted")
		}
		return nil, nil
	})
}

// submission is the step from an order that is complete to one that is submitted.
func (s *Service) submission(ctx context.Context, now Order) (*step, error) {
	next := now
	bad := fault.FieldsOf(s.details(&next))
	ms, err := s.members(ctx, now)
	if err != nil {
		return nil, err
	}
	st := &step{next: now}
	st.next.Problems = nil
	kept, more, err := s.choose(ctx, now, st, ms)
	if err != nil {
		return nil, err
	}
	if bad = append(bad, more...); len(kept) == 0 {
		bad = append(bad, noInputs(st.next.Problems)...)
	}
	if err := fault.BadFields(bad); err != nil {
		return nil, err
	}
	st.next.Attempt++
	st.next.SubmittedAt = s.present()
	st.next.ChangedAt = st.next.SubmittedAt
	st.next.Status = Uploading
	if !slices.ContainsFunc(kept, func(m member) bool { return m.asset.State == asset.Pending }) {
		st.next.Status = Processing
		st.also = append(st.also, work(st.next))
	}
	st.take(kept)
	return st, s.mark(ctx, st.next, s.nextVisit(st.next))
}

// noInputs says that nothing is left to be processed, and why.
func noInputs(left []Problem) []fault.Field {
	bad := []fault.Field{{Name: "assets", Message: "the order has no input; bring or attach at least one scan"}}
	for _, p := range left {
		bad = append(bad, fault.Field{Name: p.Path, Message: p.Message})
	}
	return bad
}

// choose parts the inputs of a submission: those that are kept, those that leave the order with a problem of the step, and what is wrong.
func (s *Service) choose(ctx context.Context, now Order, st *step, ms []member) (kept []member, bad []fault.Field, err error) {
	for i, m := range ms {
		if m.asset == nil {
			st.leave(m.input)
			st.next.Problems = append(st.next.Problems, Problem{pathOf(i), fmt.Sprintf("Asset %s was deleted, and is no input any more.", m.id)})
			continue
		}
		never, err := s.neverCame(ctx, *m.asset)
		if err != nil {
			return nil, nil, err
		}
		if never {
			st.leave(m.input)
			st.also = append(st.also, detach(*m.asset, now))
			st.next.Problems = append(st.next.Problems, Problem{pathOf(i), fmt.Sprintf("No byte of asset %s came in time, and it is no input any more.", m.id)})
			continue
		}
		if says := m.wrong(); says != "" {
			bad = append(bad, fault.Field{Name: pathOf(i), Message: says})
		}
		kept = append(kept, m)
	}
	return kept, bad, nil
}

// take makes a submission hold its inputs: each must be as it was found, and counts a version, so that whoever is about to delete or replace it loses.
func (st *step) take(ms []member) {
	st.release(ms)
	for _, m := range ms {
		a := m.asset
		st.also = append(st.also, table.Update(a.Key(), table.All(
			table.Eq(schema.Generation, table.Int(int64(a.Generation))),
			table.Eq(schema.State, table.String(a.State)),
		), table.Add(schema.Version, table.Int(1))))
		edits := []table.Edit{table.Set(schema.HeldGen, table.Int(int64(a.Generation)))}
		if a.State == asset.Ready {
			edits = append(edits, table.Set(schema.HeldObject, table.String(a.Object)))
		} else if m.object != "" {
			edits = append(edits, table.Remove(schema.HeldObject))
		}
		st.also = st.edit(m, edits...)
	}
}

// neverCame says whether nothing has come of an input, and nothing can be begun any more.
func (s *Service) neverCame(ctx context.Context, a asset.Asset) (bool, error) {
	switch {
	case a.Via == asset.ViaURL, a.Via == asset.ViaDirect, a.State == asset.Ready:
		return false, nil
	case a.State == asset.Failed:
		return a.Cause == asset.Expired && a.Via != asset.ViaParts, nil // an upload by parts may have been long under way
	case !s.now().After(a.GrantUntil):
		return false, nil
	}
	if a.Via == asset.ViaParts && a.Upload != "" {
		return s.noParts(ctx, a)
	}
	_, _, err := s.Bucket.Read(ctx, a.Source().Key(), "", 0, 1)
	if errors.Is(err, blob.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for the bytes of asset %s: %w", a.ID, err)
	}
	return false, nil
}

// noParts says whether the bucket has no part of a pending upload. One that it no longer knows was joined or aborted.
func (s *Service) noParts(ctx context.Context, a asset.Asset) (bool, error) {
	ps, _, err := s.Bucket.ListParts(ctx, a.Source().Key(), a.Upload, 0, 1)
	if errors.Is(err, blob.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for the parts of asset %s: %w", a.ID, err)
	}
	return len(ps) == 0, nil
}
