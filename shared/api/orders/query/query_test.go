package query_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/assetry/assetry/shared/api/orders/query"
)

func TestReadFindsOperationsAndTheirRoots(t *testing.T) {
	for name, c := range map[string]struct {
		src  string
		want []query.Operation
	}{
		"a query without a word before it": {`{ order(order_id: "1") { order_id } }`, []query.Operation{{Kind: "query", Roots: []string{"order"}}}},
		"aliases do not hide a field":      {`query Q { a: order b: order }`, []query.Operation{{Kind: "query", Name: "Q", Roots: []string{"order", "order"}}}},
		"fragments are in place, inline ones too": {
			`mutation M { ...A ... on Mutation { finalizeOrder } ... @include(if: true) { cancelOrder } } fragment A on Mutation { abandonUpload ...B } fragment B on Mutation { attachAsset }`,
			[]query.Operation{{Kind: "mutation", Name: "M", Roots: []string{"abandonUpload", "attachAsset", "finalizeOrder", "cancelOrder"}}},
		},
		"several operations": {`query A { order } mutation B { cancelOrder }`, []query.Operation{
			{Kind: "query", Name: "A", Roots: []string{"order"}}, {Kind: "mutation", Name: "B", Roots: []string{"cancelOrder"}},
		}},
		"variables, types, defaults, directives": {
			`query Q($a: [ID!]! = ["x", null, 1.5e3, {b: RED}] @d, $c: Int) @e(f: $c) { order(order_id: $a) @skip(if: false) { x } }`,
			[]query.Operation{{Kind: "query", Name: "Q", Roots: []string{"order"}}},
		},
		"comments, commas and byte order marks mean nothing": {"\uFEFF#c\n,{,order#}\r\n,},#end", []query.Operation{{Kind: "query", Roots: []string{"order"}}}},
		"strings may hold anything":                          {`{ a(s: "}\"{ \\", t: """ "x" } \""" """, u: """""") b }`, []query.Operation{{Kind: "query", Roots: []string{"a", "b"}}}},
		"words of the language are names elsewhere":          {`query query { fragment: mutation(on: on) { on } ... { query } }`, []query.Operation{{Kind: "query", Name: "query", Roots: []string{"mutation", "query"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := query.Read(c.src)
			if err != nil {
				t.Fatalf("Read: %v", err)
			}
			if diff := cmp.Diff(c.want, d.Operations); diff != "" {
				t.Errorf("operations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadRefusesWhatIsNoGraphQLAndSaysWhere(t *testing.T) {
	for src, want := range map[string]string{
		"":                                    "1:1: the query has no operation",
		"{":                                   "1:2: the end of the query stands where a field is expected",
		"{}":                                  "1:2: a } stands where a field is expected",
		"{ a(":                                "1:5: the end of the query stands where the name of an argument",
		"{ a() }":                             "1:5: a ) stands where an argument is expected",
		"query ($) { a }":                     "1:9: a ) stands where the name of a variable",
		"query () { a }":                      "1:8: a ) stands where a variable is expected",
		"{ a }\n{ é }":                        "2:3: the character 'é' has no meaning here",
		"{ a(b: 01) }":                        "1:8: \"01\" is not how a number is written",
		"{ a(b: 1x) }":                        "1:8: \"1x\" is not how a number is written",
		"{ a(b: 1.) }":                        "1:8: \"1.\" is not",
		"{ a(b: 1e) }":                        "1:8: \"1e\" is not",
		"{ a(b: -) }":                         "1:8: \"-\" is not",
		"{ a(b: 99999999999999999999) }":      "1:8: the number 99999999999999999999 is larger than 64 bits hold",
		"{ a(b: 1e999) }":                     "1:8: the number 1e999 is larger",
		"{ a(b: \"x\ny\") }":                  "1:8: a string does not end on its line",
		"{ a(b: \"x":                          "1:8: a string does not end",
		"{ a(b: \"\"\"x\"\" )":                "1:8: a block of text does not end",
		`{ a(b: "\ud83c\udf06") }`:            `1:9: \ud83c is half of a character; write the character itself`,
		"{ a..b }":                            "1:4: the character '.' has no meaning here",
		"{ ...A }":                            "1:3: there is no fragment A",
		"{ a } fragment A on T { b }":         "1:16: nothing spreads the fragment A",
		"{ ...A } fragment A on T { b ...A }": "1:19: the fragment A spreads itself",
		"{ ...A } fragment A on T { ...B } fragment B on T { ...A }": "spreads itself",
		"{ ...A } fragment A on T { b } fragment A on T { b }":       "1:41: a fragment is called A, which is taken",
		"{ ...on } fragment on on T { b }":                           "a } stands where the name of a type",
		"fragment A T { b }":                                         "1:12: the name T stands where on is expected",
		"type T { a: Int }":                                          "1:1: the name type stands where query, mutation or fragment is expected",
		"query Q($a: [Int) { b }":                                    "1:17: a ) stands where ] is expected",
	} {
		_, err := query.Read(src)
		var e *query.Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("Read(%q) = %v, want %s", src, err, want)
		}
	}
}

func repeat(n int, each func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(each(i))
	}
	return b.String()
}

func same(s string) func(int) string { return func(int) string { return s } }

// doubling is a query whose fragments spread the next one twice each.
func doubling(fragments int) string {
	return "{ ...F0 }" + repeat(fragments-1, func(i int) string {
		return fmt.Sprintf(" fragment F%d on Query { ...F%d ...F%d }", i, i+1, i+1)
	}) + fmt.Sprintf(" fragment F%d on Query { a b c d e f g h i j }", fragments-1)
}

func nested(levels int) string {
	return strings.Repeat("{ a ", levels) + strings.Repeat("}", levels)
}

func TestReadHoldsTheLimits(t *testing.T) {
	for name, c := range map[string]struct{ least, more, want string }{
		"fields":    {"{ a { " + repeat(999, func(i int) string { return fmt.Sprintf("f%d ", i) }) + "} }", "{ a { " + repeat(1000, func(i int) string { return fmt.Sprintf("f%d ", i) }) + "} }", "more than 1000 fields"},
		"roots":     {"{" + repeat(20, func(i int) string { return fmt.Sprintf("f%d ", i) }) + "}", "{" + repeat(21, func(i int) string { return fmt.Sprintf("f%d ", i) }) + "}", "a query has 21 fields at its root; it may have 20"},
		"mutations": {"mutation {" + repeat(5, same("a ")) + "}", "mutation {" + repeat(6, same("a ")) + "}", "a mutation has 6 fields at its root; it may have 5"},
		"roots in fragments": {"{ ...A ...A } fragment A on Query { " + repeat(10, func(i int) string { return fmt.Sprintf("f%d ", i) }) + "}",
			"{ ...A ...A ...A } fragment A on Query { " + repeat(10, func(i int) string { return fmt.Sprintf("f%d ", i) }) + "}", "a query has 30 fields at its root"},
		"fragments": {"{ a {" + repeat(49, func(i int) string { return fmt.Sprintf("...F%d ", i) }) + "} } " + repeat(49, func(i int) string { return fmt.Sprintf("fragment F%d on Q { __typename } ", i) }),
			"{ a { " + repeat(51, same("... { b } ")) + "} }", "more than 50 fragments"},
		"depth":                                 {nested(12), nested(13), "deeper than 12 levels"},
		"depth of what asks for the schema":     {"{ __schema " + nested(19) + "}", "{ __schema " + nested(20) + "}", "deeper than 20 levels"},
		"depth behind fragments":                {"{ a { ...A } } fragment A on T " + nested(11), "{ a { ...A } } fragment A on T " + nested(12), "deeper than 12 levels"},
		"fan-out of fragments":                  {"{ a { ...A " + repeat(9, same("...A ")) + "} } fragment A on T {" + repeat(99, func(i int) string { return fmt.Sprintf("f%d ", i) }) + "}", doubling(12), "more than 1000 fields with those of its fragments"},
		"one name many times":                   {"{ a {" + repeat(200, same("b ")) + "} }", "{ a {" + repeat(202, same("b ")) + "} }", "b is selected 202 times in one place"},
		"one name in many sets that are merged": {"{ a {" + repeat(14, same("b { "+repeat(14, same("c "))+"} ")) + "} }", "{ a {" + repeat(15, same("b { "+repeat(15, same("c "))+"} ")) + "} }", "c is selected 225 times in one place"},
		"arguments":                             {"{ a(" + repeat(1000, func(i int) string { return fmt.Sprintf("x%d:1 ", i) }) + ") }", "{ a(" + repeat(1001, func(i int) string { return fmt.Sprintf("x%d:1 ", i) }) + ") }", "more than 1000 arguments"},
		"directives and variables":              {"{ a" + strings.Repeat("@x", 99) + " }", "{ a" + strings.Repeat("@x", 100) + " }", "more than 100 operations, variables and directives"},
		"operations":                            {repeat(100, func(i int) string { return fmt.Sprintf("query Q%d { a } ", i) }), repeat(101, func(i int) string { return fmt.Sprintf("query Q%d { a } ", i) }), "more than 100 operations"},
		"operations count together":             {"query A {...F} query B {...F} " + "fragment F on Q { a { " + repeat(400, func(i int) string { return fmt.Sprintf("f%d ", i) }) + "} }", "query A {...F} query B {...F} query C {...F} " + "fragment F on Q { a { " + repeat(400, func(i int) string { return fmt.Sprintf("f%d ", i) }) + "} }", "more than 1000 fields with those"},
		"spreads":                               {"{ a { ...A } } fragment A on T { ... on T { b } }", "{ a {" + repeat(1001, same("...A ")) + "} } fragment A on T { b }", "more than 1000 spreads"},
		"literals may have 10,000 parts":        {"mutation { a(parts: [" + repeat(10_000, same(`{PartNumber: 1, ETag: "x"}`)) + "]) }", "{ a(x: [" + repeat(50_000, same("1 ")) + "]) }", "more than 50000 parts of literals"},
		"nesting of literals":                   {"{ a(x: " + strings.Repeat("[", 16) + strings.Repeat("]", 16) + ") }", "{ a(x: " + strings.Repeat("[", 17) + strings.Repeat("]", 17) + ") }", "nested deeper than 16 levels"},
		"nesting of types":                      {"query ($a: " + strings.Repeat("[", 16) + "X" + strings.Repeat("]", 16) + ") { a }", "query ($a: " + strings.Repeat("[", 17) + "X" + strings.Repeat("]", 17) + ") { a }", "a type is nested deeper"},
		"names":                                 {"{ " + strings.Repeat("a", 200) + " }", "{ " + strings.Repeat("a", 201) + " }", "a name has 201 characters"},
		"comments":                              {strings.Repeat("#\n", 1000) + "{ a }", strings.Repeat("#\n", 1001) + "{ a }", "more than 1000 comments"},
		"bytes":                                 {"{ a }" + strings.Repeat(" ", query.MaxBytes-5), "{ a }" + strings.Repeat(" ", query.MaxBytes-4), "it may have 2097152"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := query.Read(c.least); err != nil {
				t.Errorf("at the limit: %v", err)
			}
			if _, err := query.Read(c.more); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("above the limit: %v, want %s", err, c.want)
			}
		})
	}
}

// hostile are queries that ask for the impossible.
func hostile() map[string]string {
	return map[string]string{
		"depth of 10,000":           nested(10_000),
		"depth of 10,000 in a list": "{ a(x: " + strings.Repeat("[", 10_000),
		"100,000 aliases":           "{" + repeat(100_000, func(i int) string { return fmt.Sprintf("a%d: order ", i) }) + "}",
		"one field 10,000 times":    "{ order(order_id: 1) {" + repeat(10_000, same("order_id ")) + "} }",
		"fan-out of fragments":      doubling(50),
		"fragments in a circle":     "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
		"a string of 10 MB":         `{ a(x: "` + strings.Repeat("x", 10<<20) + `") }`,
		"a name of 2 MB":            "{ " + strings.Repeat("x", 2<<20-4) + " }",
		"comments of 2 MB":          strings.Repeat("#\n", 1<<20-10),
		"directives of 2 MB":        "{ a" + strings.Repeat("@x", 1<<20-10),
		"brackets of 2 MB":          strings.Repeat("{", 2<<20),
	}
}

// What is refused is refused early: the work is that of reading once, and next to nothing is kept.
func TestReadRefusesHostileQueriesWithoutGrowth(t *testing.T) {
	for name, src := range hostile() {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := query.Read(src)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Fatal("Read took it")
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > 8<<20 {
				t.Errorf("Read used %d bytes for it, want fewer than 8 MB", got)
			}
		})
	}
}

// FuzzRead holds two things: what Read takes, a parser of the language reads too, and Read counts no fewer words than it; what a parser reads and
// Read refuses is above a limit or stricter on purpose.
func FuzzRead(f *testing.F) {
	for _, src := range hostile() {
		if len(src) < 10_000 {
			f.Add(src)
		}
	}
	f.Add(`mutation { initializeUpload(order_id:"194cce76-172b-4465-b59e-18e4ee8dd820", asset_type: "xyz", upload_type: "url", url: "https://example.com/small-test.xyz"){ asset_id part_urls } }`)
	f.Add(`query Q($a: [ID!]! = ["x"] @d) @e { ...F @include(if: $a) ... on T @x { a: b(c: {d: """e""" f: -1.5E+7}) } } fragment F on T { g }`)
	f.Add("{ a(b: \"\"\"x\\\"\"\"\"\"\"\"\") }")
	f.Add("{ a #x\x01\n }")
	f.Fuzz(func(t *testing.T, src string) {
		d, err := query.Read(src)
		if err != nil {
			var e *query.Error
			if !errors.As(err, &e) || e.Line < 1 || e.Column < 1 || len(e.Message) > 1000 {
				t.Fatalf("Read(%q) = %v, want an error with a place", src, err)
			}
			return
		}
		doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: src}, d.Tokens)
		if err != nil && strings.Contains(err.Error(), "token limit") {
			t.Fatalf("Read(%q) counted %d words, fewer than the parser", src, d.Tokens)
		}
		if err == nil && len(doc.Operations) != len(d.Operations) {
			t.Fatalf("Read(%q) found %d operations, the parser %d", src, len(d.Operations), len(doc.Operations))
		}
	})
}
