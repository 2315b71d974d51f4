package name

import (
	"strings"
	"unicode"
	"unicode/utf8"

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

// part is what a folded character is to a word.
type part uint8

const (
	between part = iota // no part of any word
	whole               // a word by itself
	letter              // goes on with the letters before it
	mark                // goes on with whatever is right before it
)

func partOf(r rune) part {
	switch {
	case 'a' <= r && r <= 'z' || '0' <= r && r <= '9':
		return letter
	case r < utf8.RuneSelf:
		return between
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.So):
		return whole
	case unicode.In(r, unicode.L, unicode.N):
		return letter
	case unicode.Is(unicode.M, r):
		return mark
	}
	return between
}

// Words splits a text into its words, folded, in order: runs of letters, digits and the marks on them. Scripts written without
// spaces (Han, kana) give a word per character, and so do emoji and other symbols.
func Words(s string) []string {
	var words []string
	var word []byte
	before := between
	for _, r := range Fold(s) {
		p := partOf(r)
		goesOn := p == letter && before == letter || p == mark && before != between
		if !goesOn && len(word) > 0 {
			words = append(words, string(word))
			word = word[:0]
		}
		switch {
		case goesOn || p == letter || p == whole:
			word = utf8.AppendRune(word, r)
		default:
			p = between
		}
		if p == mark {
			p = before // what follows goes on as if the mark were not there
		}
		before = p
	}
	if len(word) > 0 {
		words = append(words, string(word))
	}
	return words
}

// IsCharacter says whether a word (from Words) is one character of a script that is written without spaces, or a symbol, with the marks on it.
func IsCharacter(word string) bool {
	r, _ := utf8.DecodeRuneInString(word)
	return partOf(r) == whole
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
