package processing

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/product"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/upload"
)

// How long a deliverable's name may be, in characters: what is over the limit goes from its middle, so that it keeps its beginning and its ending. That
// is less than name.Max, because a number may come to it.
const (
	longestName = 240
	nameEnding  = 40
)

// deliver makes an asset of each file that a step made, and registers it as a deliverable of the order. What was registered before is left alone.
func (r *run) deliver(ctx context.Context, s product.Step, ds []product.Deliverable) error {
	registered, taken, err := r.registered(ctx)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, d := range ds {
		if seen[d.Name] {
			return fmt.Errorf("step %s made two files called %q", s.Name, d.Name)
		}
		seen[d.Name] = true
		a := id.DeliverableOf(r.row.order, r.row.attempt, s.Name, d.Name, r.order.SubmittedAt)
		if registered[a] {
			continue
		}
		if err := r.make(ctx, a, unlike(taken, safe(d.Name)), d); err != nil {
			return fmt.Errorf("deliverable %s of order %s: %w", a, r.row.order, err)
		}
	}
	return nil
}

// registered are the deliverables that the attempt has so far, and their names.
func (r *run) registered(ctx context.Context) (ids map[id.Asset]bool, names map[string]bool, err error) {
	rows, err := r.parts(ctx, r.row.order, schema.DeliverablesOf(r.row.attempt))
	if err != nil {
		return nil, nil, err
	}
	ids, names = map[id.Asset]bool{}, map[string]bool{}
	for _, it := range rows {
		if _, a, ok := schema.ParseMade(it.Key()); ok {
			ids[a] = true
			unlike(names, it.Str(schema.Name))
		}
	}
	return ids, names, nil
}

// parts are all rows of an order whose sort keys begin with a prefix.
func (s *Service) parts(ctx context.Context, o id.Order, prefix string) (rows []table.Item, err error) {
	q := table.Query{PK: schema.OrderParts(o), From: prefix, To: schema.AfterPrefix(prefix), Limit: table.MaxQuery}
	for {
		pg, err := s.Table.Query(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("read the parts of order %s: %w", o, err)
		}
		rows = append(rows, pg.Items...)
		if pg.Next == nil {
			return rows, nil
		}
		q.After = pg.Next
	}
}

// make brings one file in as an asset, and registers it.
func (r *run) make(ctx context.Context, id id.Asset, name string, d product.Deliverable) error {
	if err := r.fence(ctx); err != nil {
		return err
	}
	making := schema.MakingKey(r.row.order, r.row.attempt, id)
	a, err := r.Uploads.Bring(ctx, upload.Brought{
		Workspace: r.row.workspace, ID: id, Name: name, Type: d.Type, By: r.order.Client.Key(), Orders: asset.OrdersOf(r.row.order),
		Beside: func(asset.Asset) []table.Write {
			return []table.Write{
				table.Check(r.row.key(), r.mine()),
				table.Put(table.Item{table.AttrPK: table.String(making.PK), table.AttrSK: table.String(making.SK)}, table.Absent()),
			}
		},
	}, d.Bytes)
	if refused := table.Refused(err); refused != nil && refused.Reasons[0] == table.ConditionLost {
		return errTaken
	}
	if err != nil {
		return err
	}
	if a.State != asset.Ready {
		return fmt.Errorf("its bytes are no good: %s", a.Failure)
	}
	return r.register(ctx, a, making)
}

// register makes an asset that is ready a deliverable, and counts it: once, whoever comes to it how often.
func (r *run) register(ctx context.Context, a asset.Asset, making table.Key) error {
	k := schema.DeliverableKey(r.row.order, r.row.attempt, a.ID)
	err := table.Decide(ctx, r.Table, []table.Write{
		table.Update(r.row.key(), r.mine(), table.Add(schema.Made, table.Int(1))),
		table.Put(table.Item{
			table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK), schema.Workspace: table.String(a.Workspace.String()),
			schema.Name: table.String(a.Name),
		}, table.Absent()),
		table.Check(a.Key(), table.Eq(schema.State, table.String(asset.Ready))),
		table.Delete(making, table.Present()),
	})
	refused := table.Refused(err)
	switch {
	case refused == nil:
		return err
	case refused.Reasons[0] == table.ConditionLost:
		return errTaken
	case refused.Reasons[1] == table.ConditionLost:
		return nil
	}
	return err
}

// safe is a name for a file that an asset may have: products make names of those of inputs, which may be as long as names may be.
func safe(name string) string {
	rs := []rune(strings.Map(func(c rune) rune {
		if c == '/' || c == '\\' || c == unicode.ReplacementChar || unicode.IsControl(c) || c == '\u2028' || c == '\u2029' {
			return '_'
		}
		return c
	}, strings.ToValidUTF8(name, "_")))
	if len(rs) == 0 {
		return "deliverable"
	}
	if len(rs) > longestName {
		rs = append(append(rs[:longestName-nameEnding-1:longestName-nameEnding-1], '…'), rs[len(rs)-nameEnding:]...)
	}
	return string(rs)
}
