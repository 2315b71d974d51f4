package orders

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/assetry/assetry/shared/fault"
)

// named is an error whose fields are called as the schema does; pairs are the domain's name and the schema's.
func named(err error, pairs ...string) error {
	var f *fault.Error
	if !errors.As(err, &f) || len(f.Fields) == 0 {
		return err
	}
	out := *f
	out.Fields = fault.FieldsOf(err)
	for i := range out.Fields {
		for j := 0; j < len(pairs); j += 2 {
			if out.Fields[i].Name == pairs[j] {
				out.Fields[i].Name = pairs[j+1]
			}
		}
	}
	if f.Kind == fault.Invalid {
		var again *fault.Error
		if errors.As(fault.BadFields(out.Fields), &again) {
			out.Message = again.Message // which begins with the names
		}
	}
	return &out
}

// argumentJSON is an argument of the field that is resolved, as JSON: the order of its fields and the digits of its numbers are those that were
// sent. "" is an argument that is absent; null is "null".
func argumentJSON(ctx context.Context, argument string) (string, error) {
	a := graphql.GetFieldContext(ctx).Field.Arguments.ForName(argument)
	if a == nil {
		return "", nil
	}
	var b bytes.Buffer
	err := writeJSON(&b, a.Value, callOf(ctx).variables)
	return b.String(), err
}

// writeJSON writes a literal, or the variable that it names.
func writeJSON(b *bytes.Buffer, v *ast.Value, variables map[string]json.RawMessage) error {
	switch v.Kind {
	case ast.Variable:
		return writeVariable(b, v, variables)
	case ast.NullValue:
		b.WriteString("null")
	case ast.IntValue, ast.FloatValue, ast.BooleanValue: // spelled as JSON does
		b.WriteString(v.Raw)
	case ast.ListValue:
		return writeEach(b, '[', ']', v.Children, variables, false)
	case ast.ObjectValue:
		return writeEach(b, '{', '}', v.Children, variables, true)
	default: // strings, and names, which JSON does not know
		return writeText(b, v.Raw)
	}
	return nil
}

// writeEach writes the parts of a list or an object. Of an object, fields that name a variable without a value are left out, as GraphQL has it.
func writeEach(b *bytes.Buffer, open, end byte, parts ast.ChildValueList, variables map[string]json.RawMessage, keyed bool) error {
	b.WriteByte(open)
	n := 0
	for _, p := range parts {
		if keyed && absent(p.Value, variables) {
			continue
		}
		if n++; n > 1 {
			b.WriteByte(',')
		}
		if keyed {
			if err := writeText(b, p.Name); err != nil {
				return err
			}
			b.WriteByte(':')
		}
		if err := writeJSON(b, p.Value, variables); err != nil {
			return err
		}
	}
	b.WriteByte(end)
	return nil
}

// absent says whether a value is a variable that has none.
func absent(v *ast.Value, variables map[string]json.RawMessage) bool {
	if v.Kind != ast.Variable {
		return false
	}
	_, sent := variables[v.Raw]
	return !sent && (v.VariableDefinition == nil || v.VariableDefinition.DefaultValue == nil)
}

func writeVariable(b *bytes.Buffer, v *ast.Value, variables map[string]json.RawMessage) error {
	if text, sent := variables[v.Raw]; sent {
		b.Write(text)
		return nil
	}
	if d := v.VariableDefinition; d != nil && d.DefaultValue != nil {
		return writeJSON(b, d.DefaultValue, variables)
	}
	b.WriteString("null")
	return nil
}

// writeText writes a string of JSON; none of its characters is written as an escape that needs none.
func writeText(b *bytes.Buffer, s string) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // the encoder ends with a new line
	return nil
}
