package orders

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// coercer makes of variables, as they were sent, what an operation's definitions say, strictly: a number is no string, 1.5 is no Int, and what
// an input has no field for is refused.
type coercer struct {
	schema *ast.Schema
	errs   gqlerror.List
	at     *ast.Position // of the definition of the variable that is read
}

// maxRefused bounds how many errors one answer tells.
const maxRefused = 20

// coerce reads the variables of an operation. Variables that it does not define are passed over.
func coerce(schema *ast.Schema, op *ast.OperationDefinition, sent map[string]json.RawMessage) (map[string]any, gqlerror.List) {
	c := &coercer{schema: schema}
	values := map[string]any{}
	for _, def := range op.VariableDefinitions {
		c.at = def.Position
		path := ast.Path{ast.PathName("variable"), ast.PathName(def.Variable)}
		raw, ok := sent[def.Variable]
		switch {
		case ok:
			values[def.Variable] = c.value(def.Type, plain(raw), path)
		case def.DefaultValue != nil:
			preset, err := def.DefaultValue.Value(nil)
			if err != nil {
				c.refuse(path, "its default cannot be read")
			}
			values[def.Variable] = preset
		case def.Type.NonNull:
			c.refuse(path, "is missing; it takes %s", def.Type)
		}
	}
	return values, c.errs
}

// plain decodes JSON and keeps the digits of numbers. The body was decoded before, so that this cannot fail.
func plain(raw json.RawMessage) (v any) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	_ = d.Decode(&v)
	return v
}

func (c *coercer) refuse(path ast.Path, format string, args ...any) {
	if len(c.errs) == maxRefused {
		return
	}
	e := &gqlerror.Error{Message: "$" + path[1:].String() + ": " + fmt.Sprintf(format, args...), Path: append(ast.Path(nil), path...)}
	if c.at != nil {
		e.Locations = []gqlerror.Location{{Line: c.at.Line, Column: c.at.Column}}
	}
	c.errs = append(c.errs, e)
}

func (c *coercer) value(t *ast.Type, v any, path ast.Path) any {
	if v == nil {
		if t.NonNull {
			c.refuse(path, "is null; it takes %s", t)
		}
		return nil
	}
	if t.Elem != nil {
		return c.list(t, v, path)
	}
	def := c.schema.Types[t.NamedType]
	if def.Kind == ast.InputObject {
		return c.object(def, v, path)
	}
	return c.scalar(t, v, path)
}

// list reads a list; a single value is a list of one.
func (c *coercer) list(t *ast.Type, v any, path ast.Path) any {
	items, ok := v.([]any)
	if !ok {
		return []any{c.value(t.Elem, v, path)}
	}
	list := make([]any, len(items))
	for i, item := range items {
		list[i] = c.value(t.Elem, item, append(path, ast.PathIndex(i)))
	}
	return list
}

func (c *coercer) object(def *ast.Definition, v any, path ast.Path) any {
	sent, ok := v.(map[string]any)
	if !ok {
		c.wrong(path, v, def.Name)
		return nil
	}
	object := make(map[string]any, len(sent))
	for _, f := range def.Fields {
		item, ok := sent[f.Name]
		if !ok && f.Type.NonNull {
			c.refuse(append(path, ast.PathName(f.Name)), "is missing; it takes %s", f.Type)
		}
		if ok {
			object[f.Name] = c.value(f.Type, item, append(path, ast.PathName(f.Name)))
		}
	}
	if len(object) < len(sent) {
		for name := range sent {
			if def.Fields.ForName(name) == nil {
				c.refuse(path, "has a field %.100q, which %s has not", name, def.Name)
			}
		}
	}
	return object
}

func (c *coercer) scalar(t *ast.Type, v any, path ast.Path) any {
	switch s := v.(type) {
	case string:
		if t.NamedType == "String" || t.NamedType == "ID" {
			return s
		}
	case bool:
		if t.NamedType == "Boolean" {
			return s
		}
	case json.Number:
		if n, ok := number(t.NamedType, s); ok {
			return n
		}
	}
	switch t.NamedType {
	case "String", "ID", "Boolean", "Int", "Float":
		c.wrong(path, v, t.NamedType)
		return nil
	}
	return v // scalars of ours read themselves
}

// number reads a number as a type. Of an ID it is the digits.
func number(name string, n json.Number) (any, bool) {
	switch name {
	case "Int":
		f, err := n.Float64()
		return int64(f), err == nil && f == math.Trunc(f) && f >= math.MinInt32 && f <= math.MaxInt32
	case "Float":
		f, err := n.Float64()
		return f, err == nil
	case "ID":
		return n.String(), strings.Trim(n.String(), "-0123456789") == ""
	}
	return nil, false
}

func (c *coercer) wrong(path ast.Path, v any, want string) {
	found := "a value of another type"
	switch v := v.(type) {
	case string:
		found = strconv.Quote(v)
		if len(v) > 40 {
			found = "a string"
		}
	case bool:
		found = strconv.FormatBool(v)
	case json.Number:
		found = fmt.Sprintf("%.40s", v)
	case []any:
		found = "a list"
	case map[string]any:
		found = "an object"
	}
	c.refuse(path, "is %s; it takes %s", found, want)
}
