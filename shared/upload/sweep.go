package upload

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

const (
	hourLen   = time.Hour
	sweepPage = 500             // rows the sweeper reads at once
	clockSkew = 5 * time.Minute // how far the clocks of functions may be apart
	lookBack  = 24 * time.Hour  // where a sweeper starts that never ran
)

// Swept counts what one sweep did.
type Swept struct {
	Visited int // assets it looked at
	Settled int // attempts it settled: bytes had arrived, or it gave them up
}

// Sweep visits every attempt whose grant and slack have passed, once, and settles what is still pending: by its bytes if they
// did arrive, else as expired. It needs no scan: markers name the workspaces with uploads in each hour, ids are in time order, and a
// watermark per workspace and shard says how far it has come. It may be cut off, repeated and run twice at once. An attempt that cannot be
// settled now does not stop the others; the error joins them all and the next sweep tries them again.
func (s *Service) Sweep(ctx context.Context) (Swept, error) {
	var done Swept
	horizon := s.now().Add(-s.grant - s.slack - clockSkew)
	hour, err := s.sweptTo(ctx)
	if err != nil {
		return done, err
	}
	visited := map[id.Workspace]bool{}
	whole := true // every hour so far was finished without an error
	var errs []error
	for ; hour.Before(s.now()); hour = hour.Add(hourLen) {
		err := errors.Join(s.sweepActive(ctx, hour, horizon, visited, &done), s.sweepDue(ctx, hour, &done))
		if err != nil {
			errs, whole = append(errs, err), false
		}
		if ends := hour.Add(hourLen); whole && !ends.After(horizon) {
			if err := s.advance(ctx, schema.SweepKey(), schema.Hour, ends.UTC().Format(schema.HourFormat)); err != nil {
				return done, err
			}
		}
		if ctx.Err() != nil {
			break
		}
	}
	return done, errors.Join(errs...)
}

// sweptTo is the first hour that is not finished.
func (s *Service) sweptTo(ctx context.Context) (time.Time, error) {
	it, err := s.Table.Get(ctx, schema.SweepKey(), table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		return s.now().Add(-lookBack).Truncate(hourLen), nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read how far the sweep has come: %w", err)
	}
	return time.Parse(schema.HourFormat, it.Str(schema.Hour))
}

// advance moves a mark forward, never back.
func (s *Service) advance(ctx context.Context, k table.Key, attr, to string) error {
	_, err := s.Table.Write(ctx, table.Update(k, table.Less(attr, table.String(to)), table.Set(attr, table.String(to))))
	current, lost := table.Lost(err)
	if lost && current == nil {
		_, err = s.Table.Write(ctx, table.Put(table.Item{
			table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK), attr: table.String(to),
		}, table.Absent()))
		_, lost = table.Lost(err)
	}
	if err != nil && !lost {
		return fmt.Errorf("advance %s to %s: %w", k, to, err)
	}
	return nil
}

// eachMarker calls visit for every marker of an hour.
func (s *Service) eachMarker(ctx context.Context, partition func(time.Time, int) string, hour time.Time, visit func(table.Item) error) error {
	var errs []error
	for shard := range schema.SweepShards {
		q := table.Query{PK: partition(hour, shard), Limit: sweepPage}
		for {
			pg, err := s.Table.Query(ctx, q)
			if err != nil {
				return errors.Join(append(errs, fmt.Errorf("read markers %s: %w", q.PK, err))...)
			}
			for _, it := range pg.Items {
				if err := visit(it); err != nil {
					errs = append(errs, err)
				}
			}
			if pg.Next == nil {
				break
			}
			q.After = pg.Next
		}
	}
	return errors.Join(errs...)
}

// sweepActive visits the workspaces that began uploads in an hour, each once a sweep.
func (s *Service) sweepActive(ctx context.Context, hour, horizon time.Time, visited map[id.Workspace]bool, done *Swept) error {
	return s.eachMarker(ctx, schema.ActivePartition, hour, func(it table.Item) error {
		w, err := id.ParseWorkspace(it.Key().SK)
		if err != nil {
			return fmt.Errorf("marker %s: %w", it.Key(), err)
		}
		if visited[w] {
			return nil
		}
		visited[w] = true
		ws, err := s.Workspaces.Workspace(ctx, w)
		if err != nil {
			return err
		}
		var errs []error
		for shard := range ws.MaxShards() {
			errs = append(errs, s.sweepShard(ctx, w, shard, hour, horizon, done))
		}
		return errors.Join(errs...)
	})
}

// sweepShard visits the assets of a shard from its watermark up to the horizon, and moves the watermark after every page.
func (s *Service) sweepShard(ctx context.Context, w id.Workspace, shard int, hour, horizon time.Time, done *Swept) error {
	key := schema.WatermarkKey(w, shard)
	from := id.Floor(hour).String()
	it, err := s.Table.Get(ctx, key, table.Strong)
	if err == nil {
		from = max(from, it.Str(schema.Watermark))
	} else if !errors.Is(err, table.ErrNotFound) {
		return fmt.Errorf("read %s: %w", key, err)
	}
	q := table.Query{PK: schema.AssetPartition(w, shard), From: from, To: id.Floor(horizon).String(), Limit: sweepPage}
	for q.From < q.To {
		pg, err := s.Table.Query(ctx, q)
		if err != nil {
			return fmt.Errorf("read assets of %s: %w", w, err)
		}
		if err := s.visitAll(ctx, pg.Items, done); err != nil {
			return err
		}
		reached := q.To
		if pg.Next != nil {
			reached = pg.Next.Key.SK + "\x00"
		}
		if err := s.advance(ctx, key, schema.Watermark, reached); err != nil {
			return err
		}
		q.From = reached
	}
	return nil
}

// visitAll visits rows past their time. One that fails does not stop the others.
func (s *Service) visitAll(ctx context.Context, items []table.Item, done *Swept) error {
	var errs []error
	for _, it := range items {
		a, err := asset.FromRow(it)
		if err != nil {
			return err
		}
		errs = append(errs, s.visit(ctx, a, done))
	}
	return errors.Join(errs...)
}

// visit settles what is still open, and removes every version that the row does not name: bytes whose event was lost.
func (s *Service) visit(ctx context.Context, a asset.Asset, done *Swept) error {
	done.Visited++
	if a.State == asset.Pending && !s.expired(a) { // its grant was longer than today's: come back for it
		return s.markDue(ctx, a, s.waitsUntil(a))
	}
	if open(a) {
		var err error
		if a, err = s.Expire(ctx, a); err != nil {
			return err
		}
		done.Settled++
	}
	if open(a) || a.GrantUntil.IsZero() {
		return nil // bytes may still come; or it was a direct upload, which writes once
	}
	return s.purge(ctx, schema.ObjectPrefix(a.Workspace, a.ID), func(v blob.Version) bool { return !ruledOut(a, v) })
}

// ruledOut says whether a row rules out a version for good: one of an earlier attempt, or one of its own that it does not name. Later
// attempts are none of its business: the row may have moved on since it was read.
func ruledOut(a asset.Asset, v blob.Version) bool {
	src, ok := schema.ParseSource(v.Key)
	return ok && (src.Generation < a.Generation || src.Generation == a.Generation && v.Version != a.Object)
}

// lateBytes is how long after it was given up an attempt is looked at once more, for bytes that came too late and whose event was lost.
const lateBytes = 24 * time.Hour

// Expire settles an open attempt that is past its time: by its bytes if they did arrive, else as failed (expired). It gives
// the row as it is afterwards; losing to anybody else is no error.
func (s *Service) Expire(ctx context.Context, a asset.Asset) (asset.Asset, error) {
	settled, err := s.Finalize(ctx, a.Source(), "")
	if fault.Is(err, fault.NotFound) {
		return a, nil
	}
	if !errors.Is(err, errNoBytes) {
		return settled, err
	}
	if a.State == asset.Failed {
		return a, nil
	}
	if err := s.markDue(ctx, a, s.now().Add(lateBytes)); err != nil {
		return a, err
	}
	message := "No bytes arrived while the upload could be begun. Retry the asset to get a new upload form."
	it, err := s.Table.Write(ctx, table.Update(a.Key(), table.All(
		table.Eq(schema.Generation, table.Int(int64(a.Generation))),
		table.Eq(schema.State, table.String(asset.Pending)),
		sameGrant(a),
	), append(failed(asset.Expired, message), table.Add(schema.Version, table.Int(1)))...))
	if current, lost := table.Lost(err); lost {
		if current == nil {
			return a, nil
		}
		return asset.FromRow(current)
	}
	if err != nil {
		return a, fmt.Errorf("expire asset %s: %w", a.ID, err)
	}
	return asset.FromRow(it)
}

// sameGrant holds while nobody has extended the grant.
func sameGrant(a asset.Asset) table.Cond {
	if a.GrantUntil.IsZero() {
		return table.HasNot(schema.GrantUntil)
	}
	return table.Eq(schema.GrantUntil, table.Int(a.GrantUntil.Unix()))
}

// sweepDue visits the assets marked for an hour once the hour has passed, and removes the markers.
func (s *Service) sweepDue(ctx context.Context, hour time.Time, done *Swept) error {
	if s.now().Before(hour.Add(hourLen)) {
		return nil
	}
	return s.eachMarker(ctx, schema.DuePartition, hour, func(it table.Item) error {
		if err := s.visitDue(ctx, it.Key().SK, done); err != nil {
			return err
		}
		_, err := s.Table.Write(ctx, table.Delete(it.Key(), table.Present()))
		if _, gone := table.Lost(err); gone {
			return nil
		}
		return err
	})
}

// visitDue visits a marked asset. One that was deleted leaves nothing behind; of one that is missing for no known reason, nothing is touched.
func (s *Service) visitDue(ctx context.Context, sk string, done *Swept) error {
	w, aid, err := schema.ParseDue(sk)
	if err != nil {
		return fmt.Errorf("due marker %s: %w", sk, err)
	}
	a, err := s.Assets.Find(ctx, w, aid)
	if fault.Is(err, fault.NotFound) {
		if _, err := s.Assets.Gone(ctx, aid); fault.Is(err, fault.NotFound) {
			return nil
		} else if err != nil {
			return err
		}
		return s.purge(ctx, schema.ObjectPrefix(w, aid), nil)
	}
	if err != nil {
		return err
	}
	return s.visit(ctx, a, done)
}
