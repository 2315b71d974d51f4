package s3blob

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
)

// checksums are a checksum as the SDK's structures have it: a field for each algorithm, of which one is set.
type checksums struct{ sha256, crc64nvme, crc32c, crc32 *string }

func checksumsOf(c blob.Checksum) (v checksums) {
	switch c.Algorithm {
	case blob.SHA256:
		v.sha256 = optional(c.Value)
	case blob.CRC64NVME:
		v.crc64nvme = optional(c.Value)
	case blob.CRC32C:
		v.crc32c = optional(c.Value)
	case blob.CRC32:
		v.crc32 = optional(c.Value)
	}
	return v
}

// checksum is the one that is set.
func (v checksums) checksum() blob.Checksum {
	for _, c := range []struct {
		algorithm blob.Algorithm
		value     *string
	}{{blob.SHA256, v.sha256}, {blob.CRC64NVME, v.crc64nvme}, {blob.CRC32C, v.crc32c}, {blob.CRC32, v.crc32}} {
		if c.value != nil && *c.value != "" {
			return blob.Checksum{Algorithm: c.algorithm, Value: *c.value}
		}
	}
	return blob.Checksum{}
}

// whole is the checksum if it is over the whole object: a composite one, of the parts' checksums, says nothing about a file.
func (v checksums) whole(t types.ChecksumType) blob.Checksum {
	if t != types.ChecksumTypeFullObject {
		return blob.Checksum{}
	}
	return v.checksum()
}

// checkChecksum refuses what S3 would refuse with a message about headers, or not notice.
func checkChecksum(c blob.Checksum) error {
	if err := c.Check(); err != nil {
		return fault.BadField("checksum", "%s", err)
	}
	return nil
}

// checkWhole refuses a checksum that S3 does not compute over all parts together.
func checkWhole(c blob.Checksum) error {
	if c.Algorithm != "" && !c.Algorithm.WholeOfParts() {
		return fault.BadField("checksum", "S3 does not compute %.40q over the whole of an upload by parts: give CRC64NVME, CRC32C or CRC32",
			string(c.Algorithm))
	}
	return checkChecksum(c)
}

// wholeOf asks for a checksum over all parts together, not one of the parts' checksums.
func wholeOf(c blob.Checksum) types.ChecksumType {
	if c.Algorithm == "" {
		return ""
	}
	return types.ChecksumTypeFullObject
}

// checksumFields are what a form binds a checksum with. S3 compares it with the bytes as it does with the headers of the same names.
func checksumFields(c blob.Checksum) ([]header, error) {
	if c == (blob.Checksum{}) {
		return nil, nil
	}
	if err := checkChecksum(c); err != nil {
		return nil, err
	}
	if c.Value == "" {
		return nil, fault.BadField("checksum", "%s has no value; a form binds the value, which is computed before", c.Algorithm)
	}
	return []header{
		{"x-amz-checksum-algorithm", string(c.Algorithm)},
		{"x-amz-checksum-" + strings.ToLower(string(c.Algorithm)), c.Value},
	}, nil
}
