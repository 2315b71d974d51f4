package media

import (
	"bytes"
	"encoding/binary"
	"strconv"
)

// exifOrientation reads tag 0x0112 of the first directory of a TIFF block; 0 when it is not there or not 1 to 8.
func exifOrientation(b []byte) int {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(b, []byte("II*\x00")):
		order = binary.LittleEndian
	case bytes.HasPrefix(b, []byte("MM\x00*")):
		order = binary.BigEndian
	default:
		return 0
	}
	if len(b) < 8 {
		return 0
	}
	dir := int64(order.Uint32(b[4:]))
	if dir > int64(len(b))-2 {
		return 0
	}
	entries := b[dir+2:]
	for range order.Uint16(b[dir:]) {
		if len(entries) < 12 {
			return 0
		}
		if order.Uint16(entries) == 0x0112 {
			if v := order.Uint16(entries[8:]); order.Uint16(entries[2:]) == 3 && v >= 1 && v <= 8 {
				return int(v)
			}
			return 0
		}
		entries = entries[12:]
	}
	return 0
}

// motionPhoto gives the length of the film that XMP says is the last thing in the file: MicroVideoOffset in the older form, the length
// of the item that is called MotionPhoto in the newer.
func motionPhoto(xmp []byte) int64 {
	if n := quoted(xmp, "MicroVideoOffset="); n > 0 {
		return n
	}
	at := bytes.Index(xmp, []byte(`Semantic="MotionPhoto"`))
	if at < 0 {
		return 0
	}
	from := max(bytes.LastIndexByte(xmp[:at], '<'), 0)
	to := bytes.IndexByte(xmp[at:], '>')
	if to < 0 {
		return 0
	}
	return quoted(xmp[from:at+to], ":Length=")
}

// quoted gives the number in quotes after name, 0 when there is none.
func quoted(b []byte, name string) int64 {
	_, rest, ok := bytes.Cut(b, []byte(name))
	if !ok || len(rest) < 2 {
		return 0
	}
	digits, _, _ := bytes.Cut(rest[1:min(len(rest), 20)], rest[:1])
	n, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
