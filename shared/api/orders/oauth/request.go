package oauth

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/assetry/assetry/shared/fault"
)

// maxBody is the largest body that is read, in bytes. The longest that makes sense has some 300.
const maxBody = 16 << 10

// The parameters.
const (
	paramClient = "client_id"
	paramSecret = "client_secret"
	paramGrant  = "grant_type"
	paramScope  = "scope"
	paramToken  = "token"
)

const grantClient = "client_credentials"

// request is what a client sent: who it says it is, and its parameters without the empty ones.
type request struct {
	client, secret string
	params         map[string]string
}

// read reads a request. The error is a *fault.Error: NoCredentials or BadCredentials when nobody, or nobody that can be told, asks, else Malformed.
func read(r *http.Request) (request, error) {
	params, err := readParams(r)
	if err != nil {
		return request{}, err
	}
	q := request{client: params[paramClient], secret: params[paramSecret], params: params}
	if headers := r.Header.Values("Authorization"); len(headers) > 0 {
		client, secret, err := parseBasic(strings.Join(headers, ",")) // as the gateway joins them, and no base64
		if err != nil {
			return request{}, err
		}
		if q.client != "" && q.client != client || q.secret != "" && q.secret != secret {
			return request{}, fault.New(fault.Malformed, "the Authorization header and the body name different clients or secrets; send the same in both, or one of them")
		}
		q.client, q.secret = client, secret
	}
	if q.client == "" || q.secret == "" {
		return request{}, fault.New(fault.NoCredentials, "the client is not named; send its id and secret as Authorization: Basic base64(id:secret), "+
			"or as client_id and client_secret in the body")
	}
	return q, nil
}

// parseBasic reads Authorization: Basic base64(id:secret), of which each half is encoded like the value of a form (RFC 6749, 2.3.1). The
// scheme's case does not matter.
func parseBasic(header string) (client, secret string, err error) {
	unreadable := func(why string) error {
		return fault.New(fault.BadCredentials, "the Authorization header %s; send Basic base64(id:secret)", why)
	}
	scheme, text, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", "", unreadable("is not of the scheme Basic")
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.Trim(text, " "))
	if err != nil {
		return "", "", unreadable("is not base64")
	}
	client, secret, found := strings.Cut(string(raw), ":")
	if !found {
		return "", "", unreadable("has no colon between id and secret")
	}
	if client, err = url.QueryUnescape(client); err != nil {
		return "", "", unreadable("has an id that is not percent-encoded")
	}
	if secret, err = url.QueryUnescape(secret); err != nil {
		return "", "", unreadable("has a secret that is not percent-encoded")
	}
	return client, secret, nil
}

// readParams reads the parameters of the body, without the empty ones.
func readParams(r *http.Request) (map[string]string, error) {
	if r.URL.RawQuery != "" {
		return nil, fault.New(fault.Malformed, "the address has a query string; send every parameter in the body")
	}
	if enc := r.Header.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return nil, fault.New(fault.Malformed, "Content-Encoding is %.40q; send the body as it is", enc)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, fault.Wrap(err, fault.Malformed, "the body ended before its time; send it again")
	}
	if len(body) > maxBody {
		return nil, fault.New(fault.Malformed, "the body is larger than the %d bytes that this request takes", maxBody)
	}
	if len(body) == 0 {
		return map[string]string{}, nil // whoever sends nothing need not say of which type it is
	}
	sent := r.Header.Get("Content-Type")
	t, of, err := mime.ParseMediaType(sent)
	charset := of["charset"]
	switch {
	case err != nil || charset != "" && !strings.EqualFold(charset, "utf-8"):
	case t == "application/x-www-form-urlencoded":
		return parseForm(body)
	case t == "application/json":
		return parseJSON(body)
	}
	return nil, fault.New(fault.Malformed, "Content-Type is %.100q; this request takes application/x-www-form-urlencoded and application/json, in UTF-8", sent)
}

func parseForm(body []byte) (map[string]string, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fault.New(fault.Malformed, "the form is not percent-encoded; encode each value, and separate pairs by &")
	}
	params := map[string]string{}
	for name, vs := range values {
		if len(vs) > 1 {
			return nil, twice(name)
		}
		if vs[0] != "" {
			params[name] = vs[0]
		}
	}
	return params, nil
}

// twice is the answer to a parameter that is sent more than once (RFC 6749, 3.2).
func twice(name string) error {
	return fault.New(fault.Malformed, "%.40q is sent more than once; send each parameter once", name)
}

// parseJSON reads one object of texts, name by name: encoding/json would take the last of two values. The values of names that this API does not
// know may be anything.
func parseJSON(body []byte) (map[string]string, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') || !utf8.Valid(body) {
		return nil, notObject()
	}
	params, seen := map[string]string{}, map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		name, isText := t.(string)
		if err != nil || !isText {
			return nil, notObject()
		}
		if seen[name] {
			return nil, twice(name)
		}
		seen[name] = true
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, notObject()
		}
		value, err := textOf(name, raw)
		if err != nil {
			return nil, err
		}
		if value != "" {
			params[name] = value
		}
	}
	if _, err := dec.Token(); err != nil { // the closing bracket
		return nil, notObject()
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fault.New(fault.Malformed, "something follows the JSON object; send one object")
	}
	return params, nil
}

// textOf is the value of a parameter in JSON; "" for null, and for names that this API does not know.
func textOf(name string, raw json.RawMessage) (string, error) {
	switch name {
	case paramClient, paramSecret, paramGrant, paramScope, paramToken:
	default:
		return "", nil
	}
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil {
		return "", fault.New(fault.Malformed, "%s is no text; send a JSON string", name)
	}
	if text == nil {
		return "", nil
	}
	return *text, nil
}

func notObject() error {
	return fault.New(fault.Malformed, "the body is not a JSON object in UTF-8; send one, such as {'grant_type': '%s'}, with quotation marks", grantClient)
}
