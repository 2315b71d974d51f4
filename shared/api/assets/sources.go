package assets

import (
	"context"
	"fmt"
	"strings"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/upload"
)

// The values of source that name a way in; an address is another.
const (
	signedSource = "signed-url"
	partsSource  = "multipart" // ours
)

// isAddress says whether a source is meant as an address to copy from. Whether it is a good one, the domain says.
func isAddress(source string) bool { return strings.Contains(source, "://") }

// begin announces an asset by the way in that the source names.
func (c createRequest) begin(ctx context.Context, s UploadServices, p access.Principal, d upload.Draft) (asset.Asset, granted, error) {
	switch c.Source {
	case signedSource:
		a, g, err := s.Uploads().Begin(ctx, p, d)
		return a, renderGrant(g), err
	case partsSource:
		a, g, err := s.Uploads().BeginParts(ctx, p, d, *c.SizeBytes, value(c.PartSize))
		return a, renderParts(g), err
	}
	a, err := s.Uploads().BeginImport(ctx, p, d, c.Source, 0) // as much as the installation allows
	return a, granted{}, err
}

// checkSource refuses a source that names no way in, and fields that go with another one.
func (c createRequest) checkSource() []fault.Field {
	switch {
	case c.Source == "": // said already
		return nil
	case c.Source == partsSource:
		return c.checkParts()
	case c.Source != signedSource && !isAddress(c.Source):
		return []fault.Field{{Name: "source", Message: fmt.Sprintf("is %q; send %q, %q or an address that begins with https://",
			clip(c.Source), signedSource, partsSource)}}
	}
	var bad []fault.Field
	for name, sent := range c.partsOnly() {
		if sent {
			bad = append(bad, fault.Field{Name: name, Message: fmt.Sprintf("goes with source %q only; leave it out", partsSource)})
		}
	}
	return bad
}

// partsOnly are the fields that only uploads by parts take, and whether they were sent.
func (c createRequest) partsOnly() func(yield func(string, bool) bool) {
	return func(yield func(string, bool) bool) {
		_ = yield("size_bytes", c.SizeBytes != nil) && yield("part_size", c.PartSize != nil) && yield("checksum_algorithm", c.ChecksumAlgorithm != nil)
	}
}

// checkParts holds what the domain cannot tell: a size that was not sent, and a part size of 0, by which the domain means its own choice.
func (c createRequest) checkParts() []fault.Field {
	var bad []fault.Field
	if c.SizeBytes == nil {
		bad = append(bad, fault.Field{Name: "size_bytes", Message: "Required"})
	}
	if c.PartSize != nil && *c.PartSize == 0 {
		bad = append(bad, fault.Field{Name: "part_size", Message: fmt.Sprintf("is 0; send %d to %d, or leave it out for a fitting one",
			upload.MinPartSize, upload.MaxPartSize)})
	}
	if c.ChecksumAlgorithm != nil && c.Checksum != nil && value(c.Checksum.Algorithm) != *c.ChecksumAlgorithm {
		bad = append(bad, fault.Field{Name: "checksum_algorithm", Message: fmt.Sprintf("is %q and checksum.algorithm is %q; send the algorithm once",
			clip(*c.ChecksumAlgorithm), clip(value(c.Checksum.Algorithm)))})
	}
	return bad
}

// fault gives a field of the domain the name that it was sent under.
func (c createRequest) fault(err error) error {
	if c.Checksum == nil {
		err = rename(err, "checksum", "checksum_algorithm")
	}
	return draftFault(err)
}

// checksumRequest is what the file's bytes shall give.
type checksumRequest struct {
	Algorithm *string `json:"algorithm"`
	Value     *string `json:"value"`
}

// fields are what must be there when a checksum is.
func (c *checksumRequest) fields() []field {
	if c == nil {
		return nil
	}
	return []field{{"checksum.algorithm", c.Algorithm, true}, {"checksum.value", c.Value, true}}
}

// checksum is what a checked request says of the bytes: a value to hold them against, or only how to sum them.
func (c createRequest) checksum() blob.Checksum {
	if c.Checksum != nil {
		return blob.Checksum{Algorithm: blob.Algorithm(value(c.Checksum.Algorithm)), Value: value(c.Checksum.Value)}
	}
	return blob.Checksum{Algorithm: blob.Algorithm(value(c.ChecksumAlgorithm))}
}
