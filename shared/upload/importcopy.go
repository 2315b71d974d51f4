package upload

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/remote"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// copy brings the bytes from wherever the last worker stopped, and settles the asset.
func (r *importRun) copy(ctx context.Context) error {
	if done, err := r.resume(ctx); done || err != nil {
		return err
	}
	for try := 1; r.partSize == 0; try++ {
		done, err := r.first(ctx)
		if done {
			return err
		}
		if err != nil {
			if err := r.pause(ctx, try, err); err != nil {
				return err
			}
		}
	}
	if err := r.ranges(ctx); err != nil {
		return err
	}
	return r.join(ctx)
}

// resume takes up what earlier workers did: their upload with its parts, if the source is still the file that they saw. It is done where
// their bytes are there and only have to be settled.
func (r *importRun) resume(ctx context.Context) (done bool, err error) {
	if r.partSize == 0 {
		return false, nil
	}
	err = blob.ErrNotFound
	if r.upload != "" {
		err = r.list(ctx)
	}
	if errors.Is(err, blob.ErrNotFound) { // joined by a worker whose news was lost, or dropped
		if _, err := r.Finalize(ctx, r.bytes(), ""); !errors.Is(err, errNoBytes) {
			return true, err
		}
		return false, r.startOver(ctx)
	}
	if err != nil {
		return false, fmt.Errorf("list the parts of asset %s: %w", r.asset.ID, err)
	}
	if !resumable(r.source) {
		return false, r.startOver(ctx)
	}
	if r.verified != r.attempt {
		return false, r.verify(ctx)
	}
	return false, nil
}

// list finds the parts that the bucket has and that fit the plan: they are the record of what is done.
func (r *importRun) list(ctx context.Context) error {
	plan := r.plan()
	for after, more := 0, true; more; {
		ps, next, err := r.Bucket.ListParts(ctx, r.bytes().Key(), r.upload, after, PartsPage)
		if err != nil {
			return err
		}
		r.mu.Lock()
		for _, p := range ps {
			if after = p.Number; p.Size == plan.Length(p.Number) {
				r.have[p.Number] = p
			}
		}
		r.shown = r.received()
		r.mu.Unlock()
		more = next && len(ps) > 0
	}
	return nil
}

// verify asks the source of a new attempt whether it has the file that was begun with, for one byte. If not, everything starts over.
func (r *importRun) verify(ctx context.Context) error {
	for try := 1; ; try++ {
		a, err := r.Remote.Get(ctx, remote.Query{Address: r.address, Length: 1, Limit: r.limit})
		if err != nil {
			if err := r.pause(ctx, try, err); err != nil {
				return err
			}
			continue
		}
		_ = a.Body.Close()
		if !a.Ranged || !sameFile(r.source, a.Identity) {
			return r.startOver(ctx)
		}
		r.know(a.Identity)
		if err := r.reserve(ctx, r.left()); err != nil {
			return err
		}
		return r.note(ctx, r.planEdits()...)
	}
}

// left is how many bytes of the source are still to be copied.
func (r *importRun) left() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.source.Size - r.received()
}

// know keeps what the source was seen to be in this attempt.
func (r *importRun) know(source remote.Identity) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.source, r.verified = source, r.attempt
}

// startOver forgets the plan, after the parts.
func (r *importRun) startOver(ctx context.Context) error {
	if err := r.abortAll(ctx, r.bytes().Key(), nil); err != nil {
		return err
	}
	if err := r.note(ctx, noPlan()...); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.source, r.upload, r.partSize, r.verified, r.have = remote.Identity{}, "", 0, 0, map[int]blob.Part{}
	return nil
}

// first asks the source for its first bytes, and goes on by what it says of itself. A small file is kept at once, and one that cannot be had by
// ranges is copied in one go; then it is done. Of others the plan is made and the first part brought. An error without done may be tried again.
func (r *importRun) first(ctx context.Context) (done bool, err error) {
	q := remote.Query{Address: r.address, Length: r.imports.Part, Limit: r.limit}
	a, err := r.Remote.Get(ctx, q)
	if err != nil {
		return false, err
	}
	defer func() { _ = a.Body.Close() }()
	if err := r.reserve(ctx, a.Size); err != nil {
		return true, err
	}
	if a.Size >= 0 && a.Size <= r.imports.Part {
		body, err := io.ReadAll(a.Body)
		if err != nil {
			return false, err
		}
		return r.small(ctx, body)
	}
	if a.Ranged && resumable(a.Identity) {
		if err := r.begin(ctx, a.Identity); err != nil {
			return true, err
		}
		if r.partSize == r.imports.Part {
			err = r.stream(ctx, 1, a.Body)
		}
		return false, err
	}
	if !a.Ranged {
		return r.oneGo(ctx, a)
	}
	q.Length = 0 // it gives ranges, and does not say of which file
	whole, err := r.Remote.Get(ctx, q)
	if err != nil {
		return false, err
	}
	defer func() { _ = whole.Body.Close() }()
	return r.oneGo(ctx, whole)
}

// begin plans the parts and opens the bucket's upload. The plan is noted first, so that an upload that is forgotten on the way is looked for.
func (r *importRun) begin(ctx context.Context, source remote.Identity) error {
	r.know(source)
	size := max(r.imports.Part, smallestPart(max(source.Size, 0)))
	next := r.importRow
	next.partSize = size
	if err := r.note(ctx, next.planEdits()...); err != nil {
		return err
	}
	told := r.asset
	told.Expected = max(source.Size, 0)
	upload, err := r.Bucket.StartParts(ctx, r.bytes().Key(), partsOptions(told))
	if err != nil {
		return fmt.Errorf("begin the parts of asset %s: %w", r.asset.ID, err)
	}
	err = r.note(ctx, table.Set(schema.Upload, table.String(upload)))
	if errors.Is(err, errTaken) {
		return errors.Join(err, r.abort(ctx, r.bytes().Key(), upload))
	}
	r.upload, r.partSize = upload, size
	return err
}

// ranges copies the parts that are missing, several at once, until none is or the time is over.
func (r *importRun) ranges(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	numbers := make(chan int)
	var copying sync.WaitGroup
	for range r.imports.Parallel {
		copying.Go(func() {
			for n := range numbers {
				if err := r.part(ctx, n); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	begun := 0
	for n := range r.missing() {
		if begun >= r.imports.Parallel && !r.now().Before(r.until) { // every run begins some, so that it brings something
			break
		}
		select {
		case numbers <- n:
			begun++
			continue
		case <-ctx.Done():
		}
		break
	}
	close(numbers)
	copying.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if len(r.have) < r.plan().Count {
		return errHandOver
	}
	return nil
}

// missing are the numbers of the parts that the bucket did not have, in order.
func (r *importRun) missing() func(yield func(int) bool) {
	r.mu.Lock()
	had := maps.Clone(r.have)
	r.mu.Unlock()
	return func(yield func(int) bool) {
		for n := 1; n <= r.plan().Count; n++ {
			if _, there := had[n]; !there && !yield(n) {
				return
			}
		}
	}
}

// part copies one range, again where it fails for a moment.
func (r *importRun) part(ctx context.Context, n int) error {
	for try := 1; ; try++ {
		err := r.fetch(ctx, n)
		if err == nil {
			return nil
		}
		if err := r.pause(ctx, try, err); err != nil {
			return err
		}
	}
}

func (r *importRun) fetch(ctx context.Context, n int) error {
	p := r.plan()
	a, err := r.Remote.Get(ctx, remote.Query{
		Address: r.address, From: int64(n-1) * p.PartSize, Length: p.Length(n), Same: r.source, Limit: r.limit,
	})
	if err != nil {
		return err
	}
	defer func() { _ = a.Body.Close() }()
	return r.stream(ctx, n, a.Body)
}

// stream hands a part from the source to the bucket as it comes; nothing of it is kept in memory. What comes beyond the part is left.
func (r *importRun) stream(ctx context.Context, n int, body io.Reader) error {
	source := &heard{Reader: body}
	part, err := r.Bucket.StreamPart(ctx, r.bytes().Key(), r.upload, n, source, r.plan().Length(n))
	if err != nil {
		return cmp.Or(source.failed(), fmt.Errorf("write part %d of asset %s: %w", n, r.asset.ID, err))
	}
	r.brought(part)
	return nil
}

func (r *importRun) brought(p blob.Part) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.have[p.Number] = p
	r.finished++
}

// heard remembers how a body failed, because what the bucket's client makes of it may say less.
type heard struct {
	io.Reader
	mu  sync.Mutex
	err error
}

func (h *heard) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if err != nil && err != io.EOF {
		h.mu.Lock()
		h.err = err
		h.mu.Unlock()
	}
	return n, err
}

func (h *heard) failed() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// pause waits before another try of what failed for a moment, longer each time. It gives the error back where no further try is due.
func (r *importRun) pause(ctx context.Context, try int, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var source *remote.Error
	mends := fault.Is(err, fault.Throttled) || fault.Is(err, fault.Unavailable)
	if errors.As(err, &source) {
		mends = source.Transient
	}
	if !mends || try >= importTries {
		return err
	}
	base := r.imports.Pause << (try - 1)
	timer := time.NewTimer(base/2 + rand.N(base/2+1))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// join makes the object of the parts and settles the asset. Joined already, by somebody whose answer was lost, is as good.
func (r *importRun) join(ctx context.Context) error {
	if err := r.fence(ctx); err != nil {
		return err
	}
	ps := slices.SortedFunc(maps.Values(r.have), func(a, b blob.Part) int { return a.Number - b.Number })
	o := partsOptions(r.asset)
	o.IfAbsent, o.Checksum = true, blob.Checksum{}
	if r.asset.Checksum.Value != "" {
		o.Checksum = r.asset.Checksum
	}
	for try := 1; ; try++ {
		whole, err := r.Bucket.CompleteParts(ctx, r.bytes().Key(), r.upload, ps, o)
		switch {
		case err == nil, errors.Is(err, blob.ErrExists), errors.Is(err, blob.ErrNotFound):
			return r.settle(ctx, whole.Version)
		case errors.Is(err, blob.ErrChecksum):
			says := rejection(fmt.Sprintf("The file does not have the %s %s that was announced.", r.asset.Checksum.Algorithm, r.asset.Checksum.Value))
			return cmp.Or[error](r.abort(ctx, r.bytes().Key(), r.upload), says)
		}
		if err := r.pause(ctx, try, err); err != nil {
			return fmt.Errorf("join the parts of asset %s: %w", r.asset.ID, err)
		}
	}
}

// settle finalizes the version that was written; "" is the one that is there.
func (r *importRun) settle(ctx context.Context, version string) error {
	for try := 1; ; try++ {
		_, err := r.Finalize(ctx, r.bytes(), version)
		switch {
		case err == nil, fault.Is(err, fault.NotFound):
			return nil
		case errors.Is(err, errNoBytes): // removed by whoever decided the attempt, or never there: the next delivery sees
			return fault.New(fault.Unavailable, "the bytes of asset %s cannot be read; deliver the request again", r.asset.ID)
		}
		if err := r.pause(ctx, try, err); err != nil {
			return err
		}
	}
}
