// Package pattern matches events as EventBridge's rules and the filters of Lambda's event sources do, as far as template.yaml uses them.
//
// A pattern is a JSON object whose fields are objects of the same kind or lists of rules. An event matches when each field does; a list
// matches when one of its rules does; $or holds a list of patterns of which one must match. A rule is a text, which must be equal,
// {"exists": true} or {"exists": false}, or {"prefix": text}. Where the event has a list, one of its elements must match. Every other rule
// that AWS knows is refused.
package pattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Pattern says which events are wanted. The zero value matches every event.
type Pattern struct {
	fields map[string]matcher
	ways   []Pattern // of $or; none: there is no $or
}

// matcher judges the value of a field; it is there when present is true.
type matcher interface {
	matches(value any, present bool) bool
}

// nested matches an object below a field.
type nested Pattern

// rules match a value when one of them does.
type rules []rule

// rule is one of text, exists and prefix.
type rule func(value any, present bool) bool

// or is the field whose list holds patterns and not rules.
const or = "$or"

// Parse reads a pattern. What it refuses is named.
func Parse(text string) (Pattern, error) {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return Pattern{}, fmt.Errorf("pattern %s: %w", text, err)
	}
	p, err := parse(v)
	if err != nil {
		return Pattern{}, fmt.Errorf("pattern %s: %w", text, err)
	}
	return p, nil
}

func parse(v any) (Pattern, error) {
	m, ok := v.(map[string]any)
	if !ok || len(m) == 0 {
		return Pattern{}, fmt.Errorf("%s is not an object with fields", brief(v))
	}
	p := Pattern{fields: map[string]matcher{}}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		var err error
		switch below := m[name].(type) {
		case map[string]any:
			if name == or {
				err = errors.New("it is no list")
				break
			}
			var deeper Pattern
			deeper, err = parse(below)
			p.fields[name] = nested(deeper)
		case []any:
			if name == or {
				p.ways, err = parseWays(below)
				break
			}
			p.fields[name], err = parseRules(below)
		default:
			err = fmt.Errorf("%s is neither an object nor a list of rules", brief(below))
		}
		if err != nil {
			return Pattern{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	return p, nil
}

func parseWays(list []any) ([]Pattern, error) {
	if len(list) < 2 {
		return nil, errors.New("it has less than two patterns")
	}
	var ways []Pattern
	for _, v := range list {
		p, err := parse(v)
		if err != nil {
			return nil, err
		}
		ways = append(ways, p)
	}
	return ways, nil
}

func parseRules(list []any) (rules, error) {
	if len(list) == 0 {
		return nil, errors.New("it has no rule, and would match nothing")
	}
	var rs rules
	for _, v := range list {
		r, err := parseRule(v)
		if err != nil {
			return nil, err
		}
		rs = append(rs, r)
	}
	return rs, nil
}

func parseRule(v any) (rule, error) {
	switch r := v.(type) {
	case string:
		return func(value any, _ bool) bool { return value == r }, nil
	case map[string]any:
		exists, isBool := r["exists"].(bool)
		prefix, isText := r["prefix"].(string)
		switch {
		case len(r) == 1 && isBool:
			return func(value any, present bool) bool { return exists == (present && isLeaf(value)) }, nil
		case len(r) == 1 && isText:
			return func(value any, _ bool) bool { s, ok := value.(string); return ok && strings.HasPrefix(s, prefix) }, nil
		}
	}
	return nil, fmt.Errorf(`the rule %s is none of a text, {"exists": true} and {"prefix": text}`, brief(v))
}

// isLeaf says whether a value is one that rules judge: what exists is a value, and not an object of further fields.
func isLeaf(v any) bool {
	_, isObject := v.(map[string]any)
	return !isObject
}

// brief is a value as JSON, for messages.
func brief(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// Matches says whether an event, decoded from JSON into maps, lists, texts, float64, bool and nil, is one of those that the pattern wants.
func (p Pattern) Matches(event any) bool { return nested(p).matches(event, true) }

func (n nested) matches(value any, _ bool) bool {
	if list, ok := value.([]any); ok && len(list) > 0 {
		return slices.ContainsFunc(list, func(e any) bool { return n.matches(e, true) })
	}
	fields, _ := value.(map[string]any)
	for name, m := range n.fields {
		v, present := fields[name]
		if !m.matches(v, present) {
			return false
		}
	}
	return n.ways == nil || slices.ContainsFunc(n.ways, func(way Pattern) bool { return way.Matches(value) })
}

func (rs rules) matches(value any, present bool) bool {
	values, isList := value.([]any)
	switch {
	case !isList:
		values = []any{value}
	case len(values) == 0: // a list without elements has no value
		values, present = []any{nil}, false
	}
	return slices.ContainsFunc(values, func(v any) bool {
		return slices.ContainsFunc(rs, func(r rule) bool { return r(v, present) })
	})
}
