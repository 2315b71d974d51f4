package orders_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// schemaOf reads the schema that this API publishes.
func schemaOf(t *testing.T) *ast.Schema {
	t.Helper()
	text, err := os.ReadFile("schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	s, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// roots are the fields of Query and Mutation, by name.
func roots(s *ast.Schema) map[string]*ast.FieldDefinition {
	all := map[string]*ast.FieldDefinition{}
	for _, f := range slices.Concat(s.Query.Fields, s.Mutation.Fields) {
		if !strings.HasPrefix(f.Name, "__") {
			all[f.Name] = f
		}
	}
	return all
}

// world has something of each kind that arguments name.
type world struct {
	*stack
	schema                       *ast.Schema
	orderID, single, multi, hook string
	uploadID                     string
}

func newWorld(t *testing.T) *world {
	w := &world{stack: newStack(t), schema: schemaOf(t)}
	w.orderID = w.newOrder().OrderID
	w.single = w.begin(w.orderID, "xyz", "single", "").AssetID
	m := w.begin(w.orderID, "xyz", "multi", ", total_parts: 2")
	w.multi, w.uploadID = m.AssetID, *m.UploadID
	w.hook = get[gotWebhook](w.stack, request{query: `mutation { createWebhook(webhook_url: "https://hooks.example/") { ` + webhookFields + ` } }`}).WebhookID
	return w
}

// arguments are values for every argument of every field of Query and Mutation, with which it does something.
func (w *world) arguments() map[string]map[string]any {
	part := map[string]any{"PartNumber": 1, "ETag": "abc"}
	return map[string]map[string]any{
		"order":         {"order_id": w.orderID},
		"orders":        {"first": 10, "after": nil, "order_status": "DRAFT"},
		"uploadSession": {"asset_id": w.multi, "after": "1"},
		"asset":         {"asset_id": w.single},
		"webhooks":      {},
		"initializeOrder": {
			"order_name": "Town hall", "product": "areaplan", "estimated_sqft": 900, "address": "1 Main Street", "model_units": "METRIC", "metadata": map[string]any{"a": 1},
		},
		"updateOrder": {
			"order_id": w.orderID, "order_name": "Town hall", "product": "areaplan", "estimated_sqft": 900, "address": "1 Main Street", "model_units": "METRIC",
			"metadata": map[string]any{"a": 1},
		},
		"initializeUpload": {
			"order_id": w.orderID, "asset_type": "xyz", "upload_type": "multi", "total_parts": 2, "url": nil, "size_bytes": 12_000_000, "first": 1,
		},
		"reissueUpload":       {"asset_id": w.multi, "after": nil, "part_numbers": []any{1}, "first": 2},
		"finalizeUpload":      {"asset_id": w.multi, "order_id": w.orderID, "upload_id": w.uploadID, "parts": []any{part}},
		"abandonUpload":       {"asset_id": w.multi},
		"attachAsset":         {"order_id": w.orderID, "asset_id": w.single},
		"finalizeOrder":       {"order_id": w.orderID},
		"cancelOrder":         {"order_id": w.orderID},
		"initializeDownload":  {"asset_id": w.single},
		"createWebhook":       {"webhook_url": "https://hooks.example/"},
		"updateWebhook":       {"webhook_id": w.hook, "webhook_url": "https://other.example/"},
		"rotateWebhookSecret": {"webhook_id": w.hook},
		"deleteWebhook":       {"webhook_id": w.hook},
	}
}

// ask makes a request for one field with some arguments: as variables, or as literals.
func (w *world) asking(field string, args map[string]any, literal bool) request {
	def := roots(w.schema)[field]
	var defs, uses []string
	for _, name := range slices.Sorted(maps.Keys(args)) {
		arg := def.Arguments.ForName(name)
		typ := "String"
		if arg != nil {
			typ = strings.TrimSuffix(arg.Type.String(), "!") // so that null and nothing get as far as the argument
			if arg.Type.NonNull {
				typ += "!"
			}
		}
		defs, uses = append(defs, "$"+name+": "+typ), append(uses, name+": $"+name)
		if literal {
			uses[len(uses)-1] = name + ": " + literalOf(args[name])
		}
	}
	kind := "query"
	if w.schema.Mutation.Fields.ForName(field) != nil {
		kind = "mutation"
	}
	var in request
	if len(defs) > 0 && !literal {
		kind += "(" + strings.Join(defs, ", ") + ")"
		text, err := json.Marshal(args)
		if err != nil {
			w.t.Fatal(err)
		}
		in.variables = string(text)
	}
	call := field
	if len(uses) > 0 {
		call += "(" + strings.Join(uses, ", ") + ")"
	}
	in.query = kind + " { " + call + " { __typename } }"
	return in
}

// literalOf is a value as a literal of GraphQL: JSON whose keys have no quotes.
func literalOf(v any) string {
	switch v := v.(type) {
	case map[string]any:
		var fields []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			fields = append(fields, k+": "+literalOf(v[k]))
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case []any:
		var items []string
		for _, item := range v {
			items = append(items, literalOf(item))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	text, _ := json.Marshal(v) // nothing else is in the tables
	return string(text)
}

// wrong are values that an argument of a type does not take, by what is wrong with them.
func wrong(typ *ast.Type) map[string]any {
	object, list, text := map[string]any{"a": 1}, []any{[]any{1}}, "seven"
	switch typ.Name() {
	case "String":
		return map[string]any{"a number": 7, "a boolean": true, "an object": object}
	case "ID":
		return map[string]any{"a boolean": true, "a fraction": 1.5, "an object": object}
	case "Int":
		bad := map[string]any{"a string": text, "a fraction": 1.5, "a boolean": true, "an object": object, "more than 32 bits": int64(1) << 31}
		if typ.Elem != nil {
			bad["a list with null"], bad["a list in a list"] = []any{1, nil}, list
		}
		return bad
	case "Float":
		return map[string]any{"a string": text, "a boolean": true, "a list": list}
	case "UploadPartInput":
		return map[string]any{
			"strings": []any{text}, "null": []any{nil}, "no number": []any{map[string]any{"ETag": "x"}}, "no tag": []any{map[string]any{"PartNumber": 1}},
			"a number as a string": []any{map[string]any{"PartNumber": "1", "ETag": "x"}},
			"a field too many":     []any{map[string]any{"PartNumber": 1, "ETag": "x", "Size": 1}},
		}
	}
	return nil // JSON takes everything
}

// unknown are the texts that are no value of an argument, and the code they get. Arguments that take any text are not here.
var unknown = map[string]string{
	"order_id": "NOT_FOUND", "asset_id": "NOT_FOUND", "webhook_id": "NOT_FOUND", "after": "BAD_USER_INPUT", "order_status": "BAD_USER_INPUT",
	"product": "BAD_USER_INPUT", "model_units": "BAD_USER_INPUT", "asset_type": "BAD_USER_INPUT", "upload_type": "BAD_USER_INPUT", "url": "BAD_USER_INPUT",
	"upload_id": "BAD_USER_INPUT", "webhook_url": "BAD_USER_INPUT",
}

// badCase is a value of an argument that must be refused.
type badCase struct {
	field, argument, name string
	args                  map[string]any
	code                  string
}

// badCases are made from the schema, so that an argument that is added is tried too.
func (w *world) badCases() (cases []badCase) {
	for _, field := range slices.Sorted(maps.Keys(roots(w.schema))) {
		def, valid := roots(w.schema)[field], w.arguments()[field]
		if valid == nil {
			w.t.Fatalf("the field %s has no values to be tried with; add them to arguments", field)
		}
		with := func(arg, name, code string, v any) {
			args := maps.Clone(valid)
			args[arg] = v
			cases = append(cases, badCase{field, arg, name, args, code})
		}
		with("colour", "an argument that is unknown", "BAD_USER_INPUT", "red")
		for _, arg := range def.Arguments {
			if _, tried := valid[arg.Name]; !tried {
				w.t.Fatalf("the argument %s of %s has no value to be tried with; add it to arguments", arg.Name, field)
			}
			if arg.Type.NonNull {
				with(arg.Name, "null", "BAD_USER_INPUT", nil)
				missing := maps.Clone(valid)
				delete(missing, arg.Name)
				cases = append(cases, badCase{field, arg.Name, "nothing", missing, "BAD_USER_INPUT"})
			}
			for name, v := range wrong(arg.Type) {
				with(arg.Name, name, "BAD_USER_INPUT", v)
			}
			w.badTexts(arg, with)
		}
	}
	return cases
}

func (w *world) badTexts(arg *ast.ArgumentDefinition, with func(arg, name, code string, v any)) {
	long := strings.Repeat("x", 100_000)
	switch arg.Type.Name() {
	case "ID":
		with(arg.Name, "an id that is too long", "NOT_FOUND", long)
		with(arg.Name, "nothing but quotes", "NOT_FOUND", "")
	case "String":
		with(arg.Name, "a text that is too long", "BAD_USER_INPUT", long)
	case "JSON":
		with(arg.Name, "more than 16 KB", "BAD_USER_INPUT", long)
		deep := any(1)
		for range 11 {
			deep = []any{deep}
		}
		with(arg.Name, "lists that are 11 deep", "BAD_USER_INPUT", deep)
	}
	if code, known := unknown[arg.Name]; known {
		with(arg.Name, "something unknown", code, "nonsense")
	}
}

// Every argument, missing, null, of each wrong type, too long and unknown, as a variable and as a literal: each is refused by a code, says which
// argument it is about, and changes nothing.
func TestBadInputIsRefusedAndChangesNothing(t *testing.T) {
	w := newWorld(t)
	before := w.order(w.orderID)
	cases := w.badCases()
	for _, c := range cases {
		for _, literal := range []bool{false, true} {
			in := w.asking(c.field, c.args, literal)
			a := w.ask(in)
			if len(a.Errors) == 0 {
				t.Errorf("%s with %s as %s (literal: %t) was taken", c.field, c.name, c.argument, literal)
				continue
			}
			for _, e := range a.Errors {
				if e.Extensions.Code != c.code {
					t.Errorf("%s with %s as %s (literal: %t) gave %s: %s; want %s", c.field, c.name, c.argument, literal, e.Extensions.Code, e.Message, c.code)
				}
			}
			if !a.names(c) {
				t.Errorf("%s with %s as %s (literal: %t): no error says what it is about: %+v", c.field, c.name, c.argument, literal, a.Errors)
			}
		}
	}
	if len(cases) < 150 {
		t.Errorf("only %d cases were made", len(cases))
	}
	if diff := cmp.Diff(before, w.order(w.orderID)); diff != "" {
		t.Errorf("the order has changed (-before +after):\n%s", diff)
	}
	if list := get[struct{ Orders []gotOrder }](w.stack, request{query: `{ orders { orders { order_id } } }`}); len(list.Orders) != 1 {
		t.Errorf("there are %d orders, want the one that there was", len(list.Orders))
	}
}

// names says whether some error tells which argument it is about: in its path, its fields, or its text. What is missing is told of the field.
func (a answer) names(c badCase) bool {
	for _, e := range a.Errors {
		told := e.Message + " " + fmt.Sprint(e.Path)
		for _, f := range e.Extensions.Fields {
			told += " " + f.Name
		}
		if strings.Contains(told, c.argument) || strings.Contains(told, c.field) {
			return true
		}
	}
	return false
}
