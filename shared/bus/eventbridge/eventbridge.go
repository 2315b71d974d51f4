// Package eventbridge publishes domain events on an Amazon EventBridge bus. The function's role needs events:PutEvents on the bus.
//
// EventBridge takes ten entries a request, of 256 KB together. Events of assets are under 4 KB; one of an order, with what its client keeps
// there, may have 100 KB.
package eventbridge

import (
	"context"
	"fmt"

	"github.com/assetry/assetry/shared/awsjson"
	"github.com/assetry/assetry/shared/bus"
)

// Service is EventBridge, for the client that New takes.
var Service = awsjson.Service{Name: "events", Target: "AWSEvents"}

// The documented limits of one PutEvents.
const (
	maxEntries = 10
	maxBytes   = 256 << 10 // of all entries: details, sources, types and times
	entryBytes = 256       // more than what an entry counts beside its detail
)

// Caller calls operations of EventBridge; *awsjson.Client does.
type Caller interface {
	Call(ctx context.Context, operation string, in, out any) error
}

// putRequest is the body of PutEvents.
type putRequest struct {
	Entries []putEntry
}

// putEntry is one event.
type putEntry struct {
	EventBusName, Source, DetailType, Detail string
	Time                                     float64 // Unix seconds
}

// putAnswer says of every entry, in their order, whether it was taken.
type putAnswer struct {
	Entries []struct{ ErrorCode string }
}

// Publisher puts events on one bus. Safe for concurrent use.
type Publisher struct {
	client Caller
	bus    string
}

var _ bus.Publisher = (*Publisher)(nil)

// New makes a Publisher for a bus, by name or ARN.
func New(client Caller, busName string) *Publisher { return &Publisher{client, busName} }

// Publish sends the events, as many a request as it takes. Entries that were refused, and all of a request that failed, are among the failed; the
// error is of a request that failed, and everything after it is failed too.
func (p *Publisher) Publish(ctx context.Context, events []bus.Event) (failed []int, err error) {
	for start := 0; start < len(events); {
		batch, err := p.batch(events[start:])
		if err == nil {
			var refused []int
			refused, err = p.put(ctx, batch)
			for _, i := range refused {
				failed = append(failed, start+i)
			}
		}
		if err != nil {
			for i := start; i < len(events); i++ {
				failed = append(failed, i)
			}
			return failed, err
		}
		start += len(batch)
	}
	return failed, nil
}

// batch are the entries of as many events as one request takes, from the first on.
func (p *Publisher) batch(events []bus.Event) ([]putEntry, error) {
	var out []putEntry
	size := 0
	for _, e := range events[:min(maxEntries, len(events))] {
		detail, err := e.Detail.JSON()
		if err != nil {
			return nil, fmt.Errorf("event %s: %w", e.Detail.ID, err)
		}
		if size += len(detail) + entryBytes; size > maxBytes && len(out) > 0 {
			break
		}
		out = append(out, putEntry{
			EventBusName: p.bus, Source: bus.Source, DetailType: string(e.Type), Detail: string(detail), Time: float64(e.Time.UnixMilli()) / 1000,
		})
	}
	return out, nil
}

// put sends one request and gives the entries that were refused.
func (p *Publisher) put(ctx context.Context, batch []putEntry) (refused []int, err error) {
	var out putAnswer
	if err := p.client.Call(ctx, "PutEvents", putRequest{batch}, &out); err != nil {
		return nil, fmt.Errorf("put %d events on bus %s: %w", len(batch), p.bus, err)
	}
	for i, r := range out.Entries {
		if r.ErrorCode != "" {
			refused = append(refused, i)
		}
	}
	return refused, nil
}
