package upload

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/heartbeat"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/remote"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

const (
	importLease  = 60 * time.Second // how long a worker that fell silent holds up the next: twelve beats
	importTries  = 6                // of one request that fails for a moment: with the pauses between, half a minute
	importEnding = 30 * time.Second // what is kept of a worker's time for its last writes
)

var (
	errHandOver = errors.New("the import goes on with another worker")
	errBusy     = errors.New("another worker has the import in hand")
	errTaken    = errors.New("the import is another worker's, settled or deleted")
	errCounting = fault.New(fault.Throttled, "Many imports of the workspace begin at the same moment: repeat.")
)

// rejection is why bytes are rejected, for people.
type rejection string

func (r rejection) Error() string { return string(r) }

// Import does the work of one request for a worker: it copies until the asset is settled, or its time is over and it hands over to the next.
// It may be called again, late and by several at once: a lease lets one of them work, and requests that another has followed are void.
// An error means: deliver the request again. fault.Unavailable is also the answer while another worker is at it, because it may yet die.
func (s *Service) Import(ctx context.Context, w id.Workspace, aid id.Asset, run int64) error {
	r, err := s.claim(ctx, aid, run)
	if errors.Is(err, errBusy) {
		return s.whileBusy(ctx, w, aid, run)
	}
	if err != nil || r == nil {
		return err
	}
	if r.asset, err = s.Assets.Find(ctx, w, aid); fault.Is(err, fault.NotFound) {
		return nil // deleted: the clean-up takes what is left
	}
	if err == nil && (r.asset.State != asset.Pending || r.asset.Generation != r.generation) {
		return r.release(ctx)
	}
	if err == nil {
		r.waited = r.asset.GrantUntil
		err = r.work(ctx)
	}
	return r.finish(ctx, err)
}

// whileBusy answers a request whose import another worker has in hand: it may yet die, unless all is settled.
func (s *Service) whileBusy(ctx context.Context, w id.Workspace, aid id.Asset, run int64) error {
	a, err := s.Assets.Find(ctx, w, aid)
	if fault.Is(err, fault.NotFound) || err == nil && a.State != asset.Pending {
		return nil
	}
	if err != nil {
		return err
	}
	return fault.New(fault.Unavailable, "request %d for the import of asset %s is being worked on; deliver it again", run, aid)
}

// importRun is one worker at an import.
type importRun struct {
	*Service
	importRow
	asset asset.Asset
	until time.Time // no part is begun after it
	token string

	mu       sync.Mutex
	have     map[int]blob.Part // in the bucket
	held     time.Time         // until when the lease runs
	shown    int64             // bytes that the asset shows
	waited   time.Time         // until when the asset is waited for
	finished int               // parts that this worker brought
}

// claim takes the lease of an import for one request. There is no run where there is nothing to do: the import is gone or another request has
// followed. The error is errBusy while another worker has the lease.
func (s *Service) claim(ctx context.Context, aid id.Asset, run int64) (*importRun, error) {
	now, token := s.now(), rand.Text()
	held := now.Add(importLease)
	it, err := s.Table.Write(ctx, table.Update(schema.ImportKey(aid), table.All(table.Eq(schema.Version, table.Int(run)), leaseOver(now)),
		table.Set(schema.Worker, table.String(token)), table.Set(schema.LeaseUntil, table.Int(held.UnixMilli()))))
	if current, lost := table.Lost(err); lost {
		if current == nil || current.Int(schema.Version) > run {
			return nil, nil
		}
		return nil, errBusy
	}
	if err != nil {
		return nil, fmt.Errorf("claim the import of asset %s: %w", aid, err)
	}
	row, err := readImport(it)
	if err != nil {
		return nil, err
	}
	r := &importRun{Service: s, importRow: row, until: now.Add(s.imports.Time), token: token, held: held, have: map[int]blob.Part{}}
	if end, ok := ctx.Deadline(); ok {
		r.until = now.Add(min(s.imports.Time, time.Until(end)-2*importEnding))
	}
	return r, nil
}

// work copies, with a heart beating beside it.
func (r *importRun) work(ctx context.Context) error {
	return heartbeat.Run(ctx, heartbeat.Heart{Every: r.imports.Beat, Beat: r.live, Ending: importEnding, Cut: errHandOver}, r.copy)
}

// live renews the lease and shows progress. The error is errTaken once the lease is lost: to another worker, or because it could not be renewed for as
// long as it lasts.
func (r *importRun) live(ctx context.Context) error {
	err := errors.Join(r.renew(ctx), r.show(ctx))
	if errors.Is(err, errTaken) || err != nil && r.leaseLeft() <= 0 {
		return errTaken
	}
	return nil
}

// bytes names what the import writes.
func (r *importRun) bytes() schema.Source { return r.asset.Source() }

func (r *importRun) leaseLeft() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.held.Sub(r.now())
}

// renew makes the lease longer. The error is errTaken where it is no longer this worker's.
func (r *importRun) renew(ctx context.Context) error {
	held := r.now().Add(importLease)
	err := r.note(ctx, table.Set(schema.LeaseUntil, table.Int(held.UnixMilli())))
	if err == nil {
		r.mu.Lock()
		r.held = held
		r.mu.Unlock()
	}
	return err
}

// fence makes sure, before what cannot be taken back, that the import is still this worker's.
func (r *importRun) fence(ctx context.Context) error {
	if r.leaseLeft() > importLease/2 {
		return nil
	}
	return r.renew(ctx)
}

// mine holds while the lease is this worker's.
func (r *importRun) mine() table.Cond { return table.Eq(schema.Worker, table.String(r.token)) }

// note writes into the import's row. The error is errTaken where the import is no longer this worker's.
func (r *importRun) note(ctx context.Context, edits ...table.Edit) error {
	_, err := r.Table.Write(ctx, table.Update(schema.ImportKey(r.asset.ID), r.mine(), edits...))
	if _, lost := table.Lost(err); lost {
		return errTaken
	}
	if err != nil {
		return fmt.Errorf("note in the import of asset %s: %w", r.asset.ID, err)
	}
	return nil
}

// show writes progress into the asset, and that it is still waited for. Readers may see it late and no event tells of it, so the row's version does
// not count it. The error is errTaken where the asset is no longer pending.
func (r *importRun) show(ctx context.Context) error {
	r.mu.Lock()
	received := r.received()
	news := received != r.shown || r.waited.Sub(r.now()) < r.grant/2
	expected := r.source.Size
	r.mu.Unlock()
	if !news {
		return nil
	}
	until := r.end(r.grant)
	edits := []table.Edit{table.Set(schema.Received, table.Int(received)), table.Set(schema.GrantUntil, table.Int(until.Unix()))}
	if expected > 0 {
		edits = append(edits, table.Set(schema.Expected, table.Int(expected)))
	}
	_, err := r.Table.Write(ctx, table.Update(r.asset.Key(), pendingAt(r.asset), edits...))
	if _, lost := table.Lost(err); lost {
		return errTaken
	}
	if err != nil {
		return fmt.Errorf("show the progress of asset %s: %w", r.asset.ID, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shown, r.waited = received, until
	return nil
}

// received are the bytes that are in the bucket. The caller holds mu.
func (r *importRun) received() (n int64) {
	for _, p := range r.have {
		n += p.Size
	}
	return n
}

// finish ends a run by what came of it.
func (r *importRun) finish(ctx context.Context, err error) error {
	var source *remote.Error
	var bad rejection
	var quota quotaError
	switch {
	case err == nil, errors.Is(err, errTaken):
		return nil
	case errors.Is(err, errHandOver):
		return r.handOver(ctx)
	case errors.As(err, &source):
		return r.fail(ctx, asset.Source, r.blame(source))
	case errors.As(err, &quota):
		return r.fail(ctx, asset.Source, string(quota))
	case errors.As(err, &bad):
		return r.fail(ctx, asset.Rejected, string(bad))
	}
	return errors.Join(err, r.release(ctx)) // not the source's fault: another delivery tries again
}

// blame is what people are told of a source that failed.
func (r *importRun) blame(e *remote.Error) string {
	if len(r.have) == 0 {
		return e.Message
	}
	return e.Message + " What was copied until then is kept for 24 hours: retry to go on, with another address as source if this one has expired."
}

// release gives the lease back, so that nobody waits for it to end; also when the context is over.
func (r *importRun) release(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := r.note(ctx, table.Remove(schema.Worker), table.Remove(schema.LeaseUntil)); !errors.Is(err, errTaken) {
		return err
	}
	return nil
}

// inOneGo is what people are told of a source that cannot be gone on with and takes too long.
func (r *importRun) inOneGo() string {
	return fmt.Sprintf("The source is too slow: it gives no ranges by which another run could go on, and was not copied within %s.", r.imports.Time)
}

// handOver asks for the next worker, by one write whose committed change is the request.
func (r *importRun) handOver(ctx context.Context) error {
	switch {
	case !resumable(r.source):
		return r.fail(ctx, asset.Source, r.inOneGo())
	case r.finished == 0:
		return r.fail(ctx, asset.Source, fmt.Sprintf(
			"The source is too slow: not one part of %d bytes arrived within the %s that one run has.", r.partSize, r.imports.Time))
	case r.hop+1 > r.imports.Hops:
		return r.fail(ctx, asset.Source, fmt.Sprintf("The source is too slow: it was not copied within %d runs of %s.", r.imports.Hops, r.imports.Time))
	}
	if err := r.show(ctx); err != nil && !errors.Is(err, errTaken) {
		return errors.Join(err, r.release(ctx))
	}
	err := r.note(ctx, table.Add(schema.Version, table.Int(1)), table.Add(schema.Hop, table.Int(1)),
		table.Remove(schema.Kicks), table.Remove(schema.Worker), table.Remove(schema.LeaseUntil))
	if errors.Is(err, errTaken) {
		return nil
	}
	return err
}

// fail settles the asset as failed, if it is still pending and the import this worker's. The marker that leads the sweeper to the parts comes first.
func (r *importRun) fail(ctx context.Context, c asset.Cause, message string) error {
	r.mu.Lock()
	received := r.received()
	r.mu.Unlock()
	err := r.failImport(ctx, r.asset, r.mine(), c, message, table.Set(schema.Received, table.Int(received)))
	if table.Refused(err) != nil {
		return nil // settled, deleted or taken over meanwhile; or contended, and then somebody does the same
	}
	return err
}

// failImport settles a pending import as failed while a condition on its row holds. From then on its parts are kept for a while.
func (s *Service) failImport(ctx context.Context, a asset.Asset, while table.Cond, c asset.Cause, message string, also ...table.Edit) error {
	now := s.end(0)
	if err := s.markDue(ctx, a.Workspace, a.ID, now.Add(keepParts)); err != nil {
		return err
	}
	edits := append(failed(c, message), table.Add(schema.Version, table.Int(1)), table.Set(schema.GrantUntil, table.Int(now.Unix())))
	err := s.Table.Transact(ctx, []table.Write{
		table.Update(schema.ImportKey(a.ID), while, table.Remove(schema.Worker), table.Remove(schema.LeaseUntil)),
		table.Update(a.Key(), pendingAt(a), append(edits, also...)...),
	})
	if err != nil {
		return fmt.Errorf("fail the import of asset %s: %w", a.ID, err)
	}
	return nil
}
