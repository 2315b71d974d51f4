package template

import (
	"fmt"
	"slices"
	"strconv"

	"gopkg.in/yaml.v3"
)

// conditions are the template's, each evaluated when it is first asked for.
type conditions struct {
	node     *yaml.Node
	eval     *evaluator
	known    map[string]bool
	open     map[string]bool // being evaluated
	problems []error
}

func newConditions(n *yaml.Node, params map[string]string) *conditions {
	c := &conditions{node: n, known: map[string]bool{}, open: map[string]bool{}}
	c.eval = &evaluator{params: params, conditions: c}
	return c
}

func (c *conditions) complain(format string, args ...any) bool {
	c.problems = append(c.problems, fmt.Errorf(format, args...))
	return false
}

// holds says whether the condition of a name holds.
func (c *conditions) holds(name string) bool {
	if v, ok := c.known[name]; ok {
		return v
	}
	n := child(c.node, name)
	switch {
	case n == nil:
		c.known[name] = c.complain("there is no condition %q", name)
	case c.open[name]:
		c.known[name] = c.complain("the condition %s depends on itself", name)
	default:
		c.open[name] = true
		c.known[name] = c.judge(n)
	}
	return c.known[name]
}

// judge evaluates what may stand as a condition: Equals, Not, And, Or, or the name of another.
func (c *conditions) judge(n *yaml.Node) bool {
	name, arg, ok := call(n)
	if !ok && n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[0].Value == "Condition" {
		name, arg, ok = "Condition", n.Content[1], true
	}
	switch {
	case !ok:
	case name == "Condition":
		return c.holds(arg.Value)
	case name == "Equals" && len(arg.Content) == 2:
		return text(c.eval.value(arg.Content[0])) == text(c.eval.value(arg.Content[1]))
	case name == "Not" && len(arg.Content) == 1:
		return !c.judge(arg.Content[0])
	case name == "And" && len(arg.Content) > 1:
		return !slices.ContainsFunc(arg.Content, func(n *yaml.Node) bool { return !c.judge(n) })
	case name == "Or" && len(arg.Content) > 1:
		return slices.ContainsFunc(arg.Content, c.judge)
	}
	return c.complain("line %d: a condition is Equals of two values, Not of one condition, And or Or of several, or the name of another", n.Line)
}

// parameters are the values of the template's parameters: what is given, else the default.
func parameters(n *yaml.Node, given map[string]string) (map[string]string, error) {
	plain := &evaluator{conditions: newConditions(nil, nil)}
	declared := object(plain.value(n))
	values := map[string]string{}
	for name, p := range declared {
		if d, ok := object(p)["Default"]; ok {
			values[name] = text(d)
		}
	}
	for name, v := range given {
		p, ok := declared[name]
		if !ok {
			return nil, fmt.Errorf("it has no parameter %s", name)
		}
		if err := allows(object(p), v); err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		}
		values[name] = v
	}
	return values, nil
}

// allows refuses a value that is not among AllowedValues, or beyond MinValue and MaxValue. Patterns are CloudFormation's to judge: its regular
// expressions are of another dialect.
func allows(p map[string]any, v string) error {
	if list, ok := p["AllowedValues"].([]any); ok && !slices.ContainsFunc(list, func(a any) bool { return text(a) == v }) {
		return fmt.Errorf("%q is not among %v", v, list)
	}
	if p["Type"] != "Number" {
		return nil
	}
	x, err := strconv.ParseFloat(v, 64)
	if err != nil {
		return fmt.Errorf("%q is no number", v)
	}
	for _, bound := range []struct {
		name string
		sign float64
	}{{"MinValue", 1}, {"MaxValue", -1}} {
		if b, err := strconv.ParseFloat(text(p[bound.name]), 64); err == nil && (x-b)*bound.sign < 0 {
			return fmt.Errorf("%s is beyond %s, %s", v, bound.name, text(p[bound.name]))
		}
	}
	return nil
}
