package account_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

func TestSplitBeginsAheadOfEveryCache(t *testing.T) {
	s, other, c := newService(t)
	w := mustWorkspace(t, s, "grows")
	got, err := s.Split(t.Context(), w.ID, 4)
	if err != nil {
		t.Fatalf("Split: %v", err)
	}
	if len(got.Shards) != 1 || got.Shards[0].Count != 4 || got.Shards[0].From.Before(c.Now().Add(account.ShardLead)) {
		t.Errorf("Split into 4 gave %v at %v, want one epoch of 4 at least %v ahead", got.Shards, c.Now(), account.ShardLead)
	}
	if got.MaxShards() != 4 {
		t.Errorf("MaxShards = %d, want 4 as soon as the split is planned", got.MaxShards())
	}
	again, err := s.Split(t.Context(), w.ID, 16)
	if err != nil {
		t.Fatalf("Split again: %v", err)
	}
	if len(again.Shards) != 2 || !again.Shards[1].From.After(again.Shards[0].From) {
		t.Errorf("two splits at one moment gave %v, want the second to begin after the first", again.Shards)
	}
	read, err := other.Workspace(t.Context(), w.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(again, read); diff != "" {
		t.Errorf("the split workspace read back (-split +read):\n%s", diff)
	}
}

func TestSplitRefuses(t *testing.T) {
	s, _, c := newService(t)
	w := mustWorkspace(t, s, "grows")
	if _, err := s.Split(t.Context(), w.ID, 8); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		w     id.Workspace
		count int
		want  fault.Kind
	}{
		{"a count that is no power of two", w.ID, 12, fault.Invalid},
		{"zero", w.ID, 0, fault.Invalid},
		{"a negative count", w.ID, -4, fault.Invalid},
		{"more than the byte that chooses has values", w.ID, 512, fault.Invalid},
		{"fewer than there are", w.ID, 4, fault.Invalid},
		{"an unknown workspace", id.NewWorkspace(c.Now()), 2, fault.NotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, write, _ := domaintest.Spent(t, func(ctx context.Context) {
				_, err := s.Split(ctx, tt.w, tt.count)
				domaintest.WantKind(t, "Split", err, tt.want)
			})
			if write != 0 {
				t.Errorf("a refused Split wrote %v units, want nothing", write)
			}
		})
	}
}

func TestSplitIntoThePresentCountWritesNothing(t *testing.T) {
	s, _, _ := newService(t)
	w := mustWorkspace(t, s, "still")
	for _, count := range []int{1, 2, 2} {
		want := 0.0
		if w.MaxShards() != count {
			want = 1
		}
		_, write, _ := domaintest.Spent(t, func(ctx context.Context) {
			var err error
			if w, err = s.Split(ctx, w.ID, count); err != nil {
				t.Errorf("Split into %d: %v", count, err)
			}
		})
		if write != want {
			t.Errorf("Split into %d wrote %v units, want %v", count, write, want)
		}
	}
}

func TestSplitAtOnceIsOneSplit(t *testing.T) {
	s, _, c := newService(t)
	w := mustWorkspace(t, s, "race")
	domaintest.Together(16, func(int) {
		if _, err := s.Split(t.Context(), w.ID, 2); err != nil {
			t.Errorf("Split: %v", err)
		}
	})
	c.Advance(account.CacheFor)
	got, err := s.Workspace(t.Context(), w.ID)
	if err != nil || len(got.Shards) != 1 || got.Version != 2 {
		t.Errorf("16 equal splits gave %v at version %d (%v), want one epoch at version 2", got.Shards, got.Version, err)
	}
}

func TestSplitSucceedsWhenTheFirstAnswerWasLost(t *testing.T) {
	tab := domaintest.NewTable(t)
	s := account.New(domaintest.Repeating{Table: tab}, account.Options{})
	w := mustWorkspace(t, s, "twice")
	got, err := s.Split(t.Context(), w.ID, 2)
	if err != nil || len(got.Shards) != 1 {
		t.Errorf("Split = %v, %v, want one epoch", got.Shards, err)
	}
	rotated, err := s.RotateLinks(t.Context(), w.ID)
	if err != nil || rotated.LinkEpoch != 2 {
		t.Errorf("RotateLinks = epoch %d, %v, want 2", rotated.LinkEpoch, err)
	}
}

func TestShardFollowsTheTimeOfTheID(t *testing.T) {
	start := time.UnixMilli(1_790_000_000_000).UTC()
	w := account.Workspace{ID: id.NewWorkspace(start), Shards: []account.ShardEpoch{
		{From: start.Add(time.Hour), Count: 4}, {From: start.Add(2 * time.Hour), Count: 256},
	}}
	for _, tt := range []struct {
		name string
		made time.Time
		want func(spread byte) int
	}{
		{"before the first split there is one partition", start, func(byte) int { return 0 }},
		{"a millisecond before a split the old count holds", start.Add(time.Hour - time.Millisecond), func(byte) int { return 0 }},
		{"from the moment of a split the new count holds", start.Add(time.Hour), func(b byte) int { return int(b) % 4 }},
		{"between two splits the first holds", start.Add(90 * time.Minute), func(b byte) int { return int(b) % 4 }},
		{"after all splits the last holds", start.Add(1000 * time.Hour), func(b byte) int { return int(b) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 100 {
				a := id.NewAsset(w.ID, tt.made)
				if got, want := w.Shard(a), tt.want(a.Spread()); got != want {
					t.Fatalf("Shard(%s) = %d, want %d", a, got, want)
				}
			}
		})
	}
}

func TestShardOfAnExistingAssetNeverMoves(t *testing.T) {
	tab := domaintest.NewTable(t)
	rapid.Check(t, func(rt *rapid.T) {
		c := domaintest.NewClock()
		s := account.New(tab, account.Options{Now: c.Now})
		w := mustWorkspace(t, s, "property")
		where := map[id.Asset]int{}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			c.Advance(time.Duration(rapid.Int64Range(0, int64(20*time.Minute)).Draw(rt, "pause")))
			if rapid.Bool().Draw(rt, "split") && w.MaxShards() < account.MaxShardCount {
				var err error
				if w, err = s.Split(t.Context(), w.ID, w.MaxShards()*2); err != nil {
					rt.Fatalf("Split: %v", err)
				}
			}
			a := id.NewAsset(w.ID, c.Now())
			where[a] = w.Shard(a)
		}
		for a, shard := range where {
			if got := w.Shard(a); got != shard || got >= w.MaxShards() {
				rt.Errorf("asset %s is in shard %d of %d, want %d as when it was made", a, got, w.MaxShards(), shard)
			}
		}
	})
}

func TestWorkspaceRowWithBrokenShardsIsAnInternalError(t *testing.T) {
	tab := domaintest.NewTable(t)
	entry := func(from, count int64) table.Map {
		return table.Map{schema.ShardFrom: table.Int(from), schema.ShardN: table.Int(count)}
	}
	for _, tt := range []struct {
		name   string
		shards table.Value
	}{
		{"not a list", table.String("2")},
		{"not maps", table.List{table.Int(2)}},
		{"a count that is no power of two", table.List{entry(1, 3)}},
		{"a count above the most", table.List{entry(1, 512)}},
		{"out of order", table.List{entry(2, 2), entry(1, 4)}},
		{"shrinking", table.List{entry(1, 4), entry(2, 2)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := account.New(tab, account.Options{})
			w := mustWorkspace(t, s, "broken")
			_, err := tab.Write(t.Context(), table.Update(schema.WorkspaceKey(w.ID), table.Present(), table.Set(schema.Shards, tt.shards)))
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Workspace(t.Context(), w.ID)
			domaintest.WantKind(t, "Workspace", err, fault.Internal)
			if err == nil {
				t.Error("Workspace with broken shards gave no error")
			}
		})
	}
}
