package gateway

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assetry/assetry/infra/template"
	"github.com/assetry/assetry/shared/api/web"
)

// route is one line of API Gateway's routing table.
type route struct {
	key      string // "GET /api/v1/assets", as the event names it
	method   string
	pattern  web.Pattern
	rank     string // orders the patterns that match one path; see rank
	function template.Function
}

// routes is the routing table, the most specific route first.
type routes struct {
	list     []route
	fallback *route
}

func newRoutes(t *template.Template) (*routes, error) {
	rs := &routes{}
	for _, f := range t.Functions {
		for _, e := range template.EventsOf[template.HttpApi](f) {
			r, err := newRoute(f, e)
			if err != nil {
				return nil, fmt.Errorf("%s: event %s: %w", f.Name, e.Name, err)
			}
			if r.key == template.DefaultRoute {
				rs.fallback = &r
			} else {
				rs.list = append(rs.list, r)
			}
		}
	}
	slices.SortStableFunc(rs.list, func(a, b route) int { return strings.Compare(b.rank, a.rank) })
	return rs, nil
}

func newRoute(f template.Function, e template.HttpApi) (route, error) {
	if e.Path == template.DefaultRoute {
		return route{key: e.Key(), function: f}, nil
	}
	p, err := web.ParsePattern(e.Path)
	if err != nil {
		return route{}, err
	}
	return route{key: e.Key(), method: e.Method, pattern: p, rank: rank(e), function: f}, nil
}

// rank makes the more specific of two routes that match one path the greater text: segment by segment a literal beats a
// parameter and a parameter beats a greedy one; between equal paths a method beats ANY.
func rank(e template.HttpApi) string {
	var b strings.Builder
	for segment := range strings.SplitSeq(strings.TrimPrefix(e.Path, "/"), "/") {
		switch {
		case strings.HasSuffix(segment, "+}"):
			b.WriteByte('1')
		case strings.HasPrefix(segment, "{"):
			b.WriteByte('2')
		default:
			b.WriteByte('3')
		}
	}
	if e.Method != template.AnyMethod {
		b.WriteByte('0')
	}
	return b.String()
}

// find is the route of a request and the values of its path parameters; nil where there is none, not even $default.
func (rs *routes) find(method, path string) (*route, map[string]string) {
	for i := range rs.list {
		r := &rs.list[i]
		if r.method != method && r.method != template.AnyMethod {
			continue
		}
		if values, ok := r.pattern.Match(path); ok {
			return r, values
		}
	}
	return rs.fallback, nil
}
