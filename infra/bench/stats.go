package main

import (
	"math"
	"slices"
	"time"
)

// percentile gives the value that a share p (over 0, up to 1) of the samples does not exceed: the nearest rank, so always one of the
// samples. Without samples it is 0.
func percentile(samples []float64, p float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(samples))
	rank := int(math.Ceil(p * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// median gives the middle of the samples, or the mean of the middle two. Without samples it is 0.
func median(samples []float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(samples))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// spread is how one round of a measurement went, in milliseconds.
type spread struct{ p50, p99 float64 }

func spreadOf(times []time.Duration) spread {
	ms := make([]float64, len(times))
	for i, d := range times {
		ms[i] = milliseconds(d)
	}
	return spread{percentile(ms, 0.50), percentile(ms, 0.99)}
}

// middle gives the medians over rounds.
func middle(rounds []spread) spread {
	var p50, p99 []float64
	for _, r := range rounds {
		p50, p99 = append(p50, r.p50), append(p99, r.p99)
	}
	return spread{median(p50), median(p99)}
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
