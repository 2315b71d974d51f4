package house

import (
	"go/ast"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

func TestEveryPackageHasOneComment(t *testing.T) {
	for _, p := range packages(t) {
		var with []string
		tests := 0
		for _, f := range p.files {
			if f.Doc != nil {
				with = append(with, f.name)
			}
			if f.test {
				tests++
			}
		}
		if len(with) != 1 {
			t.Errorf("%s has %d package comments %v; want one, in doc.go if there are tests only", p.path, len(with), with)
			continue
		}
		if tests == len(p.files) {
			t.Errorf("%s has tests only; give it a doc.go with its comment", p.path)
		}
		for _, f := range p.files {
			if f.Doc != nil && !strings.HasPrefix(f.Doc.Text(), commentStart(p, f)) {
				t.Errorf("%s: the package comment begins %.40q; want %q", f.name, f.Doc.Text(), commentStart(p, f))
			}
		}
	}
}

// commentStart is how a package comment begins: of a command with its folder's name.
func commentStart(p goPackage, f goFile) string {
	if f.Name.Name == "main" {
		return "Command " + filepath.Base(p.path) + " "
	}
	return "Package " + f.Name.Name + " "
}

func TestEveryExportedNameHasASentenceThatBeginsWithIt(t *testing.T) {
	for _, p := range packages(t) {
		for _, f := range p.files {
			if f.test || ast.IsGenerated(f.File) || !below(p.path, "shared") && !below(p.path, "infra") {
				continue
			}
			for _, d := range f.Decls {
				for _, bad := range uncommented(d) {
					t.Errorf("%s: %s has no comment that begins with it", f.name, bad)
				}
			}
		}
	}
}

// uncommented are the exported names of a declaration without a sentence that begins with them.
func uncommented(d ast.Decl) (bad []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && exportedReceiver(d) && !begins(d.Doc, d.Name.Name) {
			bad = append(bad, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			bad = append(bad, uncommentedSpec(d, s)...)
		}
	}
	return bad
}

// uncommentedSpec allows a group one comment for all, where each may have a remark at the end of its line.
func uncommentedSpec(d *ast.GenDecl, s ast.Spec) (bad []string) {
	var names []*ast.Ident
	var doc *ast.CommentGroup
	switch s := s.(type) {
	case *ast.TypeSpec:
		names, doc = []*ast.Ident{s.Name}, s.Doc
	case *ast.ValueSpec:
		names, doc = s.Names, s.Doc
	}
	grouped := d.Lparen != token.NoPos && d.Doc != nil
	for _, n := range names {
		if n.IsExported() && !grouped && !begins(d.Doc, n.Name) && !begins(doc, n.Name) {
			bad = append(bad, n.Name)
		}
	}
	return bad
}

func begins(c *ast.CommentGroup, name string) bool {
	text := c.Text()
	for _, article := range []string{"", "A ", "An ", "The "} {
		if rest, ok := strings.CutPrefix(text, article+name); ok && (rest == "" || strings.ContainsAny(rest[:1], " ,.:;'\n(")) {
			return true
		}
	}
	return false
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if index, ok := typ.(*ast.IndexExpr); ok {
		typ = index.X
	}
	name, ok := typ.(*ast.Ident)
	return ok && name.IsExported()
}
