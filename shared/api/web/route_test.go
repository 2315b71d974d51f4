package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
)

// tell answers with what arrived.
func tell(w http.ResponseWriter, r *http.Request) error {
	return web.JSON(w, http.StatusOK, map[string]any{
		"id": web.PathValue(r, "id"), "path": r.URL.Path, "query": r.URL.RawQuery, "method": r.Method, "host": r.Host,
	})
}

func TestPathValuesArriveAlikeInBothShapes(t *testing.T) {
	h := web.Route("GET", "/things/{id}/parts", shout{}, tell)
	for name, c := range map[string]struct{ target, id string }{
		"a plain id":                   {"/things/abc/parts", "abc"},
		"an escaped percent sign":      {"/things/a%25b/parts", "a%b"},
		"a percent sign twice escaped": {"/things/a%252Fb/parts", "a%2Fb"},
		"an escaped question mark":     {"/things/a%3Fb/parts", "a?b"},
		"an escaped number sign":       {"/things/a%23b/parts", "a#b"},
		"an escaped zero byte":         {"/things/a%00b/parts", "a\x00b"},
		"a newline":                    {"/things/a%0D%0Ab/parts", "a\r\nb"},
		"a space and a plus":           {"/things/a%20b+c/parts", "a b+c"},
		"semicolon, colon and comma":   {"/things/a;b:c,d/parts", "a;b:c,d"},
		"two dots":                     {"/things/../parts", ".."},
		"escaped dots":                 {"/things/%2e%2e/parts", ".."},
		"another script":               {"/things/%E6%97%A5%F0%9F%98%80/parts", "日😀"},
		"a backslash":                  {"/things/a%5Cb/parts", `a\b`},
	} {
		t.Run(name, func(t *testing.T) {
			inBoth(t, func(t *testing.T, send func(http.Handler, string) reply, _ *bytes.Buffer) {
				got := send(h, get(c.target+"?x=%2F&y=a+b"))
				var body map[string]string
				if err := json.Unmarshal([]byte(got.body), &body); err != nil {
					t.Fatalf("answer %d %q: %v", got.status, got.body, err)
				}
				want := map[string]string{"id": c.id, "path": "/things/" + c.id + "/parts", "query": "x=%2F&y=a+b", "method": "GET", "host": "api.test:8080"}
				if diff := cmp.Diff(want, body); diff != "" {
					t.Errorf("GET %s (-want +got):\n%s", c.target, diff)
				}
			})
		})
	}
}

func TestPathsThatAreNotTheRoutesAreNotFoundInBothShapes(t *testing.T) {
	h := web.Route("GET", "/things/{id}/parts", shout{}, tell)
	for name, target := range map[string]string{
		"an escaped slash, which is a slash on AWS": "/things/a%2Fb/parts",
		"an empty id":         "/things//parts",
		"a trailing slash":    "/things/a/parts/",
		"a missing segment":   "/things/a",
		"two leading slashes": "//things/a/parts",
		"another case":        "/Things/a/parts",
		"only an escaped nul": "/%00",
	} {
		t.Run(name, func(t *testing.T) {
			inBoth(t, func(t *testing.T, send func(http.Handler, string) reply, _ *bytes.Buffer) {
				if got := send(h, get(target)); got.status != http.StatusNotFound || !strings.Contains(got.body, "shout") {
					t.Errorf("GET %s = %d %s, want 404 in the route's dialect", target, got.status, got.body)
				}
			})
		})
	}
}

func TestEveryKindHasItsStatusAndTheDialectsBody(t *testing.T) {
	for kind, status := range map[fault.Kind]int{
		fault.Internal: 500, fault.Malformed: 400, fault.Invalid: 400, fault.NoCredentials: 401, fault.BadCredentials: 401,
		fault.Forbidden: 403, fault.NotFound: 404, fault.MethodNotAllowed: 405, fault.Conflict: 409, fault.Duplicate: 409, fault.KeyReused: 422, fault.Stale: 412, fault.TooLarge: 413,
		fault.UnsupportedType: 415, fault.Throttled: 429, fault.Unavailable: 503, fault.Kind(200): 500,
	} {
		t.Run(kind.String(), func(t *testing.T) {
			h := web.Route("GET", "/x", shout{}, func(w http.ResponseWriter, r *http.Request) error {
				w.Header().Set("X-Half", "done")
				w.Write([]byte("half an answer"))
				return fmt.Errorf("step: %w", fault.Wrap(errors.New("secret cause"), kind, "told"))
			})
			inBoth(t, func(t *testing.T, send func(http.Handler, string) reply, _ *bytes.Buffer) {
				got := send(h, get("/x"))
				if got.status != status || !strings.Contains(got.body, `"shout"`) || got.header.Get("X-Half") != "" {
					t.Errorf("kind %v = %d %v %s, want %d in the dialect alone", kind, got.status, got.header, got.body, status)
				}
				if strings.Contains(got.body, "secret") || strings.Contains(got.body, "half") {
					t.Errorf("body %s holds the cause or the abandoned answer", got.body)
				}
				if retry := got.header.Get("X-Should-Retry"); (retry == "false") != (kind == fault.Conflict) {
					t.Errorf("x-should-retry = %q for %v", retry, kind)
				}
			})
		})
	}
}

func TestErrorsOfTheStandardLibraryGetTheirKind(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		status int
	}{
		"a deadline":          {fmt.Errorf("get: %w", context.DeadlineExceeded), 503},
		"a cancelled request": {context.Canceled, 503},
		"a body over its cap": {&http.MaxBytesError{Limit: 7}, 413},
		"anything else":       {errors.New("disk on fire"), 500},
	} {
		t.Run(name, func(t *testing.T) {
			h := web.Route("GET", "/x", shout{}, func(http.ResponseWriter, *http.Request) error { return c.err })
			inBoth(t, func(t *testing.T, send func(http.Handler, string) reply, _ *bytes.Buffer) {
				if got := send(h, get("/x")); got.status != c.status || strings.Contains(got.body, "fire") {
					t.Errorf("answer = %d %s, want %d without the cause", got.status, got.body, c.status)
				}
			})
		})
	}
}

func TestPanicIsA500InTheDialectAndIsLoggedWithItsPlace(t *testing.T) {
	h := web.Route("GET", "/x/{id}", shout{}, func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusOK)
		w.Write([]byte("half"))
		panic("the roof is open")
	})
	inBoth(t, func(t *testing.T, send func(http.Handler, string) reply, log *bytes.Buffer) {
		got := send(h, get("/x/1"))
		if got.status != 500 || !strings.Contains(got.body, "went wrong on our side") || strings.Contains(got.body, "roof") {
			t.Errorf("answer = %d %s, want a 500 of ours", got.status, got.body)
		}
		if !strings.Contains(got.body, got.header.Get("Request-Id")) {
			t.Errorf("body %s does not quote the request id %s", got.body, got.header.Get("Request-Id"))
		}
		for _, want := range []string{"the roof is open", "route_test.go", `"level":"ERROR"`} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("log lacks %q:\n%s", want, log)
			}
		}
	})
}

// brokenDialect panics or says nothing.
type brokenDialect struct{ silent bool }

func (d brokenDialect) Fault(http.ResponseWriter, *http.Request, int, *fault.Error) {
	if !d.silent {
		panic("no words")
	}
}

func TestBrokenDialectFallsBackToPlain(t *testing.T) {
	for _, d := range []brokenDialect{{true}, {false}} {
		h := web.Route("GET", "/x", d, func(http.ResponseWriter, *http.Request) error { return fault.New(fault.Conflict, "busy") })
		inBoth(t, func(t *testing.T, send func(http.Handler, string) reply, _ *bytes.Buffer) {
			if got := send(h, get("/x")); got.status != 409 || got.body != `{"message":"busy"}`+"\n" {
				t.Errorf("silent %v: answer = %d %q, want 409 {\"message\":\"busy\"}", d.silent, got.status, got.body)
			}
		})
	}
}

func TestMethodsOfARoute(t *testing.T) {
	h := web.Route("GET HEAD", "/x", shout{}, func(w http.ResponseWriter, _ *http.Request) error {
		w.Write([]byte("content"))
		return nil
	})
	for _, c := range []struct {
		method, body string
		status       int
		allow        string
	}{{"GET", "content", 200, ""}, {"HEAD", "", 200, ""}, {"POST", "", 405, "GET, HEAD"}, {"get", "", 405, "GET, HEAD"}} {
		inBoth(t, func(t *testing.T, send func(http.Handler, string) reply, _ *bytes.Buffer) {
			got := send(h, call(c.method, "/x"))
			if got.status != c.status || got.header.Get("Allow") != c.allow || (c.status == 200 && got.body != c.body) {
				t.Errorf("%s = %d %q Allow %q, want %d %q %q", c.method, got.status, got.body, got.header.Get("Allow"), c.status, c.body, c.allow)
			}
		})
	}
}

func TestFallbackTellsMissingPathsFromOtherMethods(t *testing.T) {
	table := []web.Endpoint{{"POST", "/api/things"}, {"GET", "/api/things"}, {"GET", "/api/things/{id}"}, {"DELETE", "/api/things/{id}"}, {"GET", "/l/{token}"}}
	h := web.Fallback(table, func(path string) web.Dialect {
		if strings.HasPrefix(path, "/api/") {
			return shout{}
		}
		return nil
	})
	for _, c := range []struct {
		method, target string
		status         int
		allow, body    string
	}{
		{"PUT", "/api/things", 405, "GET, POST", "shout"},
		{"POST", "/api/things/1", 405, "DELETE, GET", "shout"},
		{"HEAD", "/api/things/1", 405, "DELETE, GET", ""},
		{"OPTIONS", "/api/things/a%3Fb", 405, "DELETE, GET", "shout"},
		{"GET", "/api/things/a%2Fb", 404, "", "shout"},
		{"GET", "/api/things/", 404, "", "shout"},
		{"GET", "/api/nothing", 404, "", "shout"},
		{"GET", "/api/things", 404, "", "shout"},
		{"POST", "/l/secret", 405, "GET", `{"message":`},
		{"GET", "/", 404, "", `{"message":`},
		{"GET", "/apix", 404, "", `{"message":`},
		{"GET", "/%00", 404, "", `{"message":`},
	} {
		inBoth(t, func(t *testing.T, send func(http.Handler, string) reply, log *bytes.Buffer) {
			got := send(h, call(c.method, c.target))
			if got.status != c.status || got.header.Get("Allow") != c.allow || !strings.Contains(got.body, c.body) {
				t.Errorf("%s %s = %d %q %s, want %d %q with %q", c.method, c.target, got.status, got.header.Get("Allow"), got.body, c.status, c.allow, c.body)
			}
			if strings.Contains(log.String(), "secret") || !strings.Contains(log.String(), `"route":"$default"`) {
				t.Errorf("log %s holds the path or lacks the route", log)
			}
		})
	}
}

func TestEveryAnswerCarriesItsDefaults(t *testing.T) {
	cached := func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Cache-Control", "max-age=60")
		w.WriteHeader(http.StatusNoContent)
		w.WriteHeader(http.StatusOK) // the first one counts
		if _, err := w.Write([]byte("x")); !errors.Is(err, http.ErrBodyNotAllowed) {
			return fmt.Errorf("write after 204 = %v", err)
		}
		return nil
	}
	silent := func(http.ResponseWriter, *http.Request) error { return nil }
	for name, c := range map[string]struct {
		handler      web.Handler
		status       int
		cacheControl string
	}{
		"a handler that says nothing answers 200": {silent, 200, "no-store"},
		"a handler's own Cache-Control is kept":   {cached, 204, "max-age=60"},
		"a fault is never stored":                 {func(http.ResponseWriter, *http.Request) error { return fault.New(fault.NotFound, "no") }, 404, "no-store"},
	} {
		t.Run(name, func(t *testing.T) {
			inBoth(t, func(t *testing.T, send func(http.Handler, string) reply, _ *bytes.Buffer) {
				got := send(web.Route("GET", "/x", shout{}, c.handler), get("/x"))
				if got.status != c.status || got.header.Get("Cache-Control") != c.cacheControl || got.header.Get("X-Content-Type-Options") != "nosniff" {
					t.Errorf("answer = %d %v, want %d with Cache-Control %q", got.status, got.header, c.status, c.cacheControl)
				}
				if id := got.header.Get("Request-Id"); !strings.HasPrefix(id, "req_") || len(id) < 20 {
					t.Errorf("request id = %q, want req_ and 16 characters or more", id)
				}
			})
		})
	}
}

func TestLogLineNamesRouteAndActorAndNoSecret(t *testing.T) {
	workspace := id.NewWorkspace(time.Now())
	h := web.Route("GET", "/l/{token}", shout{}, func(w http.ResponseWriter, r *http.Request) error {
		web.SetActor(r.Context(), "key_0190")
		web.SetWorkspace(r.Context(), workspace)
		web.Log(r.Context()).Info("inside")
		w.WriteHeader(http.StatusFound)
		return nil
	})
	inBoth(t, func(t *testing.T, send func(http.Handler, string) reply, log *bytes.Buffer) {
		got := send(h, "GET /l/tok-canary?sig=query-canary HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer key-canary\r\nCookie: s=cookie-canary\r\n\r\n")
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if got.status != http.StatusFound || len(lines) != 2 {
			t.Fatalf("answer %d, log of %d lines, want 302 and 2:\n%s", got.status, len(lines), log)
		}
		var line map[string]any
		if err := json.Unmarshal([]byte(lines[1]), &line); err != nil {
			t.Fatal(err)
		}
		delete(line, "time")
		if ms, ok := line["ms"].(float64); !ok || ms < 0 {
			t.Errorf("ms = %v, want a number", line["ms"])
		}
		delete(line, "ms")
		want := map[string]any{
			"level": "INFO", "msg": "request", "request_id": got.header.Get("Request-Id"), "method": "GET", "route": "/l/{token}",
			"status": float64(302), "outcome": "ok", "key_id": "key_0190", "workspace": workspace.String(),
		}
		if diff := cmp.Diff(want, line); diff != "" {
			t.Errorf("log line (-want +got):\n%s", diff)
		}
		if strings.Contains(log.String(), "canary") {
			t.Errorf("log holds a secret:\n%s", log)
		}
	})
}

func TestClientFaultsAreNotLoggedAsFailures(t *testing.T) {
	h := web.Route("GET", "/x", shout{}, func(http.ResponseWriter, *http.Request) error {
		return fault.Wrap(errors.New("row absent"), fault.NotFound, "no")
	})
	inBoth(t, func(t *testing.T, send func(http.Handler, string) reply, log *bytes.Buffer) {
		send(h, get("/x"))
		if strings.Contains(log.String(), "ERROR") {
			t.Errorf("log of a 404:\n%s", log)
		}
	})
}

func TestContextOutsideOfARequestIsQuiet(t *testing.T) {
	ctx := context.Background()
	web.SetActor(ctx, "nobody")
	if id := web.RequestID(ctx); id != "" {
		t.Errorf("RequestID = %q, want none", id)
	}
	if web.Log(ctx) == nil {
		t.Error("Log = nil, want the default logger")
	}
}

func TestQueryRefusesBrokenEncoding(t *testing.T) {
	h := web.Route("GET", "/x", shout{}, func(w http.ResponseWriter, r *http.Request) error {
		q, err := web.Query(r)
		if err != nil {
			return err
		}
		return web.JSON(w, 200, q)
	})
	for target, status := range map[string]int{"/x?a=1&a=2": 200, "/x": 200, "/x?a=%zz": 400, "/x?a=1;b=2": 400, "/x?%": 400, "/x?a=1#b": 200} {
		inBoth(t, func(t *testing.T, send func(http.Handler, string) reply, _ *bytes.Buffer) {
			if got := send(h, get(target)); got.status != status {
				t.Errorf("GET %s = %d %s, want %d", target, got.status, got.body, status)
			}
		})
	}
}

func TestOriginIsWhatTheClientUsed(t *testing.T) {
	h := web.Route("GET", "/x", shout{}, func(w http.ResponseWriter, r *http.Request) error {
		return web.JSON(w, 200, web.Origin(r))
	})
	for head, want := range map[string]string{
		"Host: api.test:8080":                             "http://api.test:8080",
		"Host: api.test\r\nX-Forwarded-Proto: https":      "https://api.test",
		"Host: 127.0.0.1:8080\r\nX-Forwarded-Proto: http": "http://127.0.0.1:8080",
		"Host: api.test\r\nX-Forwarded-Proto: javascript": "http://api.test",
	} {
		inBoth(t, func(t *testing.T, send func(http.Handler, string) reply, _ *bytes.Buffer) {
			if got := send(h, "GET /x HTTP/1.1\r\n"+head+"\r\n\r\n"); got.body != `"`+want+`"`+"\n" {
				t.Errorf("origin with %q = %s, want %s", head, got.body, want)
			}
		})
	}
}

func TestWrongPatternsAreRefused(t *testing.T) {
	for _, p := range []string{"", "a", "/a/{", "/a/{}", "/a/b}c", "/{a}/{a}", "/{a+}/b", "/{a}{b}", "/x{a}"} {
		if _, err := web.ParsePattern(p); err == nil {
			t.Errorf("ParsePattern(%q) = nil, want an error", p)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("Route with a wrong pattern did not panic")
		}
	}()
	web.Route("GET", "/{", shout{}, tell)
}
