// Package header is the layout of the 48 bytes that every E57 file (ASTM E2807) begins with. Whether what they say fits the file is for its readers
// to check: one holds it against an object that has just arrived, the other against the pages it is about to read.
package header

import "encoding/binary"

const (
	// Signature is what every file begins with.
	Signature = "ASTM-E57"
	// Size is the length of the header, in bytes.
	Size = 48
	// Major is the only major version that was ever published.
	Major = 1
)

// Header is what is said there. Nothing of it is checked.
type Header struct {
	Major, Minor uint32 // the version of the standard
	Length       uint64 // of the file, in bytes
	XMLOffset    uint64 // where the XML begins, physical
	XMLLength    uint64 // logical bytes
	PageSize     uint64 // in bytes
}

// Decode reads the header from the first Size bytes of a file, without looking at the signature. Fewer make it panic.
func Decode(b []byte) Header {
	le := binary.LittleEndian
	return Header{
		Major: le.Uint32(b[8:]), Minor: le.Uint32(b[12:]),
		Length: le.Uint64(b[16:]), XMLOffset: le.Uint64(b[24:]), XMLLength: le.Uint64(b[32:]), PageSize: le.Uint64(b[40:Size]),
	}
}
