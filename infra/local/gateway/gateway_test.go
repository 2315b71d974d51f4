package gateway

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/template"
	"github.com/assetry/assetry/shared/api/web"
)

// stack is a gateway over the test template with functions made as the product makes them, behind a real server.
type stack struct {
	server *httptest.Server
	mu     sync.Mutex
	events []events.APIGatewayV2HTTPRequest // what functions were given, in order
	log    bytes.Buffer
	closed chan struct{} // ends functions that hang
}

// table is what Fallback knows of the routes.
var table = []web.Endpoint{
	{Method: "GET", Pattern: "/api/v1/assets/{assetId}"}, {Method: "POST", Pattern: "/api/v1/assets"},
	{Method: "GET", Pattern: "/l/{token}"}, {Method: "HEAD", Pattern: "/l/{token}"},
}

func tell(w http.ResponseWriter, r *http.Request) error {
	return web.JSON(w, http.StatusOK, map[string]string{"id": web.PathValue(r, "assetId"), "path": r.URL.Path})
}

func echo(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
	w.Header().Set("Access-Control-Allow-Origin", "https://evil.example")
	w.Header().Set("Access-Control-Max-Age", "1")
	w.Header().Add("Set-Cookie", "a=1")
	w.Header().Add("Set-Cookie", "b=2")
	_, err = w.Write(body)
	return err
}

func redirect(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Location", "https://bucket.test/"+r.Method)
	w.WriteHeader(http.StatusFound)
	return nil
}

// invoke runs the function that the template names, as its runtime would.
func (s *stack) invoke(ctx context.Context, function string, payload []byte) ([]byte, error) {
	return lambda.NewHandler(func(ctx context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		return s.handle(ctx, function, e)
	}).Invoke(ctx, payload)
}

func (s *stack) handle(ctx context.Context, function string, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	s.mu.Lock()
	s.events = append(s.events, e)
	s.mu.Unlock()
	handlers := map[string]http.Handler{
		"assets-retrieve": web.Route("GET", "/api/v1/assets/{assetId}", web.Plain{}, tell),
		"assets-create":   web.Route("POST", "/api/v1/assets", web.Plain{}, echo),
		"open-link":       web.Route("GET HEAD", "/l/{token}", web.Plain{}, redirect),
		"echo":            web.Route("GET POST PUT OPTIONS", "/echo", web.Plain{}, echo),
		"files":           web.Route("GET", "/files/{id}", web.Plain{}, tell),
		"fallback":        web.Fallback(table, func(string) web.Dialect { return nil }),
	}
	if h, ok := handlers[function]; ok {
		return web.Invoke(h)(web.WithLogger(ctx, slog.New(slog.DiscardHandler)), e)
	}
	switch how := e.PathParameters["how"]; {
	case function == "slow", function == "patient":
		<-s.closed // heeds neither context nor client
	case how == "panic":
		panic("out of paper")
	case how == "error":
		return events.APIGatewayV2HTTPResponse{}, errors.New("init failed")
	case how == "nothing":
		return events.APIGatewayV2HTTPResponse{}, nil
	case how == "base64":
		return events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: "%%%", IsBase64Encoded: true}, nil
	case how == "large":
		return events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: strings.Repeat("a", MaxAnswer)}, nil
	case how == "largest":
		return events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: strings.Repeat("a", MaxAnswer-200)}, nil
	}
	return events.APIGatewayV2HTTPResponse{}, fmt.Errorf("no function %s", function)
}

func newStack(t *testing.T, o Options) *stack {
	t.Helper()
	s := &stack{closed: make(chan struct{})}
	o.Log = slog.New(slog.NewJSONHandler(&s.log, nil))
	s.server = httptest.NewServer(New(readTestTemplate(t), s.invoke, o))
	t.Cleanup(func() {
		close(s.closed)
		s.server.Close()
	})
	return s
}

// last is the event of the last invocation.
func (s *stack) last(t *testing.T) events.APIGatewayV2HTTPRequest {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.events) == 0 {
		t.Fatal("no function was invoked")
	}
	return s.events[len(s.events)-1]
}

// send writes a request as it is and reads the answer; the server closes the connection after it.
func (s *stack) send(t *testing.T, method, wire string) (*http.Response, string) {
	t.Helper()
	c, err := net.Dial("tcp", s.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		io.WriteString(c, wire) // fails when the server answers before it read all, which is its right
	}()
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("read answer: %v", err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read body: %v", err)
	}
	c.Close()
	<-written
	return resp, string(body)
}

// request is a request as on the wire.
func request(method, target, body string, headers ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: assets.test:8080\r\nConnection: close\r\n", method, target)
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	if body != "" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	return b.String() + "\r\n" + body
}

func TestOddPathsThroughARealServer(t *testing.T) {
	s := newStack(t, Options{})
	for _, c := range []struct {
		target, id string
		status     int
	}{
		{"/api/v1/assets/abc", "abc", 200},
		{"/api/v1/assets/a%25b", "a%b", 200},
		{"/api/v1/assets/a%252Fb", "a%2Fb", 200},
		{"/api/v1/assets/a%3Fb?x=1", "a?b", 200},
		{"/api/v1/assets/a%23b", "a#b", 200},
		{"/api/v1/assets/a%00b", "a\x00b", 200},
		{"/api/v1/assets/%E6%97%A5", "日", 200},
		{"/api/v1/assets/..", "..", 200},
		{"/api/v1/assets/%2e%2e", "..", 200},
		{"http://other.test/api/v1/assets/abc", "abc", 200},
		{"/api/v1/assets/a%2Fb", "", 404},
		{"/api/v1/assets/../assets/abc", "", 404},
		{"//api/v1/assets/abc", "", 404},
		{"/api/v1/assets//", "", 404},
		{"/", "", 404},
		{"/api/v1/assets/%", "", 400},
		{"/api/v1/assets/%zz", "", 400},
	} {
		t.Run(c.target, func(t *testing.T) {
			resp, body := s.send(t, "GET", request("GET", c.target, ""))
			if resp.StatusCode != c.status {
				t.Fatalf("GET %s = %d %s, want %d", c.target, resp.StatusCode, body, c.status)
			}
			var got map[string]string
			if c.status == 200 {
				if err := json.Unmarshal([]byte(body), &got); err != nil || got["id"] != c.id || s.last(t).PathParameters["assetId"] != c.id {
					t.Errorf("id = %q, path parameter %q, %v; want %q", got["id"], s.last(t).PathParameters["assetId"], err, c.id)
				}
			}
		})
	}
}

func TestEventIsWhatAWSBuilds(t *testing.T) {
	now := time.Date(2026, 11, 21, 9, 8, 7, 6e6, time.UTC)
	s := newStack(t, Options{Now: func() time.Time { return now }})
	s.send(t, "GET", request("GET", "/api/v1/assets/a%2Bb%20c?q=a+b&q=%2F&r=%zz&e", "",
		"User-Agent: test/1.0 (a, b)", "X-List: one", "X-List: two", "Cookie: a=1; b=2", "Cookie: c=3", "X-Forwarded-For: 10.0.0.1", "TE: trailers"))
	e := s.last(t)
	if len(e.RequestContext.RequestID) != 16 || !strings.HasPrefix(e.Headers["x-amzn-trace-id"], "Root=1-") {
		t.Errorf("request id %q, trace %q, want AWS's forms", e.RequestContext.RequestID, e.Headers["x-amzn-trace-id"])
	}
	delete(e.Headers, "x-amzn-trace-id")
	e.RequestContext.RequestID = ""
	want := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "GET /api/v1/assets/{assetId}", RawPath: "/api/v1/assets/a+b c", RawQueryString: "q=a+b&q=%2F&r=%zz&e",
		Cookies: []string{"a=1", "b=2", "c=3"},
		Headers: map[string]string{
			"host": "assets.test:8080", "user-agent": "test/1.0 (a, b)", "x-list": "one,two", "content-length": "0",
			"x-forwarded-for": "10.0.0.1, 127.0.0.1", "x-forwarded-proto": "http", "x-forwarded-port": "8080",
		},
		QueryStringParameters: map[string]string{"q": "a b,/", "e": ""},
		PathParameters:        map[string]string{"assetId": "a+b c"},
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: "GET /api/v1/assets/{assetId}", AccountID: "000000000000", Stage: "$default", APIID: "local",
			DomainName: "assets.test", DomainPrefix: "assets", Time: "21/Nov/2026:09:08:07 +0000", TimeEpoch: now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method: "GET", Path: "/api/v1/assets/a+b c", Protocol: "HTTP/1.1", SourceIP: "127.0.0.1", UserAgent: "test/1.0 (a, b)",
			},
		},
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

func TestBodiesGoThroughAsTextOrBase64AndComeBackWhole(t *testing.T) {
	s := newStack(t, Options{})
	binary := string([]byte{0, 0xff, 0x80, 'a'})
	for _, c := range []struct {
		contentType, body string
		base64            bool
	}{
		{"application/json", `{"a":"ä"}`, false},
		{"application/json; charset=utf-8", `{}`, false},
		{"application/xml", "<a/>", false},
		{"application/javascript", "1", false},
		{"text/csv", "a,b", false},
		{"application/octet-stream", binary, true},
		{"image/png", binary, true},
		{"multipart/form-data; boundary=x", "--x--" + binary, true},
		{"application/x-www-form-urlencoded", "a=b", true},
		{"application/vnd.api+json", "{}", true},
		{"application/octet-stream", "", false},
	} {
		t.Run(c.contentType, func(t *testing.T) {
			resp, body := s.send(t, "POST", request("POST", "/echo", c.body, "Content-Type: "+c.contentType))
			if e := s.last(t); e.IsBase64Encoded != c.base64 {
				t.Errorf("isBase64Encoded = %v, want %v", e.IsBase64Encoded, c.base64)
			}
			if resp.StatusCode != 200 || body != c.body {
				t.Errorf("echo = %d %q, want %q", resp.StatusCode, body, c.body)
			}
			if diff := cmp.Diff([]string{"a=1", "b=2"}, resp.Header["Set-Cookie"]); diff != "" {
				t.Errorf("Set-Cookie (-want +got):\n%s", diff)
			}
		})
	}
	s.send(t, "POST", request("POST", "/echo", "typeless"))
	if e := s.last(t); !e.IsBase64Encoded {
		t.Errorf("a body without a type = %q as text, want base64", e.Body)
	}
}

func TestLimitsAnswerInAWSsWords(t *testing.T) {
	s := newStack(t, Options{})
	const entity, fields = `{"message":"Request Entity Too Large"}`, `{"message":"Request Header Fields Too Large"}`
	const internal = `{"message":"Internal Server Error"}`
	head := len("GET") + 1 + len("/echo") + 1 + len("HTTP/1.1") + len("assets.test:8080") // what the limit counts besides the padding
	connection := len("close")
	for name, c := range map[string]struct {
		wire   string
		status int
		body   string
	}{
		"a body of more than 10 MB":                    {request("POST", "/echo", strings.Repeat("a", MaxBody+1), "Content-Type: text/plain"), 413, entity},
		"a text that makes an event of more than 6 MB": {request("POST", "/echo", strings.Repeat("a", MaxEvent), "Content-Type: text/plain"), 413, entity},
		"bytes that pass 6 MB in base64 only":          {request("POST", "/echo", strings.Repeat("a", MaxEvent*3/4), "Content-Type: image/png"), 413, entity},
		"headers one byte over":                        {request("GET", "/echo", "", "X-Pad: "+strings.Repeat("a", MaxHead-head-connection+1)), 431, fields},
		"headers at the limit":                         {request("GET", "/echo", "", "X-Pad: "+strings.Repeat("a", MaxHead-head-connection)), 200, ""},
		"a long request line":                          {request("GET", "/echo?"+strings.Repeat("a", MaxHead), ""), 431, fields},
		"an answer of more than 6 MB":                  {request("GET", "/broken/large", ""), 500, internal},
		"a function that panics":                       {request("GET", "/broken/panic", ""), 500, internal},
		"a function that fails":                        {request("GET", "/broken/error", ""), 500, internal},
		"an answer without a status":                   {request("GET", "/broken/nothing", ""), 500, internal},
		"an answer in broken base64":                   {request("GET", "/broken/base64", ""), 500, internal},
		"a function that outlives its own timeout":     {request("GET", "/slow", ""), 500, internal},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := s.send(t, "GET", c.wire)
			if resp.StatusCode != c.status || body != c.body {
				t.Errorf("answer = %d %.200s, want %d %s", resp.StatusCode, body, c.status, c.body)
			}
			if resp.Header.Get("Apigw-Requestid") == "" {
				t.Error("the answer has no Apigw-Requestid")
			}
		})
	}
	if resp, body := s.send(t, "GET", request("GET", "/broken/largest", "")); resp.StatusCode != 200 || len(body) != MaxAnswer-200 {
		t.Errorf("answer just under 6 MB = %d, %d bytes, want 200 with %d", resp.StatusCode, len(body), MaxAnswer-200)
	}
	body := strings.Repeat("a", 4<<20)
	if resp, got := s.send(t, "POST", request("POST", "/echo", body, "Content-Type: image/png")); resp.StatusCode != 200 || got != body {
		t.Errorf("4 MiB of binary = %d, %d bytes back, want them all", resp.StatusCode, len(got))
	}
	marks := strings.Repeat("<&>", 1<<20)
	if resp, got := s.send(t, "POST", request("POST", "/echo", marks, "Content-Type: text/plain")); resp.StatusCode != 200 || got != marks {
		t.Errorf("3 MiB of marks = %d, %d bytes back, want them all", resp.StatusCode, len(got))
	}
}

func TestGatewayGivesUpBeforeAPatientFunction(t *testing.T) {
	s := newStack(t, Options{Integration: 20 * time.Millisecond})
	resp, body := s.send(t, "GET", request("GET", "/patient", ""))
	if resp.StatusCode != 503 || body != `{"message":"Service Unavailable"}` {
		t.Errorf("answer = %d %s, want AWS's 503", resp.StatusCode, body)
	}
}

func TestAnInvokerThatKeepsTheTimeIsWaitedForBeyondTheTimeout(t *testing.T) {
	tmpl := &template.Template{Functions: []template.Function{{
		Name: "F", Timeout: time.Millisecond, Events: []template.Event{template.HttpApi{Path: template.DefaultRoute}},
	}}}
	left := make(chan error, 1)
	for _, tt := range []struct {
		name   string
		invoke Invoker
		want   int
	}{
		{"its time does not begin before its turn", func(ctx context.Context, _ string, _ []byte) ([]byte, error) {
			if _, bounded := ctx.Deadline(); bounded {
				return nil, errors.New("the context ends by itself")
			}
			return []byte(`{"statusCode": 204}`), nil
		}, 204},
		{"its turn does not come", func(ctx context.Context, _ string, _ []byte) ([]byte, error) {
			<-ctx.Done()
			left <- ctx.Err()
			return nil, ctx.Err()
		}, 503},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := httptest.NewRecorder()
				New(tmpl, tt.invoke, Options{OwnTime: true, Integration: 50 * time.Millisecond}).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
				if w.Code != tt.want {
					t.Errorf("answer = %d %s, want %d", w.Code, w.Body, tt.want)
				}
			})
		})
	}
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("what waited for its turn heard %v, want that nobody waits", err)
	}
}

func TestFunctionSeesItsOwnTimeoutAsDeadline(t *testing.T) {
	seen := make(chan time.Duration, 1)
	h := New(readTestTemplate(t), func(ctx context.Context, _ string, _ []byte) ([]byte, error) {
		d, _ := ctx.Deadline()
		seen <- time.Until(d)
		return []byte(`{"statusCode": 204, "body": "dropped"}`), nil
	}, Options{})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/assets/x", nil))
	if left := <-seen; left <= 10*time.Second || left > 20*time.Second {
		t.Errorf("time left = %v, want just under the template's 20 s", left)
	}
	if w.Code != 204 || w.Body.Len() != 0 {
		t.Errorf("answer = %d %q, want 204 and nothing", w.Code, w.Body)
	}
}

func TestHeadIsAMethodOfItsOwn(t *testing.T) {
	s := newStack(t, Options{})
	for _, c := range []struct {
		method, target, route, location, allow string
		status                                 int
	}{
		{"GET", "/l/t", "GET /l/{token}", "https://bucket.test/GET", "", 302},
		{"HEAD", "/l/t", "HEAD /l/{token}", "https://bucket.test/HEAD", "", 302},
		{"HEAD", "/api/v1/assets/x", "$default", "", "GET", 405},
		{"HEAD", "/files/x", "ANY /files/{id}", "", "GET", 405},
	} {
		resp, body := s.send(t, c.method, request(c.method, c.target, ""))
		got := s.last(t)
		if resp.StatusCode != c.status || resp.Header.Get("Location") != c.location || resp.Header.Get("Allow") != c.allow || got.RouteKey != c.route || body != "" {
			t.Errorf("%s %s = %d %v by %s, want %d by %s to %q", c.method, c.target, resp.StatusCode, resp.Header, got.RouteKey, c.status, c.route, c.location)
		}
	}
}

func TestUnmatchedGoesToFallback(t *testing.T) {
	s := newStack(t, Options{})
	for _, c := range []struct {
		method, target, allow string
		status                int
	}{
		{"GET", "/nothing", "", 404},
		{"DELETE", "/api/v1/assets", "POST", 405},
		{"PUT", "/l/secret", "GET, HEAD", 405},
		{"OPTIONS", "/api/v1/assets", "POST", 405},
		{"BREW", "/api/v1/assets", "POST", 405},
	} {
		resp, body := s.send(t, c.method, request(c.method, c.target, ""))
		if resp.StatusCode != c.status || resp.Header.Get("Allow") != c.allow || !strings.Contains(body, `"message"`) || s.last(t).RouteKey != template.DefaultRoute {
			t.Errorf("%s %s = %d Allow %q %s, want %d Allow %q", c.method, c.target, resp.StatusCode, resp.Header.Get("Allow"), body, c.status, c.allow)
		}
		if !strings.HasPrefix(resp.Header.Get("Request-Id"), "req_"+resp.Header.Get("Apigw-Requestid")) {
			t.Errorf("request id %q is not the gateway's %q", resp.Header.Get("Request-Id"), resp.Header.Get("Apigw-Requestid"))
		}
	}
	if s.log.Len() > 0 {
		t.Errorf("the gateway logged failures:\n%s", s.log.String())
	}
}

func TestWithoutADefaultRouteTheGatewaySaysNotFound(t *testing.T) {
	w := httptest.NewRecorder()
	New(&template.Template{}, nil, Options{}).ServeHTTP(w, httptest.NewRequest("GET", "/x", nil))
	if w.Code != 404 || w.Body.String() != `{"message":"Not Found"}` {
		t.Errorf("answer = %d %s, want AWS's 404", w.Code, w.Body)
	}
}

func TestPanicOfAFunctionIsLoggedNotAnswered(t *testing.T) {
	s := newStack(t, Options{})
	_, body := s.send(t, "GET", request("GET", "/broken/panic", ""))
	if strings.Contains(body, "paper") || !strings.Contains(s.log.String(), "out of paper") || !strings.Contains(s.log.String(), "gateway_test.go") {
		t.Errorf("body %s, log %s: want the panic in the log alone", body, s.log.String())
	}
}
