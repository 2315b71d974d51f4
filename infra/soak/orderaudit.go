package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// perTally is how many deliverables a scan has.
const perTally = 2

// robbed complains when an order that holds its inputs has lost one of them, or has another than it submitted, whoever took it.
func (l *orderLife) robbed(after string) {
	ctx := context.Background()
	it, err := l.db.Get(ctx, schema.OrderKey(l.ws, l.id), table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		return
	}
	o, err := order.FromRow(it)
	if err != nil || !o.Held() {
		return
	}
	rows, err := l.db.Query(ctx, table.Query{PK: schema.OrderParts(l.id), From: schema.InputPrefix, To: schema.InputPrefix + "~", Limit: order.MaxInputs})
	if err != nil || len(rows.Items) != o.Inputs {
		l.wrong("order %d, after %s: it is %s with %d inputs and has rows of %d, %v", l.n, after, o.Status, o.Inputs, len(rows.Items), err)
		return
	}
	for _, in := range rows.Items {
		aid, err := id.ParseAsset(in.Key().SK[len(schema.InputPrefix):])
		if err != nil {
			l.wrong("order %d: %v", l.n, err)
			continue
		}
		a, err := l.assets.Find(ctx, l.ws, aid)
		object := in.Str(schema.HeldObject)
		if fault.Is(err, fault.NotFound) || err == nil && (int64(a.Generation) != in.Int(schema.HeldGen) || object != "" && object != a.Object) {
			l.wrong("order %d, after %s: it is %s, and its input %s is %s in attempt %d with version %q; it holds attempt %d with version %q",
				l.n, after, o.Status, aid, a.State, a.Generation, a.Object, in.Int(schema.HeldGen), object)
		}
	}
}

// auditOrders holds orders against what their clients were told, and notes the versions that their inputs and deliverables name.
func (s *soak) auditOrders(ctx context.Context, v *verdict, named map[string]bool) error {
	theirs := map[id.Asset]bool{}
	for _, l := range s.lives {
		theirs[l.id] = true
	}
	for _, l := range s.buys {
		v.stories = append(v.stories, fmt.Sprint(l.did))
		before := v.found()
		for _, in := range l.scans {
			theirs[in.asset] = true
		}
		if err := s.auditOrder(ctx, v, l, theirs); err != nil {
			return err
		}
		if v.found() > before {
			v.wrong = append(v.wrong, fmt.Sprintf("order %d did:", l.n))
			v.wrong = append(v.wrong, l.did...)
		}
	}
	it, err := s.db.Get(ctx, schema.OrderCountKey(s.ws), table.Strong)
	if err != nil && !errors.Is(err, table.ErrNotFound) {
		return err
	}
	if it.Int(schema.OpenOrders) != 0 || it.Int(schema.OpenUploads) != 0 {
		v.stuck = append(v.stuck, fmt.Sprintf("%d orders and %d uploads are counted as open in the end", it.Int(schema.OpenOrders), it.Int(schema.OpenUploads)))
	}
	return s.auditAssets(ctx, v, theirs, named)
}

// auditOrder holds one order against its life.
func (s *soak) auditOrder(ctx context.Context, v *verdict, l *orderLife, theirs map[id.Asset]bool) error {
	o, err := s.world.orders.Find(ctx, s.ws, l.id)
	if fault.Is(err, fault.NotFound) {
		if l.begun {
			v.lost = append(v.lost, fmt.Sprintf("order %d is not there", l.n))
		}
		v.states["orders never begun"]++
		return nil
	}
	if err != nil {
		return err
	}
	v.states["orders "+string(o.Status)]++
	switch {
	case o.Status != order.Completed && o.Status != order.Error && o.Status != order.Cancelled:
		v.stuck = append(v.stuck, fmt.Sprintf("order %d is %s in the end", l.n, o.Status))
	case l.ended != "" && o.Status != l.ended:
		v.lost = append(v.lost, fmt.Sprintf("order %d was answered %s, and is %s", l.n, l.ended, o.Status))
	case o.Status == order.Completed:
		return s.auditDelivery(ctx, v, l, o, theirs)
	}
	return nil
}

// auditDelivery holds that a completed order has each deliverable of each scan once, made of the bytes that its client sent. Its inputs may have
// been deleted since.
func (s *soak) auditDelivery(ctx context.Context, v *verdict, l *orderLife, o order.Order, theirs map[id.Asset]bool) error {
	made, err := s.world.orders.Deliverables(ctx, l.who, o.ID)
	if err != nil {
		return err
	}
	sums, names := map[string]string{}, map[string]bool{}
	for _, in := range l.scans {
		sum := sha256.Sum256(in.file)
		sums[in.asset.String()] = hex.EncodeToString(sum[:])
	}
	for _, d := range made {
		theirs[d.ID], names[d.Name] = true, true
		body, _, err := s.real.Read(ctx, d.Source().Key(), d.Object, 0, d.Size+1)
		if err != nil || d.State != asset.Ready || int64(len(body)) != d.Size {
			v.lost = append(v.lost, fmt.Sprintf("order %d: deliverable %s, %q, is %s with %d bytes of %d, %v", l.n, d.ID, d.Name, d.State, len(body), d.Size, err))
		}
		var c count
		if d.Type == "application/json" && (json.Unmarshal(body, &c) != nil || sums[c.Asset] != c.Sum) {
			v.lost = append(v.lost, fmt.Sprintf("order %d: deliverable %q counted bytes that nobody sent: %s", l.n, d.Name, body))
		}
	}
	scans := len(made) / perTally
	for n := 1; n <= scans; n++ {
		if !names[fmt.Sprintf("scan-%d.json", n)] || !names[fmt.Sprintf("scan-%d.png", n)] {
			v.lost = append(v.lost, fmt.Sprintf("order %d lacks a deliverable of scan %d of %d", l.n, n, scans))
		}
	}
	if scans == 0 || scans < o.Inputs || len(made) != len(names) {
		v.lost = append(v.lost, fmt.Sprintf("order %d of %d inputs has %d deliverables of %d names", l.n, o.Inputs, len(made), len(names)))
	}
	return nil
}

// auditAssets holds that the workspace has no asset which nobody asked for, and that none of them waits.
func (s *soak) auditAssets(ctx context.Context, v *verdict, theirs map[id.Asset]bool, named map[string]bool) error {
	for q := (asset.Query{Workspace: s.ws, Limit: 100}); ; {
		found, err := s.assets.List(ctx, s.who, q)
		if err != nil {
			return err
		}
		for _, a := range found.Assets {
			if !theirs[a.ID] {
				v.orphans = append(v.orphans, fmt.Sprintf("asset %s, %q, %s, of the orders %q", a.ID, a.Name, a.State, a.Orders))
			}
			if a.State == asset.Pending {
				v.stuck = append(v.stuck, fmt.Sprintf("asset %s is pending in the end", a.ID))
			}
			if a.State == asset.Ready {
				named[a.Source().Key()+" "+a.Object] = true
			}
		}
		if found.Next == "" {
			return nil
		}
		q.Cursor = found.Next
	}
}
