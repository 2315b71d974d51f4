package media

import (
	"bytes"
	"encoding/binary"
)

// JPEG markers, the byte after 0xFF.
const (
	jpegSOF0 = 0xC0 // to 0xCF are frames, but for the three below
	jpegDHT  = 0xC4
	jpegJPG  = 0xC8
	jpegDAC  = 0xCC
	jpegRST0 = 0xD0
	jpegRST7 = 0xD7
	jpegEOI  = 0xD9
	jpegSOS  = 0xDA
	jpegAPP1 = 0xE1
	jpegTEM  = 0x01
)

const (
	jpegTail     = 64 << 10
	jpegMaxSteps = 4096 // segments and stray bytes before the scan; real files have under 100
)

var jpegEnd = []byte{0xFF, jpegEOI}

// jpegHeader is what the segments before the first scan say.
type jpegHeader struct {
	framed        bool
	width, height int
	orientation   int   // EXIF, 1 to 8; 0 when there is none
	scan          int64 // offset of the first scan
	film          int64 // length of the film at the end of a motion photo; 0 when there is none
}

// lookJPEG reads the segments up to the first scan and makes sure that the picture ends.
func lookJPEG(r *reader) (Info, error) {
	h, err := jpegSegments(r)
	if err != nil {
		return Info{}, err
	}
	if !h.framed {
		return Info{}, broken("JPEG", "it has no frame header (SOF)")
	}
	if err := checkJPEGEnd(r, h); err != nil {
		return Info{}, err
	}
	in := Info{Width: h.width, Height: h.height}
	switch {
	case h.height == 0: // stated after the scan (DNL)
		return Info{}, nil
	case h.orientation >= 5:
		in.Width, in.Height = in.Height, in.Width
	}
	return in, nil
}

// jpegSegments walks the segments from SOI to the first scan.
func jpegSegments(r *reader) (jpegHeader, error) {
	var h jpegHeader
	off := int64(2)
	for range jpegMaxSteps {
		b, err := r.at(off, 4)
		if err != nil {
			return h, err
		}
		marker, n := b[1], int64(binary.BigEndian.Uint16(b[2:]))
		switch {
		case b[0] != 0xFF || marker == 0xFF || marker == 0: // stray or filling bytes
			off++
			continue
		case marker == jpegTEM || marker >= jpegRST0 && marker <= jpegRST7:
			off += 2
			continue
		case marker == jpegEOI:
			return h, broken("JPEG", "it ends before any picture data")
		case marker == jpegSOS:
			h.scan = off
			return h, nil
		case n < 2:
			return h, broken("JPEG", "a segment says that it is shorter than its own length")
		}
		if err := h.segment(r, marker, off+4, n-2); err != nil {
			return h, err
		}
		off += 2 + n
	}
	return h, broken("JPEG", "no picture data follows its headers")
}

// segment takes what matters from the segment whose n bytes begin at off.
func (h *jpegHeader) segment(r *reader, marker byte, off, n int64) error {
	frame := marker >= jpegSOF0 && marker <= 0xCF && marker != jpegDHT && marker != jpegJPG && marker != jpegDAC
	if !frame && marker != jpegAPP1 {
		return nil
	}
	b, err := r.at(off, n)
	if err != nil {
		return err
	}
	switch {
	case !frame:
		h.metadata(b)
	case n < 6:
		return broken("JPEG", "its frame header is too short")
	case !h.framed:
		h.framed = true
		h.height, h.width = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
		if h.width == 0 {
			return broken("JPEG", "its width is 0")
		}
		return checkPixels(h.width, h.height)
	}
	return nil
}

// metadata reads an APP1 segment: EXIF for the orientation, XMP for the film of a motion photo.
func (h *jpegHeader) metadata(b []byte) {
	if tiff, ok := bytes.CutPrefix(b, []byte("Exif\x00\x00")); ok && h.orientation == 0 {
		h.orientation = exifOrientation(tiff)
	}
	if xmp, ok := bytes.CutPrefix(b, []byte("http://ns.adobe.com/xap/1.0/\x00")); ok && h.film == 0 {
		h.film = motionPhoto(xmp)
	}
}

// checkJPEGEnd looks for the end marker, which cannot occur inside the data of a scan. Cameras append previews, gain maps and films, so
// it need not be the last thing; behind a long film it is trusted when the film begins where the header says.
func checkJPEGEnd(r *reader, h jpegHeader) error {
	b, _, err := r.tail(jpegTail, h.scan)
	if err != nil {
		return err
	}
	if bytes.Contains(b, jpegEnd) || bytes.HasSuffix(b, []byte("SEFT")) { // SEFT closes a trailer of Samsung's
		return nil
	}
	if h.film > 8 && h.film < r.size-h.scan {
		b, err := r.at(r.size-h.film, 8)
		if err != nil {
			return err
		}
		if string(b[4:]) == "ftyp" {
			return nil
		}
	}
	at, err := r.find(jpegEnd, h.scan, scanLimit)
	if err == nil && at < 0 {
		err = incomplete("JPEG", "its end marker is missing")
	}
	return err
}
