package orders

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// What a client sends as JSON comes back as it was: literals and variables, mixed in any way.
func TestJSONKeepsOrderAndDigits(t *testing.T) {
	for _, tt := range []struct{ name, query, variables, want string }{
		{"an object", `{ f(a: {z: 1, a: [true, null, "x"], m: {}}) }`, ``, `{"z":1,"a":[true,null,"x"],"m":{}}`},
		{"numbers with their digits", `{ f(a: [1.10, 1e3, -0, 12345678901234567890, 1.0E-2]) }`, ``, `[1.10,1e3,-0,12345678901234567890,1.0E-2]`},
		{"a string with quotes and signs of HTML", `{ f(a: "say \"<&>\" \u00e9\n") }`, ``, `"say \"<&>\" é\n"`},
		{"a block of text", "{ f(a: \"\"\"\n  one\n  two \"\n\"\"\") }", ``, `"one\ntwo \""`},
		{"a name", `{ f(a: {units: METRIC}) }`, ``, `{"units":"METRIC"}`},
		{"null", `{ f(a: null) }`, ``, `null`},
		{"nothing in lists and objects", `{ f(a: [[], {}]) }`, ``, `[[],{}]`},
		{"a variable", `query($a: JSON) { f(a: $a) }`, `{"a": {"z":1.10, "a":2}}`, `{"z":1.10, "a":2}`},
		{"a variable that is null", `query($a: JSON) { f(a: $a) }`, `{"a": null}`, `null`},
		{"a variable that was not sent", `query($a: JSON) { f(a: $a) }`, `{}`, `null`},
		{"a variable with a default", `query($a: JSON = {b: 1, a: 2}) { f(a: $a) }`, `{}`, `{"b":1,"a":2}`},
		{"a variable within a literal", `query($a: JSON) { f(a: {z: $a, y: [$a]}) }`, `{"a": [3.0]}`, `{"z":[3.0],"y":[[3.0]]}`},
		{"a field whose variable was not sent", `query($a: JSON) { f(a: {z: $a, y: 1}) }`, `{}`, `{"y":1}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc, err := parser.ParseQuery(&ast.Source{Input: tt.query})
			if err != nil {
				t.Fatal(err)
			}
			op := doc.Operations[0]
			a := op.SelectionSet[0].(*ast.Field).Arguments[0].Value
			define(a, op.VariableDefinitions)
			var sent map[string]json.RawMessage
			if tt.variables != "" {
				if err := json.Unmarshal([]byte(tt.variables), &sent); err != nil {
					t.Fatal(err)
				}
			}
			var b bytes.Buffer
			if err := writeJSON(&b, a, sent); err != nil {
				t.Fatal(err)
			}
			if b.String() != tt.want {
				t.Errorf("it is %s, want %s", b.String(), tt.want)
			}
			if !json.Valid(b.Bytes()) {
				t.Errorf("%s is no JSON", b.String())
			}
		})
	}
}

// define links variables to their definitions, as validation does.
func define(v *ast.Value, defs ast.VariableDefinitionList) {
	if v.Kind == ast.Variable {
		v.VariableDefinition = defs.ForName(v.Raw)
	}
	for _, c := range v.Children {
		define(c.Value, defs)
	}
}
