package web

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/invocation"
)

// Lambda runs h as a function behind an HTTP API, with JSON lines as its log. It does not return.
func Lambda(h http.Handler) { invocation.Start(Invoke(h)) }

// Function is a function behind an HTTP API. A payload that is no event of a gateway is answered as a request without anything in
// it: whoever sent it would gain nothing by a function that fails.
type Function func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)

// Invoke answers one payload.
func (f Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	ctx, cancel := invocation.Bounded(ctx)
	defer cancel()
	var e events.APIGatewayV2HTTPRequest
	if err := invocation.Decode(payload, &e); err != nil {
		e = events.APIGatewayV2HTTPRequest{}
	}
	answer, err := f(ctx, e)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false) // an & would be six bytes of the 6 MB that Lambda returns
	if err := out.Encode(answer); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// warmLimit is the length of Lambda's init phase, after which warming up is of no use.
const warmLimit = 10 * time.Second

// Warm runs f beside the rest of init, where Lambda lends a full CPU, so that the first request finds its connections open.
func Warm(f func(context.Context)) {
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), warmLimit)
		defer cancel()
		f(ctx)
	}()
}

// Invoke makes a function for API Gateway's payload 2.0 of a handler. The handler sees the request as a server would give it: the path
// escaped once (HTTP APIs deliver it decoded), every header with the value the gateway joined, cookies in one line, the host
// that the client named. An event that is no request is answered 400 in the dialect of h; the error is always nil.
func Invoke(h http.Handler) Function {
	own, ok := h.(refuser)
	if !ok {
		own = foreign{h}
	}
	return func(ctx context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		ctx = context.WithValue(ctx, gatewayIDKey{}, e.RequestContext.RequestID)
		path := eventPath(e)
		if err := checkEvent(e); err != nil {
			return refuseEvent(ctx, own, e, path, err), nil
		}
		adapter := httpadapter.NewV2(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			restore(r, e, path)
			own.ServeHTTP(w, r)
		}))
		answer, err := adapter.ProxyWithContext(ctx, adapterEvent(e, path))
		if err != nil {
			err = fault.Wrap(err, fault.Malformed, "the request could not be read")
			return refuseEvent(ctx, own, e, path, err), nil
		}
		return answer, nil
	}
}

// eventPath is the decoded path, with the slash that every path begins with.
func eventPath(e events.APIGatewayV2HTTPRequest) string {
	path := e.RawPath
	if path == "" {
		path = e.RequestContext.HTTP.Path
	}
	return "/" + strings.TrimPrefix(path, "/")
}

// payloadVersion is the version of the gateway's payload that functions read (template.yaml).
const payloadVersion = "2.0"

// checkEvent refuses what the adapter would. The adapter prints the path of such requests, and links carry a token in theirs.
func checkEvent(e events.APIGatewayV2HTTPRequest) error {
	if e.Version != "" && e.Version != payloadVersion {
		return fault.New(fault.Malformed, "the request came as another payload than version %s", payloadVersion)
	}
	if m := e.RequestContext.HTTP.Method; m == "" || strings.ContainsFunc(m, func(c rune) bool { return !isTokenRune(c) }) {
		return fault.New(fault.Malformed, "the method of the request is not a word of letters")
	}
	if strings.ContainsFunc(e.RawQueryString, isControl) {
		return fault.New(fault.Malformed, "the query string has a control character; percent-encode it")
	}
	if e.IsBase64Encoded {
		if _, err := base64.StdEncoding.DecodeString(e.Body); err != nil {
			return fault.Wrap(err, fault.Malformed, "the body arrived damaged: it is not base64")
		}
	}
	return nil
}

// isTokenRune says whether c may stand in a method (RFC 9110, 5.6.2).
func isTokenRune(c rune) bool {
	return c > ' ' && c < 0x7f && !strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c)
}

func isControl(c rune) bool { return c < ' ' || c == 0x7f }

// adapterEvent is e with a path that can be pasted into a URL, and without what restore sets itself.
func adapterEvent(e events.APIGatewayV2HTTPRequest, path string) events.APIGatewayV2HTTPRequest {
	e.RawPath = (&url.URL{Path: path}).EscapedPath()
	e.RequestContext.DomainName = "gateway" // any name that parses; the real one is the Host header's
	e.Headers, e.Cookies = nil, nil
	return e
}

// restore makes r what a server would have made of the request that the client sent.
func restore(r *http.Request, e events.APIGatewayV2HTTPRequest, path string) {
	r.Method = e.RequestContext.HTTP.Method
	query := e.RawQueryString
	if query == "" {
		query = r.URL.RawQuery // what the adapter made of queryStringParameters
	}
	r.URL = &url.URL{Path: path, RawQuery: query}
	r.RequestURI = r.URL.RequestURI()
	if p := e.RequestContext.HTTP.Protocol; p != "" {
		if major, minor, ok := http.ParseHTTPVersion(p); ok {
			r.Proto, r.ProtoMajor, r.ProtoMinor = p, major, minor
		}
	}
	r.Host = e.RequestContext.DomainName
	r.Header = http.Header{}
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		switch key := http.CanonicalHeaderKey(name); key {
		case "Host":
			r.Host = e.Headers[name]
		case "Content-Length": // r.ContentLength, as a server has it
		case "Cookie":
			if len(e.Cookies) == 0 {
				r.Header.Set(key, e.Headers[name])
			}
		default:
			r.Header.Add(key, e.Headers[name])
		}
	}
	if len(e.Cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
}

// refuseEvent answers a request that could not be made, in the dialect of h.
func refuseEvent(ctx context.Context, h refuser, e events.APIGatewayV2HTTPRequest, path string, cause error) events.APIGatewayV2HTTPResponse {
	r := (&http.Request{Method: http.MethodGet, Header: http.Header{}, Body: http.NoBody}).WithContext(ctx)
	r.URL = &url.URL{Path: path}
	if e.RequestContext.HTTP.Method == http.MethodHead {
		r.Method = http.MethodHead
	}
	w := core.NewProxyResponseWriterV2()
	h.refuse(w, r, cause)
	answer, err := w.GetProxyResponse()
	if err != nil { // refuse always answers; this keeps the answer well-formed if that ever changes
		return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusBadRequest}
	}
	return answer
}

// foreign lends a handler that Route did not make what routes have: the request id, the log line, recovery.
type foreign struct{ handler http.Handler }

// ServeHTTP answers the request.
func (f foreign) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	serve(w, r, fallbackLabel, Plain{}, func(w http.ResponseWriter, r *http.Request) error {
		f.handler.ServeHTTP(w, r)
		return nil
	})
}

func (foreign) refuse(w http.ResponseWriter, r *http.Request, err error) {
	serve(w, r, fallbackLabel, Plain{}, func(http.ResponseWriter, *http.Request) error { return err })
}
