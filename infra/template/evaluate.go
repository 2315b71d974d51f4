package template

import (
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// evaluator turns nodes into maps, lists and scalars, with intrinsic functions evaluated. One that it does not know stays what it is in the
// long form: {"Fn::Name": argument}.
type evaluator struct {
	params     map[string]string
	values     map[string]string // of resources, their attributes and pseudo parameters
	conditions *conditions
}

// noValue is what AWS::NoValue leaves: whatever has it is as if it were not there.
type noValue struct{}

func (e *evaluator) value(n *yaml.Node) any {
	if n == nil {
		return nil
	}
	if name, arg, ok := call(n); ok {
		return e.intrinsic(name, arg)
	}
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if v := e.value(n.Content[i+1]); v != (noValue{}) {
				m[n.Content[i].Value] = v
			}
		}
		return m
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			if v := e.value(c); v != (noValue{}) {
				list = append(list, v)
			}
		}
		return list
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return n.Value
	}
	return v
}

// call is the name and the argument of an intrinsic function, in its short form as a tag or in its long form as a mapping of one key.
func call(n *yaml.Node) (name string, arg *yaml.Node, ok bool) {
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		plain := *n
		plain.Tag = ""
		if plain.Kind == yaml.ScalarNode {
			plain.Tag = "!!str"
		}
		return n.Tag[1:], &plain, true
	}
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 {
		return "", nil, false
	}
	name, long := strings.CutPrefix(n.Content[0].Value, "Fn::")
	return name, n.Content[1], long || name == "Ref"
}

func (e *evaluator) intrinsic(name string, arg *yaml.Node) any {
	if name == "If" && arg.Kind == yaml.SequenceNode && len(arg.Content) == 3 { // before its branches, which may be AWS::NoValue
		if e.conditions.holds(arg.Content[0].Value) {
			return e.value(arg.Content[1])
		}
		return e.value(arg.Content[2])
	}
	v := e.value(arg)
	list, _ := v.([]any)
	switch {
	case name == "Ref" && text(v) == "AWS::NoValue":
		return noValue{}
	case name == "Ref":
		return e.reference(text(v))
	case name == "GetAtt" && len(list) > 1:
		return e.reference(text(list[0]) + "." + text(list[1]))
	case name == "GetAtt":
		return e.reference(text(v))
	case name == "Sub" && len(list) == 2:
		return e.substitute(text(list[0]), object(list[1]))
	case name == "Sub":
		return e.substitute(text(v), nil)
	case name == "Split" && len(list) == 2:
		return split(text(list[1]), text(list[0]))
	case name == "Join" && len(list) == 2:
		return strings.Join(texts(list[1]), text(list[0]))
	case name == "Select" && len(list) == 2:
		if i, err := strconv.Atoi(text(list[0])); err == nil && i >= 0 && i < len(texts(list[1])) {
			return texts(list[1])[i]
		}
	}
	return map[string]any{"Fn::" + name: v}
}

// reference is the value of a parameter, a resource, an attribute or a pseudo parameter; ${Name} where it has none.
func (e *evaluator) reference(name string) string {
	if v, ok := e.params[name]; ok {
		return v
	}
	if v, ok := e.values[name]; ok {
		return v
	}
	return "${" + name + "}"
}

func split(s, by string) []any {
	parts := []any{}
	for part := range strings.SplitSeq(s, by) {
		parts = append(parts, part)
	}
	return parts
}

var placeholder = regexp.MustCompile(`\$\{(!?)([^{}]+)\}`)

// substitute fills a text in. ${!Name} is ${Name} as it stands.
func (e *evaluator) substitute(s string, own map[string]any) string {
	return placeholder.ReplaceAllStringFunc(s, func(m string) string {
		parts := placeholder.FindStringSubmatch(m)
		name := strings.TrimSpace(parts[2])
		if parts[1] == "!" {
			return "${" + name + "}"
		}
		if v, ok := own[name]; ok {
			return text(v)
		}
		return e.reference(name)
	})
}
