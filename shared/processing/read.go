package processing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
)

// How inputs are read: in ranges that grow, so that a look into the header costs a header, and a whole scan few requests. The next range is on its way
// while one is read, so two are in memory.
const (
	firstRange = 256 << 10 // bytes
	rangeLimit = 8 << 20   // bytes
	readTries  = 6         // of one range: with the pauses between, eight seconds
)

// stream reads a version of an object from an offset on, by ranged requests. One that breaks is gone on with behind the last byte that came.
type stream struct {
	s        *Service
	ctx      context.Context
	cancel   context.CancelFunc
	key      string
	version  string
	off, end int64 // of what is not asked for yet
	size     int64 // of the next range
	have     []byte
	next     chan piece // nil: nothing is on its way
	err      error
}

// piece is a range, or why it did not come.
type piece struct {
	bytes []byte
	err   error
}

// read streams an object that has so many bytes. Nothing is read before it is asked for.
func (s *Service) read(ctx context.Context, key, version string, off, size int64) *stream {
	ctx, cancel := context.WithCancel(ctx)
	return &stream{s: s, ctx: ctx, cancel: cancel, key: key, version: version, off: off, end: size, size: firstRange}
}

// Read gives the next bytes.
func (r *stream) Read(p []byte) (int, error) {
	for len(r.have) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		if r.next == nil {
			r.ask()
		}
		if r.next == nil {
			r.err = io.EOF
			continue
		}
		got := <-r.next
		r.next = nil
		if r.have, r.err = got.bytes, got.err; r.err == nil {
			r.ask()
		}
	}
	n := copy(p, r.have)
	r.have = r.have[n:]
	return n, nil
}

// Close ends what is on its way.
func (r *stream) Close() error {
	r.cancel()
	if r.next != nil {
		<-r.next
		r.next = nil
	}
	if r.err == nil {
		r.err = errors.New("read after Close")
	}
	r.have = nil
	return nil
}

// ask begins the next range, if there is one.
func (r *stream) ask() {
	n := min(r.size, r.end-r.off)
	if n <= 0 {
		return
	}
	next, off := make(chan piece, 1), r.off
	r.next, r.off, r.size = next, r.off+n, min(2*r.size, rangeLimit)
	go func() {
		b, err := r.fetch(off, n)
		next <- piece{b, err}
	}()
}

// fetch reads one range, in as many requests as it takes.
func (r *stream) fetch(off, n int64) ([]byte, error) {
	var have []byte
	for tries := 1; ; tries++ {
		b, _, err := r.s.Bucket.Read(r.ctx, r.key, r.version, off+int64(len(have)), n-int64(len(have)))
		if len(b) > 0 {
			tries = 0 // it comes on
			if have == nil {
				have = b
			} else {
				have = append(have, b...)
			}
		}
		switch {
		case int64(len(have)) >= n:
			return have, nil
		case errors.Is(err, blob.ErrNotFound), err != nil && !passing(err):
			return nil, fmt.Errorf("read %s from byte %d: %w", r.key, off, err)
		case tries >= readTries:
			return nil, fault.Wrap(err, fault.Unavailable, "the bytes from %d of %s could not be read; repeat later", off, r.key)
		}
		if err := r.s.rest(r.ctx, tries); err != nil {
			return nil, err
		}
	}
}

// passing says whether a failure may be over in a moment.
func passing(err error) bool {
	return fault.Is(err, fault.Unavailable) || fault.Is(err, fault.Throttled) || errors.Is(err, io.ErrUnexpectedEOF)
}

// rest pauses between two tries, each time twice as long.
func (s *Service) rest(ctx context.Context, tries int) error {
	wait := time.NewTimer(s.pause << min(tries, 5))
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-wait.C:
		return nil
	}
}
