package blob_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"testing"

	"github.com/minio/crc64nvme"
	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/blob"
)

// The values of "123456789" are the check values that catalogues of CRCs give, and NIST's way of SHA-256.
func TestChecksumsOfKnownBytes(t *testing.T) {
	for a, want := range map[blob.Algorithm]string{
		blob.CRC64NVME: "rosUhgp5mIg=", // ae8b14860a799888
		blob.CRC32C:    "4waSgw==",     // e3069283
		blob.CRC32:     "y/Q5Jg==",     // cbf43926
		blob.SHA256:    "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
	} {
		if got := a.Of([]byte("123456789")); got.Value != want || got.Algorithm != a {
			t.Errorf("%s of 123456789 = %+v, want %s", a, got, want)
		}
	}
}

func TestCRC64NVMEIsThatOfAnotherImplementation(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		body := bytes.Repeat(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(rt, "bytes"), rapid.IntRange(1, 40).Draw(rt, "times"))
		want := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, crc64nvme.Checksum(body)))
		if got := blob.CRC64NVME.Of(body); got.Value != want {
			rt.Fatalf("CRC64NVME of %d bytes = %s, want %s", len(body), got.Value, want)
		}
	})
}

func TestChecksumsAreWellFormed(t *testing.T) {
	for _, a := range blob.Algorithms() {
		h := a.New()
		for _, part := range []string{"in ", "two writes"} {
			h.Write([]byte(part))
		}
		got := a.Sum(h)
		if err := got.Check(); err != nil {
			t.Errorf("%s: %v", a, err)
		}
		if whole := a.Of([]byte("in two writes")); got != whole {
			t.Errorf("%s in two writes = %v, at once %v", a, got, whole)
		}
	}
}

func TestNoHashForAnUnknownAlgorithm(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a hash was made for MD5")
		}
	}()
	blob.Algorithm("MD5").New()
}
