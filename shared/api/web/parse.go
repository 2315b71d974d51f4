package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/assetry/assetry/shared/fault"
)

// MaxDepth is how deep objects and arrays of a JSON body may nest. Ours need 3.
const MaxDepth = 32

// maxName bounds the part of a client's key that a message repeats, in bytes.
const maxName = 64

// value is one JSON value, with what encoding/json would forget: the order of keys and the text it was read from.
type value struct {
	raw     json.RawMessage
	scalar  any // nil, bool, string or json.Number, when neither object nor array
	object  bool
	array   bool
	members []member
	items   []value
}

type member struct {
	name  string
	value value
}

// parser reads a body token by token, so that duplicate keys, depth and lost characters are seen.
type parser struct {
	data []byte
	dec  *json.Decoder
	bad  []fault.Field
}

// maxBad bounds the refused fields that one answer lists; after that the message is long enough.
const maxBad = 20

func (p *parser) refuse(path, format string, args ...any) {
	if len(p.bad) < maxBad {
		p.bad = append(p.bad, fault.Field{Name: path, Message: fmt.Sprintf(format, args...)})
	}
}

// errDepth ends the reading of a body that nests too deep.
var errDepth = errors.New("too deep")

// parse reads data as one JSON value. The error is a *fault.Error: Malformed or Invalid.
func parse(data []byte) (value, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return value{}, fault.New(fault.Malformed, "the body is empty; send a JSON object")
	}
	if !utf8.Valid(data) {
		return value{}, fault.New(fault.Malformed, "the body is not UTF-8; JSON is always UTF-8")
	}
	p := &parser{data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	p.dec.UseNumber()
	v, err := p.value(rootName, 0)
	switch {
	case errors.Is(err, errDepth):
		return v, fault.BadFields(p.bad)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return v, fault.New(fault.Malformed, "the body is not JSON: it ends after %d bytes, in the middle of a value", len(data))
	case err != nil:
		return v, fault.New(fault.Malformed, "the body is not JSON: %v at byte %d", err, p.dec.InputOffset())
	}
	if rest := bytes.TrimSpace(data[p.dec.InputOffset():]); len(rest) > 0 {
		p.refuse(rootName, "something follows the JSON value at byte %d; send one value", p.dec.InputOffset())
	}
	return v, fault.BadFields(p.bad)
}

func (p *parser) value(path string, depth int) (value, error) {
	t, err := p.dec.Token()
	if err != nil {
		return value{}, err
	}
	end := p.dec.InputOffset()
	switch t := t.(type) {
	case json.Delim:
		return p.composite(path, depth, t, end-1)
	case string:
		v := value{scalar: t}
		v.raw, _ = json.Marshal(t) // a string always marshals
		p.checkText(path, t, end)
		return v, nil
	default:
		v := value{scalar: t}
		v.raw, _ = json.Marshal(t) // nil, bool and a number that was just read always marshal
		return v, nil
	}
}

func (p *parser) composite(path string, depth int, open json.Delim, start int64) (value, error) {
	if depth == MaxDepth {
		p.refuse(path, "objects and arrays nest deeper than %d", MaxDepth)
		return value{}, errDepth
	}
	v := value{object: open == '{', array: open == '['}
	seen := map[string]bool{}
	for p.dec.More() {
		at := path + "[" + strconv.Itoa(len(v.items)) + "]"
		var name string
		if v.object {
			var err error
			if name, at, err = p.key(path, seen); err != nil {
				return v, err
			}
		}
		child, err := p.value(at, depth+1)
		if err != nil {
			return v, err
		}
		if v.object {
			v.members = append(v.members, member{name, child})
		} else {
			v.items = append(v.items, child)
		}
	}
	if _, err := p.dec.Token(); err != nil { // the closing bracket
		return v, err
	}
	v.raw = json.RawMessage(p.data[start:p.dec.InputOffset()])
	return v, nil
}

func (p *parser) key(path string, seen map[string]bool) (name, at string, err error) {
	t, err := p.dec.Token()
	if err != nil {
		return "", "", err
	}
	name, _ = t.(string) // the decoder accepts nothing else as a key
	at = childPath(path, name)
	p.checkText(at, name, p.dec.InputOffset())
	if seen[name] {
		p.refuse(at, "is there twice; send it once")
	}
	seen[name] = true
	return name, at, nil
}

// checkText refuses half of a UTF-16 pair, which the decoder replaces silently: text is kept exactly as sent or not at all.
func (p *parser) checkText(path, decoded string, end int64) {
	if !strings.ContainsRune(decoded, utf8.RuneError) {
		return
	}
	raw := p.data[:end]
	start := len(raw) - 2
	for start > 0 && !(raw[start] == '"' && !escaped(raw, start)) {
		start--
	}
	if strings.Count(decoded, "\uFFFD") != replacements(raw[start:]) {
		p.refuse(path, `has half of a surrogate pair (\ud800 to \udfff); send both halves or the character itself`)
	}
}

// escaped says whether the byte at i is behind an odd number of backslashes.
func escaped(b []byte, i int) bool {
	n := 0
	for i--; i >= 0 && b[i] == '\\'; i-- {
		n++
	}
	return n%2 == 1
}

// replacements counts the replacement characters that a JSON string itself spells, as a character or as an escape.
func replacements(raw []byte) int {
	n := bytes.Count(raw, []byte("\uFFFD"))
	for i := 0; i+6 <= len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		if strings.EqualFold(string(raw[i:i+6]), `\ufffd`) {
			n++
		}
		i++ // what follows a backslash is part of the escape
	}
	return n
}

// rootName stands for the body itself in the names of refused fields.
const rootName = "body"

func childPath(path, name string) string {
	if len(name) > maxName {
		name = strings.ToValidUTF8(name[:maxName], "") + "..."
	}
	if path == rootName {
		return name
	}
	return path + "." + name
}
