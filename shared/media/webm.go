package media

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
)

const ebmlSignature = "\x1a\x45\xdf\xa3"

// Elements of Matroska (RFC 9559) and of EBML (RFC 8794) that are read here, with their length marker.
const (
	ebmlHeader      = 0x1A45DFA3
	ebmlDocType     = 0x4282
	mkvSegment      = 0x18538067
	mkvCluster      = 0x1F43B675
	mkvTracks       = 0x1654AE6B
	mkvTrackEntry   = 0xAE
	mkvVideo        = 0xE0
	mkvPixelWidth   = 0xB0
	mkvPixelHeight  = 0xBA
	mkvDisplayWide  = 0x54B0
	mkvDisplayHigh  = 0x54BA
	mkvDisplayUnit  = 0x54B2
	ebmlUnknownSize = math.MaxUint64
)

// element is an EBML element that begins in a slice of bytes.
type element struct {
	id   uint64
	size uint64 // of its content as stated; ebmlUnknownSize when it is left open
	body []byte // its content, as far as the slice holds it
	rest []byte // what follows it in the slice
}

// nextElement reads the element at the start of b; false at the end of b or where there is none.
func nextElement(b []byte) (element, bool) {
	id, n := vint(b, 4, true)
	if n == 0 {
		return element{}, false
	}
	size, m := vint(b[n:], 8, false)
	if m == 0 {
		return element{}, false
	}
	e := element{id: id, size: size, body: b[n+m:]}
	if size < uint64(len(e.body)) {
		e.body, e.rest = e.body[:size], e.body[size:]
	}
	return e, true
}

// vint reads a number of variable length, at most longest bytes, and gives its length, 0 when there is none. An id keeps its length
// marker. A size of all ones is ebmlUnknownSize.
func vint(b []byte, longest int, keepMarker bool) (uint64, int) {
	if len(b) == 0 {
		return 0, 0
	}
	n := bits.LeadingZeros8(b[0]) + 1
	if n > longest || n > len(b) {
		return 0, 0
	}
	var v uint64
	for _, c := range b[:n] {
		v = v<<8 | uint64(c)
	}
	if keepMarker {
		return v, n
	}
	ones := uint64(1)<<(7*n) - 1
	if v &= ones; v == ones {
		return ebmlUnknownSize, n
	}
	return v, n
}

// child finds the first element with the id among those in b.
func child(b []byte, id uint64) (element, bool) {
	for {
		e, ok := nextElement(b)
		if !ok || e.id == id {
			return e, ok
		}
		b = e.rest
	}
}

// number reads the unsigned integer id among the elements in b; otherwise the default.
func number(b []byte, id uint64, otherwise uint64) uint64 {
	e, ok := child(b, id)
	if !ok || e.size > 8 || uint64(len(e.body)) != e.size {
		return otherwise
	}
	var wide [8]byte
	copy(wide[8-len(e.body):], e.body)
	return binary.BigEndian.Uint64(wide[:])
}

// ebmlType tells WebM from other documents in EBML.
func ebmlType(head []byte) string {
	h, ok := nextElement(head)
	if !ok || h.id != ebmlHeader {
		return ""
	}
	switch t, _ := child(h.body, ebmlDocType); string(bytes.TrimRight(t.body, "\x00")) {
	case "webm":
		return "video/webm"
	case "matroska":
		return "video/x-matroska"
	}
	return ""
}

// lookWebM wants a segment that ends within the file, and measures the first video track when the tracks are in the head.
func lookWebM(r *reader) (Info, error) {
	b, err := r.upTo(0, HeadSize)
	if err != nil {
		return Info{}, err
	}
	h, _ := nextElement(b)
	s, ok := child(h.rest, mkvSegment)
	if !ok {
		return Info{}, incomplete("WebM", "nothing follows its header")
	}
	begin := uint64(len(b) - len(s.body) - len(s.rest))
	if s.size != ebmlUnknownSize && s.size > uint64(r.size)-begin {
		return Info{}, incomplete("WebM", "its segment goes on after the end of the file")
	}
	for e, ok := nextElement(s.body); ok && e.id != mkvCluster; e, ok = nextElement(e.rest) {
		if e.id == mkvTracks {
			return webmSize(e.body), nil
		}
	}
	return Info{}, nil
}

// webmSize gives the size at which the first video track is shown: its display size when that is in pixels, else that of its frames.
func webmSize(tracks []byte) Info {
	for e, ok := child(tracks, mkvTrackEntry); ok; e, ok = child(e.rest, mkvTrackEntry) {
		v, ok := child(e.body, mkvVideo)
		if !ok {
			continue
		}
		w, h := number(v.body, mkvPixelWidth, 0), number(v.body, mkvPixelHeight, 0)
		if number(v.body, mkvDisplayUnit, 0) == 0 {
			w, h = number(v.body, mkvDisplayWide, w), number(v.body, mkvDisplayHigh, h)
		}
		if w > 0 && h > 0 && w <= math.MaxInt32 && h <= math.MaxInt32 {
			return Info{Width: int(w), Height: int(h)}
		}
	}
	return Info{}
}
