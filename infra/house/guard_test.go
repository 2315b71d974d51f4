package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayPermit are the folders whose code may widen what outgoing connections reach, beside all tests.
var mayPermit = []string{"infra/local", "infra/acceptance", "infra/soak"}

// guardPath is the package that makes outgoing connections for addresses of clients.
const guardPath = module + "shared/guard"

// localSources is the build tag under which functions reach sources on this machine, and permitted the one file of theirs that may then permit it.
const (
	localSources = "assetry_local_sources"
	permitted    = "shared/boot/reach_local.go"
)

func TestOnlyTheLocalStackAndTestsPermitExceptionsOfTheGuard(t *testing.T) {
	for _, p := range packages(t) {
		if slices.ContainsFunc(mayPermit, func(folder string) bool { return below(p.path, folder) }) {
			continue
		}
		for _, f := range p.files {
			if f.test || f.name == permitted {
				continue
			}
			for _, what := range permits(f.File, p.path == "shared/guard") {
				t.Errorf("%s has %s: only %v and tests may widen what is reached", f.name, what, mayPermit)
			}
		}
	}
}

// TestTheGuardIsOpenedByABuildTagAlone holds that the one file of the functions which opens the guard is compiled under its tag only, that it
// looks at no variable, and that nothing which builds for AWS has the tag.
func TestTheGuardIsOpenedByABuildTagAlone(t *testing.T) {
	source, err := os.ReadFile(filepath.Join(root, permitted))
	if err != nil {
		t.Fatal(err)
	}
	if first, _, _ := strings.Cut(string(source), "\n"); first != "//go:build "+localSources {
		t.Errorf("%s begins with %q, want //go:build %s", permitted, first, localSources)
	}
	f, err := parser.ParseFile(token.NewFileSet(), permitted, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Imports) != 1 || f.Imports[0].Path.Value != strconv.Quote(guardPath) {
		t.Errorf("%s imports more than the guard: what it permits may depend on nothing", permitted)
	}
	for _, file := range []string{"Makefile", "samconfig.toml", "template.yaml", ".ci/run"} {
		b, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), localSources) {
			t.Errorf("%s has the tag %s: what is deployed must not be built with it", file, localSources)
		}
	}
	if len(permits(f, false)) == 0 {
		t.Errorf("%s permits nothing, so this test holds nothing", permitted)
	}
}

// permits are the places of a file that mention the guard's Permit, by whatever name the package is imported, or that could. Its fields are
// unexported, so that in the guard alone a Permission could be made another way.
func permits(f *ast.File, inGuard bool) (found []string) {
	names := importedAs(f, guardPath)
	if slices.Contains(names, ".") {
		found = append(found, "a dot import of the guard")
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && slices.Contains(names, x.Name) && (n.Sel.Name == "Permit" || n.Sel.Name == "Exceptions") {
				found = append(found, "guard."+n.Sel.Name)
			}
		case *ast.FuncDecl:
			return !inGuard || n.Name.Name != "Permit" // what it does itself is its purpose
		case *ast.CallExpr:
			if x, ok := n.Fun.(*ast.Ident); inGuard && ok && x.Name == "Permit" {
				found = append(found, "a call of Permit")
			}
		case *ast.CompositeLit:
			if x, ok := n.Type.(*ast.Ident); inGuard && ok && (x.Name == "Exceptions" || x.Name == "Permission") {
				found = append(found, "a literal "+x.Name)
			}
		case *ast.AssignStmt:
			if inGuard && slices.ContainsFunc(n.Lhs, isPermissionField) {
				found = append(found, "an assignment to a Permission")
			}
		}
		return true
	})
	return found
}

// isPermissionField says whether an expression is a field of a Permission or an Exceptions, by its name.
func isPermissionField(e ast.Expr) bool {
	s, ok := e.(*ast.SelectorExpr)
	return ok && slices.Contains([]string{"loopback", "plainHTTP", "ports", "Loopback", "PlainHTTP", "Ports", "Permission"}, s.Sel.Name)
}

// importedAs are the names of an imported package in a file.
func importedAs(f *ast.File, path string) (names []string) {
	for _, spec := range f.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err != nil || p != path {
			continue
		}
		name := path[strings.LastIndexByte(path, '/')+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names = append(names, name)
	}
	return names
}

// connecting are what makes connections of its own in net/http and net. Who fetches for clients has them from the guard.
var connecting = map[string][]string{
	"net/http": {"Get", "Head", "Post", "PostForm", "DefaultClient", "DefaultTransport", "Client", "Transport", "ProxyFromEnvironment"},
	"net":      {"Dial", "DialTimeout", "DialTCP", "Dialer"},
}

func TestDriversOfForeignAddressesConnectThroughTheGuard(t *testing.T) {
	drivers := 0
	for _, p := range packages(t) {
		if p.path != "shared/importer" && p.path != "shared/webhook/sender" {
			continue
		}
		drivers++
		for _, f := range p.files {
			if f.test {
				continue
			}
			for _, what := range connects(f.File) {
				t.Errorf("%s uses %s: connections for addresses of clients are made by guard.Transport alone", f.name, what)
			}
		}
	}
	if drivers != 2 {
		t.Errorf("found %d drivers of foreign addresses, want 2", drivers)
	}
}

func connects(f *ast.File) (found []string) {
	ast.Inspect(f, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := s.X.(*ast.Ident)
		if ok && (x.Name == "http" && slices.Contains(connecting["net/http"], s.Sel.Name) || x.Name == "net" && slices.Contains(connecting["net"], s.Sel.Name)) {
			found = append(found, x.Name+"."+s.Sel.Name)
		}
		return true
	})
	return found
}

// The rules above pass in silence; this one shows that they speak.
func TestRulesOfTheGuardSpeak(t *testing.T) {
	const imports = "package p\nimport (\n\t\"net/http\"\n\t\"" + guardPath + "\"\n\tother \"" + guardPath + "\"\n)\n"
	for _, tt := range []struct {
		name, source string
		inGuard      bool
		want         int
	}{
		{"options without exceptions", imports + `var o = guard.Options{Idle: 4}`, false, 0},
		{"a call", imports + `var p = guard.Permit(guard.Exceptions{Loopback: true})`, false, 2},
		{"the function as a value", imports + `var f = guard.Permit`, false, 1},
		{"its second name in a file", imports + `var f = other.Permit`, false, 1},
		{"another name for the package", "package p\nimport g \"" + guardPath + "\"\nvar f = g.Permit", false, 1},
		{"a dot import", "package p\nimport . \"" + guardPath + "\"\nvar f = Permit", false, 1},
		{"Permit itself", "package guard\nfunc Permit(e Exceptions) Permission { return Permission{loopback: e.Loopback} }", true, 0},
		{"the guard calling it", "package guard\nfunc Open() Permission { return Permit(Exceptions{}) }", true, 2},
		{"the guard making a permission", "package guard\nfunc Open() Permission { return Permission{loopback: true} }", true, 1},
		{"the guard changing one", "package guard\nfunc open(o *Options) { o.Permission.loopback = true }", true, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := parser.ParseFile(token.NewFileSet(), "p.go", tt.source, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			if got := permits(f, tt.inGuard); len(got) != tt.want {
				t.Errorf("permits = %v, want %d places", got, tt.want)
			}
		})
	}
	f, err := parser.ParseFile(token.NewFileSet(), "p.go", "package p\nimport \"net/http\"\nvar c = http.Client{Transport: http.DefaultTransport}", parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	if got := connects(f); len(got) != 2 {
		t.Errorf("connects = %v, want the client and the default transport", got)
	}
}
