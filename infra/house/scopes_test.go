package house

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/orders"
)

// Every field of the schema of the Orders API needs a scope, and the table of them is read in review.
func TestEveryFieldHasItsScope(t *testing.T) {
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: orders.SchemaText()})
	if err != nil {
		t.Fatal(err)
	}
	given := orders.Scopes()
	var listed []string
	for _, d := range schema.Types {
		if d.BuiltIn || d.Kind != ast.Object {
			continue
		}
		for _, f := range d.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			name := d.Name + "." + f.Name
			if s := given[name]; !slices.Contains(account.Scopes(), s) {
				t.Errorf("%s needs no scope: say in shared/api/orders/scopes.go which, read or write", name)
			}
			listed = append(listed, name)
		}
	}
	slices.Sort(listed)
	if d := cmp.Diff(listed, slices.Sorted(maps.Keys(given))); d != "" {
		t.Errorf("fields (-schema.graphql +scopes.go):\n%s", d)
	}
	var table strings.Builder
	for _, name := range listed {
		fmt.Fprintf(&table, "%-5s %s\n", given[name], name)
	}
	golden(t, "infra/house/testdata/scopes.txt", []byte(table.String()))
}
