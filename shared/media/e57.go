package media

import (
	"encoding/binary"
	"fmt"
)

// e57Signature begins every E57 file (ASTM E2807), a scan of points and pictures.
const e57Signature = "ASTM-E57"

// e57Header is the length of its header in bytes, and e57Version the only major version that was ever published.
const (
	e57Header  = 48
	e57Version = 1
)

// lookE57 holds the header of a scan against the object: version, length of the file, and where the XML section is that describes it. What the
// sections hold is the business of whoever reads the points.
func lookE57(r *reader) (Info, error) {
	b, err := r.at(0, e57Header)
	if err != nil {
		return Info{}, err
	}
	var (
		major, minor = binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])
		length       = binary.LittleEndian.Uint64(b[16:])
		xmlAt        = binary.LittleEndian.Uint64(b[24:])
		xmlLength    = binary.LittleEndian.Uint64(b[32:])
		size         = uint64(r.size)
	)
	switch {
	case major != e57Version:
		return Info{}, &Rejected{fmt.Sprintf("The E57 file is of version %d.%d. Allowed is version %d; save it again with another program.", major, minor, e57Version)}
	case length > size:
		return Info{}, incomplete("E57", fmt.Sprintf("its header says %s bytes, and %s are here", thousands(length), thousands(size)))
	case length < size:
		return Info{}, broken("E57", fmt.Sprintf("its header says %s bytes, and %s are here", thousands(length), thousands(size)))
	case xmlAt < e57Header || xmlAt >= length || xmlLength == 0 || xmlLength > length-xmlAt:
		return Info{}, broken("E57", fmt.Sprintf("its header puts %s bytes of XML at byte %s of %s", thousands(xmlLength), thousands(xmlAt), thousands(length)))
	}
	return Info{}, nil
}
