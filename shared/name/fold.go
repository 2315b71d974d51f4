package name

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Fold gives the form in which names are compared: compatibility forms decomposed, accents removed, letter case removed. "Été",
// "ETE" and "ｅｔｅ" fold alike. Vowel signs of Indic scripts and the voicing marks of kana are letters, not accents, and stay.
func Fold(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range norm.NFKD.String(s) {
		switch {
		case isAccent(r):
		case r == 'ß' || r == 'ẞ':
			b.WriteString("ss")
		default:
			// Upper case first, so that letters with two lower-case forms (σ and ς) meet.
			b.WriteRune(unicode.ToLower(unicode.ToUpper(r)))
		}
	}
	return b.String()
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// isAccent picks the nonspacing marks that belong to no script of their own, but for the voicing marks of kana.
func isAccent(r rune) bool {
	return unicode.Is(unicode.Mn, r) && unicode.Is(unicode.Inherited, r) && r != '\u3099' && r != '\u309a'
}

// Words splits a text into its words, folded, in order: runs of letters, digits and the marks on them. Scripts written without
// spaces (Han, kana) give a word per character, and so do emoji and other symbols.
func Words(s string) []string {
	var words []string
	open := false // the last word is a run that goes on
	for _, r := range Fold(s) {
		switch {
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.So):
			words = append(words, string(r))
			open = false
		case unicode.Is(unicode.M, r) && len(words) > 0:
			words[len(words)-1] += string(r)
		case unicode.In(r, unicode.L, unicode.N) && open:
			words[len(words)-1] += string(r)
		case unicode.In(r, unicode.L, unicode.N):
			words = append(words, string(r))
			open = true
		default:
			open = false
		}
	}
	return words
}

// Match says whether every word of a query (from Words) is the beginning of a word of one of the texts. A query without words
// matches everything.
func Match(query []string, texts ...string) bool {
	if len(query) == 0 {
		return true
	}
	var words []string
	for _, t := range texts {
		words = append(words, Words(t)...)
	}
	for _, q := range query {
		if !anyBegins(words, q) {
			return false
		}
	}
	return true
}

func anyBegins(words []string, prefix string) bool {
	for _, w := range words {
		if strings.HasPrefix(w, prefix) {
			return true
		}
	}
	return false
}
