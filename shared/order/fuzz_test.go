package order

import (
	"encoding/json"
	"strings"
	"testing"
)

func FuzzMetadata(f *testing.F) {
	for _, s := range []string{
		"", "null", " null ", "{}", `{"a":[1,2,{"b":null}]}`, `"\ud800"`, "[1,2", "1 2", "nul", `{"a":1}{"b":2}`, "[[[[[[[[[[]]]]]]]]]]", "[[[[[[[[[[[]]]]]]]]]]]",
		strings.Repeat("[", 5000), "\xff", `{"a":1,"a":2}`, "1e999", "-0", "]", "[}", "{]", `{"a"}`, "// no", "\ufeff{}",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		kept, says := checkMetadata(s)
		if says != "" {
			return
		}
		if s != "" && !json.Valid([]byte(s)) {
			t.Fatalf("%q is taken, and is no JSON", s)
		}
		if kept != "" && (!json.Valid([]byte(kept)) || len(kept) > MaxMetadata) {
			t.Fatalf("%q is kept as %q", s, kept)
		}
		again, says := checkMetadata(kept)
		if again != kept || says != "" {
			t.Fatalf("%q is kept as %q, and that as %q: %s", s, kept, again, says)
		}
		if deep, err := nestings(kept); kept != "" && (err != nil || deep > MaxNestings) {
			t.Fatalf("%q has %d nestings, %v", kept, deep, err)
		}
	})
}
