package web

import (
	"net/http"
	"slices"
)

// Row is one row of a dialect's list of routes: the name of a function, where it answers, and what answers there.
type Row struct {
	Endpoint
	Name    string       // of its folder below functions/
	Handler http.Handler // nil where it is not to be linked
}

// Rows are a dialect's list of routes.
type Rows []Row

// Endpoints are method and path of each, which is what Fallback needs to tell 405 from 404.
func (rs Rows) Endpoints() []Endpoint {
	es := make([]Endpoint, len(rs))
	for i, f := range rs {
		es[i] = f.Endpoint
	}
	return es
}

// With is the function of a name with its handler. A name that is not in the list panics: both are written in code.
func (rs Rows) With(name string, h http.Handler) Row {
	i := slices.IndexFunc(rs, func(r Row) bool { return r.Name == name })
	if i < 0 {
		panic("no function is called " + name)
	}
	f := rs[i]
	f.Handler = h
	return f
}

// All is a function that answers in several places, with its handler: a row for each. A name that is not in the list panics.
func (rs Rows) All(name string, h http.Handler) (all Rows) {
	rs.With(name, h)
	for _, r := range rs {
		if r.Name == name {
			r.Handler = h
			all = append(all, r)
		}
	}
	return all
}
