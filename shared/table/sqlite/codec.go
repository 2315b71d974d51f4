package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/assetry/assetry/shared/table"
)

// The tags of an encoded value. After the tag of a text or bytes come their length and themselves; after that of a list or map
// the count and the elements, a map's in the order of their names. Lengths and counts are unsigned varints. An item is a map
// without its tag. Equal items have equal encodings, which is how a write that changes nothing is recognised.
const (
	tagString byte = 'S'
	tagNumber byte = 'N'
	tagBytes  byte = 'B'
	tagTrue   byte = 'T'
	tagFalse  byte = 'F'
	tagNull   byte = '0'
	tagList   byte = 'L'
	tagMap    byte = 'M'
)

var errCorrupt = errors.New("stored item cannot be decoded")

// encode gives an item's stored form; nil for an absent item.
func encode(it table.Item) []byte {
	if it == nil {
		return nil
	}
	return appendMap(make([]byte, 0, it.Size()+4*len(it)+8), table.Map(it))
}

func appendMap(b []byte, m table.Map) []byte {
	b = binary.AppendUvarint(b, uint64(len(m)))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		b = appendText(b, name)
		b = appendValue(b, m[name])
	}
	return b
}

func appendText[T ~string | ~[]byte](b []byte, s T) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendValue(b []byte, v table.Value) []byte {
	switch v := v.(type) {
	case table.String:
		return appendText(append(b, tagString), v)
	case table.Number:
		return appendText(append(b, tagNumber), v)
	case table.Bytes:
		return appendText(append(b, tagBytes), v)
	case table.Bool:
		if v {
			return append(b, tagTrue)
		}
		return append(b, tagFalse)
	case table.Null:
		return append(b, tagNull)
	case table.List:
		b = binary.AppendUvarint(append(b, tagList), uint64(len(v)))
		for _, e := range v {
			b = appendValue(b, e)
		}
		return b
	case table.Map:
		return appendMap(append(b, tagMap), v)
	default: // Validate lets nothing else through
		panic(fmt.Sprintf("sqlite: value of type %T", v))
	}
}

// decode reads a stored item; nil data is an absent item.
func decode(data []byte) (table.Item, error) {
	if data == nil {
		return nil, nil
	}
	r := reader{rest: string(data)} // one copy, which the item's texts share
	m, err := r.readMap(0)
	if err != nil {
		return nil, err
	}
	if r.rest != "" {
		return nil, errCorrupt
	}
	return table.Item(m), nil
}

// reader takes an encoded item apart from the front.
type reader struct{ rest string }

func (r *reader) length() (int, error) {
	n, shift := uint64(0), 0
	for i := 0; i < len(r.rest) && shift < 63; i++ {
		c := r.rest[i]
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			r.rest = r.rest[i+1:]
			if n > uint64(len(r.rest)) {
				return 0, errCorrupt // every element takes a byte at least
			}
			return int(n), nil
		}
		shift += 7
	}
	return 0, errCorrupt
}

func (r *reader) text() (string, error) {
	n, err := r.length()
	if err != nil {
		return "", err
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s, nil
}

func (r *reader) readMap(depth int) (table.Map, error) {
	n, err := r.length()
	if err != nil || depth > table.MaxDepth {
		return nil, errCorrupt
	}
	m := make(table.Map, n)
	for range n {
		name, err := r.text()
		if err != nil {
			return nil, err
		}
		if m[name], err = r.value(depth); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (r *reader) readList(depth int) (table.List, error) {
	n, err := r.length()
	if err != nil || depth > table.MaxDepth {
		return nil, errCorrupt
	}
	l := make(table.List, n)
	for i := range l {
		if l[i], err = r.value(depth); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (r *reader) value(depth int) (table.Value, error) {
	if r.rest == "" {
		return nil, errCorrupt
	}
	tag := r.rest[0]
	r.rest = r.rest[1:]
	switch tag {
	case tagString:
		s, err := r.text()
		return table.String(s), err
	case tagNumber:
		s, err := r.text()
		return table.Number(s), err
	case tagBytes:
		s, err := r.text()
		return table.Bytes(s), err
	case tagTrue, tagFalse:
		return table.Bool(tag == tagTrue), nil
	case tagNull:
		return table.Null{}, nil
	case tagList:
		return r.readList(depth + 1)
	case tagMap:
		return r.readMap(depth + 1)
	}
	return nil, errCorrupt
}
