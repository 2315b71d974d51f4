package link

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxFileName is the longest file name that is offered to a browser, in bytes of UTF-8: what common file systems take. It also
// keeps the redirect's Location under the gateway's header limit of 10 KB.
const maxFileName = 255

// maxSuffix is how much of a shortened name's end is kept if it looks like an extension, in bytes.
const maxSuffix = 16

// disposition spells a Content-Disposition by RFC 6266: kind is "inline" or "attachment"; the name appears twice, as plain ASCII for old
// clients and exactly, in the encoding of RFC 8187.
func disposition(kind, file string) string {
	return kind + `; filename="` + asciiName(file) + `"; filename*=UTF-8''` + percent(file)
}

// fileName makes a name safe to save under: path separators, control characters and marks that reverse the reading direction become
// "_", and a name that is only dots, or nothing at all, becomes the fallback.
func fileName(name, fallback string) string {
	safe := strings.Map(neutral, strings.ToValidUTF8(name, "_"))
	if strings.Trim(safe, ". ") == "" {
		safe = fallback
	}
	return shorten(safe)
}

func neutral(r rune) rune {
	switch {
	case r == '/' || r == '\\' || r == ':':
		return '_'
	case unicode.Is(unicode.Cc, r) || r == '\u2028' || r == '\u2029':
		return '_'
	case unicode.Is(unicode.Bidi_Control, r): // "gnp.exe" must not show as "exe.png"
		return '_'
	}
	return r
}

// shorten cuts a name to maxFileName bytes between characters, and keeps its extension.
func shorten(s string) string {
	if len(s) <= maxFileName {
		return s
	}
	ext := path.Ext(s)
	if len(ext) > maxSuffix {
		ext = ""
	}
	cut := maxFileName - len(ext)
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + ext
}

// asciiName is what fits into a quoted string everywhere: printable ASCII, without the characters that clients unescape
// differently (quote, backslash, percent).
func asciiName(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' || r == '%' {
			return '_'
		}
		return r
	}, s)
}

// percent encodes every byte that RFC 8187 does not list as an attr-char.
func percent(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("!#$&+-.^_`|~", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteString(string([]byte{'%', hex[c>>4], hex[c&15]}))
		}
	}
	return b.String()
}
