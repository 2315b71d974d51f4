package schema

import (
	"strconv"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/table"
)

// Attributes of webhooks and deliveries.
const (
	URL         = "url"          // String: where events are sent
	Events      = "events"       // List of Strings: types of events that are wanted; absent: all
	Enabled     = "enabled"      // Bool
	Epoch       = "epoch"        // Number: which of its secrets is the present one, from 1
	Rotated     = "rotated"      // List of Numbers: Unix milliseconds at which former secrets were replaced, oldest first
	Failures    = "failures"     // Number: deliveries given up since the last that was taken
	DisabledAt  = "disabled_at"  // Number: Unix milliseconds
	Reason      = "reason"       // String: why it is disabled
	Count       = "count"        // Number: webhooks of the workspace
	Hook        = "hook"         // String: id of a webhook, where the key does not say it
	DeliveryID  = "delivery"     // String: id of a delivery, where the key does not say it
	Event       = "event"        // String: id of the event
	EventType   = "type"         // String: such as asset.ready
	Progress    = "progress"     // String: pending, delivered, superseded, dead; not "state", by which the stream's filters know assets
	Body        = "body"         // String: JSON as it is sent
	Attempts    = "attempts"     // Number: begun since the delivery was made or last replayed
	Claims      = "claims"       // Number: raised whenever somebody takes the delivery in hand; fences whoever had it before
	Lease       = "lease"        // Number: Unix milliseconds until which somebody has it in hand
	Due         = "due"          // Number: Unix milliseconds of its due row
	DueSeq      = "due_seq"      // Number: n of its due row
	AttemptedAt = "attempted_at" // Number: Unix milliseconds of the last attempt
	Status      = "status"       // Number: HTTP status of the last answer
	Took        = "took"         // Number: milliseconds of the last attempt
	Holder      = "holder"       // String: who is sending to this webhook about this asset or order
	// AssetVersion is the version of the asset or order that an event tells of, a Number.
	AssetVersion = "asset_version"
)

// WebhookPrefix begins the sort keys of a workspace's webhooks.
const WebhookPrefix = "webhook#"

// WebhookKey is the row of a webhook.
func WebhookKey(w id.Workspace, h id.Webhook) table.Key {
	return table.Key{PK: w.String(), SK: WebhookPrefix + id.UUID(h).String()}
}

// ParseWebhookKey reads WebhookKey back; ok is false for rows of any other kind.
func ParseWebhookKey(k table.Key) (w id.Workspace, h id.Webhook, ok bool) {
	rest, is := strings.CutPrefix(k.SK, WebhookPrefix)
	if !is {
		return w, h, false
	}
	w, err := id.ParseWorkspace(k.PK)
	if err != nil {
		return w, h, false
	}
	u, err := id.Parse(rest)
	return w, id.Webhook(u), err == nil
}

// ClientWebhookPrefix begins the sort keys of the webhooks of a workspace's clients.
const ClientWebhookPrefix = "orderhook#"

// ClientWebhookKey is the row of the one webhook of a client.
func ClientWebhookKey(w id.Workspace, c id.Client) table.Key {
	return table.Key{PK: w.String(), SK: ClientWebhookPrefix + c.String()}
}

// ParseClientWebhookKey reads ClientWebhookKey back; ok is false for rows of any other kind.
func ParseClientWebhookKey(k table.Key) (w id.Workspace, c id.Client, ok bool) {
	rest, is := strings.CutPrefix(k.SK, ClientWebhookPrefix)
	if !is {
		return w, c, false
	}
	w, err := id.ParseWorkspace(k.PK)
	if err != nil {
		return w, c, false
	}
	c, err = id.ParseClient(rest)
	return w, c, err == nil
}

// WebhookCountKey is the row that counts a workspace's webhooks.
func WebhookCountKey(w id.Workspace) table.Key { return table.Key{PK: w.String(), SK: "webhooks"} }

// DeliveryPrefix begins the sort keys of a webhook's deliveries.
const DeliveryPrefix = "delivery#"

// DeliveryKey is the row of a delivery.
func DeliveryKey(h id.Webhook, d id.Delivery) table.Key {
	return table.Key{PK: h.String(), SK: DeliveryPrefix + d.String()}
}

// SentKey is the last version of an asset or order, given by its bare UUID, that was sent to a webhook.
func SentKey(h id.Webhook, subject string) table.Key {
	return table.Key{PK: "sent#" + h.String() + "#" + subject, SK: "sent"}
}

// WebhookDueShards is over how many partitions the deliveries that wait are spread.
const WebhookDueShards = 16

// dueFormat is how the time of a due delivery is spelled, in UTC, so that keys sort by time.
const dueFormat = "2006-01-02T15:04:05.000Z"

// WebhookDuePartition lists the deliveries of one shard that wait, by time.
func WebhookDuePartition(shard int) string {
	return "webhook-due#" + strconv.FormatInt(int64(shard), 16)
}

// WebhookDueKey is the row that leads to a delivery at a time; seq tells apart the rows that one delivery has in its life.
func WebhookDueKey(at time.Time, d id.Delivery, seq int64) table.Key {
	return table.Key{
		PK: WebhookDuePartition(int(d.Spread() % WebhookDueShards)),
		SK: WebhookDueTime(at) + "#" + d.String() + "#" + strconv.FormatInt(seq, 10),
	}
}

// WebhookDueTime begins the sort keys of the deliveries due at a time, to the millisecond.
func WebhookDueTime(at time.Time) string { return at.UTC().Format(dueFormat) }
