package oauth_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/orders/oauth"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/ratelimit"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
)

// office is the services behind the routes, a client, and a clock at the beginning of an hour.
type office struct {
	accounts *account.Service
	limits   *ratelimit.Limiter
	clock    *domaintest.Clock
	client   account.Client
	id       string
	secret   string
}

func (o *office) Accounts() *account.Service { return o.accounts }
func (o *office) Limits() *ratelimit.Limiter { return o.limits }

var _ oauth.Services = (*office)(nil)

func newOffice(t testing.TB, scopes ...account.Scope) *office {
	t.Helper()
	return newOfficeBehind(t, func(tab table.Table) table.Table { return tab }, scopes...)
}

// newOfficeBehind is an office whose services reach the table through what front puts before it.
func newOfficeBehind(t testing.TB, front func(table.Table) table.Table, scopes ...account.Scope) *office {
	t.Helper()
	o := &office{clock: domaintest.NewClock()}
	o.clock.Advance(o.clock.Now().Truncate(time.Hour).Add(time.Hour).Sub(o.clock.Now()))
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "table.db"), sqlite.Options{Indexes: schema.Indexes(), Now: o.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	tab := front(db)
	o.accounts = account.New(tab, account.Options{Now: o.clock.Now})
	o.limits = ratelimit.New(tab, ratelimit.Options{Now: o.clock.Now})
	founder := account.New(db, account.Options{Now: o.clock.Now})
	w, err := founder.CreateWorkspace(t.Context(), "w")
	if err != nil {
		t.Fatal(err)
	}
	if o.secret, o.client, err = founder.IssueClient(t.Context(), "c", w.ID, account.ClientSpec{Scopes: scopes}); err != nil {
		t.Fatal(err)
	}
	o.id = o.client.ID.String()
	return o
}

// basic is the Authorization header of an id and a secret.
func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

// request is a request as a test states it.
type request struct {
	method string // "" is POST
	query  string
	auth   string // Authorization; "" sends none
	kind   string // Content-Type; "" is a form, "-" sends none
	coding string // Content-Encoding
	body   string
	from   string // address; "" is one of the range for documents
}

const form, asJSON = "application/x-www-form-urlencoded", "application/json"

// answer is what came back; fields are its JSON.
type answer struct {
	status int
	header http.Header
	body   string
	fields map[string]any
}

// shapes are the two ways to a handler: as a server calls it, and as a function behind the gateway.
var shapes = map[string]func(testing.TB, http.Handler, request) answer{"as a handler": sendStraight, "as a function": sendEvent}

func inShapes(t *testing.T, f func(t *testing.T, send func(testing.TB, http.Handler, request) answer)) {
	for name, send := range shapes {
		t.Run(name, func(t *testing.T) { f(t, send) })
	}
}

func (r request) headers() map[string]string {
	h := map[string]string{}
	if r.auth != "" {
		h["Authorization"] = r.auth
	}
	switch r.kind {
	case "":
		h["Content-Type"] = form
	case "-":
	default:
		h["Content-Type"] = r.kind
	}
	if r.coding != "" {
		h["Content-Encoding"] = r.coding
	}
	return h
}

func (r request) at() (method, from string) {
	if method = r.method; method == "" {
		method = http.MethodPost
	}
	if from = r.from; from == "" {
		from = "203.0.113.7"
	}
	return method, from
}

func sendStraight(t testing.TB, h http.Handler, in request) answer {
	t.Helper()
	method, from := in.at()
	r := httptest.NewRequest(method, path(h)+in.query, strings.NewReader(in.body))
	r.RemoteAddr = from
	for name, value := range in.headers() {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(t.Context()))
	return read(t, answer{status: w.Code, header: w.Header(), body: w.Body.String()})
}

func sendEvent(t testing.TB, h http.Handler, in request) answer {
	t.Helper()
	method, from := in.at()
	e := events.APIGatewayV2HTTPRequest{Version: "2.0", RawPath: path(h), RawQueryString: strings.TrimPrefix(in.query, "?"), Headers: map[string]string{"host": "x"}, Body: in.body}
	for name, value := range in.headers() {
		e.Headers[strings.ToLower(name)] = value
	}
	if !utf8.ValidString(in.body) {
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(in.body)), true
	}
	e.RequestContext.HTTP.Method, e.RequestContext.HTTP.Path, e.RequestContext.HTTP.SourceIP = method, e.RawPath, from
	payload, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	out, err := web.Invoke(h).Invoke(t.Context(), payload)
	var res events.APIGatewayV2HTTPResponse
	if err != nil || json.Unmarshal(out, &res) != nil {
		t.Fatalf("answer %s, %v", out, err)
	}
	a := answer{status: res.StatusCode, header: http.Header{}, body: res.Body}
	for name, value := range res.Headers {
		a.header.Set(name, value)
	}
	return read(t, a)
}

// path is where a handler answers: it says so itself, to whoever comes by another way.
func path(h http.Handler) string {
	for _, p := range []string{"/v1/authentication/token", "/v1/authentication/revoke"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, p, nil))
		if w.Code == http.StatusMethodNotAllowed {
			return p
		}
	}
	return "/nowhere"
}

// read holds what every answer of these routes must be.
func read(t testing.TB, a answer) answer {
	t.Helper()
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Pragma") != "no-cache" {
		t.Errorf("answer %d may be cached: %v", a.status, a.header)
	}
	if a.body == "" {
		return a
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(a.body)))
	if err := dec.Decode(&a.fields); err != nil || a.header.Get("Content-Type") != asJSON {
		t.Errorf("answer %d %q of type %q: %v", a.status, a.body, a.header.Get("Content-Type"), err)
	}
	if challenge := a.header.Get("WWW-Authenticate"); (a.status == http.StatusUnauthorized) != strings.HasPrefix(challenge, "Basic ") {
		t.Errorf("answer %d has WWW-Authenticate %q", a.status, challenge)
	}
	for _, c := range []byte(text(a.fields["error_description"])) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			t.Errorf("the description %q has %q, which RFC 6749 does not allow", a.fields["error_description"], c)
		}
	}
	return a
}

func text(v any) string { s, _ := v.(string); return s }
