package order

import (
	"context"
	"fmt"
	"slices"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// Statuses are all statuses, in the order in which an order may come through them.
func Statuses() []Status {
	return []Status{Drafted, Initialized, Uploading, Processing, Completed, Error, Cancelled}
}

// List gives a page of up to limit orders of a workspace, newest first, and the cursor of the next page, "" after the last. With a status only the
// orders in it are listed; those are found by an index, which may lag. The error is fault.Invalid about "first", "after" and "order_status".
func (s *Service) List(ctx context.Context, p access.Principal, w id.Workspace, status Status, cursor string, limit int) ([]Order, string, error) {
	if err := access.Authorize(p, access.ListOrders, w); err != nil {
		return nil, "", err
	}
	q := table.Query{PK: schema.OrderPartition(w), Descending: true, Limit: limit}
	if status != "" {
		q.Index, q.PK = schema.IndexByStatus, schema.OrdersIn(w, string(status))
	}
	scope := "orders\x00" + q.PK
	bad := checkList(status, limit)
	if cursor != "" {
		last, err := s.Sealer.Open(scope, cursor)
		if err != nil {
			bad = append(bad, fault.Field{Name: "after", Message: fault.FieldsOf(page.ErrCursor)[0].Message})
		}
		q.After = after(w, status, string(last))
	}
	if err := fault.BadFields(bad); err != nil {
		return nil, "", err
	}
	pg, err := s.Table.Query(ctx, q)
	if err != nil {
		return nil, "", fmt.Errorf("list orders of %s: %w", q.PK, err)
	}
	out := make([]Order, len(pg.Items))
	for i, it := range pg.Items {
		if out[i], err = FromRow(it); err != nil {
			return nil, "", err
		}
	}
	if pg.Next == nil {
		return out, "", nil
	}
	return out, s.Sealer.Seal(scope, []byte(pg.Next.Key.SK)), nil
}

func checkList(status Status, limit int) (bad []fault.Field) {
	if limit < 1 || limit > page.MaxLimit {
		bad = append(bad, fault.Field{Name: "first", Message: fmt.Sprintf("is %d; send 1 to %d", limit, page.MaxLimit)})
	}
	if status != "" && !slices.Contains(Statuses(), status) {
		bad = append(bad, fault.Field{Name: "order_status", Message: fmt.Sprintf("%.60q is no status; there are %v", string(status), Statuses())})
	}
	return bad
}

// after is the place of an order in a list.
func after(w id.Workspace, status Status, order string) *table.Pos {
	pos := &table.Pos{Key: table.Key{PK: schema.OrderPartition(w), SK: order}}
	if status != "" {
		pos.IndexSK = order
	}
	return pos
}

// Input is an asset that an order is to be made of.
type Input struct {
	Asset          asset.Asset
	Format         string // e57 or xyz; "": its bytes, which are to tell, are not there yet
	HeldGeneration int    // of the asset at the last submission; 0: it was not there
	HeldObject     string // version of its bytes that was held then; "": they were on their way
}

// Inputs are the inputs of an order, oldest asset first. The place of one is its number in the paths of problems.
func (s *Service) Inputs(ctx context.Context, p access.Principal, o id.Order) ([]Input, error) {
	found, err := s.allowed(ctx, p, access.ReadOrder, o)
	if err != nil {
		return nil, err
	}
	return s.InputsOf(ctx, found)
}

// InputsOf is Inputs on nobody's behalf: for workers.
func (s *Service) InputsOf(ctx context.Context, o Order) ([]Input, error) {
	ms, err := s.members(ctx, o)
	if err != nil {
		return nil, err
	}
	var out []Input
	for _, m := range ms {
		if m.asset != nil {
			out = append(out, Input{*m.asset, m.known(), m.generation, m.object})
		}
	}
	return out, nil
}

// Deliverables are what the last attempt at an order has made so far: all of it when the order is Completed.
func (s *Service) Deliverables(ctx context.Context, p access.Principal, o id.Order) ([]asset.Asset, error) {
	found, err := s.allowed(ctx, p, access.ReadOrder, o)
	if err != nil || found.Attempt == 0 {
		return nil, err
	}
	prefix := schema.DeliverablesOf(found.Attempt)
	rows, err := s.all(ctx, table.Query{PK: schema.OrderParts(o), From: prefix, To: schema.AfterPrefix(prefix), Limit: table.MaxQuery})
	if err != nil {
		return nil, err
	}
	ids := make([]id.Asset, len(rows))
	for i, it := range rows {
		if ids[i], err = id.ParseAsset(it.Key().SK[len(prefix):]); err != nil {
			return nil, fmt.Errorf("row %s is not a deliverable: %w", it.Key(), err)
		}
	}
	return s.Assets.FindAll(ctx, found.Workspace, ids)
}

// all reads every page of a query.
func (s *Service) all(ctx context.Context, q table.Query) (rows []table.Item, err error) {
	for {
		pg, err := s.Table.Query(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", q.PK, err)
		}
		rows = append(rows, pg.Items...)
		if pg.Next == nil {
			return rows, nil
		}
		q.After = pg.Next
	}
}

// member is an input with its asset.
type member struct {
	input
	asset *asset.Asset // nil: it was deleted
}

// members are all inputs of an order, in the order of their assets' ids.
func (s *Service) members(ctx context.Context, o Order) ([]member, error) {
	rows, err := s.all(ctx, table.Query{
		PK: schema.OrderParts(o.ID), From: schema.InputPrefix, To: schema.AfterPrefix(schema.InputPrefix), Limit: table.MaxQuery,
	})
	if err != nil {
		return nil, err
	}
	ms, ids := make([]member, len(rows)), make([]id.Asset, len(rows))
	for i, it := range rows {
		if ms[i].input, err = inputFromRow(it); err != nil {
			return nil, err
		}
		ids[i] = ms[i].id
	}
	found, err := s.Assets.FindAll(ctx, o.Workspace, ids)
	if err != nil {
		return nil, err
	}
	for i := range ms {
		if j := slices.IndexFunc(found, func(a asset.Asset) bool { return a.ID == ids[i] }); j >= 0 {
			ms[i].asset = &found[j]
		}
	}
	return ms, nil
}
