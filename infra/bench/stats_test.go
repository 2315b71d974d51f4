package main

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPercentileIsTheNearestRank(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i) // not in order
	}
	for name, c := range map[string]struct {
		samples []float64
		p, want float64
	}{
		"no samples":                       {nil, 0.5, 0},
		"one sample is every percentile":   {[]float64{7}, 0.99, 7},
		"half of four is the second":       {[]float64{4, 1, 3, 2}, 0.5, 2},
		"p99 of a hundred is the 99th":     {hundred, 0.99, 99},
		"p50 of a hundred is the 50th":     {hundred, 0.50, 50},
		"all of the samples":               {hundred, 1, 100},
		"p99 of few samples is the worst":  {[]float64{1, 9, 2}, 0.99, 9},
		"a tiny share is the least sample": {hundred, 0.0001, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if got := percentile(c.samples, c.p); got != c.want {
				t.Errorf("percentile(%v) = %v, want %v", c.p, got, c.want)
			}
		})
	}
}

func TestMedian(t *testing.T) {
	for name, c := range map[string]struct {
		samples []float64
		want    float64
	}{
		"no samples":                 {nil, 0},
		"an odd number has a middle": {[]float64{9, 1, 5}, 5},
		"an even number has its two": {[]float64{9, 1, 5, 3}, 4},
		"one outlier changes little": {[]float64{2, 1000, 1, 3, 2}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			if got := median(c.samples); got != c.want {
				t.Errorf("median(%v) = %v, want %v", c.samples, got, c.want)
			}
		})
	}
}

func TestPercentilesAreSamplesInOrderAndLeaveTheInputAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		samples := rapid.SliceOfN(rapid.Float64Range(0, 1e6), 1, 50).Draw(t, "samples")
		before := slices.Clone(samples)
		p50, p99 := percentile(samples, 0.5), percentile(samples, 0.99)
		if !slices.Contains(samples, p50) || !slices.Contains(samples, p99) {
			t.Errorf("p50 %v or p99 %v is none of %v", p50, p99, samples)
		}
		if m := median(samples); p50 > p99 || m < slices.Min(samples) || m > slices.Max(samples) || p50 > m {
			t.Errorf("p50 %v, median %v, p99 %v of %v", p50, m, p99, samples)
		}
		if !slices.Equal(samples, before) {
			t.Errorf("the samples were changed from %v to %v", before, samples)
		}
	})
}

func TestMiddleOfRoundsForgetsOneBadRound(t *testing.T) {
	good := spreadOf([]time.Duration{time.Millisecond, 2 * time.Millisecond, 3 * time.Millisecond})
	if want := (spread{2, 3}); good != want {
		t.Fatalf("spreadOf = %+v, want %+v", good, want)
	}
	if got := middle([]spread{good, {500, 900}, good}); got != good {
		t.Errorf("middle = %+v, want %+v", got, good)
	}
}

func TestCPUModelIsFoundWhereItIsStated(t *testing.T) {
	for want, info := range map[string]string{
		"Some CPU: 3 GHz": "processor\t: 0\nmodel\t\t: 1\nmodel name\t: Some CPU: 3 GHz\n",
		"":                "processor\t: 0\nBogoMIPS\t: 50.00\n",
	} {
		if got := cpuModel(info); got != want {
			t.Errorf("cpuModel(%q) = %q, want %q", info, got, want)
		}
	}
}
