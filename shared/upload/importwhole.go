package upload

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/media"
	"github.com/assetry/assetry/shared/remote"
)

// oneGo copies a source that gives no ranges, or does not say what it is a range of, from its beginning to its end. Each part is kept in memory
// until the bucket has it, because the source cannot be asked for it again. The error without done may be tried again, from the beginning.
func (r *importRun) oneGo(ctx context.Context, a *remote.Answer) (done bool, err error) {
	part := make([]byte, r.imports.Part)
	total := int64(0)
	for n := 1; ; n++ {
		got, err := io.ReadFull(a.Body, part)
		ended := err == io.EOF || err == io.ErrUnexpectedEOF
		total += int64(got)
		if err := r.reserve(ctx, total); err != nil { // where the source does not say how long it is
			return true, err
		}
		switch {
		case err != nil && !ended:
			return false, r.undo(ctx, err)
		case ended && n == 1:
			return r.small(ctx, part[:got])
		case n > MaxParts && got > 0:
			return true, &remote.Error{Reason: remote.TooLarge, Message: fmt.Sprintf(
				"The source does not say how long it is, and has more than the %d bytes that can be taken then.", MaxParts*r.imports.Part)}
		case !ended && !r.now().Before(r.until):
			return true, &remote.Error{Reason: remote.Slow, Message: r.inOneGo()}
		}
		if n == 1 {
			if err := r.begin(ctx, remote.Identity{Size: a.Size}); err != nil {
				return true, err
			}
		}
		if got > 0 {
			if err := r.put(ctx, n, part[:got]); err != nil {
				return true, err
			}
		}
		if ended {
			return true, r.join(ctx)
		}
	}
}

// undo starts over for an error that another try may mend; the others keep what is there to be tidied up.
func (r *importRun) undo(ctx context.Context, err error) error {
	if r.partSize == 0 {
		return err
	}
	return cmp.Or(r.startOver(ctx), err)
}

// put writes a part that is in memory.
func (r *importRun) put(ctx context.Context, n int, part []byte) error {
	for try := 1; ; try++ {
		p, err := r.Bucket.PutPart(ctx, r.bytes().Key(), r.upload, n, bytes.NewReader(part), int64(len(part)))
		if err == nil {
			r.brought(p)
			return nil
		}
		if err := r.pause(ctx, try, err); err != nil {
			return fmt.Errorf("write part %d of asset %s: %w", n, r.asset.ID, err)
		}
	}
}

// small keeps a file that fits into one part: judged before it is written, by one request and without an upload to tidy up.
func (r *importRun) small(ctx context.Context, body []byte) (done bool, err error) {
	info, rejected, err := judge(ctx, declaredType(r.asset), media.Source{Size: int64(len(body)), Head: body, Format: r.asset.Format})
	if err != nil {
		return true, fmt.Errorf("inspect the import of asset %s: %w", r.asset.ID, err)
	}
	sum := blob.Checksum{}
	if want := r.asset.Checksum; want != sum && rejected == "" {
		sum = want.Algorithm.Of(body)
		rejected = differs(want, sum)
	}
	if rejected != "" {
		return true, rejection(rejected)
	}
	if err := r.fence(ctx); err != nil {
		return true, err
	}
	for try := 1; ; try++ {
		o, err := r.Bucket.Put(ctx, r.bytes().Key(), bytes.NewReader(body), int64(len(body)),
			blob.PutOptions{Type: declaredType(r.asset), IfAbsent: true, Checksum: sum})
		if err == nil {
			return true, r.take(ctx, verdict{object: o, info: info, checksum: sum})
		}
		if errors.Is(err, blob.ErrExists) { // our own, whose answer was lost, or another worker's
			return true, r.settle(ctx, "")
		}
		if err := r.pause(ctx, try, err); err != nil {
			return true, fmt.Errorf("store the bytes of asset %s: %w", r.asset.ID, err)
		}
	}
}

// take settles the asset by a verdict, again where that fails for a moment.
func (r *importRun) take(ctx context.Context, v verdict) error {
	for try := 1; ; try++ {
		_, err := r.Service.conclude(ctx, r.bytes(), v)
		if err == nil || fault.Is(err, fault.NotFound) {
			return nil
		}
		if err := r.pause(ctx, try, err); err != nil {
			return err
		}
	}
}
