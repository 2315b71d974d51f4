// Package name holds the rules for what people call things: which texts are names, which names are the same, and what a search finds.
package name

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/assetry/assetry/shared/fault"
)

// Max is the longest name of anything, in characters (the longest file name of common file systems).
const Max = 255

// Check says whether s is a name: 1 to limit characters (Unicode code points) of any script, emoji included, but no control
// characters and no line or paragraph separators. The error is of kind fault.Invalid and names the field.
func Check(field, s string, limit int) error {
	if s == "" {
		return fault.BadField(field, "is empty; send 1 to %d characters", limit)
	}
	return check(field, s, limit, func(r rune) bool { return isControl(r) || r == '\u2028' || r == '\u2029' })
}

// CheckText says whether s is a longer text of at most limit characters; line breaks and tabs are allowed, other control characters
// are not. The empty text is one. The error is of kind fault.Invalid and names the field.
func CheckText(field, s string, limit int) error {
	return check(field, s, limit, func(r rune) bool { return isControl(r) && r != '\n' && r != '\r' && r != '\t' })
}

func isControl(r rune) bool { return unicode.Is(unicode.Cc, r) }

func check(field, s string, limit int, bad func(rune) bool) error {
	if n := utf8.RuneCountInString(s); n > limit {
		return fault.BadField(field, "has %d characters; at most %d are allowed", n, limit)
	}
	if strings.ContainsRune(s, utf8.RuneError) { // also where it is spelled out: gateways put it where bytes were no UTF-8
		return fault.BadField(field, "is not valid UTF-8, or holds U+FFFD, which stands for such bytes; send Unicode text")
	}
	if i := strings.IndexFunc(s, bad); i >= 0 {
		r, _ := utf8.DecodeRuneInString(s[i:])
		return fault.BadField(field, "has the character U+%04X at place %d, which is not allowed; remove it", r, utf8.RuneCountInString(s[:i])+1)
	}
	return nil
}
