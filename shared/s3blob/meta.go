package s3blob

import (
	"maps"
	"slices"
	"strings"

	"github.com/assetry/assetry/shared/fault"
)

const metaPrefix = "x-amz-meta-"

// metaLimit is S3's limit for names and values of user metadata together, in bytes.
const metaLimit = 2048

const upperHex = "0123456789ABCDEF"

// plain says whether a byte of a metadata value is stored as it is: printable ASCII without the space (which signatures trim),
// without % (which begins an encoded byte) and without $ and braces (which a form's ${filename} is made of).
func plain(c byte) bool {
	return c > ' ' && c < 0x7f && c != '%' && c != '$' && c != '{' && c != '}'
}

func encodeMeta(v string) string {
	var s strings.Builder
	for i := range len(v) {
		if c := v[i]; plain(c) {
			s.WriteByte(c)
		} else {
			s.Write([]byte{'%', upperHex[c>>4], upperHex[c&15]})
		}
	}
	return s.String()
}

// decodeMeta reverses encodeMeta. What encodeMeta would not have written, another program's value, comes back as it is.
func decodeMeta(v string) string {
	if !strings.Contains(v, "%") {
		return v
	}
	var s strings.Builder
	for i := 0; i < len(v); i++ {
		if v[i] != '%' {
			s.WriteByte(v[i])
			continue
		}
		if i+2 >= len(v) {
			return v
		}
		hi, lo := strings.IndexByte(upperHex, v[i+1]), strings.IndexByte(upperHex, v[i+2])
		if hi < 0 || lo < 0 {
			return v
		}
		s.WriteByte(byte(hi<<4 | lo))
		i += 2
	}
	return s.String()
}

// header is one signed header or form field.
type header struct{ name, value string }

// metaHeaders gives the metadata as headers, encoded and in order of their names.
func metaHeaders(meta map[string]string) ([]header, error) {
	hs := make([]header, 0, len(meta))
	size := 0
	for _, name := range slices.Sorted(maps.Keys(meta)) {
		if !isMetaName(name) {
			return nil, fault.BadField(name, "a metadata name is made of a-z, 0-9 and -, got %q", name)
		}
		v := encodeMeta(meta[name])
		size += len(name) + len(v)
		hs = append(hs, header{metaPrefix + name, v})
	}
	if size > metaLimit {
		return nil, fault.BadField("metadata", "%d bytes once encoded, at most %d are stored with an object: send less", size, metaLimit)
	}
	return hs, nil
}

func isMetaName(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != ""
}

// sdkMeta gives the metadata as the SDK wants it, which adds the prefix itself.
func sdkMeta(meta map[string]string) (map[string]string, error) {
	hs, err := metaHeaders(meta)
	if err != nil {
		return nil, err
	}
	m := make(map[string]string, len(hs))
	for _, h := range hs {
		m[strings.TrimPrefix(h.name, metaPrefix)] = h.value
	}
	return m, nil
}

func readMeta(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[strings.ToLower(k)] = decodeMeta(v)
	}
	return out
}

// checkType refuses a Content-Type that cannot be signed as one header or form field.
func checkType(t string) error {
	if t == "" {
		return fault.BadField("content_type", "is empty; a signed upload binds one type, for example application/octet-stream")
	}
	for _, c := range []byte(t) {
		if c < ' ' || c > '~' || c == '$' {
			return fault.BadField("content_type", "%q has characters that no media type has; send one like image/png", t)
		}
	}
	if strings.TrimSpace(t) != t || strings.Contains(t, "  ") {
		return fault.BadField("content_type", "%q has spaces at an end or two in a row; remove them", t)
	}
	return nil
}
