package table

import (
	"context"
	"sync"
)

// Meter adds up what the calls under one context consumed. Safe for concurrent use.
type Meter struct {
	mu          sync.Mutex
	read, write float64
	requests    int
}

type meterKey struct{}

// WithMeter gives a context whose calls are metered, and the meter. Meters nest: an inner meter also reports to the outer one.
func WithMeter(ctx context.Context) (context.Context, *Meter) {
	m := &Meter{}
	outer, _ := ctx.Value(meterKey{}).(metered)
	return context.WithValue(ctx, meterKey{}, append(outer[:len(outer):len(outer)], m)), m
}

type metered []*Meter

// Spend is for drivers: it reports one request and its units to the meters of the context.
func Spend(ctx context.Context, readUnits, writeUnits float64) {
	ms, _ := ctx.Value(meterKey{}).(metered)
	for _, m := range ms {
		m.mu.Lock()
		m.read += readUnits
		m.write += writeUnits
		m.requests++
		m.mu.Unlock()
	}
}

// Spent gives the read units, write units and requests so far.
func (m *Meter) Spent() (readUnits, writeUnits float64, requests int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.read, m.write, m.requests
}
