package media

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// Bytes that begin the parts of a GIF.
const (
	gifImage     = 0x2C
	gifExtension = 0x21
	gifTrailer   = 0x3B
)

// lookGIF reads the logical screen and makes sure that the trailer is there.
func lookGIF(r *reader) (Info, error) {
	b, err := r.at(0, 13)
	if err != nil {
		return Info{}, err
	}
	in := Info{Width: int(binary.LittleEndian.Uint16(b[6:])), Height: int(binary.LittleEndian.Uint16(b[8:]))}
	flags := b[10]
	if err := checkPixels(in.Width, in.Height); err != nil {
		return Info{}, err
	}
	if in.Width == 0 || in.Height == 0 {
		in = Info{}
	}
	if r.size > int64(len(r.head)) {
		b, _, err := r.tail(1<<10, 13)
		if err != nil {
			return Info{}, err
		}
		// The last block ends with a zero, so a cut inside picture data passes for a trailer once in 65,536 times.
		if bytes.HasSuffix(bytes.TrimRight(b, "\x00"), []byte{0, gifTrailer}) {
			return in, nil
		}
	}
	err = walkGIF(r, 13+gifColours(flags))
	if errors.Is(err, errEnd) || errors.Is(err, errBudget) {
		err = incomplete("GIF", "its trailer is missing")
	}
	return in, err
}

// gifColours is the length of the colour table that flags announce.
func gifColours(flags byte) int64 {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

// walkGIF follows the blocks from off to the trailer; errEnd or errBudget when it is not reached.
func walkGIF(r *reader, off int64) error {
	for off < scanLimit {
		b, err := r.at(off, 1)
		if err != nil {
			return err
		}
		switch b[0] {
		case gifTrailer:
			return nil
		case gifExtension:
			off += 2
		case gifImage:
			b, err := r.at(off, 10)
			if err != nil {
				return err
			}
			off += 11 + gifColours(b[9]) // descriptor, table, LZW code size
		case 0: // some writers put a zero too many between blocks
			off++
			continue
		default:
			return broken("GIF", "there is no block where one is expected")
		}
		if off, err = skipGIFData(r, off); err != nil {
			return err
		}
	}
	return errBudget
}

// skipGIFData gives the offset after the data blocks that begin at off.
func skipGIFData(r *reader, off int64) (int64, error) {
	for off < scanLimit {
		b, err := r.at(off, 1)
		if err != nil {
			return 0, err
		}
		off += 1 + int64(b[0])
		if b[0] == 0 {
			break
		}
	}
	return off, nil
}
