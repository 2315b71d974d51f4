package orders

import (
	"maps"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// nameArguments says of errors about literals which argument they are in, and of which field. Validation tells line and column alone, and a
// program cannot read those.
func nameArguments(doc *ast.QueryDocument, errs gqlerror.List) {
	for _, e := range errs {
		if len(e.Path) > 0 || len(e.Locations) == 0 {
			continue
		}
		find := search{line: e.Locations[0].Line, column: e.Locations[0].Column}
		for _, op := range doc.Operations {
			find.selections(op.SelectionSet, nil)
		}
		for _, f := range doc.Fragments { // which may be in several places of an answer
			find.selections(f.SelectionSet, nil)
			find.path = nil
		}
		if find.argument == "" {
			continue
		}
		told := map[string]any{"fields": []map[string]string{{"name": find.argument, "message": e.Message}}}
		maps.Copy(told, e.Extensions)
		e.Path, e.Extensions, e.Message = find.path, told, find.argument+": "+e.Message
	}
}

// search looks for the argument that has something at a place of the text.
type search struct {
	line, column int
	argument     string // "": not found yet
	path         ast.Path
}

func (s *search) selections(set ast.SelectionSet, path ast.Path) {
	for _, sel := range set {
		if s.argument != "" {
			return
		}
		switch sel := sel.(type) {
		case *ast.Field:
			s.field(sel, append(path[:len(path):len(path)], ast.PathName(sel.Alias)))
		case *ast.InlineFragment:
			s.selections(sel.SelectionSet, path)
		}
	}
}

func (s *search) field(f *ast.Field, path ast.Path) {
	for _, a := range f.Arguments {
		if s.holds(a.Value) {
			s.argument, s.path = a.Name, path
			return
		}
	}
	s.selections(f.SelectionSet, path)
}

func (s *search) holds(v *ast.Value) bool {
	if v.Position != nil && v.Position.Line == s.line && v.Position.Column == s.column {
		return true
	}
	for _, c := range v.Children {
		if c.Position != nil && c.Position.Line == s.line && c.Position.Column == s.column || s.holds(c.Value) {
			return true
		}
	}
	return false
}
