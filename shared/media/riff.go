package media

import (
	"encoding/binary"
	"fmt"
	"math"
)

// riffMaxChunks bounds the chunks that are passed before the one that matters; real files have under 20.
const riffMaxChunks = 256

// riffForm is the form type of a RIFF file ("WEBP", "WAVE"), also of its 64-bit variants; "" for other bytes.
func riffForm(b []byte) string {
	if len(b) < 12 {
		return ""
	}
	switch id := string(b[:4]); {
	case id == "RIFF", (id == "RF64" || id == "BW64") && string(b[8:12]) == "WAVE":
		return string(b[8:12])
	}
	return ""
}

// chunk is a chunk of a RIFF file.
type chunk struct {
	id   string
	body int64 // offset of its content
	n    int64 // length of its content, in bytes, without the padding to an even length
}

func (c chunk) next() int64 { return c.body + c.n + c.n&1 }

// chunkAt reads the header of the chunk at off.
func (r *reader) chunkAt(off int64) (chunk, error) {
	b, err := r.at(off, 8)
	if err != nil {
		return chunk{}, err
	}
	return chunk{string(b[:4]), off + 8, int64(binary.LittleEndian.Uint32(b[4:]))}, nil
}

// shorter refuses a RIFF file of the given name that ends before something in it does.
func shorter(name, what string, end, size int64) error {
	return incomplete(name, fmt.Sprintf("%s says that it ends at byte %d, and the file has %d bytes", what, end, size))
}

// lookWebP reads the first chunk, which is the picture or, in the extended format, the canvas.
func lookWebP(r *reader) (Info, error) {
	b, err := r.at(0, 12)
	if err != nil {
		return Info{}, err
	}
	end := 8 + int64(binary.LittleEndian.Uint32(b[4:]))
	c, err := r.chunkAt(12)
	if err != nil {
		return Info{}, err
	}
	b, err = r.at(c.body, 10)
	if err != nil {
		return Info{}, err
	}
	in, ok := webpSize(c.id, b)
	if !ok {
		return Info{}, broken("WebP", "it does not begin with a picture")
	}
	if err := checkPixels(in.Width, in.Height); err != nil {
		return Info{}, err
	}
	if end > r.size {
		return Info{}, shorter("WebP", "its header", end, r.size)
	}
	if c.body+c.n > r.size {
		return Info{}, shorter("WebP", "its picture", c.body+c.n, r.size)
	}
	if c.id == "VP8X" {
		err = findWebPPicture(r, c.next(), end)
	}
	return in, err
}

// webpSize reads the size from the first bytes of the first chunk.
func webpSize(id string, b []byte) (Info, bool) {
	switch id {
	case "VP8 ":
		key := b[0]&1 == 0 && string(b[3:6]) == "\x9d\x01\x2a"
		w, h := binary.LittleEndian.Uint16(b[6:]), binary.LittleEndian.Uint16(b[8:])
		return Info{Width: int(w & 0x3FFF), Height: int(h & 0x3FFF)}, key && w&0x3FFF > 0 && h&0x3FFF > 0
	case "VP8L":
		bits := binary.LittleEndian.Uint32(b[1:])
		return Info{Width: int(bits&0x3FFF) + 1, Height: int(bits>>14&0x3FFF) + 1}, b[0] == 0x2F
	case "VP8X":
		return Info{Width: uint24(b[4:]) + 1, Height: uint24(b[7:]) + 1}, true
	}
	return Info{}, false
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// findWebPPicture makes sure that the extended format holds a picture that ends within the file.
func findWebPPicture(r *reader, off, end int64) error {
	for range riffMaxChunks {
		if off+8 > end {
			break
		}
		c, err := r.chunkAt(off)
		if err != nil {
			return err
		}
		if c.id == "VP8 " || c.id == "VP8L" || c.id == "ANMF" {
			if c.body+c.n > r.size {
				return shorter("WebP", "its picture", c.body+c.n, r.size)
			}
			return nil
		}
		off = c.next()
	}
	return incomplete("WebP", "it holds no picture")
}

// wavSizes are the lengths that the head of a WAV file states. A writer that cannot seek leaves 0 or all ones.
type wavSizes struct {
	riff, data int64 // 0: not known
	formatted  bool
}

// lookWAV walks the chunks up to the sound.
func lookWAV(r *reader) (Info, error) {
	b, err := r.at(0, 12)
	if err != nil {
		return Info{}, err
	}
	var s wavSizes
	if n := binary.LittleEndian.Uint32(b[4:]); n != math.MaxUint32 && n != 0 {
		s.riff = 8 + int64(n)
	}
	off := int64(12)
	for range riffMaxChunks {
		if s.riff > r.size {
			return Info{}, shorter("WAV", "its header", s.riff, r.size)
		}
		c, err := r.chunkAt(off)
		if err != nil {
			return Info{}, err
		}
		if c.id == "data" {
			return Info{}, s.sound(r, c)
		}
		if err := s.note(r, c); err != nil {
			return Info{}, err
		}
		off = c.next()
	}
	return Info{}, broken("WAV", "it holds no sound (data)")
}

// note takes what a chunk before the sound says.
func (s *wavSizes) note(r *reader, c chunk) error {
	switch c.id {
	case "fmt ":
		s.formatted = c.n >= 14
	case "ds64": // the sizes of a file above 4 GiB
		b, err := r.at(c.body, 16)
		if err != nil {
			return err
		}
		riff, data := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
		s.riff, s.data = int64(min(riff, math.MaxInt64-8))+8, int64(min(data, math.MaxInt64/2))
	}
	return nil
}

// sound makes sure that the sound has a format and ends within the file.
func (s *wavSizes) sound(r *reader, c chunk) error {
	switch {
	case !s.formatted:
		return broken("WAV", "its sound has no format (fmt)")
	case c.n == math.MaxUint32 && s.data > 0:
		c.n = s.data
	case c.n == math.MaxUint32 && s.riff == 0:
		return nil
	}
	if c.body+c.n > r.size {
		return shorter("WAV", "its sound", c.body+c.n, r.size)
	}
	return nil
}
