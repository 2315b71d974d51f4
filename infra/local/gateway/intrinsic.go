package gateway

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// evaluate turns a YAML node into maps, slices and scalars, with intrinsic functions resolved as far as parameters go.
func evaluate(n *yaml.Node, params map[string]string) any {
	switch {
	case n.Kind == yaml.AliasNode:
		return evaluate(n.Alias, params)
	case strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!"):
		plain := *n
		plain.Tag = ""
		if plain.Kind == yaml.ScalarNode {
			plain.Tag = "!!str"
		}
		return intrinsic(n.Tag[1:], evaluate(&plain, params), params)
	case n.Kind == yaml.MappingNode:
		return evaluateMap(n, params)
	case n.Kind == yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, c := range n.Content {
			list[i] = evaluate(c, params)
		}
		return list
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return n.Value
	}
	return v
}

func evaluateMap(n *yaml.Node, params map[string]string) any {
	m := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		m[n.Content[i].Value] = evaluate(n.Content[i+1], params)
	}
	if len(m) == 1 {
		for k, v := range m {
			if name, ok := strings.CutPrefix(k, "Fn::"); ok || k == "Ref" {
				return intrinsic(name, v, params)
			}
		}
	}
	return m
}

func intrinsic(name string, arg any, params map[string]string) any {
	switch name {
	case "Ref":
		if v, ok := params[text(arg)]; ok {
			return v
		}
		return "${" + text(arg) + "}"
	case "Sub":
		if list, ok := arg.([]any); ok && len(list) > 0 {
			arg = list[0]
		}
		return substitute(text(arg), params)
	case "GetAtt":
		if list, ok := arg.([]any); ok && len(list) == 2 {
			return "${" + text(list[0]) + "." + text(list[1]) + "}"
		}
		return "${" + text(arg) + "}"
	case "Split":
		if list, ok := arg.([]any); ok && len(list) == 2 {
			var parts []any
			for part := range strings.SplitSeq(text(list[1]), text(list[0])) {
				parts = append(parts, part)
			}
			return parts
		}
	}
	return map[string]any{"Fn::" + name: arg}
}

var placeholder = regexp.MustCompile(`\$\{([A-Za-z0-9]+)\}`)

func substitute(s string, params map[string]string) string {
	return placeholder.ReplaceAllStringFunc(s, func(m string) string {
		if v, ok := params[m[2:len(m)-1]]; ok {
			return v
		}
		return m
	})
}

func parameterDefaults(top *yaml.Node) map[string]string {
	params := map[string]string{}
	for name, p := range object(nodeValue(child(top, "Parameters"))) {
		if d, ok := object(p)["Default"]; ok {
			params[name] = text(d)
		}
	}
	return params
}

func nodeValue(n *yaml.Node) any {
	if n == nil {
		return nil
	}
	return evaluate(n, nil)
}

// child walks down mappings; nil when a key is absent.
func child(n *yaml.Node, path ...string) *yaml.Node {
	for _, key := range path {
		if n == nil || n.Kind != yaml.MappingNode {
			return nil
		}
		var next *yaml.Node
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				next = n.Content[i+1]
			}
		}
		n = next
	}
	return n
}

func keysInOrder(n *yaml.Node) []string {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	var keys []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		keys = append(keys, n.Content[i].Value)
	}
	return keys
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// integer reads a number that may be a parameter's default, which is text.
func integer(v any) (int, bool) {
	n, err := strconv.Atoi(text(v))
	return n, err == nil
}

// texts reads a list of strings, or a comma-delimited one, as a parameter of type CommaDelimitedList has for its default.
func texts(v any) []string {
	var out []string
	if list, ok := v.([]any); ok {
		for _, e := range list {
			out = append(out, texts(e)...)
		}
		return out
	}
	for part := range strings.SplitSeq(text(v), ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}
