package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// Bounds of one inspection beyond the head. The usual object needs none or one read; these stop objects made to keep us reading.
const (
	maxReads   = 12
	firstAhead = 16 << 10 // what the first read fetches, in bytes: the header of a film and of its first track fit
	maxAhead   = 1 << 20  // each read fetches twice as much as the one before, up to this; parsers want under 512 KiB at once

	scanLimit = 2 << 20 // how far from the start a format is walked that can only be walked byte by byte
)

// errEnd says that a range passes the end of the object.
var errEnd = errors.New("range passes the end of the object")

// errBudget says that an object wants more reads than one inspection takes.
var errBudget = errors.New("object wants too many ranged reads")

// reader gives ranges of an object from its head, from the last range read, or by another ranged read.
type reader struct {
	size   int64
	head   []byte
	fetch  func(off, n int64) ([]byte, error)
	win    []byte // the last range read
	winOff int64
	ahead  int64
	reads  int // made so far
}

func newReader(ctx context.Context, s Source) *reader {
	head := s.Head
	if int64(len(head)) > s.Size {
		head = head[:s.Size]
	}
	fetch := func(off, n int64) ([]byte, error) {
		if s.ReadAt == nil {
			return nil, fmt.Errorf("media: bytes %d to %d are wanted, the head ends at %d and there is no ReadAt", off, off+n, len(head))
		}
		return s.ReadAt(ctx, off, n)
	}
	return &reader{size: s.Size, head: head, fetch: fetch, ahead: firstAhead}
}

// at gives the n bytes at off; errEnd when the object ends before off+n. The bytes are valid until the next call.
func (r *reader) at(off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || off > r.size || n > r.size-off {
		return nil, errEnd
	}
	if off+n <= int64(len(r.head)) {
		return r.head[off : off+n], nil
	}
	if w := off - r.winOff; w >= 0 && w+n <= int64(len(r.win)) {
		return r.win[w : w+n], nil
	}
	if r.reads >= maxReads || n > maxAhead {
		return nil, errBudget
	}
	if err := r.load(off, min(max(n, r.ahead), r.size-off)); err != nil {
		return nil, err
	}
	return r.win[:n], nil
}

// upTo gives the n bytes at off, fewer at the end of the object.
func (r *reader) upTo(off, n int64) ([]byte, error) {
	if off > r.size {
		return nil, errEnd
	}
	return r.at(off, min(n, r.size-off))
}

// tail gives the last n bytes but none before from, and their offset.
func (r *reader) tail(n, from int64) ([]byte, int64, error) {
	off := max(from, r.size-n, 0)
	b, err := r.at(off, max(r.size-off, 0))
	return b, off, err
}

// load makes [off, off+n) the last range read. A shorter answer is continued; an answer of no bytes is a failure.
func (r *reader) load(off, n int64) error {
	r.win, r.winOff = nil, 0
	r.reads++
	var got []byte
	for int64(len(got)) < n {
		want := n - int64(len(got))
		b, err := r.fetch(off+int64(len(got)), want)
		if err != nil {
			return err
		}
		if len(b) == 0 {
			return fmt.Errorf("media: read %d bytes at %d, got %d: %w", n, off, len(got), io.ErrUnexpectedEOF)
		}
		got = append(got, b[:min(int64(len(b)), want)]...)
	}
	r.win, r.winOff = got, off
	r.ahead = min(2*r.ahead, maxAhead)
	return nil
}

// find looks for pattern in [off, limit) and gives its offset; -1 when it is not there or the budget ends first.
func (r *reader) find(pattern []byte, off, limit int64) (int64, error) {
	limit = min(limit, r.size)
	step := int64(256 << 10)
	for off+int64(len(pattern)) <= limit {
		b, err := r.at(off, min(step, limit-off))
		if errors.Is(err, errBudget) {
			return -1, nil
		}
		if err != nil {
			return -1, err
		}
		if i := bytes.Index(b, pattern); i >= 0 {
			return off + int64(i), nil
		}
		off += int64(len(b)) - int64(len(pattern)) + 1
	}
	return -1, nil
}
