package house

import (
	"encoding/json"
	"go/ast"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// engines are what each service of boot is built from, as needs of a main.
var engines = map[string][]string{
	"Accounts": {"Table"}, "Assets": {"Table"}, "Folders": {"Table"}, "Projects": {"Table"}, "Idempotency": {"Table"}, "Webhooks": {"Table"}, "Limits": {"Table"},
	"Search": {"Table"}, "Uploads": {"Table", "Bucket"}, "Orders": {"Table", "Bucket"}, "Links": {"Table", "Bucket", "RootKey"}, "Bus": {"Bus"}, "BucketName": {"Bucket"},
	"PublicURL": nil, "Metrics": nil, "Introspection": nil,
}

// TestMainsStateWhatTheyNeed holds the needs that a main gives to boot.AWS against the services that its constructor takes, and against the role
// of its function, which reads the root key where cursors or secrets are made. What is missing there would fail at the first request.
func TestMainsStateWhatTheyNeed(t *testing.T) {
	for _, p := range packages(t) {
		name, ok := strings.CutPrefix(p.path, "functions/")
		if !ok {
			continue
		}
		stated, constructor := needsOf(p.files[0].File)
		want := granted(t, name)
		for _, service := range servicesOf(t, constructor) {
			needs, known := engines[service]
			if !known {
				t.Errorf("%s takes %s; say in needs_test.go what it is built from", constructor, service)
			}
			want = append(want, needs...)
		}
		slices.Sort(want)
		slices.Sort(stated)
		if d := cmp.Diff(slices.Compact(want), stated); d != "" {
			t.Errorf("functions/%s and what it needs (-used +stated to boot.AWS):\n%s", name, d)
		}
	}
}

// granted are the engines that the role of a function reaches.
func granted(t *testing.T, function string) []string {
	t.Helper()
	policies, err := json.Marshal(properties(t, logicalID(function)).(map[string]any)["Policies"])
	if err != nil {
		t.Fatal(err)
	}
	needs := []string{}
	for action, need := range map[string]string{`"dynamodb:`: "Table", `"s3:`: "Bucket", `"events:`: "Bus", `"secretsmanager:`: "RootKey"} {
		if strings.Contains(string(policies), action) {
			needs = append(needs, need)
		}
	}
	return needs
}

// needsOf are the arguments of boot.AWS in a main, and the constructor that takes what it gives, as assets.Create.
func needsOf(f *ast.File) (needs []string, constructor string) {
	needs = []string{}
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		switch callee := selector(call.Fun); {
		case callee == "boot.AWS":
			for _, a := range call.Args {
				needs = append(needs, strings.TrimPrefix(selector(a), "boot."))
			}
		case callee == "web.Lambda", callee == "trigger.Lambda":
			constructor = selector(call.Args[0].(*ast.CallExpr).Fun)
		}
		return true
	})
	return needs, constructor
}

// selector is an expression of the form package.Name; "" is any other.
func selector(e ast.Expr) string {
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	x, ok := s.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return x.Name + "." + s.Sel.Name
}

// servicesOf are the methods of the interface that a constructor takes.
func servicesOf(t *testing.T, constructor string) []string {
	t.Helper()
	pkg, name, _ := strings.Cut(constructor, ".")
	for _, p := range packages(t) {
		if !below(p.path, "shared/api") && !below(p.path, "shared/trigger") || !strings.HasSuffix(p.path, "/"+pkg) {
			continue
		}
		decls := map[string]ast.Expr{}
		var takes string
		for _, f := range p.files {
			if f.test {
				continue
			}
			ast.Inspect(f.File, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.TypeSpec:
					decls[n.Name.Name] = n.Type
				case *ast.FuncDecl:
					if n.Recv == nil && n.Name.Name == name && len(n.Type.Params.List) > 0 {
						takes = n.Type.Params.List[0].Type.(*ast.Ident).Name
					}
				}
				return true
			})
		}
		return methods(decls, takes)
	}
	t.Errorf("no package for %s", constructor)
	return nil
}

// methods are those of an interface and of what it embeds.
func methods(decls map[string]ast.Expr, name string) []string {
	i, ok := decls[name].(*ast.InterfaceType)
	if !ok {
		return nil
	}
	var out []string
	for _, m := range i.Methods.List {
		if embedded, ok := m.Type.(*ast.Ident); ok {
			out = append(out, methods(decls, embedded.Name)...)
		}
		for _, n := range m.Names {
			out = append(out, n.Name)
		}
	}
	return out
}
