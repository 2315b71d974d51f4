package account

import (
	"testing"
	"time"
)

func TestCacheStaysWithinItsLimit(t *testing.T) {
	c := newCache[int, int](20)
	now := time.UnixMilli(1_790_000_000_000)
	for i := range 1000 {
		c.put(i, i, now)
		if v, ok := c.get(i, now); !ok || v != i {
			t.Fatalf("get(%d) right after put = %d, %v", i, v, ok)
		}
		if len(c.entries) > 20 {
			t.Fatalf("%d entries after %d puts, want at most 20", len(c.entries), i+1)
		}
	}
}

func TestCacheDropsWhatIsOverBeforeWhatIsNot(t *testing.T) {
	c := newCache[int, int](10)
	now := time.UnixMilli(1_790_000_000_000)
	for i := range 5 {
		c.put(i, i, now)
	}
	later := now.Add(CacheFor)
	for i := 5; i < 10; i++ {
		c.put(i, i, later.Add(-1))
	}
	c.put(10, 10, later)
	for i := 5; i <= 10; i++ {
		if _, ok := c.get(i, later); !ok {
			t.Errorf("entry %d is still good but was dropped", i)
		}
	}
	if _, ok := c.get(0, now); ok {
		t.Error("an entry that was over was kept when room was made")
	}
}

func TestCachePutReplacesWithoutMakingRoom(t *testing.T) {
	c := newCache[int, int](3)
	now := time.UnixMilli(1_790_000_000_000)
	for i := range 3 {
		c.put(i, i, now)
	}
	c.put(1, 100, now)
	for i, want := range []int{0, 100, 2} {
		if v, ok := c.get(i, now); !ok || v != want {
			t.Errorf("get(%d) = %d, %v, want %d", i, v, ok, want)
		}
	}
}
