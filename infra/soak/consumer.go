package main

import (
	"fmt"
	"reflect"
	"sync"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/bus"
)

// consumer is somebody who hears of assets and honours versions: what is not later than what it knows, it passes over.
type consumer struct {
	mu      sync.Mutex
	known   map[string]bus.Detail // last event by asset
	gone    map[string]bool       // deleted, as far as it heard
	bodies  map[string]bus.Detail // every event by its id
	readies map[string]int        // how often an asset was told ready, of those that were not passed over
	heard   int
	passed  int
	doubles []string // what it took for news and was none
}

func newConsumer() *consumer {
	return &consumer{known: map[string]bus.Detail{}, gone: map[string]bool{}, bodies: map[string]bus.Detail{}, readies: map[string]int{}}
}

// hear takes one delivery.
func (c *consumer) hear(e bus.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard++
	d := e.Detail
	if before, seen := c.bodies[d.ID]; seen && !reflect.DeepEqual(before, d) {
		c.doubles = append(c.doubles, fmt.Sprintf("event %s came with two contents", d.ID))
	}
	c.bodies[d.ID] = d
	if last, ok := c.known[d.Asset]; ok && d.Version <= last.Version {
		c.passed++
		return nil
	}
	if c.gone[d.Asset] {
		c.doubles = append(c.doubles, fmt.Sprintf("asset %s was told of as version %d after it was deleted", d.Asset, d.Version))
	}
	c.known[d.Asset] = d
	switch e.Type {
	case bus.AssetReady:
		if c.readies[d.Asset]++; c.readies[d.Asset] > 1 {
			c.doubles = append(c.doubles, fmt.Sprintf("asset %s was told ready twice, last as version %d", d.Asset, d.Version))
		}
	case bus.AssetDeleted:
		c.gone[d.Asset] = true
	}
	return nil
}

// knows says whether what the consumer heard last is how an asset stands; deleted ones are nil.
func (c *consumer) knows(name string, a *asset.Asset) bool {
	if a == nil {
		return c.gone[name]
	}
	return c.known[name].State == a.State && !c.gone[name]
}
