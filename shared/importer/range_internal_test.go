package importer

import (
	"fmt"
	"testing"
)

// FuzzContentRange holds that what is taken makes sense and is what was written: nothing is guessed.
func FuzzContentRange(f *testing.F) {
	for _, s := range []string{"bytes 0-499/1234", "bytes 0-0/1", "bytes 5-9/*", "bytes */10", "bytes 0-9/5", "BYTES 1-2/3", "bytes 01-2/3", "bytes=0-1/2", "bytes 0-9223372036854775807/*", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := parseContentRange([]string{s})
		if err != nil {
			return
		}
		if r.first < 0 || r.last < r.first || r.total != -1 && r.total <= r.last || r.last-r.first+1 <= 0 {
			t.Fatalf("parseContentRange(%q) = %+v", s, r)
		}
		total := "*"
		if r.total >= 0 {
			total = fmt.Sprint(r.total)
		}
		again, err := parseContentRange([]string{fmt.Sprintf("bytes %d-%d/%s", r.first, r.last, total)})
		if err != nil || again != r {
			t.Errorf("parseContentRange(%q) = %+v, and then %+v, %v", s, r, again, err)
		}
	})
}

func TestParseContentRangeWantsOne(t *testing.T) {
	for _, values := range [][]string{nil, {"bytes 0-1/2", "bytes 0-1/2"}} {
		if r, err := parseContentRange(values); err == nil {
			t.Errorf("parseContentRange(%q) = %+v, want it refused", values, r)
		}
	}
}
