// Package gateway is API Gateway on a laptop: an HTTP API with payload format 2.0, made from the template that is deployed.
//
// It routes by the template and hands functions the events that AWS would build, in JSON, so that a function sees only what travels on the
// wire: the path decoded, the query raw, headers lower-cased and joined, cookies apart, binary bodies in base64.
// It keeps AWS's limits and gives AWS's own answers for them, answers CORS preflight requests and writes the CORS headers.
//
// Two differences are known: a request target whose percent-encoding is broken is answered 400 by net/http, in plain text,
// before the gateway sees it; and AWS throttles (429), which this does not.
package gateway

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/infra/template"
)

// Limits of API Gateway's HTTP APIs and of Lambda, from their pages on quotas.
const (
	MaxBody     = 10 << 20         // bytes of a request's body
	MaxHead     = 10240            // bytes of the request line and the header values together
	MaxEvent    = 6291456          // bytes of the event that Lambda takes
	MaxAnswer   = 6291556          // bytes of the answer that Lambda gives
	Integration = 30 * time.Second // how long API Gateway waits for a function
)

// Invoker runs a function, by the name of its folder, with an event in JSON, and gives its answer in JSON. The context ends with the function's
// Timeout; with OwnTime, when nobody waits for the answer any more.
type Invoker func(ctx context.Context, function string, payload []byte) ([]byte, error)

// Options are what a gateway may be told; the zero value is right.
type Options struct {
	Integration time.Duration    // how long to wait for a function; zero: the constant Integration
	OwnTime     bool             // the invoker itself ends functions at their Timeout, and does not count how long they wait for their turn
	Log         *slog.Logger     // for functions that fail; nil: slog.Default
	Now         func() time.Time // nil: time.Now
}

type gateway struct {
	routes  *routes
	cors    *cors
	invoke  Invoker
	options Options
}

// New makes the HTTP API of a template. A template that package template read always fits; another with a broken route panics.
func New(t *template.Template, invoke Invoker, o Options) http.Handler {
	rs, err := newRoutes(t)
	if err != nil {
		panic(err)
	}
	if o.Integration == 0 {
		o.Integration = Integration
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &gateway{routes: rs, cors: (*cors)(t.CORS), invoke: invoke, options: o}
}

// ServeHTTP answers one request.
func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := requestID()
	w.Header().Set("Apigw-Requestid", id)
	if g.cors != nil && isPreflight(r) {
		g.cors.preflight(w, r)
		return
	}
	answer := g.answer(r, id)
	if err := g.write(w, r, answer); err != nil {
		g.options.Log.Error("function gave an answer that API Gateway refuses", "gateway_request_id", id, "error", err.Error())
		g.write(w, r, own(http.StatusInternalServerError, "Internal Server Error")) // our own answer is well-formed
	}
}

// own is an answer of the gateway itself, in AWS's words.
func own(status int, message string) events.APIGatewayV2HTTPResponse {
	return events.APIGatewayV2HTTPResponse{
		StatusCode: status, Headers: map[string]string{"Content-Type": "application/json"}, Body: `{"message":"` + message + `"}`,
	}
}

func (g *gateway) answer(r *http.Request, id string) events.APIGatewayV2HTTPResponse {
	if headSize(r) > MaxHead {
		return own(http.StatusRequestHeaderFieldsTooLarge, "Request Header Fields Too Large")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	switch {
	case len(body) > MaxBody:
		return own(http.StatusRequestEntityTooLarge, "Request Entity Too Large")
	case err != nil:
		return own(http.StatusBadRequest, "Bad Request")
	}
	rt, params := g.routes.find(r.Method, r.URL.Path)
	if rt == nil {
		return own(http.StatusNotFound, "Not Found")
	}
	payload, err := encode(g.newEvent(r, rt, params, body, id))
	if err != nil {
		return g.failed(rt, id, fmt.Errorf("encode event: %w", err))
	}
	if len(payload) > MaxEvent {
		return own(http.StatusRequestEntityTooLarge, "Request Entity Too Large")
	}
	return g.run(r.Context(), rt, id, payload)
}

// encode is JSON as AWS counts it: without Go's six bytes for each of <, > and &.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func (g *gateway) failed(rt *route, id string, err error) events.APIGatewayV2HTTPResponse {
	g.options.Log.Error("function failed", "function", rt.function.Name, "gateway_request_id", id, "error", err.Error())
	return own(http.StatusInternalServerError, "Internal Server Error")
}

// result is how an invocation ended.
type result struct {
	answer events.APIGatewayV2HTTPResponse
	err    error
}

// run invokes the function and waits no longer than AWS would: until its own Timeout, when Lambda kills it (500), or until
// the gateway's patience ends (503). A function that is given up on keeps its goroutine until it heeds its context.
func (g *gateway) run(ctx context.Context, rt *route, id string, payload []byte) events.APIGatewayV2HTTPResponse {
	ctx, cancel := g.time(ctx, rt.function.Timeout)
	done := make(chan result, 1)
	go func() {
		defer cancel()
		answer, err := g.call(ctx, rt.function.Folder, payload)
		done <- result{answer, err}
	}()
	patience := time.NewTimer(g.options.Integration)
	defer patience.Stop()
	select {
	case end := <-done:
		if end.err != nil {
			return g.failed(rt, id, end.err)
		}
		return end.answer
	case <-ctx.Done():
		select {
		case end := <-done: // it answered, and its context ended because of that
			if end.err != nil {
				return g.failed(rt, id, end.err)
			}
			return end.answer
		default:
			return g.failed(rt, id, fmt.Errorf("timed out after %s", rt.function.Timeout))
		}
	case <-patience.C:
		if g.options.OwnTime {
			cancel() // what waits for its turn need not come
		}
		return own(http.StatusServiceUnavailable, "Service Unavailable")
	}
}

// time is the context of an invocation. Lambda never hears that a client left.
func (g *gateway) time(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if ctx = context.WithoutCancel(ctx); g.options.OwnTime {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, timeout)
}

// call runs the function and reads its answer. A panic is a failed invocation.
func (g *gateway) call(ctx context.Context, function string, payload []byte) (answer events.APIGatewayV2HTTPResponse, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	data, err := g.invoke(ctx, function, payload)
	if err != nil {
		return answer, err
	}
	if len(data) > MaxAnswer {
		return answer, fmt.Errorf("the answer has %d bytes; Lambda gives at most %d", len(data), MaxAnswer)
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return answer, fmt.Errorf("the answer is none of an HTTP API's: %w", err)
	}
	return answer, nil
}

// write sends a function's answer. It writes nothing when the answer is one that API Gateway refuses.
func (g *gateway) write(w http.ResponseWriter, r *http.Request, a events.APIGatewayV2HTTPResponse) error {
	body := []byte(a.Body)
	if a.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(a.Body); err != nil {
			return fmt.Errorf("the body is not base64: %w", err)
		}
	}
	if a.StatusCode < 200 || a.StatusCode > 599 {
		return fmt.Errorf("the status is %d", a.StatusCode)
	}
	h := w.Header()
	for name, values := range a.MultiValueHeaders {
		h.Set(name, strings.Join(values, ","))
	}
	for name, value := range a.Headers {
		h.Set(name, value)
	}
	for _, name := range append([]string{"content-length"}, hopByHop...) {
		h.Del(name)
	}
	for _, c := range a.Cookies {
		h.Add("Set-Cookie", c)
	}
	if g.cors != nil {
		g.cors.apply(h, r)
	}
	w.WriteHeader(a.StatusCode)
	if r.Method != http.MethodHead && a.StatusCode != http.StatusNoContent && a.StatusCode != http.StatusNotModified {
		w.Write(body) // the client is gone when this fails; there is nobody to tell
	}
	return nil
}
