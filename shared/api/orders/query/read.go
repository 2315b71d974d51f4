package query

import "strings"

// selection is a field, or a place where fields are spread.
type selection struct {
	field  string // its name; "": this is a spread
	answer string // what the field is called in the answer: its alias, else its name
	spread string // the name of the fragment; "" for an inline one, whose fields are inside
	inside []selection
	at     int
}

type operation struct {
	kind, name string
	inside     []selection
}

type fragment struct {
	inside []selection
	at     int
	fields int // with those of what it spreads; 0: not counted yet
	open   bool
	used   bool
}

// reader reads a document by the grammar, one token ahead.
type reader struct {
	scanner
	ahead      token
	operations []operation
	fragments  map[string]*fragment

	fields, pieces, spreads, values, arguments, extras int // in the text
	total                                              int // fields with those of fragments
}

// count counts one thing of which a document has at most most.
func (r *reader) count(n *int, most int, what string) error {
	if *n++; *n > most {
		return r.refuse(r.ahead.at, "the query has more than %d %s", most, what)
	}
	return nil
}

// advance moves on by one token.
func (r *reader) advance() (err error) {
	r.ahead, err = r.scan()
	return err
}

// take moves on past a token of a kind, which has to be there.
func (r *reader) take(k kind, what string) (token, error) {
	t := r.ahead
	if t.kind != k {
		return t, r.unexpected(what)
	}
	return t, r.advance()
}

// passed moves on past a punctuator if it is there.
func (r *reader) passed(k kind) (bool, error) {
	if r.ahead.kind != k {
		return false, nil
	}
	return true, r.advance()
}

// unexpected says what stands where something else should.
func (r *reader) unexpected(want string) error {
	found := "a " + string(rune(r.ahead.kind))
	switch r.ahead.kind {
	case end:
		found = "the end of the query"
	case name:
		found = "the name " + r.ahead.text
	case number:
		found = "a number"
	case text:
		found = "a string"
	case spread:
		found = "..."
	}
	return r.refuse(r.ahead.at, "%s stands where %s is expected", found, want)
}

func (r *reader) document() error {
	if err := r.advance(); err != nil {
		return err
	}
	for r.ahead.kind != end {
		if err := r.definition(); err != nil {
			return err
		}
	}
	if len(r.operations) == 0 {
		return r.refuse(r.ahead.at, "the query has no operation; write one, such as query { order(order_id: \"...\") { order_status } }")
	}
	return nil
}

func (r *reader) definition() error {
	if r.ahead.kind == '{' {
		return r.operation("query", "")
	}
	switch first := r.ahead.text; first {
	case "query", "mutation", "subscription":
		if err := r.advance(); err != nil {
			return err
		}
		own := ""
		if r.ahead.kind == name {
			own = r.ahead.text
			if err := r.advance(); err != nil {
				return err
			}
		}
		return r.operation(first, own)
	case "fragment":
		return r.fragment()
	}
	return r.unexpected("query, mutation or fragment")
}

// operation reads an operation from its variables on.
func (r *reader) operation(kind, own string) error {
	if err := r.count(&r.extras, MaxExtras, "operations, variables and directives"); err != nil {
		return err
	}
	if err := r.variables(); err != nil {
		return err
	}
	if err := r.directives(); err != nil {
		return err
	}
	inside, err := r.set(1)
	r.operations = append(r.operations, operation{kind, own, inside})
	return err
}

func (r *reader) fragment() error {
	if err := r.count(&r.pieces, MaxFragments, "fragments"); err != nil {
		return err
	}
	if err := r.advance(); err != nil {
		return err
	}
	own, err := r.take(name, "the name of a fragment")
	if err != nil {
		return err
	}
	if own.text == "on" || r.fragments[own.text] != nil {
		return r.refuse(own.at, "a fragment is called %s, which is taken", own.text)
	}
	if r.ahead.text != "on" {
		return r.unexpected("on")
	}
	if err := r.advance(); err != nil {
		return err
	}
	if _, err := r.take(name, "the name of a type"); err != nil {
		return err
	}
	if err := r.directives(); err != nil {
		return err
	}
	inside, err := r.set(1)
	r.fragments[own.text] = &fragment{inside: inside, at: own.at}
	return err
}

// set reads a set of selections, at a depth from 1.
func (r *reader) set(depth int) (list []selection, err error) {
	if depth > MaxSchemaDepth {
		return nil, r.tooDeep(r.ahead.at, MaxSchemaDepth)
	}
	if _, err := r.take('{', "{"); err != nil {
		return nil, err
	}
	for r.ahead.kind != '}' {
		s, err := r.selection(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	if len(list) == 0 {
		return nil, r.unexpected("a field")
	}
	return list, r.advance()
}

func (r *reader) tooDeep(at, most int) error {
	return r.refuse(at, "the query is deeper than %d levels of fields", most)
}

// selection reads a field or a fragment.
func (r *reader) selection(depth int) (s selection, err error) {
	s.at = r.ahead.at
	if spread, err := r.passed(spread); spread || err != nil {
		if err == nil {
			s, err = r.spread(s.at, depth)
		}
		return s, err
	}
	own, err := r.take(name, "a field")
	if err != nil {
		return s, err
	}
	s.answer, s.field = own.text, own.text
	if aliased, err := r.passed(':'); err != nil {
		return s, err
	} else if aliased {
		if own, err = r.take(name, "a field"); err != nil {
			return s, err
		}
		s.field = own.text
	}
	if err := r.count(&r.fields, MaxFields, "fields"); err != nil {
		return s, err
	}
	if err := r.argumentList(); err != nil {
		return s, err
	}
	if err := r.directives(); err != nil {
		return s, err
	}
	if r.ahead.kind == '{' {
		s.inside, err = r.set(depth + 1)
	}
	return s, err
}

// spread reads what follows three dots.
func (r *reader) spread(at, depth int) (s selection, err error) {
	s.at = at
	if r.ahead.kind == name && r.ahead.text != "on" {
		s.spread = r.ahead.text
		if err := r.count(&r.spreads, MaxSpreads, "spreads of fragments"); err != nil {
			return s, err
		}
		if err := r.advance(); err != nil {
			return s, err
		}
		return s, r.directives()
	}
	if err := r.count(&r.pieces, MaxFragments, "fragments"); err != nil {
		return s, err
	}
	if r.ahead.kind == name {
		if err := r.advance(); err != nil {
			return s, err
		}
		if _, err := r.take(name, "the name of a type"); err != nil {
			return s, err
		}
	}
	if err := r.directives(); err != nil {
		return s, err
	}
	s.inside, err = r.set(depth) // an inline fragment is no level of its own
	return s, err
}

func (r *reader) directives() error {
	for r.ahead.kind == '@' {
		if err := r.count(&r.extras, MaxExtras, "operations, variables and directives"); err != nil {
			return err
		}
		if err := r.advance(); err != nil {
			return err
		}
		if _, err := r.take(name, "the name of a directive"); err != nil {
			return err
		}
		if err := r.argumentList(); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) argumentList() error {
	open, err := r.passed('(')
	if !open || err != nil {
		return err
	}
	if r.ahead.kind == ')' {
		return r.unexpected("an argument")
	}
	for r.ahead.kind != ')' {
		if err := r.count(&r.arguments, MaxArguments, "arguments"); err != nil {
			return err
		}
		if err := r.named(1); err != nil {
			return err
		}
	}
	return r.advance()
}

// named reads name: value.
func (r *reader) named(nesting int) error {
	if _, err := r.take(name, "the name of an argument"); err != nil {
		return err
	}
	if _, err := r.take(':', "a colon"); err != nil {
		return err
	}
	return r.value(nesting)
}

func (r *reader) value(nesting int) error {
	if err := r.count(&r.values, MaxValues, "parts of literals"); err != nil {
		return err
	}
	switch r.ahead.kind {
	case '$':
		if err := r.advance(); err != nil {
			return err
		}
		_, err := r.take(name, "the name of a variable")
		return err
	case name, number, text:
		return r.advance()
	case '[', '{':
		return r.nested(nesting)
	}
	return r.unexpected("a value")
}

// nested reads a list or an object.
func (r *reader) nested(nesting int) error {
	if nesting > MaxNesting {
		return r.refuse(r.ahead.at, "a literal is nested deeper than %d levels", MaxNesting)
	}
	closes, entry := kind(']'), r.value
	if r.ahead.kind == '{' {
		closes, entry = '}', r.named
	}
	if err := r.advance(); err != nil {
		return err
	}
	for r.ahead.kind != closes {
		if err := entry(nesting + 1); err != nil {
			return err
		}
	}
	return r.advance()
}

// variables reads the definitions of an operation's variables.
func (r *reader) variables() error {
	open, err := r.passed('(')
	if !open || err != nil {
		return err
	}
	if r.ahead.kind == ')' {
		return r.unexpected("a variable")
	}
	for r.ahead.kind != ')' {
		if err := r.variable(); err != nil {
			return err
		}
	}
	return r.advance()
}

func (r *reader) variable() error {
	if err := r.count(&r.extras, MaxExtras, "operations, variables and directives"); err != nil {
		return err
	}
	if _, err := r.take('$', "a variable"); err != nil {
		return err
	}
	if _, err := r.take(name, "the name of a variable"); err != nil {
		return err
	}
	if _, err := r.take(':', "a colon"); err != nil {
		return err
	}
	if err := r.typeName(); err != nil {
		return err
	}
	if preset, err := r.passed('='); err != nil {
		return err
	} else if preset {
		if err := r.value(1); err != nil {
			return err
		}
	}
	return r.directives()
}

// typeName reads a type such as [ID!]!.
func (r *reader) typeName() error {
	lists := 0
	for r.ahead.kind == '[' {
		if lists++; lists > MaxNesting {
			return r.refuse(r.ahead.at, "a type is nested deeper than %d levels", MaxNesting)
		}
		if err := r.advance(); err != nil {
			return err
		}
	}
	if _, err := r.take(name, "the name of a type"); err != nil {
		return err
	}
	for ; ; lists-- {
		if _, err := r.passed('!'); err != nil || lists == 0 {
			return err
		}
		if _, err := r.take(']', "]"); err != nil {
			return err
		}
	}
}

// isSchema says whether a field of a root asks for the schema.
func isSchema(field string) bool { return strings.HasPrefix(field, "__") && field != "__typename" }
