package media

import (
	"fmt"

	"github.com/assetry/assetry/shared/pointcloud/e57/header"
)

// lookE57 holds the header of a scan against the object: version, length of the file, and where the XML section is that describes it. What the
// sections hold is the business of whoever reads the points.
func lookE57(r *reader) (Info, error) {
	b, err := r.at(0, header.Size)
	if err != nil {
		return Info{}, err
	}
	h, size := header.Decode(b), uint64(r.size)
	switch {
	case h.Major != header.Major:
		return Info{}, &Rejected{fmt.Sprintf("The E57 file is of version %d.%d. Allowed is version %d; save it again with another program.", h.Major, h.Minor, header.Major)}
	case h.Length > size:
		return Info{}, incomplete("E57", fmt.Sprintf("its header says %s bytes, and %s are here", thousands(h.Length), thousands(size)))
	case h.Length < size:
		return Info{}, broken("E57", fmt.Sprintf("its header says %s bytes, and %s are here", thousands(h.Length), thousands(size)))
	case h.XMLOffset < header.Size || h.XMLOffset >= h.Length || h.XMLLength == 0 || h.XMLLength > h.Length-h.XMLOffset:
		return Info{}, broken("E57", fmt.Sprintf("its header puts %s bytes of XML at byte %s of %s", thousands(h.XMLLength), thousands(h.XMLOffset), thousands(h.Length)))
	}
	return Info{}, nil
}
