package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/api/web"
)

func TestHeadersSurviveTheGateway(t *testing.T) {
	const wire = "GET /x HTTP/1.1\r\nHost: h\r\n" +
		"Accept: text/html, application/json;q=0.9\r\n" +
		"User-Agent: Mozilla/5.0 (KHTML, like Gecko)\r\n" +
		"Date: Sat, 21 Nov 2026 10:00:00 GMT\r\n" +
		"If-None-Match: \"a,b\", W/\"c\"\r\n" +
		"If-Modified-Since: Sat, 21 Nov 2026 10:00:00 GMT\r\n" +
		"Authorization: Digest a=\"1\", b=\"2\"\r\n" +
		"Cookie: a=1; b=\"x,y\"\r\n" +
		"X-List: one\r\nX-List: two\r\n\r\n"
	h := web.Route("GET", "/x", shout{}, func(w http.ResponseWriter, r *http.Request) error {
		got := map[string]string{}
		for name, v := range r.Header {
			got[name] = strings.Join(v, ",")
		}
		return web.JSON(w, 200, got)
	})
	want := map[string]string{
		"Accept": "text/html, application/json;q=0.9", "User-Agent": "Mozilla/5.0 (KHTML, like Gecko)",
		"Date": "Sat, 21 Nov 2026 10:00:00 GMT", "If-None-Match": `"a,b", W/"c"`, "If-Modified-Since": "Sat, 21 Nov 2026 10:00:00 GMT",
		"Authorization": `Digest a="1", b="2"`, "Cookie": `a=1; b="x,y"`, "X-List": "one,two",
	}
	inBoth(t, func(t *testing.T, send func(http.Handler, string) reply, _ *bytes.Buffer) {
		var got map[string]string
		if err := json.Unmarshal([]byte(send(h, wire).body), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("headers (-want +got):\n%s", diff)
		}
	})
}

func TestSingleValueOfAHeaderStaysOneValue(t *testing.T) {
	h := web.Route("GET", "/x", shout{}, func(w http.ResponseWriter, r *http.Request) error {
		return web.JSON(w, 200, r.Header.Get("Date"))
	})
	inBoth(t, func(t *testing.T, send func(http.Handler, string) reply, _ *bytes.Buffer) {
		got := send(h, "GET /x HTTP/1.1\r\nHost: h\r\nDate: Sat, 21 Nov 2026 10:00:00 GMT\r\n\r\n")
		if got.body != `"Sat, 21 Nov 2026 10:00:00 GMT"`+"\n" {
			t.Errorf("Date = %s, want it whole", got.body)
		}
	})
}

func TestBodiesTravelWhole(t *testing.T) {
	binary := string([]byte{0, 0xff, 0xfe, 'a', 0x80, '\n'})
	h := web.Route("POST", "/x", shout{}, func(w http.ResponseWriter, r *http.Request) error {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		_, err = w.Write(body)
		return err
	})
	for name, body := range map[string]string{"binary": binary, "text": "grüße 😀", "empty": "", "a zero byte": "\x00"} {
		t.Run(name, func(t *testing.T) {
			inBoth(t, func(t *testing.T, send func(http.Handler, string) reply, _ *bytes.Buffer) {
				got := send(h, post("/x", "application/x-test", body))
				if got.body != body || got.header.Get("Content-Type") != "application/x-test" {
					t.Errorf("echo = %q %v, want %q", got.body, got.header, body)
				}
			})
		})
	}
	a, _ := web.Invoke(h)(context.Background(), eventOf(t, post("/x", "a/b", binary)))
	if !a.IsBase64Encoded {
		t.Errorf("binary answer %q is not in base64", a.Body)
	}
	a, _ = web.Invoke(h)(context.Background(), eventOf(t, post("/x", "text/plain", "plain")))
	if a.IsBase64Encoded || a.Body != "plain" {
		t.Errorf("text answer = %q, base64 %v, want it as it is", a.Body, a.IsBase64Encoded)
	}
}

func TestAnswerHeadersAndCookiesAsTheGatewayWantsThem(t *testing.T) {
	h := web.Route("GET", "/x", shout{}, func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Add("Set-Cookie", "a=1, still one; Path=/")
		w.Header().Add("Set-Cookie", "b=2")
		w.Header().Add("Link", "<a>; rel=next")
		w.Header().Add("Link", "<b>; rel=prev")
		w.WriteHeader(http.StatusNoContent)
		return nil
	})
	a, err := web.Invoke(h)(context.Background(), eventOf(t, get("/x")))
	if err != nil || a.StatusCode != 204 || a.Headers["Link"] != "<a>; rel=next,<b>; rel=prev" || a.Headers["Content-Type"] != "" {
		t.Errorf("answer = %+v, %v", a, err)
	}
	if diff := cmp.Diff([]string{"a=1, still one; Path=/", "b=2"}, a.Cookies); diff != "" {
		t.Errorf("cookies (-want +got):\n%s", diff)
	}
}

func TestEventsThatAreNoRequestsAreRefusedInTheDialect(t *testing.T) {
	good := eventOf(t, post("/l/tok-canary", "text/plain", "x"))
	own := web.Route("POST", "/l/{token}", shout{}, tell)
	for name, c := range map[string]struct {
		change func(*events.APIGatewayV2HTTPRequest)
		status int
		says   string
	}{
		"as it was":                      {func(*events.APIGatewayV2HTTPRequest) {}, 200, "tok-canary"},
		"broken base64":                  {func(e *events.APIGatewayV2HTTPRequest) { e.Body, e.IsBase64Encoded = "%%%", true }, 400, "base64"},
		"a method with a space":          {func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.Method = "PO ST" }, 400, "method"},
		"no method":                      {func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.Method = "" }, 400, "method"},
		"a newline in the query":         {func(e *events.APIGatewayV2HTTPRequest) { e.RawQueryString = "a=\n" }, 400, "query"},
		"a domain that is no host":       {func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.DomainName = "%zz\x00" }, 200, "tok-canary"},
		"no raw path":                    {func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "" }, 200, "tok-canary"},
		"a raw path without its slash":   {func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "l/tok-canary" }, 200, "tok-canary"},
		"a path with control characters": {func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "/l/\r\n\x7f" }, 200, `"id"`},
	} {
		t.Run(name, func(t *testing.T) {
			log := &bytes.Buffer{}
			ctx := web.WithLogger(context.Background(), slog.New(slog.NewJSONHandler(log, nil)))
			e := good
			c.change(&e)
			got := invoke(t, ctx, own, e)
			if got.status != c.status || !strings.Contains(got.body, c.says) || (c.status == 400) != strings.Contains(got.body, "shout") {
				t.Errorf("answer = %d %s, want %d that says %q", got.status, got.body, c.status, c.says)
			}
			if !strings.HasPrefix(got.header.Get("Request-Id"), "req_") || strings.Contains(log.String(), "canary") {
				t.Errorf("request id %q, log %s: want an id and no path", got.header.Get("Request-Id"), log)
			}
			fb := invoke(t, ctx, web.Fallback(nil, func(string) web.Dialect { return shout{} }), e)
			if want := map[int]int{200: 404, 400: 400}[c.status]; fb.status != want || !strings.Contains(fb.body, "shout") {
				t.Errorf("fallback = %d %s, want %d", fb.status, fb.body, want)
			}
		})
	}
}

func TestForeignHandlersGetWhatRoutesHave(t *testing.T) {
	silent := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	loud := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("loud") })
	for _, c := range []struct {
		h      http.Handler
		wire   string
		broken bool
		status int
	}{{silent, get("/"), false, 200}, {loud, get("/"), false, 500}, {silent, get("/"), true, 400}} {
		e := eventOf(t, c.wire)
		e.IsBase64Encoded, e.Body = c.broken, "?"
		ctx := web.WithLogger(context.Background(), slog.New(slog.DiscardHandler))
		if got := invoke(t, ctx, c.h, e); got.status != c.status || got.header.Get("Request-Id") == "" {
			t.Errorf("answer = %d %v, want %d with a request id", got.status, got.header, c.status)
		}
	}
}

func TestRequestIDIsTheGateways(t *testing.T) {
	h := web.Route("GET", "/x", shout{}, func(w http.ResponseWriter, r *http.Request) error {
		return web.JSON(w, 200, web.RequestID(r.Context()))
	})
	for gatewayID, keep := range map[string]bool{"JKJaXmPLvHcESHA=": true, "": false, "a b": false, "x\r\ny: z": false, strings.Repeat("a", 65): false} {
		e := eventOf(t, get("/x"))
		e.RequestContext.RequestID = gatewayID
		got := invoke(t, context.Background(), h, e)
		id := got.header.Get("Request-Id")
		if (id == "req_"+gatewayID) != keep || !strings.HasPrefix(id, "req_") || got.body != `"`+id+`"`+"\n" {
			t.Errorf("gateway id %q: header %q, handler saw %s", gatewayID, id, got.body)
		}
	}
}

func TestDeadlineOfTheInvocationReachesTheHandler(t *testing.T) {
	want := time.Now().Add(time.Minute)
	ctx, cancel := context.WithDeadline(context.Background(), want)
	defer cancel()
	h := web.Route("GET", "/x", shout{}, func(w http.ResponseWriter, r *http.Request) error {
		got, ok := r.Context().Deadline()
		return web.JSON(w, 200, ok && got.Equal(want))
	})
	if got := invoke(t, ctx, h, eventOf(t, get("/x"))); got.body != "true\n" {
		t.Errorf("handler saw the deadline: %s, want true", got.body)
	}
}

func TestWarmRunsBesideItsCallerWithALimit(t *testing.T) {
	deadline := make(chan bool)
	web.Warm(func(ctx context.Context) {
		_, ok := ctx.Deadline()
		deadline <- ok
	})
	if !<-deadline {
		t.Error("Warm gave a context without a deadline")
	}
}

func FuzzInvoke(f *testing.F) {
	for _, seed := range []string{
		`{}`,
		`{"version":"2.0","rawPath":"/things/a%?#b","requestContext":{"http":{"method":"GET"}}}`,
		`{"rawPath":"//x","rawQueryString":"a=\u0000","headers":{"host":"a b","":"x","Cookie":"a"},"cookies":["b"],"requestContext":{"domainName":"%","http":{"method":"G T","protocol":"HTTP/9.x"}}}`,
		`{"rawPath":"/things/1","body":"%%%","isBase64Encoded":true,"requestContext":{"requestId":"\r\n","http":{"method":"POST"}}}`,
		`{"rawPath":"/things/1","queryStringParameters":{"a":"1,2"},"pathParameters":{"id":"1"},"requestContext":{"http":{"method":"GET","path":"/"}}}`,
		`{"body":"{\"a\":1}","headers":{"content-type":"application/json"},"rawPath":"/things/\ud800","requestContext":{"http":{"method":"GET"}}}`,
	} {
		f.Add([]byte(seed))
	}
	route := web.Route("GET POST", "/things/{id}", shout{}, func(w http.ResponseWriter, r *http.Request) error {
		if r.Method == http.MethodGet {
			return tell(w, r)
		}
		var v map[string]any
		return web.DecodeJSON(r, &v)
	})
	handlers := []http.Handler{route, web.Fallback([]web.Endpoint{{"GET", "/things/{id}"}}, func(string) web.Dialect { return nil })}
	ctx := web.WithLogger(context.Background(), slog.New(slog.DiscardHandler))
	f.Fuzz(func(t *testing.T, data []byte) {
		var e events.APIGatewayV2HTTPRequest
		if json.Unmarshal(data, &e) != nil {
			return
		}
		for _, h := range handlers {
			a, err := web.Invoke(h)(ctx, e)
			if err != nil || a.StatusCode < 200 || a.StatusCode >= 500 || a.Headers["Request-Id"] == "" || !utf8.ValidString(a.Body) {
				t.Errorf("answer = %+v, %v; want a well-formed one below 500", a, err)
			}
		}
	})
}
