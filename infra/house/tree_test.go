package house

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/shared/enginetest"
)

func TestMain(m *testing.M) { versitytest.Main(m) }

const module = "github.com/assetry/assetry/"

// root is the top folder of the repository.
var root = enginetest.Root()

// goPackage is one folder of Go files.
type goPackage struct {
	path  string // below the module: shared/asset
	files []goFile
}

type goFile struct {
	name string // below the root: shared/asset/asset.go
	test bool
	*ast.File
}

// tree parses every Go file of the repository, once.
var tree = sync.OnceValues(func() ([]goPackage, error) {
	byDir := map[string][]goFile{}
	fset := token.NewFileSet()
	err := walk(func(path string) error {
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		f, err := parser.ParseFile(fset, filepath.Join(root, path), nil, parser.ParseComments|parser.SkipObjectResolution)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		byDir[dir] = append(byDir[dir], goFile{path, strings.HasSuffix(path, "_test.go"), f})
		return err
	})
	var ps []goPackage
	for dir, files := range byDir {
		ps = append(ps, goPackage{dir, files})
	}
	slices.SortFunc(ps, func(a, b goPackage) int { return strings.Compare(a.path, b.path) })
	return ps, err
})

func packages(t *testing.T) []goPackage {
	t.Helper()
	ps, err := tree()
	if err != nil {
		t.Fatalf("parse the repository: %v", err)
	}
	if len(ps) < 40 {
		t.Fatalf("found only %d packages below %s", len(ps), root)
	}
	return ps
}

// walk calls visit for every file, by its path below the root, but for what git does not keep: dot-folders, builds, installed packages.
func walk(visit func(path string) error) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // somebody else's temporary file
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			hidden := strings.HasPrefix(d.Name(), ".") && rel != "." && rel != ".ci"
			if hidden || rel == "dist" || d.Name() == "node_modules" || d.Name() == "__pycache__" {
				return fs.SkipDir
			}
			return nil
		}
		return visit(filepath.ToSlash(rel))
	})
}

// imports are what the package's own files import, not its tests.
func (p goPackage) imports(t *testing.T) []string {
	t.Helper()
	seen := map[string]bool{}
	var list []string
	for _, f := range p.files {
		if f.test {
			continue
		}
		for _, spec := range f.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatalf("%s: import %s: %v", f.name, spec.Path.Value, err)
			}
			if !seen[path] {
				seen[path] = true
				list = append(list, path)
			}
		}
	}
	return list
}

// below says whether a path is a folder or lies in it.
func below(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

// functions are the names of the folders below functions/.
func functions(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root, "functions"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{root}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
