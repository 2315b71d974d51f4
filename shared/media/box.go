package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// maxBoxes bounds the boxes of one level that are passed. A picture in tiles has a few hundred properties, a film a few dozen tracks.
const maxBoxes = 4096

// errBox says that a box contradicts itself or the box around it.
var errBox = errors.New("box is malformed")

// box is one box of an ISO base media file (ISO/IEC 14496-12) or QuickTime file.
type box struct {
	kind string
	body int64 // offset of its content
	end  int64 // offset after it; it may lie behind the end of the object, or of the box around it
}

// boxAt reads the header of the box at off. A box of size 0 reaches to limit.
func (r *reader) boxAt(off, limit int64) (box, error) {
	b, err := r.at(off, 8)
	if err != nil {
		return box{}, err
	}
	n := uint64(binary.BigEndian.Uint32(b))
	x := box{kind: string(b[4:8]), body: off + 8}
	switch n {
	case 0:
		x.end = limit
		return x, nil
	case 1:
		if b, err = r.at(off, 16); err != nil {
			return box{}, err
		}
		n, x.body = binary.BigEndian.Uint64(b[8:]), off+16
	}
	x.end = math.MaxInt64
	if n <= uint64(math.MaxInt64-off) {
		x.end = off + int64(n)
	}
	if x.end < x.body {
		return box{}, errBox
	}
	return x, nil
}

// each calls visit for every box in [off, limit) until visit says stop. Boxes that pass limit are errBox.
func (r *reader) each(off, limit int64, visit func(box) (stop bool, err error)) error {
	for n := 0; limit-off >= 8; n++ { // QuickTime ends some lists with four zero bytes
		x, err := r.boxAt(off, limit)
		if err != nil {
			return err
		}
		if x.end > limit || n == maxBoxes {
			return errBox
		}
		if stop, err := visit(x); stop || err != nil {
			return err
		}
		off = x.end
	}
	return nil
}

// content gives up to n bytes of a box from its content's start; errBox when there are fewer than least.
func (r *reader) content(x box, least, n int64) ([]byte, error) {
	have := min(n, x.end-x.body)
	if have < least {
		return nil, errBox
	}
	return r.at(x.body, have)
}

// unreadable says whether err concerns what boxes say, or how scattered they are, and not reading.
func unreadable(err error) bool {
	return errors.Is(err, errBox) || errors.Is(err, errEnd) || errors.Is(err, errBudget)
}

// layout is where the boxes of the top level are that matter; a zero box is absent.
type layout struct{ moov, meta box }

// essential are the boxes of the top level that must not be cut off. Behind them, bytes that are no boxes are ignored.
var essential = map[string]bool{"ftyp": true, "moov": true, "mdat": true, "meta": true, "moof": true}

// topLevel walks the boxes of the top level, from header to header, never through their content. It refuses a file in which one is cut
// off. It ends at the first fragment: a film in fragments may have thousands.
func (r *reader) topLevel(name string) (layout, error) {
	var l layout
	off := int64(0)
	for n := 0; r.size-off >= 8 && n < maxBoxes; n++ {
		x, err := r.boxAt(off, r.size)
		if unreadable(err) {
			break
		}
		if err != nil {
			return l, err
		}
		if x.end > r.size {
			if essential[x.kind] {
				return l, incomplete(name, fmt.Sprintf("its %q box goes on after the end of the file", x.kind))
			}
			break
		}
		switch {
		case x.kind == "moov" && l.moov.end == 0:
			l.moov = x
		case x.kind == "meta" && l.meta.end == 0:
			l.meta = x
		case x.kind == "moof" && l.moov.end > 0:
			return l, nil
		}
		off = x.end
	}
	return l, nil
}
