// Package eventbridge publishes domain events on an Amazon EventBridge bus. The function's role needs events:PutEvents on the bus.
//
// EventBridge takes ten entries a request, of 256 KB together; our events are under 4 KB, so only the count limits.
package eventbridge

import (
	"context"
	"fmt"

	"github.com/assetry/assetry/shared/awsjson"
	"github.com/assetry/assetry/shared/bus"
)

// Service is EventBridge, for the client that New takes.
var Service = awsjson.Service{Name: "events", Target: "AWSEvents"}

// maxEntries is how many entries PutEvents takes (its documented limit).
const maxEntries = 10

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

// Publish sends the events, ten a request. Entries that were refused, and all of a request that failed, are among the failed; the
// error is of a request that failed, and everything after it is failed too.
func (p *Publisher) Publish(ctx context.Context, events []bus.Event) (failed []int, err error) {
	for start := 0; start < len(events); start += maxEntries {
		batch := events[start:min(start+maxEntries, len(events))]
		refused, err := p.put(ctx, batch)
		if err != nil {
			for i := start; i < len(events); i++ {
				failed = append(failed, i)
			}
			return failed, err
		}
		for _, i := range refused {
			failed = append(failed, start+i)
		}
	}
	return failed, nil
}

func (p *Publisher) put(ctx context.Context, batch []bus.Event) (refused []int, err error) {
	in := putRequest{make([]putEntry, len(batch))}
	for i, e := range batch {
		detail, err := e.Detail.JSON()
		if err != nil {
			return nil, fmt.Errorf("event %s: %w", e.Detail.ID, err)
		}
		in.Entries[i] = putEntry{
			EventBusName: p.bus, Source: bus.Source, DetailType: string(e.Type), Detail: string(detail), Time: float64(e.Time.UnixMilli()) / 1000,
		}
	}
	var out putAnswer
	if err := p.client.Call(ctx, "PutEvents", in, &out); err != nil {
		return nil, fmt.Errorf("put %d events on bus %s: %w", len(batch), p.bus, err)
	}
	for i, r := range out.Entries {
		if r.ErrorCode != "" {
			refused = append(refused, i)
		}
	}
	return refused, nil
}
