package blob

import (
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
)

// crc64nvme is the polynomial 0xad93d23594c93659 of the NVM Express command set specification, bits reversed as package hash/crc64 wants it.
const crc64nvme = 0x9a6c9329ac4bc9b5

// New makes the hash of a valid algorithm; its Sum is what a Checksum's Value encodes. It panics for any other.
func (a Algorithm) New() hash.Hash {
	switch a {
	case SHA256:
		return sha256.New()
	case CRC64NVME:
		return crc64.New(crc64.MakeTable(crc64nvme))
	case CRC32C:
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case CRC32:
		return crc32.NewIEEE()
	}
	panic("blob: no hash for algorithm " + string(a))
}

// Sum is the checksum that a hash of the algorithm has come to.
func (a Algorithm) Sum(h hash.Hash) Checksum {
	return Checksum{Algorithm: a, Value: base64.StdEncoding.EncodeToString(h.Sum(nil))}
}

// Of is the checksum of some bytes.
func (a Algorithm) Of(b []byte) Checksum {
	h := a.New()
	h.Write(b) // a hash takes everything
	return a.Sum(h)
}
