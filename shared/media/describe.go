package media

import (
	"bytes"
	"unicode/utf8"
)

// refused are signatures of files that people send and that are not allowed, with their names.
var refused = []struct {
	offset int
	magic  string
	name   string
}{
	{0, "PK\x03\x04", "a ZIP archive or an office document"},
	{0, "PK\x05\x06", "an empty ZIP archive"},
	{0, "\x1f\x8b", "a gzip archive"},
	{0, "7z\xbc\xaf\x27\x1c", "a 7z archive"},
	{0, "Rar!\x1a\x07", "a RAR archive"},
	{0, "BZh", "a bzip2 archive"},
	{0, "\xfd7zXZ\x00", "an xz archive"},
	{257, "ustar", "a tar archive"},
	{0, "MZ", "a Windows program"},
	{0, "\x7fELF", "a Linux program"},
	{0, "\xcf\xfa\xed\xfe", "a macOS program"},
	{0, "\xca\xfe\xba\xbe", "a macOS or Java program"},
	{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an office document"},
	{0, "BM", "a BMP image"},
	{0, "II*\x00", "a TIFF or raw camera image"},
	{0, "MM\x00*", "a TIFF or raw camera image"},
	{0, "\x00\x00\x01\x00", "an icon (ICO)"},
	{0, "8BPS", "a Photoshop document"},
	{0, "\xff\x0a", "a JPEG XL image"},
	{4, "JXL \r\n\x87\n", "a JPEG XL image"},
	{4, "jP  \r\n\x87\n", "a JPEG 2000 image"},
	{0, "fLaC", "a FLAC audio file"},
	{0, "\xff\xf1", "an AAC audio file"},
	{0, "\xff\xf9", "an AAC audio file"},
	{0, "MThd", "a MIDI file"},
	{0, "#!AMR", "an AMR audio file"},
	{0, "FORM", "an AIFF audio file"},
	{8, "AVI ", "an AVI video"},
	{0, "FLV\x01", "a Flash video"},
	{0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media file"},
	{0, "\x00\x00\x01\xba", "an MPEG program stream"},
	{0, "\x00\x00\x01\xb3", "an MPEG-1 or MPEG-2 video"},
	{0, "\x00asm", "a WebAssembly program"},
	{0, "wOFF", "a web font"},
	{0, "wOF2", "a web font"},
	{0, "SQLite format 3\x00", "an SQLite database"},
}

// boxNames names refused types that consist of boxes or of EBML elements.
var boxNames = map[string]string{
	"audio/mp4":         "an M4A (MPEG-4) audio file",
	"image/jp2":         "a JPEG 2000 image",
	"image/jxl":         "a JPEG XL image",
	"image/x-canon-cr3": "a raw camera image",
	"video/x-matroska":  "a Matroska video",
}

// describe names what a refused file is, for the middle of a sentence. It is a help for people; no decision rests on it.
func describe(head []byte) string {
	if name := boxNames[signature(head, int64(len(head)))]; name != "" {
		return name
	}
	if isText(head) || isMarkup(head) {
		return describeText(head)
	}
	for _, s := range refused {
		if len(head) >= s.offset && bytes.HasPrefix(head[s.offset:], []byte(s.magic)) {
			return s.name
		}
	}
	if len(head) >= 8 && string(head[4:8]) == "ftyp" {
		return "an MPEG-4 file of a kind that is not known here"
	}
	return "of a kind that is not known here"
}

// textStart is the beginning of a text, in lower case, without the byte order mark and blanks before it.
func textStart(head []byte) []byte {
	return bytes.ToLower(bytes.TrimLeft(head[:min(len(head), 4096)], "\xef\xbb\xbf\t\r\n\f "))
}

// isMarkup says whether a browser would take bytes for a page, whatever else is hidden in them.
func isMarkup(head []byte) bool {
	t := textStart(head)
	for _, tag := range []string{"<!--", "<!doctype", "<html", "<head", "<body", "<script", "<iframe", "<svg", "<?xml"} {
		if bytes.HasPrefix(t, []byte(tag)) {
			return true
		}
	}
	return false
}

// describeText tells kinds of text apart by how they begin.
func describeText(head []byte) string {
	t := textStart(head)
	switch {
	case bytes.HasPrefix(t, []byte("#!")):
		return "a script"
	case bytes.HasPrefix(t, []byte("{\\rtf")):
		return "an RTF document"
	case bytes.HasPrefix(t, []byte("%!ps")):
		return "a PostScript document"
	case bytes.HasPrefix(t, []byte("{")), bytes.HasPrefix(t, []byte("[")):
		return "text (JSON)"
	case !bytes.HasPrefix(t, []byte("<")):
		return "plain text"
	case bytes.Contains(t, []byte("<html")), bytes.HasPrefix(t, []byte("<!doctype html")):
		return "an HTML page"
	case bytes.Contains(t, []byte("<svg")):
		return "an SVG image"
	case bytes.HasPrefix(t, []byte("<?xml")):
		return "an XML document"
	}
	return "an HTML page"
}

// isText says whether bytes are UTF-8 without the control characters that binary formats are full of.
func isText(head []byte) bool {
	b := head[:min(len(head), 4096)]
	for len(b) > 0 {
		c, n := utf8.DecodeRune(b)
		if c == utf8.RuneError && n == 1 {
			return !utf8.FullRune(b) && len(head) > 4096 // a character cut by our own window
		}
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != 0x1b {
			return false
		}
		b = b[n:]
	}
	return true
}
