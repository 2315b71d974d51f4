package table

import (
	"context"
	"strings"
	"testing"
)

func TestUnits(t *testing.T) {
	for size, want := range map[int]float64{0: 1, 1: 1, 1024: 1, 1025: 2, 409600: 400} {
		if got := WriteUnits(size); got != want {
			t.Errorf("writing %d bytes costs %v, want %v", size, got, want)
		}
	}
	for size, want := range map[int]float64{0: 1, 4096: 1, 4097: 2, 409600: 100} {
		if s, e := ReadUnits(size, Strong), ReadUnits(size, Eventual); s != want || e != want/2 {
			t.Errorf("reading %d bytes costs %v and %v, want %v and half", size, s, e, want)
		}
	}
}

func TestChangeUnits(t *testing.T) {
	indexes := []Index{{"one", "a", "b"}, {"two", "c", "b"}}
	item := func(size int, attrs ...string) Item {
		it := Item{"pad": String("")}
		for i := 0; i < len(attrs); i += 2 {
			it[attrs[i]] = String(attrs[i+1])
		}
		it["pad"] = String(strings.Repeat("x", size-it.Size()))
		return it
	}
	for _, c := range []struct {
		name     string
		old, new Item
		want     float64
	}{
		{"outside the indexes", nil, item(1500), 2},
		{"into one", nil, item(1500, "a", "1", "b", "1"), 4},
		{"within one under its key", item(1500, "a", "1", "b", "1"), item(500, "a", "1", "b", "1"), 4},
		{"within one to another key", item(1500, "a", "1", "b", "1"), item(500, "a", "2", "b", "1"), 2 + 2 + 1},
		{"unchanged", item(1500, "a", "1", "b", "1"), item(1500, "a", "1", "b", "1"), 2},
		{"out of two", item(1500, "a", "1", "b", "1", "c", "1"), item(500), 2 + 2 + 2},
		{"removed", item(1500, "a", "1", "b", "1", "c", "1"), nil, 6},
		{"half a key is none", nil, item(1500, "a", "1", "c", "1"), 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := ChangeUnits(c.old, c.new, indexes); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestMetersAddUpUnderTheirContext(t *testing.T) {
	ctx, outer := WithMeter(context.Background())
	a, first := WithMeter(ctx)
	b, second := WithMeter(ctx)
	Spend(a, 1, 0)
	Spend(b, 0, 2)
	Spend(ctx, 0.5, 0)
	Spend(context.Background(), 9, 9)
	for m, want := range map[*Meter][3]float64{outer: {1.5, 2, 3}, first: {1, 0, 1}, second: {0, 2, 1}} {
		if r, w, n := m.Spent(); r != want[0] || w != want[1] || float64(n) != want[2] {
			t.Errorf("got %v, %v in %d, want %v", r, w, n, want)
		}
	}
}
