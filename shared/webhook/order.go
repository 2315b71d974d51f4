package webhook

import (
	"context"
	"errors"
	"fmt"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// turn says whether a version of an asset or order may be sent to a webhook.
type turn uint8

const (
	mine     turn = iota // it may, and nobody else sends to this webhook about the same subject meanwhile
	occupied             // somebody else is sending
	tooLate              // a later version was sent
)

// about is what the subject of a delivery is.
func (d Delivery) about() string {
	if d.Type == bus.OrderUpdated {
		return "order"
	}
	return "asset"
}

// holder names us while we have the turn.
func (d Delivery) holder() string { return fmt.Sprintf("%s#%d", d.ID, d.claims) }

// takeTurn notes the version of a delivery as the last that was sent, unless a later one was, and keeps others from sending about the same
// asset or order for as long as our lease. Events without a subject overtake nothing.
func (s *Service) takeTurn(ctx context.Context, h Webhook, d Delivery) (turn, error) {
	if d.subject == "" {
		return mine, nil
	}
	k, now := schema.SentKey(h.ID, d.subject), s.now()
	row := table.Item{
		table.AttrPK:        table.String(k.PK),
		table.AttrSK:        table.String(k.SK),
		table.AttrExpires:   table.Int(now.Add(keepSent).Unix()),
		schema.AssetVersion: table.Int(d.version),
		schema.Holder:       table.String(d.holder()),
		schema.Lease:        table.Int(now.Add(leaseTime).UnixMilli()),
	}
	_, err := s.Table.Write(ctx, table.Put(row, table.Any(
		table.Absent(),
		table.Eq(schema.Holder, table.String(d.holder())), // an earlier attempt of the driver whose answer was lost
		table.All(
			table.Less(schema.AssetVersion, table.Int(d.version+1)),
			table.Any(table.HasNot(schema.Lease), table.Less(schema.Lease, table.Int(now.UnixMilli()+1))),
		),
	)))
	current, lost := table.Lost(err)
	switch {
	case lost && current.Int(schema.AssetVersion) > d.version:
		return tooLate, nil
	case lost:
		return occupied, nil
	case err != nil:
		return mine, fmt.Errorf("take the turn of %s %s at webhook %s: %w", d.about(), d.subject, h.ID, err)
	}
	return mine, nil
}

// endTurn lets others send about the subject. If it fails, they wait until the lease ends.
func (s *Service) endTurn(ctx context.Context, h Webhook, d Delivery) error {
	if d.subject == "" {
		return nil
	}
	_, err := s.Table.Write(ctx, table.Update(schema.SentKey(h.ID, d.subject), table.Eq(schema.Holder, table.String(d.holder())),
		table.Remove(schema.Lease), table.Remove(schema.Holder)))
	if _, lost := table.Lost(err); lost || err == nil {
		return nil
	}
	return fmt.Errorf("end the turn of %s %s at webhook %s: %w", d.about(), d.subject, h.ID, err)
}

// outdated says whether a later version of the delivery's subject was sent.
func (s *Service) outdated(ctx context.Context, h id.Webhook, d Delivery) (bool, error) {
	if d.subject == "" {
		return false, nil
	}
	it, err := s.Table.Get(ctx, schema.SentKey(h, d.subject), table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the last version sent to webhook %s: %w", h, err)
	}
	return it.Int(schema.AssetVersion) > d.version, nil
}
