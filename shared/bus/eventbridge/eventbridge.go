// Package eventbridge publishes domain events on an Amazon EventBridge bus. The function's role needs events:PutEvents on the bus.
//
// EventBridge takes ten entries a request, of 256 KB together; our events are under 4 KB, so only the count limits.
package eventbridge

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/assetry/assetry/shared/bus"
)

// maxEntries is how many entries PutEvents takes (its documented limit).
const maxEntries = 10

// API is what the publisher needs of the SDK's client.
type API interface {
	PutEvents(ctx context.Context, in *eventbridge.PutEventsInput, opts ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

// Publisher puts events on one bus. Safe for concurrent use.
type Publisher struct {
	client API
	bus    string
}

var _ bus.Publisher = (*Publisher)(nil)

// New makes a Publisher for a bus, by name or ARN.
func New(client API, busName string) *Publisher { return &Publisher{client, busName} }

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
	entries := make([]types.PutEventsRequestEntry, len(batch))
	for i, e := range batch {
		detail, err := e.Detail.JSON()
		if err != nil {
			return nil, fmt.Errorf("event %s: %w", e.Detail.ID, err)
		}
		entries[i] = types.PutEventsRequestEntry{
			EventBusName: &p.bus, Source: aws.String(bus.Source), DetailType: aws.String(string(e.Type)),
			Detail: aws.String(string(detail)), Time: aws.Time(e.Time),
		}
	}
	out, err := p.client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries})
	if err != nil {
		return nil, fmt.Errorf("put %d events on bus %s: %w", len(batch), p.bus, err)
	}
	for i, r := range out.Entries {
		if r.ErrorCode != nil {
			refused = append(refused, i)
		}
	}
	return refused, nil
}
