package name_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/name"
)

func TestFoldMakesSpellingsOfOneNameAlike(t *testing.T) {
	for _, tt := range []struct {
		name      string
		spellings []string
	}{
		{"case", []string{"Summer", "SUMMER", "summer"}},
		{"accents, composed and not", []string{"Été", "E\u0301te\u0301", "ete", "ÉTÉ"}},
		{"full width", []string{"ＡＢＣ１", "abc1"}},
		{"ligatures", []string{"ﬁle", "FILE"}},
		{"sharp s", []string{"Straße", "STRASSE", "STRAẞE"}},
		{"both sigmas", []string{"Οδός", "ΟΔΟΣ", "οδοσ"}},
		{"Turkish i", []string{"İstanbul", "istanbul", "ISTANBUL"}},
		{"Cyrillic", []string{"Ёлка", "елка"}},
		{"Vietnamese", []string{"Tiếng Việt", "tieng viet"}},
		{"Hangul, composed and not", []string{"한", "\u1112\u1161\u11ab"}},
		{"an emoji with and without its presentation mark", []string{"❤️", "❤"}},
		{"half-width kana", []string{"ｶﾞ", "ガ"}},
		{"the Kelvin sign", []string{"\u212a", "k"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, s := range tt.spellings {
				if got, want := name.Fold(s), name.Fold(tt.spellings[0]); got != want {
					t.Errorf("Fold(%q) = %q, want %q", s, got, want)
				}
			}
		})
	}
}

func TestFoldKeepsDifferentNamesApart(t *testing.T) {
	for _, tt := range []struct{ name, a, b string }{
		{"Hindi vowels", "कि", "कु"},
		{"Thai vowels", "กิ", "กุ"},
		{"voiced kana", "かく", "がく"},
		{"half-voiced kana", "は", "ぱ"},
		{"blanks", "a b", "ab"},
		{"emoji", "🎉", "🎈"},
		{"an o with a stroke", "ø", "o"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if name.Fold(tt.a) == name.Fold(tt.b) {
				t.Errorf("%q and %q fold alike: %q", tt.a, tt.b, name.Fold(tt.a))
			}
		})
	}
}

func TestFoldTwiceIsFoldOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := rapid.String().Draw(rt, "s")
		once := name.Fold(s)
		if twice := name.Fold(once); twice != once {
			rt.Errorf("Fold(%q) = %q, folded again %q", s, once, twice)
		}
	})
	for r := range rune(0x20000) { // every script; above are only more Han, tags and private use
		once := name.Fold(string(r))
		if twice := name.Fold(once); twice != once {
			t.Errorf("Fold(U+%04X) = %q, folded again %q", r, once, twice)
		}
	}
}

func TestWords(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"nothing", "", nil},
		{"marks alone", " -_./\t", nil},
		{"a file name", "Summer_Beach-01.PNG", []string{"summer", "beach", "01", "png"}},
		{"accents", "Été à Québec", []string{"ete", "a", "quebec"}},
		{"letters and digits together", "IMG0231", []string{"img0231"}},
		{"Japanese", "夏の海2026", []string{"夏", "の", "海", "2026"}},
		{"voiced kana keep their marks", "が", []string{"か\u3099"}},
		{"emoji", "party🎉🎈now", []string{"party", "🎉", "🎈", "now"}},
		{"an emoji joined of several", "👩‍👧", []string{"👩", "👧"}},
		{"Hindi keeps its vowels", "हिन्दी फ़ाइल", []string{"हिन्दी", "फ\u093cाइल"}},
		{"an apostrophe divides", "d'hiver", []string{"d", "hiver"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, name.Words(tt.text)); diff != "" {
				t.Errorf("Words(%q) (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		name, query string
		texts       []string
		want        bool
	}{
		{"an empty query matches", "", []string{"a"}, true},
		{"a query of marks matches", "--", nil, true},
		{"a beginning matches", "be", []string{"Summer Beach"}, true},
		{"the middle does not", "each", []string{"Summer Beach"}, false},
		{"words may be in different texts", "sum note", []string{"Summer", "a noted thing"}, true},
		{"in any order", "beach summer", []string{"Summer Beach"}, true},
		{"every word counts", "summer winter", []string{"Summer Beach"}, false},
		{"a word longer than the text's does not", "summers", []string{"Summer"}, false},
		{"nothing is found in nothing", "a", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := name.Match(name.Words(tt.query), tt.texts...); got != tt.want {
				t.Errorf("Match(%q, %q) = %v, want %v", tt.query, tt.texts, got, tt.want)
			}
		})
	}
}

func TestAnyTextIsFoundByItsOwnWords(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := rapid.String().Draw(rt, "s")
		words := name.Words(s)
		if slices.Contains(words, "") {
			rt.Errorf("Words(%q) = %q has an empty word", s, words)
		}
		if !name.Match(words, s) || !name.Match(name.Words(strings.ToUpper(s)), s) {
			rt.Errorf("%q is not found by its own words %q", s, words)
		}
	})
}

func FuzzWords(f *testing.F) {
	for _, seed := range []string{"", "Summer_Beach-01.PNG", "夏の海", "👩‍👧", "\xff\xfe", "e\u0301", strings.Repeat("\u0301", 100)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, w := range name.Words(s) {
			if w == "" || !utf8.ValidString(w) || name.Fold(w) != w {
				t.Errorf("Words(%q) has %q, want folded words that are not empty", s, w)
			}
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	query := name.Words("été sum")
	for b.Loop() {
		name.Match(query, "Summer Beach été 2026.png", "a description of some length, as people write them")
	}
}
