package areaplan

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
)

// A checkpoint is a line with its version, and behind it, deflated: the reader's state as JSON, the box, and the grid's tiles in order. Of a
// tile there are the place, the number of cells with points, and each of those: how many cells lie before it, its count and its sums.
const checkpointHead = "areaplan checkpoint 1\n"

// checkpoint gives everything that is needed to go on.
func (s *scan) checkpoint() ([]byte, error) {
	var out bytes.Buffer
	out.WriteString(checkpointHead)
	deflated, err := flate.NewWriter(&out, flate.BestSpeed)
	if err != nil {
		return nil, err
	}
	w := &numbers{to: bufio.NewWriterSize(deflated, 1<<16)}
	state, err := json.Marshal(s.read)
	if err != nil {
		return nil, err
	}
	w.uint(uint64(len(state)))
	w.bytes(state)
	for i := range s.box.min {
		w.uint(math.Float64bits(s.box.min[i]))
		w.uint(math.Float64bits(s.box.max[i]))
	}
	w.grid(s.grid)
	err = errors.Join(w.to.Flush(), deflated.Close())
	return out.Bytes(), err
}

// numbers writes numbers of variable length. A write to memory does not fail; Flush would say so.
type numbers struct {
	to  *bufio.Writer
	tmp [binary.MaxVarintLen64]byte
}

func (w *numbers) bytes(b []byte) { w.to.Write(b) }
func (w *numbers) uint(v uint64)  { w.to.Write(binary.AppendUvarint(w.tmp[:0], v)) }
func (w *numbers) int(v int64)    { w.to.Write(binary.AppendVarint(w.tmp[:0], v)) }

func (w *numbers) grid(g *grid) {
	w.uint(uint64(g.level))
	w.uint(uint64(len(g.tiles)))
	for _, a := range g.sorted() {
		t := g.tiles[a]
		held := 0
		for i := range t {
			if t[i].count > 0 {
				held++
			}
		}
		w.int(int64(a.column))
		w.int(int64(a.row))
		w.uint(uint64(held))
		next := 0
		for i := range t {
			c := &t[i]
			if c.count == 0 {
				continue
			}
			w.uint(uint64(i - next))
			next = i + 1
			for _, v := range [4]uint32{c.count, c.r, c.g, c.b} {
				w.uint(uint64(v))
			}
			w.int(c.z)
		}
	}
}

// resume gives the scan of a checkpoint.
func resume(checkpoint []byte) (*scan, error) {
	rest, ok := bytes.CutPrefix(checkpoint, []byte(checkpointHead))
	if !ok {
		return nil, errors.New("areaplan: the checkpoint is none of this version")
	}
	r := &numberReader{from: bufio.NewReaderSize(flate.NewReader(bytes.NewReader(rest)), 1<<16)}
	s := newScan()
	if err := json.Unmarshal(r.bytes(), &s.read); err != nil && r.err == nil {
		r.err = err
	}
	for i := range s.box.min {
		s.box.min[i] = math.Float64frombits(r.uint(math.MaxUint64))
		s.box.max[i] = math.Float64frombits(r.uint(math.MaxUint64))
	}
	r.grid(s.grid)
	if r.err != nil {
		return nil, fmt.Errorf("areaplan: read the checkpoint: %w", r.err)
	}
	return s, nil
}

// numberReader reads what numbers wrote. After an error it gives zeros.
type numberReader struct {
	from *bufio.Reader
	err  error
}

// maxState is the longest JSON of a reader's state, in bytes; it takes hundreds.
const maxState = 64 << 10

func (r *numberReader) bytes() []byte {
	b := make([]byte, r.uint(maxState))
	if r.err == nil {
		_, r.err = io.ReadFull(r.from, b)
	}
	return b
}

// uint reads a number of at most limit.
func (r *numberReader) uint(limit uint64) uint64 {
	if r.err != nil {
		return 0
	}
	v, err := binary.ReadUvarint(r.from)
	if err == nil && v > limit {
		err = fmt.Errorf("%d where at most %d is possible", v, limit)
	}
	if r.err = err; err != nil {
		return 0
	}
	return v
}

func (r *numberReader) int() int64 {
	if r.err != nil {
		return 0
	}
	v, err := binary.ReadVarint(r.from)
	r.err = err
	return v
}

func (r *numberReader) grid(g *grid) {
	g.level = int(r.uint(64))
	for n := r.uint(tiles); n > 0 && r.err == nil; n-- {
		a := at{int32(r.int()), int32(r.int())}
		t := new(tile)
		i := 0
		for held := r.uint(side * side); held > 0 && r.err == nil; held-- {
			i += int(r.uint(side * side))
			if i >= len(t) {
				r.err = errors.New("a tile has more cells than fit")
				return
			}
			c := &t[i]
			for _, v := range [4]*uint32{&c.count, &c.r, &c.g, &c.b} {
				*v = uint32(r.uint(math.MaxUint32))
			}
			c.z = r.int()
			i++
		}
		g.tiles[a] = t
	}
}
