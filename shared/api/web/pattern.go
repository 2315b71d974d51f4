package web

import (
	"fmt"
	"strings"
)

// Pattern is a parsed path pattern: literal segments, {name} for one segment that is not empty, and, as the last one,
// {name+} for the rest of the path.
type Pattern struct {
	text     string
	segments []segment
}

type segment struct {
	name   string // of the parameter; "" for a literal
	text   string // the literal
	greedy bool
}

// ParsePattern reads a pattern such as /api/v1/assets/{assetId}.
func ParsePattern(s string) (Pattern, error) {
	p := Pattern{text: s}
	if !strings.HasPrefix(s, "/") {
		return p, fmt.Errorf("path pattern %q does not begin with a slash", s)
	}
	seen := map[string]bool{}
	parts := strings.Split(s[1:], "/")
	for i, part := range parts {
		seg, err := parseSegment(part)
		if err != nil {
			return p, fmt.Errorf("path pattern %q: %w", s, err)
		}
		if seg.greedy && i != len(parts)-1 {
			return p, fmt.Errorf("path pattern %q: {%s+} is not the last segment", s, seg.name)
		}
		if seg.name != "" && seen[seg.name] {
			return p, fmt.Errorf("path pattern %q names %s twice", s, seg.name)
		}
		seen[seg.name] = true
		p.segments = append(p.segments, seg)
	}
	return p, nil
}

func parseSegment(part string) (segment, error) {
	if !strings.ContainsAny(part, "{}") {
		return segment{text: part}, nil
	}
	name, open := strings.CutPrefix(part, "{")
	name, closed := strings.CutSuffix(name, "}")
	name, greedy := strings.CutSuffix(name, "+")
	if !open || !closed || name == "" || strings.ContainsAny(name, "{}+") {
		return segment{}, fmt.Errorf("segment %q is neither a literal nor {name} nor {name+}", part)
	}
	return segment{name: name, greedy: greedy}, nil
}

// MustPattern is ParsePattern for patterns written in code; it panics on a wrong one.
func MustPattern(s string) Pattern {
	p, err := ParsePattern(s)
	if err != nil {
		panic(err)
	}
	return p
}

// String is the pattern as it was written.
func (p Pattern) String() string { return p.text }

// Match says whether a decoded path (http.Request.URL.Path) has this shape, and what its parameters hold.
func (p Pattern) Match(path string) (map[string]string, bool) {
	rest, ok := strings.CutPrefix(path, "/")
	if !ok || len(p.segments) == 0 {
		return nil, false
	}
	values := map[string]string{}
	more := true
	for _, s := range p.segments {
		if !more {
			return nil, false
		}
		part := rest
		if s.greedy {
			more = false
		} else {
			part, rest, more = strings.Cut(rest, "/")
		}
		switch {
		case s.name == "" && part != s.text, s.name != "" && part == "":
			return nil, false
		case s.name != "":
			values[s.name] = part
		}
	}
	return values, !more
}
