package orders

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/api/orders/surface"
	"github.com/assetry/assetry/shared/ratelimit"
)

const (
	both     = "application/graphql-response+json, application/json" // what graphql-request accepts
	asJSON   = surface.MediaJSON
	asAnswer = surface.MediaGraphQL
)

// The HTTP of the API, row by row: what is sent, the status for a client that knows the media type of GraphQL and for one that does not, the code.
func TestStatusAndCode(t *testing.T) {
	d := newDesk(t, ratelimit.Options{})
	get := func(query string, more ...string) string {
		v := url.Values{"query": {query}}
		for i := 0; i < len(more); i += 2 {
			v.Add(more[i], more[i+1])
		}
		return surface.GraphQL + "?" + v.Encode()
	}
	const post, ok = surface.GraphQL, http.StatusOK
	for name, c := range map[string]struct {
		method, target, body string
		headers              []string
		graphQL, json        int
		code, message        string
	}{
		"a query":                        {"POST", post, `{"query": "{ __typename }"}`, nil, ok, ok, "", ""},
		"a mutation":                     {"POST", post, `{"query": "mutation { __typename }"}`, nil, ok, ok, "", ""},
		"a named operation of two":       {"POST", post, `{"query": "query A { __typename } mutation B { __typename }", "operationName": "B"}`, nil, ok, ok, "", ""},
		"a query by GET":                 {"GET", get("{ __typename }"), "", nil, ok, ok, "", ""},
		"a query by GET with variables":  {"GET", get("query ($a: Boolean!) { __typename @skip(if: $a) }", "variables", `{"a": false}`, "operationName", ""), "", nil, ok, ok, "", ""},
		"a mutation by GET":              {"GET", get("mutation { __typename }"), "", nil, 405, 405, "BAD_USER_INPUT", "is not sent by GET"},
		"a mutation by GET, named":       {"GET", get("query A { __typename } mutation B { __typename }", "operationName", "B"), "", nil, 405, 405, "BAD_USER_INPUT", "is not sent by GET"},
		"PUT":                            {"PUT", post, "", nil, 405, 405, "BAD_USER_INPUT", "It takes POST, GET"},
		"a form":                         {"POST", post, "query=x", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, 415, "BAD_USER_INPUT", "application/json"},
		"a bare query":                   {"POST", post, "{ __typename }", []string{"Content-Type", "application/graphql"}, 415, 415, "BAD_USER_INPUT", "application/json"},
		"JSON in Latin-1":                {"POST", post, "{}", []string{"Content-Type", "application/json; charset=latin1"}, 415, 415, "BAD_USER_INPUT", "UTF-8"},
		"no type":                        {"POST", post, "{}", []string{"Content-Type", ""}, 415, 415, "BAD_USER_INPUT", "application/json"},
		"a compressed body":              {"POST", post, "{}", []string{"Content-Encoding", "gzip"}, 415, 415, "BAD_USER_INPUT", "as it is"},
		"a batch":                        {"POST", post, ` [{"query": "{ __typename }"}]`, nil, 400, 400, "BAD_USER_INPUT", "batches"},
		"no JSON":                        {"POST", post, `{"query": `, nil, 400, 400, "BAD_USER_INPUT", "is not JSON"},
		"JSON and more":                  {"POST", post, `{"query": "{ __typename }"} {}`, nil, 400, 400, "BAD_USER_INPUT", "is not JSON"},
		"a body of null":                 {"POST", post, `null`, nil, 400, 400, "BAD_USER_INPUT", "has no query"},
		"a body that is a string":        {"POST", post, `"x"`, nil, 400, 400, "BAD_USER_INPUT", "wrong type"},
		"an empty body":                  {"POST", post, ``, nil, 400, 400, "BAD_USER_INPUT", "is not JSON"},
		"no query":                       {"POST", post, `{"variables": {}}`, nil, 400, 400, "BAD_USER_INPUT", "has no query"},
		"no query by GET":                {"GET", post, "", nil, 400, 400, "BAD_USER_INPUT", "has no query"},
		"a query that is a number":       {"POST", post, `{"query": 5}`, nil, 400, 400, "BAD_USER_INPUT", `"query" of the body is of the wrong type`},
		"variables that are a list":      {"POST", post, `{"query": "{ __typename }", "variables": [1]}`, nil, 400, 400, "BAD_USER_INPUT", `"variables"`},
		"variables by GET, broken":       {"GET", get("{ __typename }", "variables", "{"), "", nil, 400, 400, "BAD_USER_INPUT", "variables: is not an object"},
		"two queries by GET":             {"GET", get("{ __typename }", "query", "x"), "", nil, 400, 400, "BAD_USER_INPUT", "query: is there 2 times"},
		"no UTF-8":                       {"POST", post, "{\"query\": \"\xff\"}", nil, 400, 400, "BAD_USER_INPUT", "not UTF-8"},
		"half of a character":            {"POST", post, `{"query": "{ __typename }", "variables": {"a": "\ud83c!"}}`, nil, 400, 400, "BAD_USER_INPUT", "surrogate"},
		"a whole character":              {"POST", post, `{"query": "{ __typename }", "variables": {"a": "\uD83C\uDF06 \\ud83c"}}`, nil, ok, ok, "", ""},
		"deep JSON":                      {"POST", post, `{"query": "{ __typename }", "variables": {"a": ` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}}`, nil, 400, 400, "BAD_USER_INPUT", "nest deeper"},
		"many values":                    {"POST", post, `{"query": "{ __typename }", "variables": {"a": [` + strings.Repeat("1,", 60_000) + `1]}}`, nil, 400, 400, "BAD_USER_INPUT", "more than 50000 values"},
		"a body of 3 MB":                 {"POST", post, `{"query": "` + strings.Repeat("x", 3<<20) + `"}`, nil, 413, 413, "BAD_USER_INPUT", "2097152 bytes"},
		"extensions and other fields":    {"POST", post, `{"query": "{ __typename }", "extensions": {"clientLibrary": {"name": "@apollo/client"}, "persistedQuery": {"version": 1}}, "doc": 1}`, nil, ok, ok, "", ""},
		"variables that nothing defines": {"POST", post, `{"query": "{ __typename }", "variables": {"a": 1}}`, nil, ok, ok, "", ""},
		"null for what may be absent":    {"POST", post, `{"query": "{ __typename }", "variables": null, "operationName": null, "extensions": null}`, nil, ok, ok, "", ""},
		"a persisted query without text": {"POST", post, `{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "x"}}}`, nil, 400, ok, "BAD_USER_INPUT", "PersistedQueryNotSupported"},
		"the same by GET":                {"GET", post + "?extensions=" + url.QueryEscape(`{"persistedQuery": {}}`), "", nil, 400, ok, "BAD_USER_INPUT", "PersistedQueryNotSupported"},
		"what is no GraphQL":             {"POST", post, `{"query": "{ order("}`, nil, 400, ok, "BAD_USER_INPUT", "the end of the query"},
		"a field that does not exist":    {"POST", post, `{"query": "{ ordre { order_id } }"}`, nil, 400, ok, "BAD_USER_INPUT", `Did you mean "order"`},
		"an argument that is missing":    {"POST", post, `{"query": "{ order { order_id } }"}`, nil, 400, ok, "BAD_USER_INPUT", "order_id"},
		"a literal of the wrong type":    {"POST", post, `{"query": "{ order(order_id: true) { order_id } }"}`, nil, 400, ok, "BAD_USER_INPUT", "ID"},
		"a variable that is missing":     {"POST", post, `{"query": "query ($o: ID!) { order(order_id: $o) { order_id } }"}`, nil, 400, ok, "BAD_USER_INPUT", "$o: is missing; it takes ID!"},
		"a variable that is null":        {"POST", post, `{"query": "query ($o: ID!) { order(order_id: $o) { order_id } }", "variables": {"o": null}}`, nil, 400, ok, "BAD_USER_INPUT", "$o: is null"},
		"a variable of the wrong type":   {"POST", post, `{"query": "query ($n: Int) { orders(first: $n) { next_cursor } }", "variables": {"n": "5"}}`, nil, 400, ok, "BAD_USER_INPUT", `$n: is "5"; it takes Int`},
		"an Int of more than 32 bits":    {"POST", post, `{"query": "query ($n: Int) { orders(first: $n) { next_cursor } }", "variables": {"n": 2147483648}}`, nil, 400, ok, "BAD_USER_INPUT", "$n: is 2147483648; it takes Int"},
		"a number for a string":          {"POST", post, `{"query": "query ($n: String) { orders(after: $n) { next_cursor } }", "variables": {"n": 5}}`, nil, 400, ok, "BAD_USER_INPUT", "$n: is 5; it takes String"},
		"a variable in a list":           {"POST", post, `{"query": "mutation ($p: [UploadPartInput!]) { finalizeUpload(asset_id: 1, parts: $p) { asset_id } }", "variables": {"p": [{"PartNumber": 1, "ETag": "a"}, {"PartNumber": 1.5}]}}`, nil, 400, ok, "BAD_USER_INPUT", "$p[1].PartNumber: is 1.5; it takes Int"},
		"an input with a field too many": {"POST", post, `{"query": "mutation ($p: [UploadPartInput!]) { finalizeUpload(asset_id: 1, parts: $p) { asset_id } }", "variables": {"p": [{"PartNumber": 1, "ETag": "a", "Size": 1}]}}`, nil, 400, ok, "BAD_USER_INPUT", `has a field "Size"`},
		"two operations and no name":     {"POST", post, `{"query": "query A { __typename } query B { __typename }"}`, nil, 400, ok, "BAD_USER_INPUT", "say by operationName which one"},
		"a name of no operation":         {"POST", post, `{"query": "query A { __typename }", "operationName": "C"}`, nil, 400, ok, "BAD_USER_INPUT", `operationName is "C"`},
		"a subscription":                 {"POST", post, `{"query": "subscription { a }"}`, nil, 400, ok, "BAD_USER_INPUT", "subscription"},
		"a directive of the engine":      {"POST", post, `{"query": "{ ... @defer { __typename } }"}`, nil, 400, ok, "BAD_USER_INPUT", "defer"},
		"two fields full of URLs": {"POST", post, `{"query": "mutation { a: reissueUpload(asset_id: 1) { part_urls } b: reissueUpload(asset_id: 2) { part_urls } }"}`,
			nil, 400, ok, "BAD_USER_INPUT", "send each in a request of its own"},
		"an idempotency key for two mutations": {"POST", post, `{"query": "mutation { a: __typename b: __typename }"}`, []string{"Idempotency-Key", "k-1"}, 400, 400, "BAD_USER_INPUT", "Idempotency-Key: came with 2 mutations"},
		"an idempotency key of a query":        {"POST", post, `{"query": "{ a: __typename b: __typename }"}`, []string{"Idempotency-Key", "k-1"}, ok, ok, "", ""},
		"no token":                             {"POST", post, `{"query": "{ __typename }"}`, []string{"Authorization", ""}, 401, 401, "UNAUTHENTICATED", "Authorization: Bearer"},
		"another scheme":                       {"POST", post, `{"query": "{ __typename }"}`, []string{"Authorization", "Basic " + d.token}, 401, 401, "UNAUTHENTICATED", "No access token"},
		"a token that is changed":              {"POST", post, `{"query": "{ __typename }"}`, []string{"Authorization", "Bearer " + d.token[:len(d.token)-2] + "AA"}, 401, 401, "UNAUTHENTICATED", ""},
		"a wrong query without a token":        {"POST", post, `[`, []string{"Authorization", ""}, 401, 401, "UNAUTHENTICATED", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for accept, want := range map[string]int{both: c.graphQL, asJSON: c.json} {
				got := d.send(t, c.method, c.target, c.body, append([]string{"Accept", accept}, c.headers...)...)
				if got.status != want || got.code() != c.code || !strings.Contains(got.message(), c.message) {
					t.Errorf("accepting %s: %d %s %q; want %d %s %q", accept, got.status, got.code(), got.message(), want, c.code, c.message)
				}
				checkHeaders(t, got, accept, c.code)
			}
		})
	}
}

// checkHeaders holds what every answer has.
func checkHeaders(t *testing.T, a answer, accept, code string) {
	t.Helper()
	media := surface.MediaJSON
	if accept == both {
		media = surface.MediaGraphQL
	}
	for name, want := range map[string]string{"Content-Type": media + "; charset=utf-8", "Cache-Control": "no-store", "Vary": "Accept-Encoding"} {
		if got := a.header.Get(name); got != want && (name != "Vary" || a.header.Get("Allow") != "POST, GET") { // which the door never saw
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	limited := a.status != 401 && !(a.status == 405 && a.header.Get("Allow") != "POST")
	if (a.header.Get("X-RateLimit-Remaining") != "") != limited {
		t.Errorf("status %d: X-RateLimit-Remaining %q", a.status, a.header.Get("X-RateLimit-Remaining"))
	}
	if a.status == 401 && !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer ") {
		t.Errorf("401 with WWW-Authenticate %q", a.header.Get("WWW-Authenticate"))
	}
	if code != "" && a.body.Data != nil {
		t.Errorf("a request that was not executed has data %v", a.body.Data)
	}
}

func TestMediaTypes(t *testing.T) {
	d := newDesk(t, ratelimit.Options{})
	for accept, want := range map[string]string{
		"": asJSON, "*/*": asJSON, "application/json": asJSON, "text/html": asJSON, "x;;": asJSON,
		"application/graphql-response+json":                               asAnswer,
		"application/graphql-response+json,application/json;q=0.9":        asAnswer, // Apollo Client's
		"application/json, APPLICATION/graphql-response+json;q=0.1":       asAnswer,
		"application/graphql-response+json;q=0":                           asJSON,
		"application/graphql-response+json;q=x":                           asJSON,
		"application/graphql-response+json; charset=utf-8, text/html;q=1": asAnswer,
	} {
		got := d.send(t, "POST", surface.GraphQL, `{"query": "{ __typename }"}`, "Accept", accept)
		if got.header.Get("Content-Type") != want+"; charset=utf-8" {
			t.Errorf("Accept %q is answered as %q, want %s", accept, got.header.Get("Content-Type"), want)
		}
	}
}

func TestErrorsSayWhere(t *testing.T) {
	d := newDesk(t, ratelimit.Options{})
	for query, want := range map[string][2]int{
		"{\n  order(":                {2, 9},
		"{\n  ordre { order_id }\n}": {2, 3},
		"query (\n $o: ID!) { order(order_id: $o) { order_id } }": {2, 2},
	} {
		got := d.send(t, "POST", surface.GraphQL, asking(t, query, nil))
		if len(got.body.Errors) == 0 || len(got.body.Errors[0].Locations) == 0 {
			t.Errorf("%q: %s says no place", query, got.text)
			continue
		}
		if at := got.body.Errors[0].Locations[0]; at.Line != want[0] || at.Column != want[1] {
			t.Errorf("%q: %d:%d, want %v", query, at.Line, at.Column, want)
		}
	}
}

func TestTypenameIsInEveryAnswer(t *testing.T) {
	d := newDesk(t, ratelimit.Options{})
	d.hidden = true
	got := d.send(t, "POST", surface.GraphQL, asking(t, "query Q { __typename ...F } fragment F on Query { again: __typename }", nil))
	if got.text != "{\"data\":{\"__typename\":\"Query\",\"again\":\"Query\"}}\n" {
		t.Errorf("answer %s", got.text)
	}
}

// introspection is the query of graphql-js, which code generators send.
const introspection = `query IntrospectionQuery { __schema { queryType { name } mutationType { name } subscriptionType { name } types { ...FullType }
  directives { name description locations args { ...InputValue } } } }
  fragment FullType on __Type { kind name description fields(includeDeprecated: true) { name description args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
  inputFields { ...InputValue } interfaces { ...TypeRef } enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
  fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
  fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }`

func TestIntrospectionIsASetting(t *testing.T) {
	d := newDesk(t, ratelimit.Options{})
	got := d.send(t, "POST", surface.GraphQL, asking(t, introspection, nil), "Accept-Encoding", "gzip")
	if got.status != 200 || got.code() != "" || !strings.Contains(got.text, `"name":"PartURL"`) || strings.Contains(got.text, `"defer"`) {
		t.Errorf("the schema: %d %s %.200s", got.status, got.code(), got.text)
	}
	if again := d.send(t, "POST", surface.GraphQL, asking(t, `{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }`, nil)); again.code() != "BAD_USER_INPUT" {
		t.Errorf("types within types within types: %.200s", again.text)
	}
	d.hidden = true
	for _, q := range []string{introspection, `{ __type(name: "Order") { name } }`, `{ ...A } fragment A on Query { a: __schema { queryType { name } } }`} {
		if got := d.send(t, "POST", surface.GraphQL, asking(t, q, nil)); got.code() != "BAD_USER_INPUT" || !strings.Contains(got.message(), surface.Schema) || got.body.Data != nil {
			t.Errorf("%.40s where it is switched off: %.200s", q, got.text)
		}
	}
}

func TestLongAnswersAreCompressedForWhoTakesIt(t *testing.T) {
	d := newDesk(t, ratelimit.Options{})
	for accept, packed := range map[string]bool{
		"": false, "gzip": true, "br;q=1.0, gzip;q=0.8, *;q=0.1": true, "gzip;q=0": false, "identity": false, "*": true, "*;q=0": false, "deflate, GZIP": true, "gzip;q=x": false,
	} {
		got := d.send(t, "POST", surface.GraphQL, asking(t, introspection, nil), "Accept-Encoding", accept)
		if (got.header.Get("Content-Encoding") == "gzip") != packed || !strings.Contains(got.text, "PartURL") || got.header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("Accept-Encoding %q: %v, %d bytes of %d", accept, got.header, len(got.raw), len(got.text))
		}
	}
	if got := d.send(t, "POST", surface.GraphQL, `{"query": "{ __typename }"}`, "Accept-Encoding", "gzip"); got.header.Get("Content-Encoding") != "" {
		t.Error("a short answer is compressed")
	}
}

func TestRootFieldsAreCountedAgainstTheLimit(t *testing.T) {
	d := newDesk(t, ratelimit.Options{Standard: 10})
	state := func(a answer) string {
		return a.header.Get("X-RateLimit-Limit") + " " + a.header.Get("X-RateLimit-Remaining")
	}
	send := func(body string) answer { return d.send(t, "POST", surface.GraphQL, body, "Accept", both) }
	for _, step := range []struct{ body, want string }{
		{`{"query": "{ __typename }"}`, "10 9"},
		{`{"query": "{ ...A b: __typename } fragment A on Query { a: __typename c: __typename }"}`, "10 6"},
		{`[]`, "10 5"},
		{`{"query": "{ nothing }"}`, "10 4"},
		{`{"query": "{"}`, "10 3"},
		{`{"query": "query A { a: __typename b: __typename c: __typename } query B { __typename }", "operationName": "B"}`, "10 2"},
	} {
		if got := state(send(step.body)); got != step.want {
			t.Errorf("after %s: %s, want %s", step.body, got, step.want)
		}
	}
	over := send(`{"query": "{ a: __typename b: __typename c: __typename }"}`)
	wait, err := strconv.Atoi(over.header.Get("Retry-After"))
	if over.status != 429 || over.code() != "RATE_LIMITED" || err != nil || wait < 1 || wait > 3600 || over.body.Data != nil {
		t.Errorf("above the limit: %d %s Retry-After %q", over.status, over.text, over.header.Get("Retry-After"))
	}
	reset, err := strconv.ParseInt(over.header.Get("X-RateLimit-Reset"), 10, 64)
	if until := time.Until(time.Unix(reset, 0)); err != nil || until <= 0 || until > time.Hour || state(over) == " " {
		t.Errorf("X-RateLimit-Reset %q, limit %q", over.header.Get("X-RateLimit-Reset"), state(over))
	}
	if got := d.send(t, "POST", surface.GraphQL, `{"query": "{ a: __typename b: __typename c: __typename }"}`, "Accept", asJSON); got.status != 429 {
		t.Errorf("above the limit, as JSON: %d", got.status)
	}
}
