package template

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fields are the properties at one place of the template. What they cannot be read as is a problem of the template, told by place and name.
type fields struct {
	b  *builder
	at string // the place, for messages
	m  map[string]any
}

func (f fields) complain(format string, args ...any) {
	f.b.problems = append(f.b.problems, fmt.Errorf("%s: %w", f.at, fmt.Errorf(format, args...)))
}

// only complains about every property that is not among the known ones.
func (f fields) only(known ...string) {
	for _, k := range sortedKeys(f.m) {
		if !slices.Contains(known, k) {
			f.complain("the property %s is not read, and could change when functions run", k)
		}
	}
}

// below is the mapping of a property, empty when there is none.
func (f fields) below(name string) fields {
	v, ok := f.m[name]
	m := object(v)
	if ok && m == nil {
		f.complain("%s is %v, want a mapping", name, v)
	}
	return fields{f.b, f.at + "." + name, m}
}

// each is the list of mappings of a property.
func (f fields) each(name string) []fields {
	v, ok := f.m[name]
	if !ok {
		return nil
	}
	list, isList := v.([]any)
	if !isList {
		f.complain("%s is %v, want a list", name, v)
	}
	var out []fields
	for i, e := range list {
		at := f.at + "." + name + "[" + strconv.Itoa(i) + "]"
		m := object(e)
		if m == nil {
			f.complain("%s[%d] is %v, want a mapping", name, i, e)
		}
		out = append(out, fields{f.b, at, m})
	}
	return out
}

func (f fields) text(name string) string {
	switch f.m[name].(type) {
	case map[string]any, []any:
		f.complain("%s is %v, want a text", name, f.m[name])
		return ""
	}
	return text(f.m[name])
}

// integer reads a whole number, which is a text when it comes from a parameter.
func (f fields) integer(name string, otherwise int) int {
	v, ok := f.m[name]
	if !ok {
		return otherwise
	}
	n, err := strconv.Atoi(text(v))
	if err != nil {
		f.complain("%s is %v, want a whole number", name, v)
	}
	return n
}

func (f fields) seconds(name string, otherwise time.Duration) time.Duration {
	if _, ok := f.m[name]; !ok {
		return otherwise
	}
	return time.Duration(f.integer(name, 0)) * time.Second
}

func (f fields) boolean(name string, otherwise bool) bool {
	v, ok := f.m[name]
	if !ok {
		return otherwise
	}
	b, err := strconv.ParseBool(text(v))
	if err != nil {
		f.complain("%s is %v, want true or false", name, v)
	}
	return b
}

var wholeReference = regexp.MustCompile(`^\$\{([A-Za-z0-9]+)(\.[A-Za-z.]+)?\}$`)

// target is the logical id of the resource that a property refers to, which must be of one of the types.
func (f fields) target(name string, types ...string) string {
	m := wholeReference.FindStringSubmatch(f.text(name))
	if m == nil {
		f.complain("%s is %q, want a reference to a resource of this template", name, f.text(name))
		return ""
	}
	if got := f.b.Types[m[1]]; !slices.Contains(types, got) {
		f.complain("%s refers to %s, which is no %s of this template", name, m[1], strings.Join(types, " or "))
	}
	return m[1]
}
