package web_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/fault"
)

// reply is what a client sees of an answer, whatever way the request took.
type reply struct {
	status int
	header http.Header
	body   string
}

// shape sends a request, written as on the wire, to a handler.
type shape struct {
	name string
	send func(t *testing.T, ctx context.Context, h http.Handler, wire string) reply
}

// shapes are the two ways to a handler: as a server calls it, and as a function behind the gateway.
var shapes = []shape{{"as a handler", sendDirect}, {"as a function", sendEvent}}

func readWire(t *testing.T, wire string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire)))
	if err != nil {
		t.Fatalf("ReadRequest(%q): %v", wire, err)
	}
	return r
}

func sendDirect(t *testing.T, ctx context.Context, h http.Handler, wire string) reply {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, readWire(t, wire).WithContext(ctx))
	return reply{w.Code, w.Header(), w.Body.String()}
}

func sendEvent(t *testing.T, ctx context.Context, h http.Handler, wire string) reply {
	t.Helper()
	return invoke(t, ctx, h, eventOf(t, wire))
}

// eventOf makes the event that an HTTP API makes of a request: decoded path, joined headers, cookies apart.
func eventOf(t *testing.T, wire string) events.APIGatewayV2HTTPRequest {
	t.Helper()
	r := readWire(t, wire)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	e := events.APIGatewayV2HTTPRequest{Version: "2.0", RawPath: r.URL.Path, RawQueryString: r.URL.RawQuery, Headers: map[string]string{"host": r.Host}}
	e.Headers["content-length"] = itoa(len(body))
	for name, values := range r.Header {
		if name != "Cookie" {
			e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	for _, line := range r.Header["Cookie"] {
		e.Cookies = append(e.Cookies, strings.Split(line, "; ")...)
	}
	e.Body = string(body)
	if !utf8.Valid(body) {
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	e.RequestContext.HTTP.Method, e.RequestContext.HTTP.Path, e.RequestContext.HTTP.Protocol = r.Method, r.URL.Path, r.Proto
	e.RequestContext.DomainName = "abc.execute-api.eu-west-1.amazonaws.com"
	return e
}

// invoke runs the function over JSON, as Lambda does.
func invoke(t *testing.T, ctx context.Context, h http.Handler, e events.APIGatewayV2HTTPRequest) reply {
	t.Helper()
	in, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var arrived events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(in, &arrived); err != nil {
		t.Fatal(err)
	}
	a, err := web.Invoke(h)(ctx, arrived)
	if err != nil {
		t.Fatalf("Invoke = %v, want no error", err)
	}
	return replyOf(t, a)
}

func replyOf(t *testing.T, a events.APIGatewayV2HTTPResponse) reply {
	t.Helper()
	body := []byte(a.Body)
	if a.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(a.Body); err != nil {
			t.Fatalf("answer's body is not base64: %v", err)
		}
	}
	h := http.Header{}
	for name, v := range a.Headers {
		h.Set(name, v)
	}
	h["Set-Cookie"] = a.Cookies
	return reply{a.StatusCode, h, string(body)}
}

// inBoth runs a test in both shapes, with a log to look at.
func inBoth(t *testing.T, test func(t *testing.T, send func(h http.Handler, wire string) reply, log *bytes.Buffer)) {
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			log := &bytes.Buffer{}
			ctx := web.WithLogger(context.Background(), slog.New(slog.NewJSONHandler(log, nil)))
			test(t, func(h http.Handler, wire string) reply { return s.send(t, ctx, h, wire) }, log)
		})
	}
}

// shout is a dialect that cannot be mistaken for another.
type shout struct{}

func (shout) Fault(w http.ResponseWriter, r *http.Request, status int, f *fault.Error) {
	if f.Kind == fault.Conflict {
		w.Header().Set("X-Should-Retry", "false")
	}
	web.JSON(w, status, map[string]any{"shout": f.Message, "kind": f.Kind.String(), "fields": f.Fields, "cause": f.Cause, "id": web.RequestID(r.Context())})
}

func get(target string) string { return "GET " + target + " HTTP/1.1\r\nHost: api.test:8080\r\n\r\n" }

func call(method, target string) string {
	return method + " " + target + " HTTP/1.1\r\nHost: api.test:8080\r\n\r\n"
}

func post(target, contentType, body string) string {
	return "POST " + target + " HTTP/1.1\r\nHost: api.test:8080\r\nContent-Type: " + contentType + "\r\nContent-Length: " +
		itoa(len(body)) + "\r\n\r\n" + body
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }
