package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
)

const (
	pngSignature = "\x89PNG\r\n\x1a\n"
	pngEnd       = "\x00\x00\x00\x00IEND\xae\x42\x60\x82" // the whole last chunk: length, name, CRC
	pngTail      = 4 << 10
)

// lookPNG reads IHDR and makes sure that IEND is there.
func lookPNG(r *reader) (Info, error) {
	b, err := r.at(0, 33) // signature, then IHDR: length, name, 13 bytes, CRC
	if err != nil {
		return Info{}, err
	}
	if binary.BigEndian.Uint32(b[8:]) != 13 || string(b[12:16]) != "IHDR" {
		return Info{}, broken("PNG", "it does not begin with its IHDR chunk")
	}
	w, h := binary.BigEndian.Uint32(b[16:]), binary.BigEndian.Uint32(b[20:])
	sum := crc32.ChecksumIEEE(b[12:29])
	if err := checkPixels(int(w), int(h)); err != nil {
		return Info{}, err
	}
	if w == 0 || h == 0 || w > math.MaxInt32 || h > math.MaxInt32 || sum != binary.BigEndian.Uint32(b[29:]) {
		return Info{}, broken("PNG", "its IHDR chunk is not valid")
	}
	return Info{Width: int(w), Height: int(h)}, checkPNGEnd(r)
}

// checkPNGEnd looks for IEND in the tail of an object larger than the head, which is where it is in all but a few files, and else walks
// the chunks.
func checkPNGEnd(r *reader) error {
	if r.size > int64(len(r.head)) {
		b, _, err := r.tail(pngTail, 33)
		if err != nil {
			return err
		}
		if bytes.Contains(b, []byte(pngEnd)) {
			return nil
		}
	}
	for off := int64(33); ; {
		b, err := r.at(off, 12)
		if errors.Is(err, errEnd) || errors.Is(err, errBudget) {
			return incomplete("PNG", "its last chunk (IEND) is missing")
		}
		if err != nil {
			return err
		}
		if string(b[4:8]) == "IEND" {
			return nil
		}
		off += 12 + int64(binary.BigEndian.Uint32(b))
	}
}
