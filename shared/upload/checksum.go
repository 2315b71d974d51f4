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
	case via == asset.ViaPut:
		return bad("a PUT that binds no header is bound to no checksum either; leave it out, or send the file by parts")
	case parts && !c.Algorithm.WholeOfParts():
		return bad(fmt.Sprintf("S3 checks no %s over a whole multipart upload; send %s or %s, or use a single upload", c.Algorithm, blob.CRC64NVME, blob.CRC32C))
	case !parts && c.Value == "":
		return bad(fmt.Sprintf("the algorithm %s comes without a value; send the file's checksum with it", c.Algorithm))
	}
	return nil
}

// promise is what was announced of bytes.
type promise struct {
	declared string        // content type
	format   string        // one of media.Formats; "": whatever is allowed
	size     int64         // bytes; 0: not said
	limit    int64         // bytes at most, where no size was said
	checksum blob.Checksum // of the whole; zero: none
}

// promiseOf is what an object itself says: its content type, which the grant bound, and of parts size and checksum in the metadata.
func (s *Service) promiseOf(o blob.Object) (promise, error) {
	p := promise{declared: o.Type, limit: s.maxSize}
	var err error
	if size, ours := o.Meta[metaSize]; ours {
		if p.size, err = strconv.ParseInt(size, 10, 64); err != nil {
			return p, fmt.Errorf("metadata of %s: %w", o.Key, err)
		}
	}
	p.checksum, err = blob.ParseChecksum(o.Meta[metaChecksum])
	return p, err
}

// promiseIn is what a row says, of an object that is not to be believed or cannot say it all. What a source of an import has is only known to
// its worker, who binds it to the object.
func (s *Service) promiseIn(a asset.Asset, o blob.Object) (promise, error) {
	p := promise{declared: declaredType(a), format: a.Format, size: a.Expected, limit: atMost(s.maxSize, a)}
	switch a.Via {
	case asset.ViaPut:
		p.limit = atMost(MaxForm, a)
	case asset.ViaParts:
		p.limit, p.checksum = atMost(MaxSize, a), a.Checksum
	case asset.ViaURL:
		bound, err := s.promiseOf(o)
		p.size, p.limit, p.checksum = bound.size, atMost(MaxSize, a), bound.checksum
		return p, err
	}
	return p, nil
}

// kept compares an object with what was announced of it. It gives the checksum of the whole where one is to be kept, and for people why the
// object is rejected.
func (s *Service) kept(ctx context.Context, p promise, o blob.Object) (sum blob.Checksum, rejected string, err error) {
	switch {
	case p.size > 0 && p.size != o.Size:
		return sum, fmt.Sprintf("The file has %d bytes, but %d were announced.", o.Size, p.size), nil
	case p.size == 0 && o.Size > p.limit:
		return sum, fmt.Sprintf("The file has %d bytes; at most %d are taken.", o.Size, p.limit), nil
	}
	want := p.checksum
	if want == (blob.Checksum{}) {
		return sum, "", nil
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
