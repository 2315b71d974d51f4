package account

import (
	"context"
	"errors"
	"time"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// MaxShardCount is into how many partitions a workspace's assets can be split: the values of the byte that chooses.
const MaxShardCount = 256

// ShardLead is how far ahead a split begins. It is far more than CacheFor and a clock's error, so that every process knows of
// it before the first id that it concerns is made.
const ShardLead = 10 * time.Minute

// ShardEpoch says that ids made at or after From are spread over Count partitions.
type ShardEpoch struct {
	From  time.Time // to the millisecond
	Count int       // a power of two, at most MaxShardCount
}

// Shard is the partition of an asset's row. It depends on the id alone (its time and its random bits), so an asset stays where it is
// when the workspace is split later.
func (w Workspace) Shard(a id.Asset) int {
	count, made := 1, a.Time()
	for _, e := range w.Shards {
		if e.From.After(made) {
			break
		}
		count = e.Count
	}
	return int(a.Spread()) % count
}

// MaxShards is how many partitions can hold assets of the workspace, now or once a split that is ahead has begun. A list
// merges all of them.
func (w Workspace) MaxShards() int {
	if n := len(w.Shards); n > 0 {
		return w.Shards[n-1].Count
	}
	return 1
}

// Split spreads the assets that are created from ShardLead on over count partitions. Count is a power of two above the present one, at most
// MaxShardCount, else the error is fault.Invalid; the present one answers the workspace as it is and writes nothing.
func (s *Service) Split(ctx context.Context, w id.Workspace, count int) (Workspace, error) {
	if count < 1 || count > MaxShardCount || count&(count-1) != 0 {
		return Workspace{}, fault.BadField("count", "is %d; it must be a power of two from 1 to %d", count, MaxShardCount)
	}
	return s.change(ctx, w, func(ws *Workspace) (bool, error) {
		present := ws.MaxShards()
		if count == present {
			return false, nil
		}
		if count < present {
			return false, fault.BadField("count", "is %d, but the workspace has %d partitions already and can only grow", count, present)
		}
		ws.Shards = append(ws.Shards, ShardEpoch{From: s.splitTime(ws.Shards), Count: count})
		return true, nil
	})
}

// splitTime is ShardLead ahead, and after every split that is already planned.
func (s *Service) splitTime(planned []ShardEpoch) time.Time {
	from := s.now().Add(ShardLead + time.Millisecond).Truncate(time.Millisecond).UTC()
	if n := len(planned); n > 0 && !from.After(planned[n-1].From) {
		from = planned[n-1].From.Add(time.Millisecond)
	}
	return from
}

func encodeShards(es []ShardEpoch) table.List {
	l := make(table.List, len(es))
	for i, e := range es {
		l[i] = table.Map{
			schema.ShardFrom: table.Int(e.From.UnixMilli()),
			schema.ShardN:    table.Int(int64(e.Count)),
		}
	}
	return l
}

// decodeShards refuses what Split would not have written: a wrong count would look for assets where they are not.
func decodeShards(v table.Value) ([]ShardEpoch, error) {
	if v == nil {
		return nil, nil
	}
	bad := errors.New("shards are not in the form that Split writes")
	l, ok := v.(table.List)
	if !ok {
		return nil, bad
	}
	es := make([]ShardEpoch, len(l))
	for i, v := range l {
		m, _ := v.(table.Map)
		from, n := table.Item(m).Int(schema.ShardFrom), int(table.Item(m).Int(schema.ShardN))
		if n < 1 || n > MaxShardCount || n&(n-1) != 0 {
			return nil, bad
		}
		es[i] = ShardEpoch{From: time.UnixMilli(from).UTC(), Count: n}
		if i > 0 && (!es[i].From.After(es[i-1].From) || n <= es[i-1].Count) {
			return nil, bad
		}
	}
	return es, nil
}

// RotateLinks makes every link of the workspace's assets that was minted before dead, at the latest CacheFor from now. Calls at
// the same moment may share one rotation.
func (s *Service) RotateLinks(ctx context.Context, w id.Workspace) (Workspace, error) {
	return s.change(ctx, w, func(ws *Workspace) (bool, error) {
		ws.LinkEpoch++
		return true, nil
	})
}
