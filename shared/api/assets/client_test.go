package assets_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/api/assets"
	"github.com/assetry/assetry/shared/api/assets/routes"
	"github.com/assetry/assetry/shared/api/web"
)

// request is a request as a test states it.
type request struct {
	method string
	path   string // escaped, below /api/v1, with the query
	key    string // API key; "" sends none
	auth   string // the whole Authorization header, in place of key
	body   string
	kind   string      // Content-Type; "" is application/json where there is a body, "-" sends none
	once   string      // Idempotency-Key; "" sends none
	header http.Header // more headers
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// shape is a way for a request to reach a handler.
type shape struct {
	name string
	send func(h http.Handler, r *http.Request, body []byte) (answer, error)
}

// shapes are all ways: straight to the handler, and as the event that API Gateway makes of the request.
var shapes = []shape{{"handler", sendStraight}, {"event", sendEvent}}

func sendStraight(h http.Handler, r *http.Request, _ []byte) (answer, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{w.Code, w.Result().Header, w.Body.Bytes()}, nil
}

func sendEvent(h http.Handler, r *http.Request, body []byte) (answer, error) {
	e := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RawPath: r.URL.Path, RawQueryString: r.URL.RawQuery, Headers: map[string]string{"host": r.Host},
	}
	e.RequestContext.DomainName, e.RequestContext.RequestID = r.Host, "JKJaXmPLvHcESHA="
	e.RequestContext.HTTP.Method, e.RequestContext.HTTP.Path, e.RequestContext.HTTP.Protocol = r.Method, r.URL.Path, "HTTP/1.1"
	for name, values := range r.Header {
		e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	if t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t == "application/json" {
		e.Body = string(body)
	} else if len(body) > 0 {
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	got, err := web.Invoke(h)(r.Context(), e)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: got.StatusCode, header: http.Header{}, body: []byte(got.Body)}
	for name, value := range got.Headers {
		a.header.Set(name, value)
	}
	for name, values := range got.MultiValueHeaders {
		a.header[http.CanonicalHeaderKey(name)] = values
	}
	if got.IsBase64Encoded {
		a.body, err = base64.StdEncoding.DecodeString(got.Body)
	}
	return a, err
}

// client sends requests in one shape. It holds every answer against the document, so that no test can forget to.
type client struct {
	*stack
	shape  shape
	routes []web.Row
	rest   http.Handler
}

func newClient(s *stack, sh shape) *client {
	rest := web.Fallback(assets.Endpoints(), func(string) web.Dialect { return assets.Dialect{} })
	return &client{stack: s, shape: sh, routes: routes.Routes(s), rest: rest}
}

// inShapes runs a test once in every shape, each on a stack of its own.
func inShapes(t *testing.T, test func(t *testing.T, c *client)) {
	for _, sh := range shapes {
		t.Run(sh.name, func(t *testing.T) { test(t, newClient(newStack(t), sh)) })
	}
}

const testHost = "assets.test:8080"

// do sends a request and validates its answer.
func (c *client) do(t *testing.T, in request) answer {
	t.Helper()
	r, err := http.NewRequest(in.method, "http://"+testHost+assets.Base+in.path, bytes.NewReader([]byte(in.body)))
	if err != nil {
		t.Fatal(err)
	}
	if in.auth == "" && in.key != "" {
		in.auth = "Bearer " + in.key
	}
	if in.auth != "" {
		r.Header.Set("Authorization", in.auth)
	}
	if in.kind == "" && in.body != "" {
		in.kind = "application/json"
	}
	if in.kind != "" && in.kind != "-" {
		r.Header.Set("Content-Type", in.kind)
	}
	maps.Copy(r.Header, in.header)
	if in.once != "" {
		r.Header.Set("Idempotency-Key", in.once)
	}
	h, endpoint := c.find(r)
	var log bytes.Buffer
	r = r.WithContext(web.WithLogger(t.Context(), slog.New(slog.NewTextHandler(&log, nil))))
	got, err := c.shape.send(h, r, []byte(in.body))
	if err != nil {
		t.Fatalf("%s %s: %v", in.method, in.path, err)
	}
	checkLog(t, log.String(), in)
	if got.status == 500 {
		t.Logf("%s %s:\n%s", in.method, in.path, log.String())
	}
	r.Body = io.NopCloser(strings.NewReader(in.body))
	conform(t, endpoint, r, got)
	return got
}

// checkLog holds that one line was logged, and that it keeps the secrets of the request.
func checkLog(t *testing.T, log string, in request) {
	t.Helper()
	if n := strings.Count(log, "msg=request "); n != 1 {
		t.Errorf("%s %s logged %d requests:\n%s", in.method, in.path, n, log)
	}
	for _, secret := range []string{in.key, strings.TrimPrefix(in.auth, "Bearer "), "sk_live_", "x-amz-signature", "/l/"} {
		if secret != "" && strings.Contains(log, secret) {
			t.Errorf("%s %s logged a secret:\n%s", in.method, in.path, log)
		}
	}
}

// find is what the gateway does: the route of a request, else the fallback.
func (c *client) find(r *http.Request) (http.Handler, *web.Endpoint) {
	for _, route := range c.routes {
		if _, ok := web.MustPattern(route.Pattern).Match(r.URL.Path); ok && route.Method == r.Method {
			return route.Handler, &route.Endpoint
		}
	}
	return c.rest, nil
}

// scenario states a request, its answer, and what was written.
type scenario struct {
	request
	status int
	wrote  []string // nil: nothing
}

// run sends a scenario and decodes its answer into v, which may be nil.
func (c *client) run(t *testing.T, s scenario, v any) answer {
	t.Helper()
	since, objects := c.position(), c.objects()
	got := c.do(t, s.request)
	if got.status != s.status {
		t.Fatalf("%s %s answered %d %s, want %d", s.method, s.path, got.status, got.body, s.status)
	}
	if diff := cmp.Diff(s.wrote, c.written(since, objects)); diff != "" {
		t.Errorf("%s %s wrote (-want +got):\n%s", s.method, s.path, diff)
	}
	if v != nil {
		if err := json.Unmarshal(got.body, v); err != nil {
			t.Fatalf("%s %s answered %s: %v", s.method, s.path, got.body, err)
		}
	}
	return got
}

// refusal is the body of an error.
type refusal struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Fields  []struct {
			Field   string `json:"field"`
			Message string `json:"message"`
		} `json:"fields"`
	} `json:"error"`
}

// refused sends a request that must be refused with a status and code, and must write nothing.
func (c *client) refused(t *testing.T, in request, status int, code string, fields ...string) answer {
	t.Helper()
	var body refusal
	got := c.run(t, scenario{request: in, status: status}, &body)
	if body.Error.Code != code {
		t.Errorf("%s %s answered code %q, want %q", in.method, in.path, body.Error.Code, code)
	}
	var named []string
	for _, f := range body.Error.Fields {
		named = append(named, f.Field)
	}
	if !slices.Equal(named, fields) {
		t.Errorf("%s %s names the fields %q, want %q", in.method, in.path, named, fields)
	}
	return got
}

// object is a JSON text of pairs of name and value.
func object(pairs ...any) string {
	m := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// query is a query string of pairs of name and value.
func query(pairs ...string) string {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		q.Add(pairs[i], pairs[i+1])
	}
	return "?" + q.Encode()
}
