package web

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/assetry/assetry/shared/fault"
)

// Endpoint is one row of the list of routes: a method and a path pattern.
type Endpoint struct {
	Method  string // one method, in capitals
	Pattern string // see ParsePattern
}

// refuser is a handler that can also answer a request that never became one, in its own dialect.
type refuser interface {
	http.Handler
	refuse(w http.ResponseWriter, r *http.Request, err error)
}

type route struct {
	methods []string
	pattern Pattern
	dialect Dialect
	handler Handler
}

// Route puts a handler behind a pattern and one method or several, separated by spaces ("GET HEAD"). HEAD reaches a handler only
// where it is named; the body of its answer is dropped. Another path is answered 404, another method 405 with Allow. A wrong
// pattern panics: it is written in code.
func Route(method, pattern string, d Dialect, h Handler) http.Handler {
	return &route{methods: strings.Fields(method), pattern: MustPattern(pattern), dialect: d, handler: h}
}

// ServeHTTP answers the request.
func (t *route) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	serve(w, r, t.pattern.String(), t.dialect, t.handle)
}

func (t *route) handle(w http.ResponseWriter, r *http.Request) error {
	values, ok := t.pattern.Match(r.URL.Path)
	if !ok {
		return NotFound()
	}
	if !slices.Contains(t.methods, r.Method) {
		return notAllowed(r, t.methods)
	}
	for name, v := range values {
		r.SetPathValue(name, v)
	}
	return t.handler(w, r)
}

func (t *route) refuse(w http.ResponseWriter, r *http.Request, err error) {
	serve(w, r, t.pattern.String(), t.dialect, func(http.ResponseWriter, *http.Request) error { return err })
}

// NotFound is the refusal of an address where there is nothing.
func NotFound() error {
	return fault.New(fault.NotFound, "There is nothing at this address. Check the path and the id in it.")
}

// notAllowed notes the methods for the Allow header, which RFC 9110 (15.5.6) demands.
func notAllowed(r *http.Request, methods []string) error {
	allow := strings.Join(methods, ", ")
	if s := stateOf(r.Context()); s != nil {
		s.allow = allow
	}
	return fault.New(fault.MethodNotAllowed, "This address does not take %s. It takes %s.", r.Method, allow)
}

// fallbackLabel is how log lines name requests that no route matched, after API Gateway's own name for that route.
const fallbackLabel = "$default"

type fallback struct {
	table      []Endpoint
	patterns   []Pattern
	dialectFor func(path string) Dialect
}

// Fallback answers what no route matched: 405 with Allow when the table has the path with other methods, else 404, in the dialect of
// the path; Plain where dialectFor gives nil. It links no handler. A wrong pattern panics.
func Fallback(table []Endpoint, dialectFor func(path string) Dialect) http.Handler {
	f := &fallback{table: table, dialectFor: dialectFor}
	for _, e := range table {
		f.patterns = append(f.patterns, MustPattern(e.Pattern))
	}
	return f
}

// ServeHTTP answers the request.
func (f *fallback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	serve(w, r, fallbackLabel, f.dialect(r), func(_ http.ResponseWriter, r *http.Request) error {
		methods := f.methods(r.URL.Path)
		if len(methods) == 0 || slices.Contains(methods, r.Method) {
			return NotFound()
		}
		return notAllowed(r, methods)
	})
}

func (f *fallback) refuse(w http.ResponseWriter, r *http.Request, err error) {
	serve(w, r, fallbackLabel, f.dialect(r), func(http.ResponseWriter, *http.Request) error { return err })
}

func (f *fallback) dialect(r *http.Request) Dialect {
	if d := f.dialectFor(r.URL.Path); d != nil {
		return d
	}
	return Plain{}
}

// methods are those of every pattern that has the path, sorted.
func (f *fallback) methods(path string) []string {
	found := map[string]bool{}
	for i, p := range f.patterns {
		if _, ok := p.Match(path); ok {
			found[f.table[i].Method] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}
