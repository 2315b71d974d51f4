package media

import (
	"encoding/binary"
	"slices"
)

func lookMP4(r *reader) (Info, error)       { return lookMovie(r, "MP4") }
func lookQuickTime(r *reader) (Info, error) { return lookMovie(r, "QuickTime") }

// lookMovie wants a moov box and measures the first video track in it.
func lookMovie(r *reader, name string) (Info, error) {
	l, err := r.topLevel(name)
	if err != nil {
		return Info{}, err
	}
	if l.moov.end == 0 {
		return Info{}, incomplete(name, `it has no "moov" box, which says what is in the film`)
	}
	return r.movieSize(l.moov, "vide")
}

// movieSize gives the size of the first track of one of the given kinds that has one. A moov box that cannot be read gives zeros.
func (r *reader) movieSize(moov box, kinds ...string) (Info, error) {
	var in Info
	err := r.each(moov.body, moov.end, func(x box) (bool, error) {
		if x.kind != "trak" {
			return false, nil
		}
		t, err := r.track(x)
		if err != nil || !slices.Contains(kinds, t.kind) {
			return false, err
		}
		in = t.size
		return in.Width > 0, nil
	})
	if unreadable(err) {
		return Info{}, nil
	}
	return in, err
}

// track is what a trak box says of itself.
type track struct {
	kind string // the handler: "vide", "soun", ...
	size Info   // as shown
}

// track reads the header of a track and then its handler, and stops there: the sample tables behind may be megabytes.
func (r *reader) track(trak box) (track, error) {
	var t track
	err := r.each(trak.body, trak.end, func(x box) (bool, error) {
		switch x.kind {
		case "tkhd":
			b, err := r.content(x, 84, 96)
			if err != nil {
				return false, err
			}
			t.size, err = trackSize(b)
			return false, err
		case "mdia":
			return true, r.each(x.body, x.end, func(x box) (bool, error) {
				if x.kind != "hdlr" {
					return false, nil
				}
				b, err := r.content(x, 12, 12)
				if err == nil {
					t.kind = string(b[8:12])
				}
				return true, err
			})
		}
		return false, nil
	})
	return t, err
}

// trackSize reads the size from the content of tkhd, with the sides swapped when the matrix turns the picture by a quarter.
func trackSize(b []byte) (Info, error) {
	at := 40 // of the matrix, nine 32-bit numbers; width and height follow, as 16.16 fixed point
	if b[0] == 1 {
		at = 52
	}
	if len(b) < at+44 {
		return Info{}, errBox
	}
	number := func(i int) uint32 { return binary.BigEndian.Uint32(b[at+4*i:]) }
	round := func(fixed uint32) int { return int((uint64(fixed) + 1<<15) >> 16) }
	in := Info{Width: round(number(9)), Height: round(number(10))}
	if number(0) == 0 && number(4) == 0 && number(1) != 0 && number(3) != 0 {
		in.Width, in.Height = in.Height, in.Width
	}
	if in.Width == 0 || in.Height == 0 {
		return Info{}, nil
	}
	return in, nil
}
