package order

import (
	"fmt"
	"time"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// Key names the row of the order.
func (o Order) Key() table.Key { return schema.OrderKey(o.Workspace, o.ID) }

// Row is the item that keeps the order; FromRow reads it back. Attributes without a value are left out.
func (o Order) Row() table.Item {
	k := o.Key()
	it := table.Item{
		table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK),
		schema.Version:     table.Int(o.Version),
		schema.OrderStatus: table.String(o.Status),
		schema.ListedIn:    table.String(schema.OrdersIn(o.Workspace, string(o.Status))),
		schema.OnOrder:     table.String(o.ID.String()),
		schema.Name:        table.String(o.Name),
		schema.Product:     table.String(o.Product),
		schema.Inputs:      table.Int(int64(o.Inputs)),
		schema.ChangedAt:   table.Int(o.ChangedAt.UnixMilli()),
	}
	if o.Client != (id.Client{}) {
		it[schema.OrderClient] = table.String(o.Client.String())
	}
	putString(it, schema.PostAddress, o.Address)
	putString(it, schema.Units, o.Units)
	putString(it, schema.Metadata, o.Metadata)
	putString(it, schema.Failure, o.Failure)
	putInt(it, schema.Area, o.SqFt)
	putInt(it, schema.Attempt, int64(o.Attempt))
	if !o.SubmittedAt.IsZero() {
		it[schema.SubmittedAt] = table.Int(o.SubmittedAt.UnixMilli())
	}
	if len(o.Problems) > 0 {
		it[schema.Problems] = problemList(o.Problems)
	}
	return it
}

func putString(it table.Item, attr, s string) {
	if s != "" {
		it[attr] = table.String(s)
	}
}

func putInt(it table.Item, attr string, n int64) {
	if n != 0 {
		it[attr] = table.Int(n)
	}
}

// Names of the attributes of a problem.
const (
	problemPath    = "path"
	problemMessage = "message"
)

func problemList(ps []Problem) table.List {
	out := make(table.List, len(ps))
	for i, p := range ps {
		out[i] = table.Map{problemPath: table.String(p.Path), problemMessage: table.String(p.Message)}
	}
	return out
}

// FromRow reads an item. The error says that the item is no order, which for rows under orders' keys is a bug.
func FromRow(it table.Item) (Order, error) {
	w, oid, ok := schema.ParseOrderKey(it.Key())
	if !ok {
		return Order{}, fmt.Errorf("row %s is not an order", it.Key())
	}
	o := Order{
		ID: oid, Workspace: w,
		Version:     it.Int(schema.Version),
		Status:      Status(it.Str(schema.OrderStatus)),
		Name:        it.Str(schema.Name),
		Product:     it.Str(schema.Product),
		SqFt:        it.Int(schema.Area),
		Address:     it.Str(schema.PostAddress),
		Units:       it.Str(schema.Units),
		Metadata:    it.Str(schema.Metadata),
		Inputs:      int(it.Int(schema.Inputs)),
		Attempt:     int(it.Int(schema.Attempt)),
		SubmittedAt: millis(it, schema.SubmittedAt),
		ChangedAt:   millis(it, schema.ChangedAt),
		Failure:     it.Str(schema.Failure),
	}
	ps, _ := it[schema.Problems].(table.List)
	for _, v := range ps {
		p, _ := v.(table.Map)
		o.Problems = append(o.Problems, Problem{table.Item(p).Str(problemPath), table.Item(p).Str(problemMessage)})
	}
	var err error
	if s := it.Str(schema.OrderClient); s != "" {
		if o.Client, err = id.ParseClient(s); err != nil {
			return o, fmt.Errorf("row %s: %s: %w", it.Key(), schema.OrderClient, err)
		}
	}
	return o, nil
}

func millis(it table.Item, attr string) time.Time {
	ms := it.Int(attr)
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// input is the row that makes an asset an input of an order.
type input struct {
	id         id.Asset
	workspace  id.Workspace
	format     string // e57, xyz; "": an asset that was attached before its bytes told
	generation int    // of the asset when the order was submitted; 0: it never was since it joined
	object     string // version of its bytes then; "": they were still on their way
	open       bool   // it counts among the open uploads of the workspace
}

func (in input) item(o id.Order) table.Item {
	k := schema.InputKey(o, in.id)
	it := table.Item{
		table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK),
		schema.Workspace: table.String(in.workspace.String()),
	}
	putString(it, schema.Format, in.format)
	putInt(it, schema.HeldGen, int64(in.generation))
	putString(it, schema.HeldObject, in.object)
	if in.open {
		it[schema.Open] = table.Bool(true)
	}
	return it
}

func inputFromRow(it table.Item) (input, error) {
	a, err := id.ParseAsset(it.Key().SK[min(len(schema.InputPrefix), len(it.Key().SK)):])
	if err != nil {
		return input{}, fmt.Errorf("row %s is not an input: %w", it.Key(), err)
	}
	w, err := id.ParseWorkspace(it.Str(schema.Workspace))
	if err != nil {
		return input{}, fmt.Errorf("row %s: %s: %w", it.Key(), schema.Workspace, err)
	}
	open, _ := it[schema.Open].(table.Bool)
	return input{a, w, it.Str(schema.Format), int(it.Int(schema.HeldGen)), it.Str(schema.HeldObject), bool(open)}, nil
}

// same holds while an input's row counts as it did: whoever ends its counting does it once.
func (in input) same() table.Cond {
	if in.open {
		return table.Eq(schema.Open, table.Bool(true))
	}
	return table.HasNot(schema.Open)
}
