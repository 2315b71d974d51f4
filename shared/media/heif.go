package media

import (
	"encoding/binary"
	"math"
)

func lookAVIF(r *reader) (Info, error) { return lookItems(r, "AVIF") }
func lookHEIC(r *reader) (Info, error) { return lookItems(r, "HEIC") }
func lookHEIF(r *reader) (Info, error) { return lookItems(r, "HEIF") }

// maxAssociations is the longest ipma box that is read, in bytes: a picture of 4,096 tiles needs under 50 KB.
const maxAssociations = 256 << 10

// lookItems wants a meta box, or a moov box for a sequence, and measures the primary picture.
func lookItems(r *reader, name string) (Info, error) {
	l, err := r.topLevel(name)
	switch {
	case err != nil:
		return Info{}, err
	case l.meta.end > 0:
		in, err := r.primarySize(l.meta)
		if unreadable(err) {
			return Info{}, nil
		}
		return in, err
	case l.moov.end > 0:
		return r.movieSize(l.moov, "pict", "vide")
	}
	return Info{}, incomplete(name, `it has no "meta" box, which says where the picture is`)
}

// itemBoxes are the parts of a meta box that lead to the size of the primary picture.
type itemBoxes struct {
	primary uint32
	ipco    box   // the properties
	ipma    []box // which item has which properties
}

// primarySize applies the properties of the primary item in their order: its size, then how it is cut and turned. A picture made of tiles
// has a size of its own, so tiles are not looked at.
func (r *reader) primarySize(meta box) (Info, error) {
	m, err := r.itemBoxes(meta)
	if err != nil || m.ipco.end == 0 {
		return Info{}, err
	}
	wanted, err := r.associations(m)
	if err != nil || len(wanted) == 0 {
		return Info{}, err
	}
	props, err := r.properties(m.ipco, wanted)
	if err != nil {
		return Info{}, err
	}
	var in Info
	for _, i := range wanted {
		if p, ok := props[i]; ok {
			if in, err = p.apply(in); err != nil {
				return Info{}, err
			}
		}
	}
	return in, nil
}

func (r *reader) itemBoxes(meta box) (itemBoxes, error) {
	var m itemBoxes
	err := r.each(meta.body+4, meta.end, func(x box) (bool, error) {
		switch x.kind {
		case "pitm":
			b, err := r.content(x, 6, 8)
			if err != nil {
				return false, err
			}
			m.primary = uint32(binary.BigEndian.Uint16(b[4:]))
			if b[0] > 0 && len(b) == 8 {
				m.primary = binary.BigEndian.Uint32(b[4:])
			}
		case "iprp":
			return false, r.each(x.body, x.end, func(x box) (bool, error) {
				switch x.kind {
				case "ipco":
					m.ipco = x
				case "ipma":
					m.ipma = append(m.ipma, x)
				}
				return false, nil
			})
		}
		return false, nil
	})
	return m, err
}

// associations gives the properties of the primary item as places in ipco, counted from 1, in the order in which they apply.
func (r *reader) associations(m itemBoxes) ([]int, error) {
	for _, x := range m.ipma {
		if x.end-x.body > maxAssociations {
			return nil, errBudget
		}
		b, err := r.content(x, 8, maxAssociations)
		if err != nil {
			return nil, err
		}
		if found := itemProperties(b, m.primary); found != nil {
			return found, nil
		}
	}
	return nil, nil
}

// itemProperties reads the content of ipma up to the item; nil when it is not there.
func itemProperties(b []byte, item uint32) []int {
	wideID, widePlace := b[0] > 0, b[3]&1 == 1
	idSize, placeSize := 2, 1
	if wideID {
		idSize = 4
	}
	if widePlace {
		placeSize = 2
	}
	for b = b[8:]; len(b) > idSize; {
		id := uint32(binary.BigEndian.Uint16(b))
		if wideID {
			id = binary.BigEndian.Uint32(b)
		}
		n := int(b[idSize])
		b = b[idSize+1:]
		if len(b) < n*placeSize {
			return nil
		}
		if id != item {
			b = b[n*placeSize:]
			continue
		}
		places := make([]int, n) // the top bit only says whether the property is essential
		for i := range places {
			if widePlace {
				places[i] = int(binary.BigEndian.Uint16(b[2*i:]) & 0x7FFF)
			} else {
				places[i] = int(b[i] & 0x7F)
			}
		}
		return places
	}
	return nil
}

// property is a property that changes the size of a picture.
type property struct {
	kind string
	body []byte
}

// properties reads those of the wanted properties that matter for the size.
func (r *reader) properties(ipco box, wanted []int) (map[int]property, error) {
	lengths := map[string]int64{"ispe": 12, "clap": 16, "irot": 1}
	isWanted := map[int]bool{}
	for _, i := range wanted {
		isWanted[i] = true
	}
	found := map[int]property{}
	place := 0
	err := r.each(ipco.body, ipco.end, func(x box) (bool, error) {
		place++
		n := lengths[x.kind]
		if n == 0 || !isWanted[place] {
			return false, nil
		}
		b, err := r.content(x, n, n)
		if err == nil {
			found[place] = property{x.kind, append([]byte(nil), b...)}
		}
		return false, err
	})
	return found, err
}

// apply gives the size after the property. A picture above MaxPixels is refused before it is cut: a decoder would make it whole first.
func (p property) apply(in Info) (Info, error) {
	number := func(i int) uint32 { return binary.BigEndian.Uint32(p.body[4*i:]) }
	switch p.kind {
	case "ispe":
		w, h := number(1), number(2)
		if w == 0 || h == 0 || w > math.MaxInt32 || h > math.MaxInt32 {
			return Info{}, errBox
		}
		in.Width, in.Height = int(w), int(h)
		return in, checkPixels(in.Width, in.Height)
	case "clap": // width and height of what is shown, as fractions
		w, h := fraction(number(0), number(1)), fraction(number(2), number(3))
		if w < 1 || h < 1 || w > in.Width || h > in.Height {
			return Info{}, errBox
		}
		in.Width, in.Height = w, h
	case "irot": // quarter turns
		if p.body[0]&1 == 1 {
			in.Width, in.Height = in.Height, in.Width
		}
	}
	return in, nil
}

// fraction is n/d rounded down, 0 when d is 0.
func fraction(n, d uint32) int {
	if d == 0 {
		return 0
	}
	return int(n / d)
}
