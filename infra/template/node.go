package template

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

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

// unaliased refuses what another part of the document is put into by an alias: CloudFormation takes none, and they can go in circles.
func unaliased(n *yaml.Node) error {
	if n.Kind == yaml.AliasNode {
		return fmt.Errorf("line %d: an alias; write out what it stands for, as CloudFormation wants it", n.Line)
	}
	for _, c := range n.Content {
		if err := unaliased(c); err != nil {
			return err
		}
	}
	return nil
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

// text is a scalar as CloudFormation passes it on.
func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// texts reads a list of strings, or a comma-delimited one, as a parameter of type CommaDelimitedList has for its value.
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
