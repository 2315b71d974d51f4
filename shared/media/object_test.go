package media

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
)

// object is an object of which only some ranges are there; the rest reads as zeros. It counts what is read of it after the head.
type object struct {
	size   int64
	ranges map[int64][]byte // by offset
	reads  int
	read   int64
}

func whole(b []byte) *object { return &object{size: int64(len(b)), ranges: map[int64][]byte{0: b}} }

func (o *object) bytes(off, n int64) []byte {
	n = max(0, min(n, o.size-off))
	out := make([]byte, n)
	for at, b := range o.ranges {
		if at < off+n && at+int64(len(b)) > off {
			from, to := max(off, at), min(off+n, at+int64(len(b)))
			copy(out[from-off:to-off], b[from-at:to-at])
		}
	}
	return out
}

func (o *object) source(head int64) Source {
	return Source{
		Size: o.size,
		Head: o.bytes(0, head),
		ReadAt: func(_ context.Context, off, n int64) ([]byte, error) {
			o.reads++
			b := o.bytes(off, n)
			o.read += int64(len(b))
			return b, nil
		},
	}
}

// inspect looks into b as Finalize does.
func inspect(b []byte) (Info, error) { return Inspect(context.Background(), whole(b).source(HeadSize)) }

// wantInfo fails the test unless b is accepted as want.
func wantInfo(t *testing.T, b []byte, want Info) {
	t.Helper()
	if got, err := inspect(b); err != nil || got != want {
		t.Errorf("Inspect = %+v, %v, want %+v", got, err, want)
	}
}

// wantRejected fails the test unless err is a rejection whose message holds all parts.
func wantRejected(t *testing.T, err error, parts ...string) {
	t.Helper()
	var r *Rejected
	if !errors.As(err, &r) {
		t.Fatalf("Inspect gives the error %v, want a rejection", err)
	}
	for _, p := range parts {
		if !strings.Contains(r.Message, p) {
			t.Errorf("the message is %q, want %q in it", r.Message, p)
		}
	}
}

// noise is a picture that does not compress.
func noise(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	state := uint32(1)
	for i := range m.Pix {
		state = state*1664525 + 1013904223
		m.Pix[i] = byte(state >> 24)
	}
	for i := 3; i < len(m.Pix); i += 4 {
		m.Pix[i] = 255
	}
	return m
}

func pngOf(w, h int) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, noise(w, h)); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func jpegOf(w, h int) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, noise(w, h), nil); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func gifOf(w, h int) []byte {
	var b bytes.Buffer
	p := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{color.Black, color.White, color.Gray{40}, color.Gray{90}})
	for i, v := range noise(w, h).Pix[:w*h] {
		p.Pix[i] = v & 3
	}
	if err := gif.Encode(&b, p, nil); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func be16(v int) []byte    { return binary.BigEndian.AppendUint16(nil, uint16(v)) }
func be32(v int) []byte    { return binary.BigEndian.AppendUint32(nil, uint32(v)) }
func be64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }
func le32(v int) []byte    { return binary.LittleEndian.AppendUint32(nil, uint32(v)) }
func le64(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }

// mkBox makes a box with a 32-bit size.
func mkBox(kind string, content ...[]byte) []byte {
	c := join(content...)
	return join(be32(8+len(c)), []byte(kind), c)
}

func ftyp(brands string) []byte {
	return mkBox("ftyp", []byte(brands[:4]), be32(0), []byte(brands[4:]))
}

// chunkOf makes a RIFF chunk, padded to an even length.
func chunkOf(id string, content ...[]byte) []byte {
	c := join(content...)
	return join([]byte(id), le32(len(c)), c, make([]byte, len(c)&1))
}

func riff(form string, chunks ...[]byte) []byte {
	return chunkOf("RIFF", []byte(form), join(chunks...))
}
