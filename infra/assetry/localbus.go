package main

import (
	"context"

	"github.com/assetry/assetry/infra/local/sources"
	"github.com/assetry/assetry/infra/local/state"
	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/webhook"
)

// How a local stack calls itself and its account.
const (
	localStack   = "assetry"
	localAccount = "000000000000"
)

// localBus publishes as the bus of a local stack does: into its log, and onto its queues, where a stack that runs finds it within moments.
type localBus struct{ bus *sources.Bus }

var _ bus.Publisher = localBus{}

// ruled is what template.yaml's own rules lead to each queue.
var ruled = map[string][]bus.Type{
	importQueue:  {bus.ImportRequested},
	orderQueue:   {bus.OrderSubmitted},
	webhookQueue: webhook.Handled(),
}

// openBus opens the log, and the queues as those that nobody delivers from here.
func (s *store) openBus(dir *state.Folder, queued table.Table) (localBus, error) {
	place := sources.Place{Region: versity.DefaultRegion, Account: localAccount, Stack: localStack}
	b, err := sources.OpenBus(dir.File("events.jsonl"), place)
	if err != nil {
		return localBus{}, err
	}
	s.onClose(func() { _ = b.Close() })
	var rules []sources.Rule
	for queue, types := range ruled {
		q := sources.NewQueue(queued, place, nil, sources.QueueOptions{Name: queue})
		rules = append(rules, sources.Rule{Pattern: ofTypes(types), Targets: []sources.Target{q}})
	}
	b.Rules(rules...)
	return localBus{b}, nil
}

// ofTypes matches our own events of some types.
type ofTypes []bus.Type

// Matches says whether an event is one of them.
func (ts ofTypes) Matches(event any) bool {
	e, _ := event.(map[string]any)
	for _, t := range ts {
		if e["source"] == bus.Source && e["detail-type"] == string(t) {
			return true
		}
	}
	return false
}

// Publish puts each event on the bus. One that a queue did not keep has failed.
func (b localBus) Publish(ctx context.Context, events []bus.Event) (failed []int, err error) {
	for i, e := range events {
		detail, putErr := e.Detail.JSON()
		if putErr == nil {
			_, putErr = b.bus.Put(ctx, sources.Event{Source: bus.Source, Type: string(e.Type), Time: e.Time, Detail: detail})
		}
		if putErr != nil {
			failed, err = append(failed, i), putErr
		}
	}
	return failed, err
}
