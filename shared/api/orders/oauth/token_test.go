package oauth_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/orders/oauth"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/table"
)

const grant = "grant_type=client_credentials"

// inForm and inJSON spell the client's credentials beside what else is sent.
func (o *office) inForm(more string) string {
	return url.Values{"client_id": {o.id}, "client_secret": {o.secret}}.Encode() + "&" + more
}

func (o *office) inJSON(more string) string {
	return fmt.Sprintf(`{"client_id": %q, "client_secret": %q, %s}`, o.id, o.secret, more)
}

func TestToken(t *testing.T) {
	o := newOffice(t)
	header := basic(o.id, o.secret)
	for _, tt := range []struct {
		name  string
		in    request
		scope string
	}{
		{"the published request: the header and a JSON body, both with the credentials", request{auth: header, kind: asJSON, body: o.inJSON(`"grant_type": "client_credentials"`)}, "read write"},
		{"the header and a form", request{auth: header, body: grant}, "read write"},
		{"the header and JSON", request{auth: header, kind: asJSON, body: `{"grant_type":"client_credentials"}`}, "read write"},
		{"the body alone, as a form", request{body: o.inForm(grant)}, "read write"},
		{"the body alone, as JSON", request{kind: asJSON, body: o.inJSON(`"grant_type": "client_credentials"`)}, "read write"},
		{"both alike in a form", request{auth: header, body: o.inForm(grant)}, "read write"},
		{"the header, and the id again in the body", request{auth: header, body: grant + "&client_id=" + o.id}, "read write"},
		{"the scheme in another case, and blanks before the credentials", request{auth: strings.Replace(header, "Basic ", "bASIC   ", 1), body: grant}, "read write"},
		{"credentials that are percent-encoded in the header", request{auth: basic(strings.ReplaceAll(o.id, "_", "%5F"), strings.ReplaceAll(o.secret, "_", "%5f")), body: grant}, "read write"},
		{"a scope", request{auth: header, body: grant + "&scope=read"}, "read"},
		{"scopes in another order", request{auth: header, body: grant + "&scope=write+read"}, "read write"},
		{"an empty scope counts as none", request{auth: header, body: grant + "&scope="}, "read write"},
		{"a null scope counts as none", request{auth: header, kind: asJSON, body: `{"grant_type":"client_credentials","scope":null}`}, "read write"},
		{"empty credentials in the body count as none", request{auth: header, body: grant + "&client_id=&client_secret="}, "read write"},
		{"parameters that nobody knows are ignored", request{auth: header, body: grant + "&resource=x&audience=y"}, "read write"},
		{"members that nobody knows are ignored, whatever they are", request{auth: header, kind: asJSON, body: `{"extra":{"a":[1,{"a":2,"a":3}]},"grant_type":"client_credentials"}`}, "read write"},
		{"a content type with parameters and in capitals", request{auth: header, kind: "Application/JSON; Charset=UTF-8", body: `{"grant_type":"client_credentials"}`}, "read write"},
		{"a body that is encoded as it is", request{auth: header, coding: "identity", body: grant}, "read write"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inShapes(t, func(t *testing.T, send func(testing.TB, http.Handler, request) answer) {
				got := send(t, oauth.Token(o), tt.in)
				token := text(got.fields["access_token"])
				delete(got.fields, "access_token")
				want := map[string]any{"token_type": "Bearer", "expires_in": 3599.0, "scope": tt.scope}
				if diff := cmp.Diff(want, got.fields); diff != "" || got.status != 200 {
					t.Fatalf("answer %d (-want +got):\n%s", got.status, diff)
				}
				_, c, err := o.accounts.AuthenticateToken(t.Context(), token)
				if err != nil || account.JoinScopes(c.Scopes) != tt.scope || c.ID != o.client.ID {
					t.Errorf("AuthenticateToken = %+v, %v; want client %s with %s", c, err, o.id, tt.scope)
				}
			})
		})
	}
}

// refusals are the requests that come to an end before anything is counted, with how RFC 6749 calls it.
func (o *office) refusals() map[string]struct {
	in     request
	status int
	code   string
} {
	header, other := basic(o.id, o.secret), strings.Replace(o.id, "cl_", "cl-", 1)
	type row = struct {
		in     request
		status int
		code   string
	}
	base := func(raw string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(raw)) }
	rows := map[string]row{
		"no grant type":                    {request{auth: header, body: "scope=read"}, 400, "invalid_request"},
		"no body at all":                   {request{auth: header, kind: "-"}, 400, "invalid_request"},
		"an empty grant type":              {request{auth: header, body: "grant_type="}, 400, "invalid_request"},
		"another grant type":               {request{auth: header, body: "grant_type=password&username=a&password=b"}, 400, "unsupported_grant_type"},
		"a grant type in capitals":         {request{auth: header, body: "grant_type=CLIENT_CREDENTIALS"}, 400, "unsupported_grant_type"},
		"a parameter twice":                {request{auth: header, body: grant + "&" + grant}, 400, "invalid_request"},
		"a parameter twice, once encoded":  {request{auth: header, body: grant + "&grant%5Ftype=client_credentials"}, 400, "invalid_request"},
		"an unknown parameter twice":       {request{auth: header, body: grant + "&x=1&x=1"}, 400, "invalid_request"},
		"a member twice":                   {request{auth: header, kind: asJSON, body: `{"grant_type":"client_credentials","grant_type":"client_credentials"}`}, 400, "invalid_request"},
		"a member twice, once escaped":     {request{auth: header, kind: asJSON, body: `{"grant_type":"client_credentials","grant\u005ftype":"client_credentials"}`}, 400, "invalid_request"},
		"an unknown member twice":          {request{auth: header, kind: asJSON, body: `{"grant_type":"client_credentials","x":1,"x":1}`}, 400, "invalid_request"},
		"a form that is badly encoded":     {request{auth: header, body: grant + "&scope=%zz"}, 400, "invalid_request"},
		"a form with semicolons":           {request{auth: header, body: grant + ";scope=read"}, 400, "invalid_request"},
		"a number for a text":              {request{auth: header, kind: asJSON, body: `{"grant_type":1}`}, 400, "invalid_request"},
		"a list for a text":                {request{auth: header, kind: asJSON, body: `{"grant_type":"client_credentials","scope":["read"]}`}, 400, "invalid_request"},
		"a JSON list":                      {request{auth: header, kind: asJSON, body: `["client_credentials"]`}, 400, "invalid_request"},
		"JSON null":                        {request{auth: header, kind: asJSON, body: `null`}, 400, "invalid_request"},
		"JSON that is cut off":             {request{auth: header, kind: asJSON, body: `{"grant_type":"client_credentials"`}, 400, "invalid_request"},
		"two JSON objects":                 {request{auth: header, kind: asJSON, body: `{"grant_type":"client_credentials"}{}`}, 400, "invalid_request"},
		"JSON that is not UTF-8":           {request{auth: header, kind: asJSON, body: "{\"grant_type\":\"client_credentials\",\"x\":\"\xff\"}"}, 400, "invalid_request"},
		"JSON of 16,000 brackets":          {request{auth: header, kind: asJSON, body: `{"x":` + strings.Repeat("[", 16_000)}, 400, "invalid_request"},
		"a form that says it is JSON":      {request{auth: header, kind: asJSON, body: grant}, 400, "invalid_request"},
		"JSON that says it is a form":      {request{auth: header, body: `{"grant_type":"client_credentials"}`}, 400, "invalid_request"},
		"another content type":             {request{auth: header, kind: "text/plain", body: grant}, 400, "invalid_request"},
		"a multipart form":                 {request{auth: header, kind: "multipart/form-data; boundary=x", body: "--x--"}, 400, "invalid_request"},
		"no content type":                  {request{auth: header, kind: "-", body: grant}, 400, "invalid_request"},
		"a content type that is none":      {request{auth: header, kind: "application/", body: grant}, 400, "invalid_request"},
		"another charset":                  {request{auth: header, kind: form + "; charset=utf-16", body: grant}, 400, "invalid_request"},
		"a compressed body":                {request{auth: header, coding: "gzip", body: grant}, 400, "invalid_request"},
		"a body of a megabyte":             {request{auth: header, body: grant + "&x=" + strings.Repeat("x", 1<<20)}, 400, "invalid_request"},
		"parameters in the address":        {request{auth: header, query: "?" + grant, body: grant}, 400, "invalid_request"},
		"credentials in the address":       {request{query: "?client_id=" + o.id + "&client_secret=" + o.secret, body: grant}, 400, "invalid_request"},
		"another id in the body":           {request{auth: header, body: grant + "&client_id=" + other}, 400, "invalid_request"},
		"another secret in the body":       {request{auth: header, body: grant + "&client_secret=" + o.secret + "0"}, 400, "invalid_request"},
		"no credentials":                   {request{body: grant}, 401, "invalid_client"},
		"an id alone":                      {request{body: grant + "&client_id=" + o.id}, 401, "invalid_client"},
		"a secret alone":                   {request{body: grant + "&client_secret=" + o.secret}, 401, "invalid_client"},
		"another scheme":                   {request{auth: "Bearer " + o.secret, body: o.inForm(grant)}, 401, "invalid_client"},
		"a scheme alone":                   {request{auth: "Basic", body: grant}, 401, "invalid_client"},
		"no base64":                        {request{auth: "Basic " + o.id + ":" + o.secret, body: grant}, 401, "invalid_client"},
		"base64 without its padding":       {request{auth: strings.TrimRight(base("a:b"), "="), body: grant}, 401, "invalid_client"},
		"no colon":                         {request{auth: base(o.id + o.secret), body: grant}, 401, "invalid_client"},
		"an id that is badly encoded":      {request{auth: base("cl_%zz:" + o.secret), body: grant}, 401, "invalid_client"},
		"a secret that is badly encoded":   {request{auth: base(o.id + ":%"), body: grant}, 401, "invalid_client"},
		"an empty id and secret":           {request{auth: base(":"), body: grant}, 401, "invalid_client"},
		"an id that is none":               {request{auth: basic(other, o.secret), body: grant}, 401, "invalid_client"},
		"a secret that is mistyped":        {request{auth: basic(o.id, o.secret[:56]+"!"), body: grant}, 401, "invalid_client"},
		"an API key for a secret":          {request{auth: basic(o.id, "sk_live_"+o.secret[8:]), body: grant}, 401, "invalid_client"},
		"control characters for an id":     {request{auth: basic("\x00\r\n\x7f", o.secret), body: grant}, 401, "invalid_client"},
		"GET":                              {request{method: http.MethodGet, auth: header}, 405, "invalid_request"},
		"PUT":                              {request{method: http.MethodPut, auth: header, body: grant}, 405, "invalid_request"},
		"a grant type of another alphabet": {request{auth: header, body: "grant_type=" + url.QueryEscape(`пароль"\`)}, 400, "unsupported_grant_type"},
	}
	return rows
}

func TestTokenRefusesWithoutAReadOrAWrite(t *testing.T) {
	var rows counter
	o := newOfficeBehind(t, rows.front)
	h := oauth.Token(o)
	refusals := o.refusals()
	for _, name := range slices.Sorted(maps.Keys(refusals)) {
		tt := refusals[name]
		t.Run(name, func(t *testing.T) {
			inShapes(t, func(t *testing.T, send func(testing.TB, http.Handler, request) answer) {
				before := rows.calls()
				got := send(t, h, tt.in)
				if got.status != tt.status || got.fields["error"] != tt.code || text(got.fields["error_description"]) == "" {
					t.Errorf("answer %d %s, want %d %s with a description", got.status, got.body, tt.status, tt.code)
				}
				if strings.Contains(got.body, o.secret) {
					t.Errorf("the answer repeats the secret: %s", got.body)
				}
				if n := rows.calls() - before; n != 0 {
					t.Errorf("%d calls of the table, want none", n)
				}
			})
		})
	}
}

func TestTokenTellsNobodyWhichCredentialIsWrong(t *testing.T) {
	o := newOffice(t, account.Read)
	stranger, _, err := o.accounts.IssueClient(t.Context(), "another", o.client.Workspace, account.ClientSpec{})
	if err != nil {
		t.Fatal(err)
	}
	var first string
	for name, auth := range map[string]string{
		"the secret of another client": basic(o.id, stranger),
		"an unknown client":            basic(id.NewClient(o.client.Workspace, o.clock.Now()).String(), o.secret),
		"no such form of an id":        basic("me", o.secret),
		"no such form of a secret":     basic(o.id, "open sesame"),
	} {
		for _, body := range []string{grant, grant + "&scope=admin"} { // who is not told learns nothing of scopes
			got := sendStraight(t, oauth.Token(o), request{auth: auth, body: body})
			if first == "" {
				first = got.body
			}
			if got.status != 401 || got.body != first || got.fields["error"] != "invalid_client" {
				t.Errorf("%s: answer %d %s, want %s", name, got.status, got.body, first)
			}
		}
	}
}

func TestTokenRefusesScopesThatTheClientHasNot(t *testing.T) {
	o := newOffice(t, account.Read)
	for _, scope := range []string{"write", "read write", "admin", "READ", " read", "read\twrite", "\u202e", strings.Repeat("read ", 1000)} {
		inShapes(t, func(t *testing.T, send func(testing.TB, http.Handler, request) answer) {
			got := send(t, oauth.Token(o), request{auth: basic(o.id, o.secret), body: grant + "&scope=" + url.QueryEscape(scope)})
			if got.status != 400 || got.fields["error"] != "invalid_scope" {
				t.Errorf("scope %.20q: answer %d %s, want 400 invalid_scope", scope, got.status, got.body)
			}
		})
	}
}

func TestTokenGuessingIsBoundedForEachClientAndAddress(t *testing.T) {
	var rows counter
	o := newOfficeBehind(t, rows.front)
	guess, h := newOffice(t).secret, oauth.Token(o) // well-formed, and of no use here
	o.clock.Advance(10 * time.Minute)
	for i := range 600 {
		if got := sendStraight(t, h, request{auth: basic(o.id, guess), body: grant}); got.status != 401 || got.header.Get("X-RateLimit-Remaining") != strconv.Itoa(599-i) {
			t.Fatalf("guess %d: answer %d %s, %v", i+1, got.status, got.body, got.header)
		}
	}
	before := rows.calls()
	for _, secret := range []string{guess, o.secret} { // whoever is over the bound does not learn whether he is right at last
		got := sendStraight(t, h, request{auth: basic(o.id, secret), body: grant})
		want := map[string]string{"Retry-After": "3000", "X-RateLimit-Limit": "600", "X-RateLimit-Remaining": "0",
			"X-RateLimit-Reset": strconv.FormatInt(o.clock.Now().Add(50*time.Minute).Unix(), 10)}
		for name, value := range want {
			if got.status != 429 || got.header.Get(name) != value {
				t.Errorf("answer %d, %s %q; want 429 with %q", got.status, name, got.header.Get(name), value)
			}
		}
	}
	if n := rows.calls() - before; n != 0 {
		t.Errorf("%d calls of the table for what is over the bound, want none", n)
	}
	if got := sendStraight(t, h, request{auth: basic(o.id, o.secret), body: grant, from: "203.0.113.8:4711"}); got.status != 200 {
		t.Errorf("the client from another address: answer %d %s, want 200", got.status, got.body)
	}
	o.clock.Advance(50 * time.Minute)
	if got := sendStraight(t, h, request{auth: basic(o.id, o.secret), body: grant}); got.status != 200 {
		t.Errorf("in the next hour: answer %d %s, want 200", got.status, got.body)
	}
}

func TestTokenSaysSoWhenTheTableIsAway(t *testing.T) {
	for name, tt := range map[string]struct {
		err    error
		status int
		code   string
	}{
		"for a moment":  {fault.New(fault.Unavailable, "said by the test"), 503, "temporarily_unavailable"},
		"in a bad way":  {fmt.Errorf("said by the test"), 500, "server_error"},
		"and throttles": {fault.New(fault.Throttled, "said by the test"), 429, "temporarily_unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOfficeBehind(t, func(table.Table) table.Table { return domaintest.Broken{Err: tt.err} })
			got := sendStraight(t, oauth.Token(o), request{auth: basic(o.id, o.secret), body: grant})
			if got.status != tt.status || got.fields["error"] != tt.code {
				t.Errorf("answer %d %s, want %d %s", got.status, got.body, tt.status, tt.code)
			}
		})
	}
}
