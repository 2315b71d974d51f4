// Package e57 reads what a point cloud in E57 (ASTM E2807) says about itself: the header, and the section of XML with the scans' names, numbers of
// points, bounds, poses and columns. It does not read points.
//
// A file begins with a header of 48 bytes. It consists of pages, of 1,024 bytes by the standard, each of which ends with a CRC-32C of the rest,
// most significant byte first. Lengths and offsets that are called physical count these checksums, logical ones do not. The checksum is
// checked of every page that is read: the first, and those of the XML.
//
// A file is data of a stranger. Nothing it says decides how much memory is taken: the XML is read as a stream of at most MaxXML bytes and
// MaxDepth elements within each other, and at most MaxScans scans, and MaxFields columns of each, are kept.
package e57

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/assetry/assetry/shared/pointcloud/e57/header"
)

// Bounds of what is read. Files of hundreds of scans have a megabyte of XML, whose elements are seven deep.
const (
	MaxXML    = 16 << 20 // bytes
	MaxDepth  = 32
	MaxScans  = 1000
	MaxFields = 64
	MaxText   = 1000 // characters of a text that is kept
)

// checksumSize is how many bytes at the end of a page are its checksum.
const checksumSize = 4

// The sizes of pages that are read. The standard has 1,024 bytes alone.
const (
	minPage = 64
	maxPage = 1 << 20
)

// Header is the beginning of a file.
type Header struct {
	Major, Minor uint32 // the version of the standard
	Length       int64  // of the file, in bytes
	XMLOffset    int64  // where the XML begins, physical
	XMLLength    int64  // logical bytes
	PageSize     int64
}

// Invalid says why a file cannot be read. It is final: the same bytes give the same answer.
type Invalid struct {
	Message string // for people, without the file's name: what was found, what is allowed
}

// Error is the message.
func (i *Invalid) Error() string { return i.Message }

func invalid(format string, args ...any) error { return &Invalid{fmt.Sprintf(format, args...)} }

// Source is a file.
type Source struct {
	Size int64 // in bytes
	// Open reads from an offset to the end. The reader is closed after a few pages.
	Open func(off int64) (io.ReadCloser, error)
}

// Read reads header and XML. The error is *Invalid if the file is to blame; after any other the call may be repeated.
func Read(src Source) (*File, error) {
	h, err := readHeader(src)
	if err != nil {
		return nil, err
	}
	f := &File{Header: *h}
	body, err := src.Open(h.XMLOffset / h.PageSize * h.PageSize)
	if err != nil {
		return nil, fmt.Errorf("open an E57 at its XML: %w", err)
	}
	defer body.Close()
	p := &pages{src: body, number: h.XMLOffset / h.PageSize, page: make([]byte, h.PageSize)}
	if _, err := io.CopyN(io.Discard, p, h.XMLOffset%h.PageSize); err != nil {
		return nil, err
	}
	if err := f.parse(io.LimitReader(p, h.XMLLength)); err != nil {
		return nil, err
	}
	return f, nil
}

// readHeader reads and checks the first page.
func readHeader(src Source) (*Header, error) {
	if src.Size < header.Size {
		return nil, invalid("has %d bytes, fewer than the header of an E57 (%d)", src.Size, header.Size)
	}
	body, err := src.Open(0)
	if err != nil {
		return nil, fmt.Errorf("open an E57: %w", err)
	}
	defer body.Close()
	var b [header.Size]byte
	if _, err := io.ReadFull(body, b[:]); err != nil {
		return nil, whole(err)
	}
	h, err := parseHeader(b[:], src.Size)
	if err != nil {
		return nil, err
	}
	p := &pages{src: io.MultiReader(bytes.NewReader(b[:]), body), page: make([]byte, h.PageSize)}
	_, err = io.ReadFull(p, make([]byte, 1))
	return h, err
}

// parseHeader reads the header of a file of size bytes.
func parseHeader(b []byte, size int64) (*Header, error) {
	if string(b[:len(header.Signature)]) != header.Signature {
		return nil, invalid("is no E57: it does not begin with %q", header.Signature)
	}
	raw := header.Decode(b)
	for _, v := range []uint64{raw.Length, raw.XMLOffset, raw.XMLLength, raw.PageSize} {
		if v > 1<<62 {
			return nil, invalid("has a header that cannot be: a length of %d bytes", v)
		}
	}
	h := &Header{
		Major: raw.Major, Minor: raw.Minor,
		Length: int64(raw.Length), XMLOffset: int64(raw.XMLOffset), XMLLength: int64(raw.XMLLength), PageSize: int64(raw.PageSize),
	}
	return h, h.check(size)
}

// check says whether the header fits a file of size bytes.
func (h *Header) check(size int64) error {
	switch {
	case h.Major != header.Major:
		return invalid("is an E57 of version %d.%d; version %d is read", h.Major, h.Minor, header.Major)
	case size < h.Length:
		return invalid("ends too early: it has %d bytes, and its header says %d. It was cut off on its way; upload the whole file again", size, h.Length)
	case size > h.Length:
		return invalid("has %d bytes, and its header says %d; upload the file as it was exported", size, h.Length)
	case h.PageSize < minPage || h.PageSize > maxPage || h.PageSize&(h.PageSize-1) != 0:
		return invalid("has a header that cannot be: pages of %d bytes, where the standard has 1024", h.PageSize)
	case h.Length%h.PageSize != 0:
		return invalid("has %d bytes, which are no whole pages of %d bytes", h.Length, h.PageSize)
	case h.XMLLength == 0 || h.XMLLength > MaxXML:
		return invalid("has %d bytes of XML; 1 to %d are read", h.XMLLength, MaxXML)
	case h.XMLOffset < header.Size || h.XMLOffset%h.PageSize >= h.PageSize-checksumSize || h.logical(h.XMLOffset)+h.XMLLength > h.logical(h.Length):
		return invalid("has a header that cannot be: %d bytes of XML at %d, in a file of %d bytes", h.XMLLength, h.XMLOffset, h.Length)
	}
	return nil
}

// logical gives a physical offset without the checksums before it.
func (h *Header) logical(physical int64) int64 {
	return physical - physical/h.PageSize*checksumSize
}

// castagnoli is the polynomial of CRC-32C.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// pages reads logical bytes from a source that begins with a page.
type pages struct {
	src    io.Reader
	number int64 // of the next page, from 0
	page   []byte
	rest   []byte // of the last page read
}

// Read gives bytes of pages whose checksum is right. The error is *Invalid where it is not.
func (p *pages) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		if err := p.next(); err != nil {
			return 0, err
		}
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func (p *pages) next() error {
	if _, err := io.ReadFull(p.src, p.page); err != nil {
		return whole(err)
	}
	data := len(p.page) - checksumSize
	if got, want := crc32.Checksum(p.page[:data], castagnoli), binary.BigEndian.Uint32(p.page[data:]); got != want {
		return invalid("is damaged: page %d (bytes %d to %d) has the checksum %08x, and its bytes give %08x. Upload the file again",
			p.number, p.number*int64(len(p.page)), (p.number+1)*int64(len(p.page))-1, want, got)
	}
	p.number++
	p.rest = p.page[:data]
	return nil
}

// whole says of a source that ended before its size that it may be tried again.
func whole(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("read an E57: the source ended before the size it was said to have: %w", io.ErrUnexpectedEOF)
	}
	return err
}
