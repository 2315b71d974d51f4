package name_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/name"
)

func TestCheckTakes(t *testing.T) {
	for _, tt := range []struct{ name, text string }{
		{"one character", "a"},
		{"255 characters", strings.Repeat("x", 255)},
		{"255 emoji", strings.Repeat("🎉", 255)},
		{"blanks alone", "   "},
		{"a path", "../../etc/passwd"},
		{"right-to-left script", "שלום עולם"},
		{"a mark that changes the reading direction", "a\u202eb"},
		{"an emoji joined of several", "👩‍👩‍👧"},
		{"a no-break space", "a\u00a0b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := name.Check("name", tt.text, name.Max); err != nil {
				t.Errorf("Check(%q) = %v, want it taken", tt.text, err)
			}
		})
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", "", "is empty; send 1 to 255 characters"},
		{"256 characters", strings.Repeat("é", 256), "has 256 characters; at most 255 are allowed"},
		{"100,000 characters", strings.Repeat("x", 100_000), "has 100000 characters"},
		{"a line break", "ab\nc", "U+000A at place 3"},
		{"a null character", "\x00", "U+0000 at place 1"},
		{"delete", "a\x7f", "U+007F"},
		{"a control character of the upper half", "é\u0085", "U+0085 at place 2"},
		{"a line separator", "\u2028", "U+2028"},
		{"a paragraph separator", "\u2029", "U+2029"},
		{"broken UTF-8", "a\xff", "not valid UTF-8"},
		{"half a surrogate pair", "\xed\xa0\x80", "not valid UTF-8"},
		{"the character that stands for broken bytes", "a\ufffd", "U+FFFD"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := name.Check("file_name", tt.text, name.Max)
			f, ok := err.(*fault.Error)
			if !ok || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Name != "file_name" || !strings.Contains(f.Fields[0].Message, tt.want) {
				t.Errorf("Check(%.20q) = %v, want file_name refused because it %q", tt.text, err, tt.want)
			}
			if err != nil && len(err.Error()) > 500 {
				t.Errorf("the message has %d bytes, want it short whatever was sent", len(err.Error()))
			}
		})
	}
}

func TestCheckTextAllowsLinesAndNothing(t *testing.T) {
	for _, good := range []string{"", "a\n\tb\r\n", strings.Repeat("ü", 10)} {
		if err := name.CheckText("text", good, 10); err != nil {
			t.Errorf("CheckText(%q) = %v, want it taken", good, err)
		}
	}
	for _, bad := range []string{"a\x00", "\x1b[31m", "\xff", strings.Repeat("ü", 11)} {
		if err := name.CheckText("text", bad, 10); !fault.Is(err, fault.Invalid) {
			t.Errorf("CheckText(%q) = %v, want it refused", bad, err)
		}
	}
}

func TestCheckAgreesWithTheRule(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := string(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(rt, "bytes"))
		if rapid.Bool().Draw(rt, "text") {
			s = rapid.String().Draw(rt, "string")
		}
		limit := rapid.IntRange(1, 20).Draw(rt, "limit")
		n := utf8.RuneCountInString(s)
		want := utf8.ValidString(s) && n >= 1 && n <= limit
		for _, r := range s {
			want = want && !unicode.IsControl(r) && r != 0x2028 && r != 0x2029 && r != utf8.RuneError
		}
		if err := name.Check("name", s, limit); (err == nil) != want {
			rt.Errorf("Check(%q, %d) = %v, want taken: %v", s, limit, err, want)
		}
	})
}
