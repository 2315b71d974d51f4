package reconcile

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// rowsPage is how many rows one page has: as many as search.Index takes.
const rowsPage = table.MaxBatchGet

// lateChange is how long after its grant an asset may still have changed for want of bytes: slack, the sweeper's visits, and its second look a day later.
const lateChange = 26 * time.Hour

// rows is a page of rows of one shard.
func (s *Service) rows(ctx context.Context, ws account.Workspace, at Cursor, r *Report) (Cursor, error) {
	q := table.Query{PK: schema.AssetPartition(ws.ID, at.Part), Limit: rowsPage}
	if at.After != (id.UUID{}) {
		q.From = at.After.String() + "\x00" // behind it
	}
	pg, err := s.Table.Query(ctx, q)
	if err != nil {
		return at, fmt.Errorf("read assets of %s: %w", ws.ID, err)
	}
	if err := s.stand(ctx, pg.Items, r); err != nil {
		return at, err
	}
	if err := s.index(ctx, pg.Items, r); err != nil {
		return at, err
	}
	if pg.Next != nil {
		_, _, last, ok := schema.ParseAssetKey(pg.Next.Key)
		if !ok {
			return at, fmt.Errorf("row %s is not an asset", pg.Next.Key)
		}
		at.After = id.UUID(last)
		return at, nil
	}
	if at.Part+1 < ws.MaxShards() {
		return Cursor{Workspace: ws.ID, Step: StepRows, Part: at.Part + 1}, nil
	}
	if !s.Tell.IsZero() {
		return Cursor{Workspace: ws.ID, Step: StepOrders}, nil
	}
	return Cursor{Workspace: ws.ID, Step: StepObjects}, nil
}

// stand settles what is overdue, forgets what is over, and tells how the rest stands.
func (s *Service) stand(ctx context.Context, rows []table.Item, r *Report) error {
	var events []bus.Event
	for _, it := range rows {
		r.Assets++
		a, err := asset.FromRow(it)
		if err != nil {
			r.Unreadable++
			continue
		}
		if s.Uploads.Overdue(a) {
			r.Settled++
			if s.Apply {
				if _, err := s.Uploads.Expire(ctx, a); err != nil { // its change is told by the stream
					return err
				}
			}
			continue
		}
		if err := s.forget(ctx, a, r); err != nil {
			return err
		}
		if e, ok := s.again(a); ok {
			events = append(events, e)
		}
	}
	return s.tell(ctx, events, r)
}

// forget removes an import that is over.
func (s *Service) forget(ctx context.Context, a asset.Asset, r *Report) error {
	over, err := s.Uploads.ImportOver(ctx, a)
	if err != nil || !over {
		return err
	}
	r.Imports++
	if !s.Apply {
		return nil
	}
	return s.Uploads.ForgetImport(ctx, a)
}

// again is the event of an asset that may have changed since the time from which on changes were not told.
func (s *Service) again(a asset.Asset) (bus.Event, bool) {
	if s.Tell.IsZero() || !changedSince(a, s.Tell) {
		return bus.Event{}, false
	}
	at := s.Tell
	if a.CreatedAt().After(at) {
		at = a.CreatedAt()
	}
	return bus.Standing(a, at.UTC())
}

// changedSince says whether an asset may have changed since a time. Its row does not say when it did: announced, edited, or granted so late that it
// may have been settled since.
func changedSince(a asset.Asset, t time.Time) bool {
	return !a.CreatedAt().Before(t) || !a.EditedAt.Before(t) || !a.GrantUntil.Add(lateChange).Before(t)
}

// tellEnd tells of the end of an asset that was deleted since.
func (s *Service) tellEnd(ctx context.Context, a id.Asset, r *Report) error {
	if s.Tell.IsZero() {
		return nil
	}
	d, err := s.Assets.Deleted(ctx, a)
	if fault.Is(err, fault.NotFound) {
		return nil // forgotten meanwhile
	}
	if err != nil || d.At.Before(s.Tell.Truncate(time.Second)) {
		return err
	}
	if e, ok := bus.Ended(a, d); ok {
		return s.tell(ctx, []bus.Event{e}, r)
	}
	return nil
}

// tell publishes events. One that the bus refuses is an error: the page is to be done again.
func (s *Service) tell(ctx context.Context, events []bus.Event, r *Report) error {
	if len(events) == 0 {
		return nil
	}
	if !s.Apply {
		r.Told += len(events)
		return nil
	}
	failed, err := s.Bus.Publish(ctx, events)
	r.Told += len(events) - len(failed)
	switch {
	case err != nil && len(failed) == 0:
		r.Told -= len(events) // nothing is known of any
		return fmt.Errorf("tell of %d things: %w", len(events), err)
	case len(failed) > 0:
		return fmt.Errorf("event %s was not taken by the bus: %w", events[slices.Min(failed)].Detail.ID, orRefused(err))
	}
	return err
}

// orRefused is the error of a request, or that of an entry which the bus refused.
func orRefused(err error) error {
	if err == nil {
		return fault.New(fault.Unavailable, "The bus refused some events; repeat.")
	}
	return err
}

// index brings the search index up to rows of which it misses something.
func (s *Service) index(ctx context.Context, rows []table.Item, r *Report) error {
	if s.Search == nil {
		return nil
	}
	var lacking []table.Item
	for _, it := range rows {
		lacks, err := s.Search.Lacks(ctx, it)
		if err != nil {
			return err
		}
		if lacks {
			lacking = append(lacking, it)
		}
	}
	r.Indexed += len(lacking)
	if !s.Apply || len(lacking) == 0 {
		return nil
	}
	return s.Search.Index(ctx, lacking)
}
