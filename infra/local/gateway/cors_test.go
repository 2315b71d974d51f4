package gateway

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/template"
)

// corsHeaders are the headers of an answer that a browser obeys.
func corsHeaders(h http.Header) map[string]string {
	got := map[string]string{}
	for _, name := range []string{"Allow-Origin", "Allow-Methods", "Allow-Headers", "Expose-Headers", "Max-Age", "Allow-Credentials"} {
		if v := h.Get("Access-Control-" + name); v != "" {
			got[name] = v
		}
	}
	return got
}

func TestPreflightIsAnsweredByTheGateway(t *testing.T) {
	s := newStack(t, Options{})
	granted := map[string]string{
		"Allow-Origin": "https://app.example.com", "Allow-Methods": "GET,POST,DELETE", "Allow-Headers": "authorization,content-type,x-stainless-lang", "Max-Age": "600",
	}
	for name, c := range map[string]struct {
		headers []string
		want    map[string]string
	}{
		"a configured origin":            {[]string{"Origin: https://app.example.com", "Access-Control-Request-Method: POST"}, granted},
		"with headers that are allowed":  {[]string{"Origin: https://app.example.com", "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: Authorization, x-stainless-lang"}, granted},
		"a header that is not":           {[]string{"Origin: https://app.example.com", "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: x-other"}, nil},
		"a method that is not":           {[]string{"Origin: https://app.example.com", "Access-Control-Request-Method: PATCH"}, nil},
		"another origin":                 {[]string{"Origin: https://evil.example", "Access-Control-Request-Method: GET"}, nil},
		"an origin that begins the same": {[]string{"Origin: https://app.example.com.evil.example", "Access-Control-Request-Method: GET"}, nil},
		"the null origin":                {[]string{"Origin: null", "Access-Control-Request-Method: GET"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := s.send(t, "OPTIONS", request("OPTIONS", "/api/v1/assets", "", c.headers...))
			if c.want == nil {
				c.want = map[string]string{}
			}
			if diff := cmp.Diff(c.want, corsHeaders(resp.Header)); resp.StatusCode != 204 || body != "" || diff != "" {
				t.Errorf("preflight = %d %q (-want +got):\n%s", resp.StatusCode, body, diff)
			}
		})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.events) > 0 {
		t.Errorf("preflight reached a function: %+v", s.events)
	}
}

func TestGatewaysCORSReplacesTheFunctions(t *testing.T) {
	s := newStack(t, Options{})
	granted := map[string]string{"Allow-Origin": "http://localhost:5173", "Expose-Headers": "request-id"}
	for name, c := range map[string]struct {
		method, target, origin string
		want                   map[string]string
	}{
		"a function's answer":         {"GET", "/echo", "http://localhost:5173", granted},
		"an OPTIONS of no preflight":  {"OPTIONS", "/echo", "http://localhost:5173", granted},
		"a 404 of fallback":           {"GET", "/none", "http://localhost:5173", granted},
		"the gateway's own 500":       {"GET", "/broken/error", "http://localhost:5173", granted},
		"an origin not configured":    {"GET", "/echo", "https://evil.example", map[string]string{}},
		"a request without an origin": {"GET", "/echo", "", map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			var headers []string
			if c.origin != "" {
				headers = append(headers, "Origin: "+c.origin)
			}
			resp, _ := s.send(t, c.method, request(c.method, c.target, "", headers...))
			if diff := cmp.Diff(c.want, corsHeaders(resp.Header)); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			if vary := resp.Header.Get("Vary"); (vary == "Origin") != (len(c.want) > 0) {
				t.Errorf("Vary = %q", vary)
			}
		})
	}
}

func TestOriginsByPatternAndCredentials(t *testing.T) {
	for _, c := range []struct {
		cors   template.CORS
		origin string
		want   map[string]string
	}{
		{template.CORS{AllowOrigins: []string{"*"}}, "https://a.example", map[string]string{"Allow-Origin": "*"}},
		{template.CORS{AllowOrigins: []string{"https://*"}}, "https://a.example", map[string]string{"Allow-Origin": "https://a.example"}},
		{template.CORS{AllowOrigins: []string{"https://*"}}, "http://a.example", map[string]string{}},
		{template.CORS{AllowOrigins: []string{"https://A.example"}, AllowCredentials: true}, "https://a.example", map[string]string{"Allow-Origin": "https://a.example", "Allow-Credentials": "true"}},
	} {
		tmpl := &template.Template{CORS: &c.cors, Functions: []template.Function{{Name: "F", Timeout: time.Minute, Events: []template.Event{template.HttpApi{Path: template.DefaultRoute}}}}}
		h := New(tmpl, func(context.Context, string, []byte) ([]byte, error) { return []byte(`{"statusCode": 200}`), nil }, Options{})
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Origin", c.origin)
		h.ServeHTTP(w, r)
		if diff := cmp.Diff(c.want, corsHeaders(w.Header())); diff != "" {
			t.Errorf("%+v for %s (-want +got):\n%s", c.cors, c.origin, diff)
		}
	}
}

func TestWithoutCORSTheFunctionsHeadersPass(t *testing.T) {
	tmpl := &template.Template{Functions: []template.Function{{Name: "F", Timeout: time.Minute, Events: []template.Event{template.HttpApi{Path: template.DefaultRoute}}}}}
	h := New(tmpl, func(context.Context, string, []byte) ([]byte, error) {
		return []byte(`{"statusCode": 200, "multiValueHeaders": {"Access-Control-Allow-Origin": ["https://a.example"], "X": ["1", "2"]}}`), nil
	}, Options{})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("OPTIONS", "/", nil))
	if got := w.Header(); got.Get("Access-Control-Allow-Origin") != "https://a.example" || got.Get("X") != "1,2" {
		t.Errorf("headers = %v, want the function's", got)
	}
}
