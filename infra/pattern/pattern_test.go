package pattern

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func decode(t testing.TB, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		name, pattern, event string
		want                 bool
	}{
		{"an equal text", `{"a": ["x"]}`, `{"a": "x"}`, true},
		{"another text", `{"a": ["x"]}`, `{"a": "xx"}`, false},
		{"one of two texts", `{"a": ["x", "y"]}`, `{"a": "y"}`, true},
		{"a text of another case", `{"a": ["x"]}`, `{"a": "X"}`, false},
		{"a number that reads like the text", `{"a": ["1"]}`, `{"a": 1}`, false},
		{"a field that is not there", `{"a": ["x"]}`, `{}`, false},
		{"fields beside those of the pattern", `{"a": ["x"]}`, `{"a": "x", "b": 1}`, true},
		{"all fields of the pattern", `{"a": ["x"], "b": ["y"]}`, `{"a": "x", "b": "y"}`, true},
		{"one field of two", `{"a": ["x"], "b": ["y"]}`, `{"a": "x", "b": "x"}`, false},
		{"a field below", `{"a": {"b": ["x"]}}`, `{"a": {"b": "x"}}`, true},
		{"a field below a text", `{"a": {"b": ["x"]}}`, `{"a": "x"}`, false},
		{"a prefix", `{"a": [{"prefix": "fo"}]}`, `{"a": "folder"}`, true},
		{"the prefix itself", `{"a": [{"prefix": "fo"}]}`, `{"a": "fo"}`, true},
		{"no prefix", `{"a": [{"prefix": "fo"}]}`, `{"a": "of"}`, false},
		{"a prefix of a number", `{"a": [{"prefix": "1"}]}`, `{"a": 12}`, false},
		{"what exists", `{"a": [{"exists": true}]}`, `{"a": "x"}`, true},
		{"what exists as a number", `{"a": [{"exists": true}]}`, `{"a": 0}`, true},
		{"what exists as null", `{"a": [{"exists": true}]}`, `{"a": null}`, true},
		{"what does not exist", `{"a": [{"exists": true}]}`, `{}`, false},
		{"an object, of which only leaves exist", `{"a": [{"exists": true}]}`, `{"a": {"b": 1}}`, false},
		{"what may not exist, and does not", `{"a": [{"exists": false}]}`, `{}`, true},
		{"what may not exist below what is not there", `{"a": {"b": [{"exists": false}]}}`, `{}`, true},
		{"what may not exist, and does", `{"a": [{"exists": false}]}`, `{"a": "x"}`, false},
		{"a text or nothing", `{"a": ["x", {"exists": false}]}`, `{}`, true},
		{"an element of a list", `{"a": ["x"]}`, `{"a": ["y", "x"]}`, true},
		{"no element of a list", `{"a": ["x"]}`, `{"a": ["y"]}`, false},
		{"an empty list, which has no value", `{"a": [{"exists": true}]}`, `{"a": []}`, false},
		{"an object in a list", `{"a": {"b": ["x"]}}`, `{"a": [{"b": "y"}, {"b": "x"}]}`, true},
		{"fields of two objects in a list", `{"a": {"b": ["x"], "c": ["y"]}}`, `{"a": [{"b": "x"}, {"c": "y"}]}`, false},
		{"one way of two", `{"$or": [{"a": ["x"]}, {"b": ["y"]}]}`, `{"b": "y"}`, true},
		{"no way of two", `{"$or": [{"a": ["x"]}, {"b": ["y"]}]}`, `{"a": "y"}`, false},
		{"a way, without the field beside it", `{"c": ["z"], "$or": [{"a": ["x"]}, {"b": ["y"]}]}`, `{"a": "x"}`, false},
		{"ways below a field", `{"n": {"$or": [{"a": ["x"]}, {"b": ["y"]}]}}`, `{"n": {"b": "y"}}`, true},
		{"a text instead of an event", `{"a": ["x"]}`, `"x"`, false},
		{"null instead of an event", `{"a": ["x"]}`, `null`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse(tt.pattern)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Matches(decode(t, tt.event)); got != tt.want {
				t.Errorf("%s matches %s: %t, want %t", tt.pattern, tt.event, got, tt.want)
			}
		})
	}
}

func TestParseRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, tt := range []struct{ name, pattern, want string }{
		{"no JSON", `{`, "unexpected end"},
		{"a text", `"x"`, `"x" is not an object`},
		{"no fields", `{}`, "not an object with fields"},
		{"no fields below", `{"a": {}}`, "a: {} is not an object with fields"},
		{"a text for a list", `{"a": "x"}`, `a: "x" is neither an object nor a list`},
		{"no rule", `{"a": []}`, "a: it has no rule"},
		{"a number", `{"a": [1]}`, "the rule 1 is none of"},
		{"null", `{"a": [null]}`, "the rule null is none of"},
		{"a list of lists", `{"a": [["x"]]}`, `the rule ["x"] is none of`},
		{"an unknown rule", `{"a": [{"anything-but": "x"}]}`, `the rule {"anything-but":"x"}`},
		{"existence as a text", `{"a": [{"exists": "true"}]}`, "is none of"},
		{"a prefix of numbers", `{"a": [{"prefix": 1}]}`, "is none of"},
		{"two rules in one", `{"a": [{"prefix": "x", "exists": true}]}`, "is none of"},
		{"ways that are no list", `{"$or": {"a": ["x"]}}`, "$or: it is no list"},
		{"one way", `{"$or": [{"a": ["x"]}]}`, "less than two patterns"},
		{"a way that is a text", `{"$or": ["x", {"a": ["x"]}]}`, `$or: "x" is not an object`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Parse(tt.pattern); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Parse(%s) = %v, want an error with %q", tt.pattern, err, tt.want)
			}
		})
	}
}

// An event that is made from a pattern, by taking one rule of every list, matches it; and no longer once a field that must be a text is gone.
func TestAnEventMadeFromItsPatternMatches(t *testing.T) {
	words := rapid.SampledFrom([]string{"a", "b", "c", "ready"})
	var object func(depth int) *rapid.Generator[[2]map[string]any]
	object = func(depth int) *rapid.Generator[[2]map[string]any] {
		return rapid.Custom(func(rt *rapid.T) [2]map[string]any {
			pattern, event := map[string]any{}, map[string]any{}
			for _, name := range rapid.SliceOfNDistinct(words, 1, 3, rapid.ID).Draw(rt, "fields") {
				if depth > 0 && rapid.Bool().Draw(rt, "deeper") {
					below := object(depth-1).Draw(rt, name)
					pattern[name], event[name] = below[0], below[1]
					continue
				}
				texts := rapid.SliceOfN(words, 1, 3).Draw(rt, "texts")
				list := []any{}
				for _, s := range texts {
					list = append(list, s)
				}
				pattern[name], event[name] = list, rapid.SampledFrom(texts).Draw(rt, "text")
			}
			return [2]map[string]any{pattern, event}
		})
	}
	rapid.Check(t, func(rt *rapid.T) {
		pair := object(2).Draw(rt, "pattern")
		text, err := json.Marshal(pair[0])
		if err != nil {
			rt.Fatal(err)
		}
		p, err := Parse(string(text))
		if err != nil {
			rt.Fatal(err)
		}
		event := map[string]any{"beside": true}
		for k, v := range pair[1] {
			event[k] = v
		}
		if !p.Matches(event) {
			rt.Fatalf("%s does not match %v", text, event)
		}
		for k := range pair[1] {
			delete(event, k)
			if p.Matches(event) {
				rt.Fatalf("%s matches %v", text, event)
			}
			break
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"a": ["x", {"prefix": "y"}, {"exists": false}]}`, `{"a": ["x"]}`},
		{`{"a": {"b": [{"exists": true}]}, "$or": [{"a": ["x"]}, {"b": ["y"]}]}`, `{"a": {"b": null}}`},
		{`{"eventName": ["REMOVE"], "dynamodb": {"OldImage": {"state": {"S": [{"exists": true}]}}}}`, `{"eventName": "REMOVE"}`},
		{`{}`, `[]`}, {`{"$or": []}`, `[[]]`}, {``, ``},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, text, event string) {
		p, err := Parse(text)
		var v any
		if err != nil || json.Unmarshal([]byte(event), &v) != nil {
			return
		}
		if got := p.Matches([]any{v}); got != p.Matches(v) {
			t.Errorf("%s matches %s in a list: %t, and not alone, or the other way round", text, event, got)
		}
	})
}
