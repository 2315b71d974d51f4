package account

import (
	"sync"
	"time"
)

// cache keeps what was read for CacheFor. Safe for concurrent use.
type cache[K comparable, V any] struct {
	mu      sync.Mutex
	limit   int
	entries map[K]entry[V]
}

type entry[V any] struct {
	value V
	until time.Time
}

func newCache[K comparable, V any](limit int) *cache[K, V] {
	return &cache[K, V]{limit: limit, entries: map[K]entry[V]{}}
}

func (c *cache[K, V]) get(k K, now time.Time) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[k]
	if !ok {
		return v, false
	}
	if !now.Before(e.until) {
		delete(c.entries, k)
		return v, false
	}
	return e.value, true
}

// put keeps a value that was read at a time: the time before the read, so that no entry is older than CacheFor.
func (c *cache[K, V]) put(k K, v V, read time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.entries[k]; !there && len(c.entries) >= c.limit {
		c.makeRoom(read)
	}
	c.entries[k] = entry[V]{v, read.Add(CacheFor)}
}

// makeRoom drops what is over, or else any tenth: a map's order is arbitrary, and who comes back is simply read again.
func (c *cache[K, V]) makeRoom(now time.Time) {
	for k, e := range c.entries {
		if !now.Before(e.until) {
			delete(c.entries, k)
		}
	}
	for k := range c.entries {
		if len(c.entries) <= c.limit-c.limit/10-1 {
			return
		}
		delete(c.entries, k)
	}
}

// dropIf forgets every value that gone picks.
func (c *cache[K, V]) dropIf(gone func(V) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, e := range c.entries {
		if gone(e.value) {
			delete(c.entries, k)
		}
	}
}

// drop forgets one value.
func (c *cache[K, V]) drop(k K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, k)
}
