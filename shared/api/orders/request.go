package orders

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"unicode/utf8"

	"github.com/assetry/assetry/shared/api/orders/query"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/fault"
)

// The limits of a body. The longest that a contract needs names 10,000 parts: 600 KB, 30,000 values.
const (
	maxBody       = query.MaxBytes
	maxBodyValues = 50_000
	maxBodyDepth  = 32
)

// request is what a client asks, as the document "GraphQL over HTTP" writes it.
type request struct {
	Query      string                     `json:"query"`
	Operation  string                     `json:"operationName"`
	Variables  map[string]json.RawMessage `json:"variables"`
	Extensions map[string]json.RawMessage `json:"extensions"`
}

// persistedName is how a server that keeps no queries says so: clients that know it send the text next.
const persistedName = "PersistedQueryNotSupported"

// read reads a request: a body of JSON, or the query string of a GET. Errors are faults.
func read(r *http.Request) (q request, err error) {
	if r.Method == http.MethodGet {
		q, err = readQueryString(r)
	} else {
		q, err = readBody(r)
	}
	if err != nil {
		return q, err
	}
	if q.Query == "" {
		if _, persisted := q.Extensions["persistedQuery"]; persisted {
			return q, nil
		}
		return q, fault.New(fault.Malformed, `The request has no query. Send {"query": "...", "variables": {...}, "operationName": "..."}.`)
	}
	return q, nil
}

func readBody(r *http.Request) (q request, err error) {
	if err := web.RequireJSON(r); err != nil {
		return q, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return q, fault.Wrap(err, fault.Malformed, "The body ended before its time; send it again.")
	}
	if len(body) > maxBody {
		return q, fault.New(fault.TooLarge, "The body is larger than the %d bytes that a request may have.", maxBody)
	}
	return decode(body)
}

// decode reads a body. Parameters that it does not know are passed over.
func decode(body []byte) (q request, err error) {
	if err := bound(body); err != nil {
		return q, err
	}
	if begin := bytes.TrimLeft(body, " \t\r\n"); len(begin) > 0 && begin[0] == '[' {
		return q, fault.New(fault.Malformed, "The body is an array. Requests are not taken in batches; send each by itself.")
	}
	err = json.Unmarshal(body, &q)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return q, fault.New(fault.Malformed, "The field %.100q of the body is of the wrong type: %s. query and operationName are strings, variables and extensions are objects.", wrong.Field, wrong.Value)
	}
	if err != nil {
		return q, fault.New(fault.Malformed, "The body is not JSON: %.200s.", err)
	}
	return q, nil
}

// bound refuses a body that would take more to decode than a request may, in one pass that keeps nothing, and text that a decoder would
// replace in silence.
func bound(body []byte) error {
	if !utf8.Valid(body) {
		return fault.New(fault.Malformed, "The body is not UTF-8.")
	}
	if halfCharacter(body) {
		return fault.New(fault.Malformed, `The body has half of a surrogate pair (\ud800 to \udfff); send both halves or the character itself.`)
	}
	values, depth, quoted := 0, 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			values++
			depth++
		case c == '}' || c == ']':
			depth--
		case c == ',':
			values++
		}
		if depth > maxBodyDepth {
			return fault.New(fault.Malformed, "Objects and arrays of the body nest deeper than %d.", maxBodyDepth)
		}
		if values > maxBodyValues {
			return fault.New(fault.Malformed, "The body has more than %d values.", maxBodyValues)
		}
	}
	return nil
}

// halfCharacter says whether escapes of JSON have half of a UTF-16 pair.
func halfCharacter(body []byte) bool {
	for {
		i := bytes.IndexByte(body, '\\')
		if i < 0 || i+1 == len(body) {
			return false
		}
		high, low := surrogate(body[i:])
		if low {
			return true
		}
		if !high {
			body = body[i+2:]
			continue
		}
		body = body[i+6:]
		if _, low := surrogate(body); !low {
			return true
		}
		body = body[6:]
	}
}

// surrogate says which half of a pair an escape at the front is, if it is one.
func surrogate(b []byte) (high, low bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' || b[2]|0x20 != 'd' {
		return false, false
	}
	c := b[3] | 0x20 // digits have that bit anyway
	return c == '8' || c == '9' || c == 'a' || c == 'b', c >= 'c' && c <= 'f'
}

// readQueryString reads the parameters of a GET: variables and extensions are JSON in them.
func readQueryString(r *http.Request) (q request, err error) {
	values, err := web.Query(r)
	if err != nil {
		return q, err
	}
	for _, name := range []string{"query", "operationName", "variables", "extensions"} {
		if len(values[name]) > 1 {
			return q, fault.BadField(name, "is there %d times; send it once", len(values[name]))
		}
	}
	q.Query, q.Operation = values.Get("query"), values.Get("operationName")
	if !utf8.ValidString(q.Query) {
		return q, fault.New(fault.Malformed, "The query is not UTF-8.")
	}
	if err := readObject(values, "variables", &q.Variables); err != nil {
		return q, err
	}
	return q, readObject(values, "extensions", &q.Extensions)
}

func readObject(values url.Values, name string, into *map[string]json.RawMessage) error {
	text := values.Get(name)
	if text == "" {
		return nil
	}
	if err := bound([]byte(text)); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fault.BadField(name, "is not an object of JSON")
	}
	return nil
}
