package main

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/assetry/assetry/shared/id"
)

// chance is where every decision of a soak comes from, so that a seed tells all of it. Safe for concurrent use.
type chance struct {
	mu sync.Mutex
	r  *rand.Rand
}

// newChance begins a sequence: of the soak itself (stream 0) or of one life (its number).
func newChance(seed, stream uint64) *chance {
	return &chance{r: rand.New(rand.NewPCG(seed, stream))}
}

// below is a number from 0 to n-1.
func (c *chance) below(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.r.IntN(n)
}

// one says yes one time in n.
func (c *chance) one(n int) bool { return c.below(n) == 0 }

// upTo is a time from 0 to d, in whole seconds.
func (c *chance) upTo(d time.Duration) time.Duration {
	return time.Duration(c.below(int(d/time.Second)+1)) * time.Second
}

// pick is one of several.
func pick[T any](c *chance, of ...T) T { return of[c.below(len(of))] }

// asset draws the id of an asset, as the product draws one.
func (c *chance) asset(w id.Workspace, now time.Time) id.Asset {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := id.Floor(now)
	binary.BigEndian.PutUint32(u[8:12], c.r.Uint32()&0x3fffffff|0x80000000)
	copy(u[12:], w[12:])
	return id.Asset(u)
}

// clock is the time of a soak: it stands still until it is moved. Safe for concurrent use.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}
