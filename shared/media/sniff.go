package media

import (
	"bytes"
	"encoding/binary"

	"github.com/assetry/assetry/shared/pointcloud/e57/header"
)

// sniff finds the allowed format that the first bytes of an object of the given size announce, or nil. Every signature is bound to the
// start of the object, so that text inside a comment never counts.
func sniff(head []byte, size int64) *format { return byType(signature(head, size)) }

func signature(b []byte, size int64) string {
	switch {
	case bytes.HasPrefix(b, []byte(pngSignature)):
		return "image/png"
	case bytes.HasPrefix(b, []byte{0xFF, 0xD8, 0xFF}):
		return "image/jpeg"
	case bytes.HasPrefix(b, []byte("GIF87a")), bytes.HasPrefix(b, []byte("GIF89a")):
		return "image/gif"
	case riffForm(b) == "WEBP":
		return "image/webp"
	case riffForm(b) == "WAVE":
		return "audio/wav"
	case bytes.HasPrefix(b, []byte(ebmlSignature)):
		return ebmlType(b)
	case bytes.HasPrefix(b, []byte(header.Signature)):
		return "model/e57"
	case bytes.HasPrefix(b, []byte("OggS")):
		return "audio/ogg"
	case bytes.HasPrefix(bytes.TrimLeft(b[:min(len(b), 32)], "\xef\xbb\xbf\x00\t\r\n "), []byte("%PDF-")):
		return "application/pdf"
	case bytes.HasPrefix(b, []byte("ID3")), mpegAudioAt(b, 0, size):
		return "audio/mpeg"
	}
	return boxType(b, size)
}

// boxType tells apart the formats that consist of boxes: by the brands of ftyp, or by the first box of a QuickTime file that is older
// than ftyp.
func boxType(b []byte, size int64) string {
	if len(b) < 16 || b[0] == '<' { // markup that spells a box, in a file of a gigabyte
		return ""
	}
	n, kind := int64(binary.BigEndian.Uint32(b)), string(b[4:8])
	switch kind {
	case "ftyp":
		if n >= 16 && n <= maxBrands && n%4 == 0 {
			return brandType(string(b[8:12]), b[16:max(16, min(int64(len(b)), n))])
		}
	case "wide":
		if n == 8 {
			return "video/quicktime"
		}
	case "moov", "free", "skip", "pnot":
		if n >= 8 && n <= size {
			return "video/quicktime"
		}
	case "mdat":
		if n <= 1 || n >= 8 {
			return "video/quicktime"
		}
	}
	return ""
}

// maxBrands is the longest ftyp box that counts, in bytes; real ones are under 100. A larger number is text that looks like a box.
const maxBrands = 4096

// brandTypes are the brands that decide a type by themselves, when they come first.
var brandTypes = map[string]string{
	"avif": "image/avif", "avis": "image/avif",
	"heic": "image/heic", "heix": "image/heic", "heim": "image/heic", "heis": "image/heic",
	"hevc": "image/heic", "hevx": "image/heic", "hevm": "image/heic", "hevs": "image/heic",
	"qt  ": "video/quicktime",
	"M4A ": "audio/mp4", "M4B ": "audio/mp4", "M4P ": "audio/mp4", "F4A ": "audio/mp4", "F4B ": "audio/mp4",
	"crx ": "image/x-canon-cr3", "jp2 ": "image/jp2", "jpx ": "image/jp2", "jxl ": "image/jxl",
	"isom": "video/mp4", "iso2": "video/mp4", "iso3": "video/mp4", "iso4": "video/mp4", "iso5": "video/mp4",
	"iso6": "video/mp4", "iso7": "video/mp4", "iso8": "video/mp4", "iso9": "video/mp4", "mp41": "video/mp4",
	"mp42": "video/mp4", "mp71": "video/mp4", "avc1": "video/mp4", "hvc1": "video/mp4", "av01": "video/mp4", "dash": "video/mp4",
	"M4V ": "video/mp4", "M4VH": "video/mp4", "M4VP": "video/mp4", "f4v ": "video/mp4", "F4V ": "video/mp4",
	"mmp4": "video/mp4", "MSNV": "video/mp4", "XAVC": "video/mp4", "cmfc": "video/mp4", "NDSC": "video/mp4", "NDSM": "video/mp4",
}

// brandType gives the type that the major brand says; else, for the generic image brands and for brands unknown here, what the first
// telling compatible brand says.
func brandType(major string, compatible []byte) string {
	if t, ok := brandTypes[major]; ok {
		return t
	}
	generic := major == "mif1" || major == "msf1" || major == "mif2" || major == "miaf" || major == "heif"
	for ; len(compatible) >= 4; compatible = compatible[4:] {
		t := brandTypes[string(compatible[:4])]
		if t == "" || (generic && t != "image/avif" && t != "image/heic") {
			continue
		}
		return t
	}
	if generic {
		return "image/heif"
	}
	return ""
}
