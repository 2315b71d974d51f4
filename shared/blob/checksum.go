package blob

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// Algorithm is how a checksum is computed, by S3's name for it.
type Algorithm string

// The algorithms that S3 checks. All but SHA256 can also be checked over the whole of a multipart upload.
const (
	SHA256    Algorithm = "SHA256"
	CRC64NVME Algorithm = "CRC64NVME"
	CRC32C    Algorithm = "CRC32C"
	CRC32     Algorithm = "CRC32"
)

// lengths are the bytes of a value, by algorithm.
var lengths = map[Algorithm]int{SHA256: 32, CRC64NVME: 8, CRC32C: 4, CRC32: 4}

// Algorithms are all algorithms, in the order of the constants.
func Algorithms() []Algorithm { return []Algorithm{SHA256, CRC64NVME, CRC32C, CRC32} }

// Valid says whether a is one of Algorithms.
func (a Algorithm) Valid() bool { return slices.Contains(Algorithms(), a) }

// WholeOfParts says whether S3 can check the algorithm over the whole of a multipart upload.
func (a Algorithm) WholeOfParts() bool { return a.Valid() && a != SHA256 }

// Checksum is what a file's bytes must give. Zero is none; an Algorithm without a Value is computed and not compared.
type Checksum struct {
	Algorithm Algorithm
	Value     string // in standard base64, with padding, as S3 spells it
}

// String is the checksum as ParseChecksum reads it: algorithm, colon, value; "" for none.
func (c Checksum) String() string {
	if c == (Checksum{}) {
		return ""
	}
	return string(c.Algorithm) + ":" + c.Value
}

// ParseChecksum reads String back.
func ParseChecksum(s string) (Checksum, error) {
	if s == "" {
		return Checksum{}, nil
	}
	a, v, _ := strings.Cut(s, ":")
	c := Checksum{Algorithm(a), v}
	return c, c.Check()
}

// Check says what is wrong with a checksum; nil for a good one and for none.
func (c Checksum) Check() error {
	if c == (Checksum{}) {
		return nil
	}
	if !c.Algorithm.Valid() {
		return fmt.Errorf("algorithm %.40q is not one of %v", string(c.Algorithm), Algorithms())
	}
	if c.Value == "" {
		return nil
	}
	b, err := base64.StdEncoding.Strict().DecodeString(c.Value)
	if err != nil || len(b) != lengths[c.Algorithm] || len(c.Value) != base64.StdEncoding.EncodedLen(len(b)) { // the decoder skips line breaks
		return fmt.Errorf("value %.80q is not a %s: want %d bytes in base64, %d characters", c.Value, c.Algorithm,
			lengths[c.Algorithm], base64.StdEncoding.EncodedLen(lengths[c.Algorithm]))
	}
	return nil
}
