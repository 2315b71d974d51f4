package upload

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
)

// Metadata of an object that was joined from parts: what was announced of the whole. Clients can set neither, because no grant signs metadata.
const (
	metaSize     = "size"     // bytes, in decimal
	metaChecksum = "checksum" // as blob.Checksum.String spells it; without a value it is to be kept, and not compared
)

// checkChecksum says what is wrong with the checksum of a draft for a way in: every byte that comes at once is compared, so a value must be there;
// parts are compared when they are joined, by what the bucket can compute over all of them.
func checkChecksum(c blob.Checksum, via asset.Via) []fault.Field {
	if c == (blob.Checksum{}) {
		return nil
	}
	bad := func(says string) []fault.Field { return []fault.Field{{Name: "checksum", Message: says}} }
	if err := c.Check(); err != nil {
		return bad(err.Error())
	}
	parts := via == asset.ViaParts || via == asset.ViaURL
	switch {
	case parts && !c.Algorithm.WholeOfParts():
		return bad(fmt.Sprintf("S3 checks no %s over a whole multipart upload; send %s or %s, or use a single upload", c.Algorithm, blob.CRC64NVME, blob.CRC32C))
	case !parts && c.Value == "":
		return bad(fmt.Sprintf("the algorithm %s comes without a value; send the file's checksum with it", c.Algorithm))
	}
	return nil
}

// promised compares an object with what was announced of it in its metadata. It gives the checksum of the whole where one is to be kept, and for
// people why the object is rejected.
func (s *Service) promised(ctx context.Context, o blob.Object) (sum blob.Checksum, rejected string, err error) {
	size, ours := o.Meta[metaSize]
	switch {
	case ours && size != strconv.FormatInt(o.Size, 10):
		return sum, fmt.Sprintf("The file has %d bytes, but %s were announced.", o.Size, size), nil
	case !ours && o.Size > s.maxSize:
		return sum, fmt.Sprintf("The file has %d bytes; at most %d are taken.", o.Size, s.maxSize), nil
	}
	want, err := blob.ParseChecksum(o.Meta[metaChecksum])
	if err != nil || want == (blob.Checksum{}) {
		return sum, "", err
	}
	h, err := s.Bucket.Head(ctx, o.Key, o.Version)
	if errors.Is(err, blob.ErrNotFound) {
		return sum, "", errNoBytes
	}
	if err != nil {
		return sum, "", fmt.Errorf("look at the checksum of %s: %w", o.Key, err)
	}
	return h.Checksum, differs(want, h.Checksum), nil
}

// differs says for people how the checksum of a file is not the one that was announced; "" if it is.
func differs(want, got blob.Checksum) string {
	switch {
	case got.Algorithm != want.Algorithm:
		return fmt.Sprintf("The file was announced with a checksum by %s, which it was not stored with, so it cannot be checked.", want.Algorithm)
	case want.Value != "" && got.Value != want.Value:
		return fmt.Sprintf("The file's %s is %s, but %s was announced.", want.Algorithm, got.Value, want.Value)
	}
	return ""
}
