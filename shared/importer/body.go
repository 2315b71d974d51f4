package importer

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/assetry/assetry/shared/guard"
	"github.com/assetry/assetry/shared/redact"
	"github.com/assetry/assetry/shared/remote"
)

// bodyLimits are what a body must keep.
type bodyLimits struct {
	length int64         // bytes that it said it has; -1: it did not
	limit  int64         // bytes that it may have; 0: any number
	stall  time.Duration // how long a Read may wait
}

// body reads an answer. What it says is cut off after its length; a Read that waits too long ends the connection.
type body struct {
	bodyLimits
	where  where
	inner  io.ReadCloser
	ctx    context.Context // the caller's, for the reason of an end
	cancel context.CancelFunc
	read   int64
	err    error // of the last Read, for the next ones

	mu      sync.Mutex
	stalled bool
}

func newBody(ctx context.Context, cancel context.CancelFunc, inner io.ReadCloser, l bodyLimits, w where) *body {
	return &body{bodyLimits: l, where: w, inner: inner, ctx: ctx, cancel: cancel}
}

// Read fails with io.EOF after all that was promised, with an *remote.Error, or with the error of the caller's context.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil || len(p) == 0 {
		return 0, b.err
	}
	if b.length >= 0 {
		p = p[:min(int64(len(p)), b.length-b.read)]
		if len(p) == 0 {
			b.err = io.EOF
			return 0, b.err
		}
	}
	// Only the time within Read counts: how long the caller takes with the bytes is its own affair.
	timer := time.AfterFunc(b.stall, b.stop)
	n, err := b.inner.Read(p)
	timer.Stop()
	b.read += int64(n)
	if b.limit > 0 && b.read > b.limit {
		b.err = problem(remote.TooLarge, "The source %s has more than %d bytes, which is all that is allowed.", b.where, b.limit)
		return n - int(b.read-b.limit), b.err
	}
	if err != nil {
		b.err = b.ended(err)
	}
	return n, b.err
}

// stop ends the connection under a Read that waits.
func (b *body) stop() {
	b.mu.Lock()
	b.stalled = true
	b.mu.Unlock()
	b.cancel()
}

func (b *body) wasStalled() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stalled
}

// ended says why no more bytes come.
func (b *body) ended(err error) error {
	switch {
	case err == io.EOF && b.read == b.length:
		return io.EOF
	case b.wasStalled():
		return transient(remote.Slow, "The source %s gave no more bytes for %s.", b.where, b.stall)
	case b.ctx.Err() != nil:
		return b.ctx.Err()
	case err == io.EOF && b.length < 0: // only now: a server that hears us leave may end its body properly, in time to be read
		return io.EOF
	case guard.IsEnd(err):
		return b.truncated(err)
	}
	return failed(err, b.where)
}

func (b *body) truncated(err error) error {
	of := ""
	if b.length >= 0 {
		of = fmt.Sprintf(" of %d", b.length)
	}
	e := transient(remote.Truncated, "The source %s ended after %d bytes%s.", b.where, b.read, of)
	e.Cause = redact.Error(err)
	return e
}

// Close ends the connection, unless the body was read to its end: then it is kept for the next request.
func (b *body) Close() error {
	b.cancel()
	return b.inner.Close()
}
