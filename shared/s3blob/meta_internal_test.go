package s3blob

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func FuzzMetadata(f *testing.F) {
	for _, s := range []string{"", "plain", " a  b ", "100%", "%41", "%zz", "Zürich 🙂", "a\r\nb: c", "${filename}", "\xff\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		stored := encodeMeta(s)
		for _, c := range []byte(stored) {
			if c <= ' ' || c > '~' || c == '$' {
				t.Errorf("encodeMeta(%q) = %q, which has byte %#x", s, stored, c)
			}
		}
		if got := decodeMeta(stored); got != s {
			t.Errorf("decodeMeta(encodeMeta(%q)) = %q", s, got)
		}
		decodeMeta(s) // anything may be stored by others
	})
}

func TestAnotherProgramsMetadataIsReadAsItIs(t *testing.T) {
	for _, s := range []string{"100%", "5 % of it", "%zz", "50%-off", "a b", "%c3%bc"} {
		if got := decodeMeta(s); got != s {
			t.Errorf("decodeMeta(%q) = %q, want it unchanged", s, got)
		}
	}
}

func FuzzContentRange(f *testing.F) {
	for _, s := range []string{"bytes 0-9/10", "bytes 5-9/*", "bytes */10", "", "bytes 9-0/10", "bytes -1-2/3", "bytes 0-10/10"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		first, last, size, err := contentRange(s)
		if err == nil && (first < 0 || last < first || size <= last) {
			t.Errorf("contentRange(%q) = %d, %d, %d", s, first, last, size)
		}
	})
}

func TestEscapingKeepsOnlyWhatSignaturesKeep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "text")
		for _, c := range strings.Split(string(appendEscaped(nil, s, '/')), "/") {
			if strings.Trim(c, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%") != "" {
				t.Errorf("appendEscaped(%q) has %q", s, c)
			}
		}
	})
}
