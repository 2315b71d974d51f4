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
// watermark per workspace and shard says how far it has come. It may be cut off, repeated and run twice at once.
//
// An asset that cannot be dealt with now stops no other: it is marked for the next hour, and the error, which joins all, tells of it. Only
// what keeps the sweep from reading or marking makes it stop where it is; the next one goes on from there.
func (s *Service) Sweep(ctx context.Context) (Swept, error) {
	w := &sweep{Service: s, horizon: s.now().Add(-s.grant - s.slack - clockSkew), visited: map[id.Workspace]bool{}}
	hour, err := w.begin(ctx)
	if err != nil {
		return Swept{}, err
	}
	w.first = hour
	whole := true // every hour so far is done
	for ; hour.Before(s.now()) && ctx.Err() == nil; hour = hour.Add(hourLen) {
		if err := errors.Join(w.workspaces(ctx, hour), w.marked(ctx, hour)); err != nil {
			w.failures, whole = append(w.failures, err), false
		}
		if ends := hour.Add(hourLen); whole && !ends.After(w.horizon) {
			if err := w.advance(ctx, schema.SweepKey(), schema.Hour, ends.UTC().Format(schema.HourFormat)); err != nil {
				return w.done, err
			}
		}
	}
	return w.done, errors.Join(w.failures...)
}

// sweep is one run of the sweeper.
type sweep struct {
	*Service
	first    time.Time // hour that is not done
	horizon  time.Time // ids made before it are visited
	visited  map[id.Workspace]bool
	done     Swept
	failures []error // of assets that were put off
}

// begin is the first hour that is not done. Where a sweeper starts that never ran is kept at once: else one that comes through no hour for a
// day would start later each time, and leave out what lies before.
func (w *sweep) begin(ctx context.Context) (time.Time, error) {
	it, err := w.Table.Get(ctx, schema.SweepKey(), table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		first := w.now().Add(-lookBack).Truncate(hourLen)
		return first, w.advance(ctx, schema.SweepKey(), schema.Hour, first.UTC().Format(schema.HourFormat))
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read how far the sweep has come: %w", err)
	}
	return time.Parse(schema.HourFormat, it.Str(schema.Hour))
}

// advance moves a mark forward, never back.
func (w *sweep) advance(ctx context.Context, k table.Key, attr, to string) error {
	_, err := w.Table.Write(ctx, table.Update(k, table.Less(attr, table.String(to)), table.Set(attr, table.String(to))))
	current, lost := table.Lost(err)
	if lost && current == nil {
		_, err = w.Table.Write(ctx, table.Put(table.Item{
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
func (w *sweep) eachMarker(ctx context.Context, partition func(time.Time, int) string, hour time.Time, visit func(table.Item) error) error {
	var errs []error
	for shard := range schema.SweepShards {
		q := table.Query{PK: partition(hour, shard), Limit: sweepPage}
		for {
			pg, err := w.Table.Query(ctx, q)
			if err != nil {
				return errors.Join(append(errs, fmt.Errorf("read markers %s: %w", q.PK, err))...)
			}
			for _, it := range pg.Items {
				errs = append(errs, visit(it))
			}
			if pg.Next == nil {
				break
			}
			q.After = pg.Next
		}
	}
	return errors.Join(errs...)
}

// workspaces visits those that began uploads in an hour, each once a sweep.
func (w *sweep) workspaces(ctx context.Context, hour time.Time) error {
	return w.eachMarker(ctx, schema.ActivePartition, hour, func(it table.Item) error {
		wid, err := id.ParseWorkspace(it.Key().SK)
		if err != nil {
			return fmt.Errorf("marker %s: %w", it.Key(), err)
		}
		if w.visited[wid] {
			return nil
		}
		w.visited[wid] = true
		ws, err := w.Workspaces.Workspace(ctx, wid)
		if err != nil {
			return err
		}
		var errs []error
		for shard := range ws.MaxShards() {
			errs = append(errs, w.shard(ctx, wid, shard))
		}
		return errors.Join(errs...)
	})
}

// shard visits the assets of a shard from its watermark up to the horizon, and moves the watermark after every page. Without one it begins with
// the first hour that is not done, whichever hour's marker led here: those of an earlier one may just not have been readable.
func (w *sweep) shard(ctx context.Context, wid id.Workspace, shard int) error {
	key := schema.WatermarkKey(wid, shard)
	from := id.Floor(w.first).String()
	it, err := w.Table.Get(ctx, key, table.Strong)
	if err == nil {
		from = max(from, it.Str(schema.Watermark))
	} else if !errors.Is(err, table.ErrNotFound) {
		return fmt.Errorf("read %s: %w", key, err)
	}
	q := table.Query{PK: schema.AssetPartition(wid, shard), From: from, To: id.Floor(w.horizon).String(), Limit: sweepPage}
	for q.From < q.To {
		pg, err := w.Table.Query(ctx, q)
		if err != nil {
			return fmt.Errorf("read assets of %s: %w", wid, err)
		}
		for _, it := range pg.Items {
			if err := w.row(ctx, it); err != nil {
				return err
			}
		}
		reached := q.To
		if pg.Next != nil {
			reached = pg.Next.Key.SK + "\x00"
		}
		if err := w.advance(ctx, key, schema.Watermark, reached); err != nil {
			return err
		}
		q.From = reached
	}
	return nil
}

// row visits the asset of a row. The error is of one that could not even be put off.
func (w *sweep) row(ctx context.Context, it table.Item) error {
	a, err := asset.FromRow(it)
	if err != nil {
		w.failures = append(w.failures, err) // reading it again will not help
		return nil
	}
	if err := w.visit(ctx, a); err != nil {
		return w.putOff(ctx, a.Workspace, a.ID, err)
	}
	return nil
}

// putOff marks an asset that cannot be dealt with now for the next hour.
func (w *sweep) putOff(ctx context.Context, wid id.Workspace, a id.Asset, cause error) error {
	if err := w.markDue(ctx, wid, a, w.now().Add(hourLen)); err != nil {
		return errors.Join(cause, err)
	}
	w.failures = append(w.failures, fmt.Errorf("asset %s is put off: %w", a, cause))
	return nil
}

// marked visits the assets marked for an hour once the hour has passed, and removes the markers.
func (w *sweep) marked(ctx context.Context, hour time.Time) error {
	if w.now().Before(hour.Add(hourLen)) {
		return nil
	}
	return w.eachMarker(ctx, schema.DuePartition, hour, func(it table.Item) error {
		wid, a, err := schema.ParseDue(it.Key().SK)
		if err != nil {
			return fmt.Errorf("due marker %s: %w", it.Key(), err)
		}
		if err := w.visitDue(ctx, wid, a); err != nil {
			if err := w.putOff(ctx, wid, a, err); err != nil {
				return err
			}
		}
		_, err = w.Table.Write(ctx, table.Delete(it.Key(), table.Present()))
		if _, gone := table.Lost(err); gone {
			return nil
		}
		return err
	})
}

// visitDue visits a marked asset. One that was deleted leaves nothing behind; of one that is missing for no known reason, nothing is touched.
func (w *sweep) visitDue(ctx context.Context, wid id.Workspace, aid id.Asset) error {
	a, err := w.Assets.Find(ctx, wid, aid)
	if err == nil {
		return w.visit(ctx, a)
	}
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	if _, err := w.Assets.Gone(ctx, aid); err != nil {
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		return err
	}
	prefix := schema.ObjectPrefix(wid, aid)
	if err := w.abortAll(ctx, prefix, nil); err != nil { // nobody remembers whether it came by parts
		return err
	}
	return w.purge(ctx, prefix, nil)
}

// visit settles what is still open, and removes every version and every upload that the row rules out: bytes whose event was lost, and parts whose
// begin was cut off.
func (w *sweep) visit(ctx context.Context, a asset.Asset) error {
	w.done.Visited++
	if a.State == asset.Pending && !w.expired(a) { // its grant was longer than today's: come back for it
		return w.markDue(ctx, a.Workspace, a.ID, w.waitsUntil(a))
	}
	if open(a) {
		var err error
		if a, err = w.Expire(ctx, a); err != nil {
			return err
		}
		w.done.Settled++
	}
	if err := w.abortRuledOut(ctx, a); err != nil {
		return err
	}
	if a.GrantUntil.IsZero() || open(a) && a.Generation == 1 {
		return nil // it was a direct upload, which writes once; or bytes may still come, and there was no earlier attempt
	}
	return w.purge(ctx, schema.ObjectPrefix(a.Workspace, a.ID), func(v blob.Version) bool { return !ruledOut(a, v) || open(a) && isOf(a, v) })
}

// isOf says whether a version is of the present attempt.
func isOf(a asset.Asset, v blob.Version) bool {
	src, ok := schema.ParseSource(v.Key)
	return ok && src == a.Source()
}

// ruledOut says whether a row rules out a version for good: one of an earlier attempt, or one of its own that it does not name. Later
// attempts are none of its business: the row may have moved on since it was read.
func ruledOut(a asset.Asset, v blob.Version) bool {
	src, ok := schema.ParseSource(v.Key)
	return ok && (src.Generation < a.Generation || src.Generation == a.Generation && v.Version != a.Object)
}
