// Package query reads a GraphQL document once, before anything else does, and refuses what would cost more than a request may.
//
// It knows words and brackets and no schema. Its memory is bounded by the limits, not by the document, and its work by the document's
// length; what it lets through is cheap to parse, to validate and to execute.
package query

import (
	"fmt"
	"strings"
)

// The limits of a document. Fields and roots are counted with every fragment where it is spread.
const (
	MaxBytes     = 2 << 20 // of the text
	MaxFields    = 1000    // selected, in all operations
	MaxRoots     = 20      // fields of a query
	MaxMutations = 5       // fields of a mutation
	MaxFragments = 50      // definitions, and inline ones
	MaxSpreads   = 1000    // in the text
	MaxDepth     = 12      // of selections
	MaxPairs     = 20_000  // of fields that are merged, which a validator compares each with each: 200 times one field
	MaxValues    = 50_000  // parts of literals: 10,000 upload parts have 30,000
	MaxNesting   = 16      // of literals and types
	MaxArguments = 1000    // of fields and directives
	MaxExtras    = 100     // directives, and variables, and operations
	MaxName      = 200     // characters of a name
	MaxComments  = 1000

	// What asks for the schema is deeper: the query that graphql-js writes has 13 levels.
	MaxSchemaDepth = 20
)

// Document is what was read.
type Document struct {
	Operations []Operation
	Tokens     int // words and brackets, with the end
}

// Operation is one operation of a document.
type Operation struct {
	Kind  string // query, mutation or subscription
	Name  string // "": it has none
	Roots []string
}

// Find is the operation of a name, or the only one where the name is "". ok is false where there is none.
func (d *Document) Find(name string) (o Operation, ok bool) {
	if name == "" && len(d.Operations) == 1 {
		return d.Operations[0], true
	}
	for _, o := range d.Operations {
		if o.Name == name && name != "" {
			return o, true
		}
	}
	return o, false
}

// Error says why a document is refused, and where.
type Error struct {
	Message      string
	Line, Column int // from 1; the column counts characters
}

// Error is the message with its place.
func (e *Error) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message) }

// Read reads a document. The error is an *Error: the text is no GraphQL, or it is above a limit.
func Read(src string) (*Document, error) {
	if len(src) > MaxBytes {
		return nil, &Error{fmt.Sprintf("the query has %d bytes; it may have %d", len(src), MaxBytes), 1, 1}
	}
	r := &reader{scanner: scanner{src: src}, fragments: map[string]*fragment{}}
	err := r.document()
	if err != nil {
		return nil, err
	}
	d := &Document{Tokens: r.tokens}
	for _, o := range r.operations {
		roots, err := r.expand(o)
		if err != nil {
			return nil, err
		}
		d.Operations = append(d.Operations, Operation{o.kind, o.name, roots})
	}
	return d, r.unused()
}

// refuse makes an error at a byte of the text.
func (s *scanner) refuse(at int, format string, args ...any) error {
	before := s.src[:min(at, len(s.src))]
	before = strings.ReplaceAll(before, "\r\n", "\n")
	line := 1 + strings.Count(before, "\n") + strings.Count(before, "\r")
	column := 1 + len([]rune(before[1+strings.LastIndexAny(before, "\r\n"):]))
	return &Error{fmt.Sprintf(format, args...), line, column}
}
