// Package webhook tells the servers of users what happened: to the assets of their workspace, and to the orders of a client. It keeps their
// addresses, signs and sends events, tries again, and remembers how it went.
//
// A webhook is a row of its workspace's partition. A workspace has at most MaxWebhooks, which Create makes; they hear of assets. A client has at
// most one, which CreateOwn makes, and which hears of the orders that this client created. The two differ in who may find them and in the body
// that they get; all that follows here is the same for both. Handle takes one domain event and sends it to every enabled webhook that it
// is for. What is sent is signed as Standard Webhooks (standardwebhooks.com) describes: Secret and Sign.
//
// Delivery is at least once. There is one Delivery for a webhook and an event, however often the event comes; it is in the table, with the row
// that leads Due to it, before anything is sent, so whoever dies on the way is followed by Due. A delivery is in one hand at a time: a claim
// gives it a lease, and its number fences whoever had it before.
//
// An older version never follows a newer one. Per webhook and asset, or order, a row holds the last version that was sent and who is sending now. A
// version below it is Superseded; one that meets another on its way waits. What was sent and not taken counts as sent, because the other
// side may have read it.
//
// The table of attempts is Waits: about a day. What fails to its end is Dead, and can be replayed for KeepDeliveries. After MaxFailures dead
// deliveries without a taken one in between, or at once when the answer is 410 Gone, the webhook is disabled.
package webhook

import (
	"context"
	"time"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
)

// Limits.
const (
	MaxWebhooks    = 10                  // of one workspace: as many requests follow each event
	MaxURL         = 2048                // bytes of an address: what common servers and proxies take
	MaxDescription = 255                 // characters
	MaxFailures    = 20                  // dead deliveries in a row after which a webhook is disabled
	KeepDeliveries = 30 * 24 * time.Hour // how long a delivery is kept, and can be replayed
	SendTime       = 10 * time.Second    // how long one attempt may take
	OverlapTime    = 24 * time.Hour      // how long a former secret goes on signing beside the new one
	MaxRotations   = 5                   // of a secret within OverlapTime: as many former secrets sign
)

const (
	leaseTime = 3 * SendTime       // how long a delivery stays in one hand: a send, and the writes around it
	keepSent  = 2 * KeepDeliveries // how long the last version sent is remembered: longer than any older one may wait
	keepReady = 2 * 24 * time.Hour // what a replayed delivery is kept at least: longer than its attempts take
	maxTries  = 5                  // how often a write that lost to another is made again
	duePage   = 100                // due rows read at once
	buryTries = 2 * dueAtOnce      // as many deliveries of one webhook may die at once
	dueAtOnce = 16                 // deliveries that one Due has in hand
	rowsAtEnd = 10_000             // deliveries of a deleted webhook that are removed at once; the rest expires
	statusOK  = 200                // answers from here
	statusEnd = 300                // up to here are success
	gone      = 410                // the receiver wants nothing more
)

// TypeTest is the type of what Test sends.
const TypeTest bus.Type = "webhook.test"

// Types are the types of events that a workspace's webhooks can want, apart from TypeTest. What is for the product's own functions is not among
// them, nor what is for the client alone that created an order.
func Types() []bus.Type { return []bus.Type{bus.AssetReady, bus.AssetFailed, bus.AssetDeleted} }

// Handled are the types of events that Handle sends to anybody: Types, and bus.OrderUpdated, which goes to the webhook of a client.
func Handled() []bus.Type { return append(Types(), bus.OrderUpdated) }

// Sender brings a body to an address. An address is untrusted: a driver refuses what the product must not reach, on every connection, and
// follows no redirect. Safe for concurrent use.
type Sender interface {
	// Check says what is wrong with an address, without asking anybody: fault.Invalid about the field "url", or nil.
	Check(url string) error
	// Send posts a body and gives the status of the answer, whatever it is. An error says that there was no answer; its text may be
	// shown to the owner of the webhook: it has no credentials and no query string of the address. The context bounds it.
	Send(ctx context.Context, url string, headers map[string]string, body []byte) (status int, err error)
}

// Webhook is where the events of a workspace or of a client are sent, as it stands at a version of its row.
type Webhook struct {
	ID          id.Webhook
	Workspace   id.Workspace
	Client      id.Client // whose it is; zero: the workspace's
	URL         string
	Description string
	Events      []bus.Type // wanted types, sorted; none: all
	Enabled     bool
	Epoch       int         // which of its secrets is the present one, from 1
	Rotated     []time.Time // when former secrets were replaced, within OverlapTime, oldest first
	Failures    int         // dead deliveries since the last that was taken
	DisabledAt  time.Time   // zero while enabled
	Reason      string      // why it is disabled, for people
	CreatedBy   id.Key
	Version     int64 // counts the writes of the row but those of Failures, from 1
}

// CreatedAt is when the webhook was created, to the millisecond.
func (h Webhook) CreatedAt() time.Time { return h.ID.Time() }

// Parts are what a Service stands on.
type Parts struct {
	Table  table.Table
	Root   func() secret.Root // asked for when a secret is needed
	Sealer *page.Sealer
	Sender Sender
}

// Options are what a Service may be given. The zero value works.
type Options struct {
	Now func() time.Time // nil is time.Now

	// Failed hears of every attempt that the receiver did not take, after that was noted, or another one's word stood instead; nil is nobody.
	Failed func(Delivery)
}

// Service keeps webhooks and sends events to them. Safe for concurrent use.
type Service struct {
	Parts
	now    func() time.Time
	failed func(Delivery)
}

// New makes a Service.
func New(p Parts, o Options) *Service {
	s := &Service{Parts: p, now: o.Now, failed: o.Failed}
	if s.now == nil {
		s.now = time.Now
	}
	if s.failed == nil {
		s.failed = func(Delivery) {}
	}
	return s
}
