package upload

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// importKicks is how often the sweeper asks for a worker again before it gives a silent import up: each time a grant and its slack later.
const importKicks = 3

// importOf reads the row of an import; ok is false where there is none.
func (s *Service) importOf(ctx context.Context, a id.Asset) (row importRow, ok bool, err error) {
	it, err := s.Table.Get(ctx, schema.ImportKey(a), table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		return importRow{}, false, nil
	}
	if err != nil {
		return importRow{}, false, fmt.Errorf("read the import of asset %s: %w", a, err)
	}
	row, err = readImport(it)
	return row, err == nil, err
}

// retryImport asks for a worker for a failed asset, by an address or, for "", the one before. Where the source failed, the same generation goes on,
// with the parts that are in the bucket if the source is still the file that was begun with; rejected bytes begin the next. A worker of the
// attempt before loses its lease.
func (s *Service) retryImport(ctx context.Context, a asset.Asset, source string) (asset.Asset, error) {
	row, known, err := s.importOf(ctx, a.ID)
	if err != nil {
		return a, err
	}
	if source == "" && !known {
		return a, fault.BadField("source", "the address that the asset was copied from is no longer kept; send it again")
	}
	if source != "" {
		if err := s.Remote.Check(source); err != nil {
			return a, err
		}
	}
	next := a
	next.State, next.Failure, next.Cause, next.GrantUntil = asset.Pending, "", "", s.end(s.grant)
	next.Version++
	goesOn := known && a.Cause == asset.Source && row.generation == a.Generation
	if !goesOn {
		next.Generation++
		next.Received, next.Expected = 0, 0
	}
	if err := s.markDue(ctx, next.Workspace, next.ID, s.waitsUntil(next)); err != nil {
		return a, err
	}
	ask := table.Put(importRow{
		asset: a.ID, workspace: a.Workspace, run: 1, generation: next.Generation, address: source, attempt: 1, limit: cmp.Or(a.MaxSize, s.imports.MaxSize),
	}.item(s.now()), table.Absent())
	if known {
		ask = s.askAgain(row, next, source, goesOn)
	}
	err = s.Table.Transact(ctx, []table.Write{table.Update(a.Key(), table.All(
		table.Eq(schema.Version, table.Int(a.Version)), table.Eq(schema.State, table.String(asset.Failed)),
	), importRetryEdits(next)...), ask})
	if r := table.Refused(err); r != nil {
		return a, lostImportRetry(r)
	}
	if err != nil {
		return a, fmt.Errorf("retry the import of asset %s: %w", a.ID, err)
	}
	s.begun(next)
	return next, nil
}

// importRetryEdits write what a retry makes of the asset.
func importRetryEdits(next asset.Asset) []table.Edit {
	es := []table.Edit{
		table.Set(schema.Version, table.Int(next.Version)),
		table.Set(schema.State, table.String(asset.Pending)),
		table.Set(schema.Generation, table.Int(int64(next.Generation))),
		table.Set(schema.GrantUntil, table.Int(next.GrantUntil.Unix())),
		table.Remove(schema.Failure),
		table.Remove(schema.Cause),
	}
	if next.Received == 0 {
		es = append(es, table.Remove(schema.Received))
	}
	if next.Expected == 0 {
		es = append(es, table.Remove(schema.Expected))
	}
	return es
}

// askAgain is the write that asks for a worker of the next attempt. Of another address only a strong ETag is believed, so that the time of the
// last change is forgotten.
func (s *Service) askAgain(row importRow, next asset.Asset, source string, goesOn bool) table.Write {
	es := []table.Edit{
		table.Add(schema.Version, table.Int(1)), table.Add(schema.Attempt, table.Int(1)),
		table.Set(schema.Generation, table.Int(int64(next.Generation))),
		table.Set(table.AttrExpires, table.Int(s.now().Add(keepImport).Unix())),
		table.Remove(schema.Hop), table.Remove(schema.Kicks), table.Remove(schema.Worker), table.Remove(schema.LeaseUntil),
		table.Remove(schema.Reserved),
	}
	moved := source != "" && source != row.address
	if moved {
		es = append(es, table.Set(schema.Address, table.String(source)))
	}
	switch {
	case !goesOn:
		es = append(es, noPlan()...)
	case moved:
		es = append(es, table.Remove(schema.SourceModified))
	}
	return table.Update(row.key(), table.Eq(schema.Version, table.Int(row.run)), es...)
}

// lostImportRetry says why a retry was refused: the asset is no longer failed, or somebody else is at it.
func lostImportRetry(r *table.TransactError) error {
	if r.Reasons[0] == table.ConditionLost {
		if current := r.Current[0]; current == nil || current.Str(schema.State) != string(asset.Failed) {
			return lostRetry(current)
		}
	}
	return fault.New(fault.Throttled, "The asset is being changed by others at this moment. Repeat the request.")
}

// wakeImport deals with a pending import that has shown no progress for a grant and its slack: another worker is asked for, and after a few times
// the import is given up. One that a worker has in hand is left alone. It gives the asset as it is afterwards.
func (s *Service) wakeImport(ctx context.Context, a asset.Asset) (asset.Asset, error) {
	row, known, err := s.importOf(ctx, a.ID)
	if err != nil {
		return a, err
	}
	if !known || row.generation != a.Generation {
		return s.loseImport(ctx, a)
	}
	if row.worker != "" && s.now().Before(row.leaseUntil) {
		return a, s.waitLonger(ctx, a)
	}
	silent := table.All(table.Eq(schema.Version, table.Int(row.run)), leaseOver(s.now()))
	if row.kicks >= importKicks {
		err := s.failImport(ctx, a, silent, asset.Source,
			"The import did not finish in time. What was copied until then is kept for 24 hours: retry to go on.")
		if err != nil && table.Refused(err) == nil {
			return a, err
		}
		return s.asItStands(ctx, a)
	}
	_, err = s.Table.Write(ctx, table.Update(row.key(), silent, table.Add(schema.Version, table.Int(1)), table.Add(schema.Kicks, table.Int(1)),
		table.Remove(schema.Worker), table.Remove(schema.LeaseUntil)))
	if _, lost := table.Lost(err); err != nil && !lost {
		return a, fmt.Errorf("wake the import of asset %s: %w", a.ID, err)
	}
	return a, s.waitLonger(ctx, a)
}

// waitLonger lets the sweeper come back to a pending import after another grant. The marker comes first.
func (s *Service) waitLonger(ctx context.Context, a asset.Asset) error {
	next := a
	next.GrantUntil = s.end(s.grant)
	if err := s.markDue(ctx, next.Workspace, next.ID, s.waitsUntil(next)); err != nil {
		return err
	}
	_, err := s.Table.Write(ctx, table.Update(a.Key(), table.All(pendingAt(a), sameGrant(a)),
		table.Set(schema.GrantUntil, table.Int(next.GrantUntil.Unix()))))
	if _, lost := table.Lost(err); err != nil && !lost {
		return fmt.Errorf("wait longer for the import of asset %s: %w", a.ID, err)
	}
	return nil
}

// loseImport settles a pending asset whose import's row is gone, which only a restored table can have.
func (s *Service) loseImport(ctx context.Context, a asset.Asset) (asset.Asset, error) {
	edits := append(failed(asset.Source, "The import was lost. Retry the asset with its address as source."),
		table.Add(schema.Version, table.Int(1)), table.Set(schema.GrantUntil, table.Int(s.now().Unix())))
	_, err := s.Table.Write(ctx, table.Update(a.Key(), table.All(pendingAt(a), sameGrant(a)), edits...))
	if _, lost := table.Lost(err); err != nil && !lost {
		return a, fmt.Errorf("fail the import of asset %s: %w", a.ID, err)
	}
	return s.asItStands(ctx, a)
}

// asItStands reads an asset again; one that is gone is given as it was.
func (s *Service) asItStands(ctx context.Context, a asset.Asset) (asset.Asset, error) {
	now, err := s.Assets.Find(ctx, a.Workspace, a.ID)
	if fault.Is(err, fault.NotFound) {
		return a, nil
	}
	return now, err
}

// forgetImport removes the row of an import that is over, and with it the address, after the uploads that its workers may have left open.
func (s *Service) forgetImport(ctx context.Context, a asset.Asset) error {
	row, known, err := s.importOf(ctx, a.ID)
	if err != nil || !known {
		return err
	}
	if row.partSize > 0 {
		if err := s.abortAll(ctx, schema.ObjectPrefix(a.Workspace, a.ID), nil); err != nil {
			return err
		}
	}
	return s.dropImport(ctx, a.ID)
}

// dropImport removes the row of an import.
func (s *Service) dropImport(ctx context.Context, a id.Asset) error {
	_, err := s.Table.Write(ctx, table.Delete(schema.ImportKey(a), table.Present()))
	if _, gone := table.Lost(err); err != nil && !gone {
		return fmt.Errorf("forget the import of asset %s: %w", a, err)
	}
	return nil
}
