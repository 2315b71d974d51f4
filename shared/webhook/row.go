package webhook

import (
	"fmt"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

func (h Webhook) key() table.Key { return h.place().key() }

func (h Webhook) row() table.Item {
	k := h.key()
	it := table.Item{
		table.AttrPK:     table.String(k.PK),
		table.AttrSK:     table.String(k.SK),
		schema.URL:       table.String(h.URL),
		schema.Enabled:   table.Bool(h.Enabled),
		schema.Epoch:     table.Int(int64(h.Epoch)),
		schema.Failures:  table.Int(int64(h.Failures)),
		schema.CreatedBy: table.String(h.CreatedBy.String()),
		schema.Version:   table.Int(h.Version),
	}
	if h.Client != (id.Client{}) {
		it[schema.Hook] = table.String(h.ID.String())
	}
	if h.Description != "" {
		it[schema.Description] = table.String(h.Description)
	}
	if len(h.Events) > 0 {
		it[schema.Events] = eventList(h.Events)
	}
	if len(h.Rotated) > 0 {
		it[schema.Rotated] = timeList(h.Rotated)
	}
	if !h.DisabledAt.IsZero() {
		it[schema.DisabledAt], it[schema.Reason] = table.Int(h.DisabledAt.UnixMilli()), table.String(h.Reason)
	}
	return it
}

func eventList(ts []bus.Type) table.List {
	l := make(table.List, len(ts))
	for i, t := range ts {
		l[i] = table.String(t)
	}
	return l
}

func timeList(ts []time.Time) table.List {
	l := make(table.List, len(ts))
	for i, t := range ts {
		l[i] = table.Int(t.UnixMilli())
	}
	return l
}

// fromRow reads the row of a webhook.
func fromRow(it table.Item) (Webhook, error) {
	at, err := placeOf(it)
	if err != nil {
		return Webhook{}, err
	}
	by, err := id.ParseKey(it.Str(schema.CreatedBy))
	if err != nil {
		return Webhook{}, fmt.Errorf("row of a webhook %s: %s: %w", it.Key(), schema.CreatedBy, err)
	}
	h := Webhook{
		ID: at.hook, Workspace: at.workspace, Client: at.client, URL: it.Str(schema.URL), Description: it.Str(schema.Description), Enabled: it.Bool(schema.Enabled),
		Epoch: int(it.Int(schema.Epoch)), Failures: int(it.Int(schema.Failures)), Reason: it.Str(schema.Reason), CreatedBy: by,
		DisabledAt: millis(it, schema.DisabledAt), Version: it.Int(schema.Version),
	}
	events, _ := it[schema.Events].(table.List)
	for _, v := range events {
		t, _ := v.(table.String)
		h.Events = append(h.Events, bus.Type(t))
	}
	rotated, _ := it[schema.Rotated].(table.List)
	for _, v := range rotated {
		n, _ := v.(table.Number)
		ms, err := n.Int64()
		if err != nil {
			return Webhook{}, fmt.Errorf("row of a webhook %s: %s: %w", it.Key(), schema.Rotated, err)
		}
		h.Rotated = append(h.Rotated, time.UnixMilli(ms).UTC())
	}
	return h, nil
}

// millis is an attribute of Unix milliseconds; the zero time where it is absent.
func millis(it table.Item, attr string) time.Time {
	if _, there := it[attr]; !there {
		return time.Time{}
	}
	return time.UnixMilli(it.Int(attr)).UTC()
}

// row is the row of a delivery.
func (d Delivery) row() table.Item {
	k := schema.DeliveryKey(d.Webhook, d.ID)
	it := table.Item{
		table.AttrPK:      table.String(k.PK),
		table.AttrSK:      table.String(k.SK),
		table.AttrExpires: table.Int(d.expires.Unix()),
		schema.Event:      table.String(d.Event),
		schema.EventType:  table.String(d.Type),
		schema.Progress:   table.String(d.State),
		schema.Body:       table.String(d.Body),
		schema.Attempts:   table.Int(int64(d.Attempts)),
		schema.Claims:     table.Int(d.claims),
		schema.Due:        table.Int(d.due.UnixMilli()),
		schema.DueSeq:     table.Int(d.seq),
		schema.Lease:      table.Int(d.lease.UnixMilli()),
	}
	if d.subject != "" {
		it[d.subjectAttr()], it[schema.AssetVersion] = table.String(d.subject), table.Int(d.version)
	}
	return it
}

// subjectAttr is where a row says what the delivery is about.
func (d Delivery) subjectAttr() string {
	if d.Type == bus.OrderUpdated {
		return schema.OnOrder
	}
	return schema.OnAsset
}

// deliveryFromRow reads the row of a delivery.
func deliveryFromRow(it table.Item) (Delivery, error) {
	k := it.Key()
	h, err := id.ParseWebhook(k.PK)
	if err != nil {
		return Delivery{}, fmt.Errorf("row of a delivery %s: webhook: %w", k, err)
	}
	did, err := id.ParseDelivery(strings.TrimPrefix(k.SK, schema.DeliveryPrefix))
	if err != nil {
		return Delivery{}, fmt.Errorf("row of a delivery %s: %w", k, err)
	}
	d := Delivery{
		ID: did, Webhook: h, Event: it.Str(schema.Event), Type: bus.Type(it.Str(schema.EventType)), State: State(it.Str(schema.Progress)),
		Body: it.Str(schema.Body), Attempts: int(it.Int(schema.Attempts)), AttemptedAt: millis(it, schema.AttemptedAt),
		Status: int(it.Int(schema.Status)), Took: time.Duration(it.Int(schema.Took)) * time.Millisecond, Failure: it.Str(schema.Failure),
		version: it.Int(schema.AssetVersion), claims: it.Int(schema.Claims),
		lease: millis(it, schema.Lease), due: millis(it, schema.Due), seq: it.Int(schema.DueSeq),
		expires: time.Unix(it.Int(table.AttrExpires), 0).UTC(),
	}
	d.subject = it.Str(d.subjectAttr())
	return d, nil
}

func (d Delivery) key() table.Key { return schema.DeliveryKey(d.Webhook, d.ID) }

func (d Delivery) dueKey() table.Key { return schema.WebhookDueKey(d.due, d.ID, d.seq) }

// duePut is the write of the row that leads Due to the delivery.
func (d Delivery) duePut(h Webhook) table.Write {
	k := d.dueKey()
	it := table.Item{
		table.AttrPK:     table.String(k.PK),
		table.AttrSK:     table.String(k.SK),
		schema.Workspace: table.String(h.Workspace.String()),
		schema.Hook:      table.String(d.Webhook.String()),
	}
	if h.Client != (id.Client{}) {
		it[schema.OrderClient] = table.String(h.Client.String())
	}
	return table.Put(it, table.Absent())
}

// dueRow is what a row says that leads to a delivery.
type dueRow struct {
	key      table.Key
	of       place // the webhook
	delivery id.Delivery
}

func parseDue(it table.Item) (r dueRow, err error) {
	r.key = it.Key()
	parts := strings.Split(r.key.SK, "#")
	if len(parts) != 3 {
		return r, fmt.Errorf("due row %s has no delivery", r.key)
	}
	if r.delivery, err = id.ParseDelivery(parts[1]); err != nil {
		return r, fmt.Errorf("due row %s: delivery: %w", r.key, err)
	}
	if r.of.workspace, err = id.ParseWorkspace(it.Str(schema.Workspace)); err != nil {
		return r, fmt.Errorf("due row %s: workspace: %w", r.key, err)
	}
	if r.of.hook, err = id.ParseWebhook(it.Str(schema.Hook)); err != nil {
		return r, fmt.Errorf("due row %s: webhook: %w", r.key, err)
	}
	if c := it.Str(schema.OrderClient); c != "" {
		if r.of.client, err = id.ParseClient(c); err != nil {
			return r, fmt.Errorf("due row %s: client: %w", r.key, err)
		}
	}
	return r, nil
}
