package media

import (
	"slices"
	"strings"
)

// The classes that Class gives.
const (
	classImage    = "image"
	classVideo    = "video"
	classAudio    = "audio"
	classDocument = "document"
	classScan     = "scan"
)

// Formats that can be announced by their names, as clients of scans know them.
const (
	FormatE57 = "e57"
	FormatXYZ = "xyz"
)

// format is one type that is allowed.
type format struct {
	mime string
	ext  string                      // with its dot
	name string                      // for people
	look func(*reader) (Info, error) // checks the structure and measures; the type is already known
	text bool                        // it has no signature: it is looked for only where it was announced
}

func (f *format) class() string { return Class(f.mime) }

// formats are the types of contract 3.6 and, ours, those of scans, sorted by type. IANA knows model/e57 and no type for xyz: it is put beside it,
// because it is the same in another writing. It is not text/plain, of which most is no scan, nor the chemical/x-xyz that tables of file
// names give for molecules; that is an alias, because clients send what such tables say.
var formats = []*format{
	{"application/pdf", ".pdf", "PDF", lookPDF, false},
	{"audio/mpeg", ".mp3", "MP3", lookMP3, false},
	{"audio/ogg", ".ogg", "Ogg", lookOgg, false},
	{"audio/wav", ".wav", "WAV", lookWAV, false},
	{"image/avif", ".avif", "AVIF", lookAVIF, false},
	{"image/gif", ".gif", "GIF", lookGIF, false},
	{"image/heic", ".heic", "HEIC", lookHEIC, false},
	{"image/heif", ".heif", "HEIF", lookHEIF, false},
	{"image/jpeg", ".jpg", "JPEG", lookJPEG, false},
	{"image/png", ".png", "PNG", lookPNG, false},
	{"image/webp", ".webp", "WebP", lookWebP, false},
	{"model/e57", ".e57", "E57", lookE57, false},
	{"model/x-xyz", ".xyz", "xyz", lookXYZ, true},
	{"video/mp4", ".mp4", "MP4", lookMP4, false},
	{"video/quicktime", ".mov", "QuickTime", lookQuickTime, false},
	{"video/webm", ".webm", "WebM", lookWebM, false},
}

// allowedText names the formats in a sentence for people.
const allowedText = "images (JPEG, PNG, WebP, GIF, AVIF, HEIC, HEIF), videos (MP4, WebM, QuickTime), audio (MP3, WAV, Ogg), PDF and scans (E57; xyz where it is announced)"

// aliases are other spellings of allowed types that clients send.
var aliases = map[string]string{
	"application/e57":     "model/e57",
	"application/ogg":     "audio/ogg",
	"application/x-e57":   "model/e57",
	"application/x-pdf":   "application/pdf",
	"audio/mp3":           "audio/mpeg",
	"audio/mpeg3":         "audio/mpeg",
	"audio/mpg":           "audio/mpeg",
	"audio/x-mp3":         "audio/mpeg",
	"audio/x-mpeg":        "audio/mpeg",
	"audio/opus":          "audio/ogg",
	"audio/vorbis":        "audio/ogg",
	"audio/x-ogg":         "audio/ogg",
	"audio/vnd.wave":      "audio/wav",
	"audio/wave":          "audio/wav",
	"audio/x-pn-wav":      "audio/wav",
	"audio/x-wav":         "audio/wav",
	"chemical/x-xyz":      "model/x-xyz",
	"image/avif-sequence": "image/avif",
	"image/heic-sequence": "image/heic",
	"image/heif-sequence": "image/heif",
	"image/jpg":           "image/jpeg",
	"image/pjpeg":         "image/jpeg",
	"image/x-jpeg":        "image/jpeg",
	"image/x-png":         "image/png",
	"image/x-webp":        "image/webp",
	"video/x-m4v":         "video/mp4",
	"video/x-mp4":         "video/mp4",
	"video/x-quicktime":   "video/quicktime",
	"video/mov":           "video/quicktime",
}

// fold brings a content type to its usual spelling: lower case, without parameters, an alias replaced by what it stands for.
func fold(contentType string) string {
	t, _, _ := strings.Cut(contentType, ";")
	t = strings.ToLower(strings.TrimSpace(t))
	if a, ok := aliases[t]; ok {
		return a
	}
	return t
}

// byType finds the allowed format of a content type, or nil.
func byType(contentType string) *format {
	t := fold(contentType)
	for _, f := range formats {
		if f.mime == t {
			return f
		}
	}
	return nil
}

// Agree says whether bytes of the type found may stand where declared was announced. No declaration and application/octet-stream
// agree with everything; else both must be of one Class, because clients guess types from names and mix up JPEG and PNG.
func Agree(declared, found string) bool {
	d := fold(declared)
	if d == "" || d == "application/octet-stream" || d == "binary/octet-stream" {
		return true
	}
	return d == fold(found) || (Class(d) != "" && Class(d) == Class(found))
}

// byFormat finds the type of a format that can be announced by its name, or nil.
func byFormat(name string) *format {
	for _, f := range formats {
		if f.class() == classScan && strings.EqualFold(f.name, name) {
			return f
		}
	}
	return nil
}

// Formats are the formats that Source.Format may name. The slice is the caller's.
func Formats() []string { return []string{FormatE57, FormatXYZ} }

// FormatOf is the format that a content type stands for; "" for those that show themselves by their bytes alone.
func FormatOf(contentType string) string {
	if f := byType(contentType); f != nil && f.class() == classScan {
		return strings.ToLower(f.name)
	}
	return ""
}

// Class is "image", "video", "audio", "document" (PDF) or "scan" (E57, xyz) after folding of aliases, "" for every other content type.
func Class(contentType string) string {
	t := fold(contentType)
	switch t {
	case "application/pdf":
		return classDocument
	case "model/e57", "model/x-xyz":
		return classScan
	}
	kind, sub, _ := strings.Cut(t, "/")
	if sub != "" && (kind == classImage || kind == classVideo || kind == classAudio) {
		return kind
	}
	return ""
}

// Allowed says whether a content type, or what it is an alias of, is one of Types.
func Allowed(contentType string) bool { return byType(contentType) != nil }

// Types are the content types that Inspect accepts, sorted: those of contract 3.6, and of scans. The slice is the caller's.
func Types() []string {
	ts := make([]string, len(formats))
	for i, f := range formats {
		ts[i] = f.mime
	}
	slices.Sort(ts)
	return ts
}

// Inline says whether a link may show the type in the browser: the raster images, audio and video of Types. Everything that could
// carry a script or a plug-in (PDF, SVG, HTML), or that browsers do not show (scans), is only ever a download.
func Inline(contentType string) bool {
	f := byType(contentType)
	return f != nil && f.class() != classDocument && f.class() != classScan
}

// Extension is the file name extension of an allowed type, with its dot, for example ".jpg"; "" for every other type.
func Extension(contentType string) string {
	if f := byType(contentType); f != nil {
		return f.ext
	}
	return ""
}
