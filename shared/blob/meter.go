package blob

import (
	"context"
	"maps"
	"sync"
)

// Meter counts the requests that calls under one context sent to the bucket, retries included. Safe for concurrent use. Requests
// that a client sends by itself with a signed URL or form are not counted.
type Meter struct {
	mu sync.Mutex
	by map[string]int
}

type meterKey struct{}

type metered []*Meter

// WithMeter gives a context whose requests are counted, and the meter. Meters nest: an inner meter's requests also count in the
// outer one.
func WithMeter(ctx context.Context) (context.Context, *Meter) {
	m := &Meter{by: map[string]int{}}
	outer, _ := ctx.Value(meterKey{}).(metered)
	return context.WithValue(ctx, meterKey{}, append(outer[:len(outer):len(outer)], m)), m
}

// Count is for drivers: it reports one request, named as the bucket's service names the operation, to the meters of the context.
func Count(ctx context.Context, operation string) {
	ms, _ := ctx.Value(meterKey{}).(metered)
	for _, m := range ms {
		m.mu.Lock()
		m.by[operation]++
		m.mu.Unlock()
	}
}

// Requests is the number of requests so far.
func (m *Meter) Requests() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, c := range m.by {
		n += c
	}
	return n
}

// ByOperation gives the requests so far by operation, for example {"GetObject": 1}.
func (m *Meter) ByOperation() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.by)
}
