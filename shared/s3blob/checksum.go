package s3blob

import (
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/assetry/assetry/shared/blob"
)

// checksums are a checksum as the SDK's inputs want it: a field for each algorithm, of which one is set.
type checksums struct{ sha256, crc64nvme, crc32c, crc32 *string }

func checksumOf(c blob.Checksum) (v checksums) {
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

// wholeOf asks for a checksum over all parts together, not one of the parts' checksums.
func wholeOf(c blob.Checksum) types.ChecksumType {
	if c.Algorithm == "" {
		return ""
	}
	return types.ChecksumTypeFullObject
}
