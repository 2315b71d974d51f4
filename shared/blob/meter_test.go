package blob_test

import (
	"context"
	"maps"
	"sync"
	"testing"

	"github.com/assetry/assetry/shared/blob"
)

func TestMetersNestAndCountByOperation(t *testing.T) {
	ctx, outer := blob.WithMeter(context.Background())
	blob.Count(ctx, "PutObject")
	a, first := blob.WithMeter(ctx)
	b, second := blob.WithMeter(ctx)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { blob.Count(a, "GetObject") })
		wg.Go(func() { blob.Count(b, "HeadObject") })
	}
	wg.Wait()
	blob.Count(context.Background(), "GetObject")
	for _, c := range []struct {
		name string
		m    *blob.Meter
		want map[string]int
	}{
		{"outer", outer, map[string]int{"PutObject": 1, "GetObject": 10, "HeadObject": 10}},
		{"first inner", first, map[string]int{"GetObject": 10}},
		{"second inner", second, map[string]int{"HeadObject": 10}},
	} {
		if got := c.m.ByOperation(); !maps.Equal(got, c.want) {
			t.Errorf("%s meter = %v, want %v", c.name, got, c.want)
		}
		total := 0
		for _, n := range c.want {
			total += n
		}
		if got := c.m.Requests(); got != total {
			t.Errorf("%s meter has %d requests, want %d", c.name, got, total)
		}
	}
}
