package web

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
)

// RequestIDHeader is the header in which every answer of ours names its request.
const RequestIDHeader = "Request-Id"

// maxGatewayID bounds the gateway's request id; AWS's have 16 characters, so longer ones are not the gateway's.
const maxGatewayID = 64

type (
	stateKey     struct{}
	gatewayIDKey struct{}
	loggerKey    struct{}
)

// state is what one request learns about itself on its way. One goroutine uses it.
type state struct {
	requestID string
	actor     string
	workspace id.Workspace
	several   bool // workspaces
	allow     string
	always    http.Header
	compress  bool
}

func stateOf(ctx context.Context) *state {
	s, _ := ctx.Value(stateKey{}).(*state)
	return s
}

// RequestID is the id of the request that ctx belongs to, req_ and what the gateway calls it; "" outside of a request.
func RequestID(ctx context.Context) string {
	if s := stateOf(ctx); s != nil {
		return s.requestID
	}
	return ""
}

// SetActor notes who made the request, for its log line: the id of the API key, never the key.
func SetActor(ctx context.Context, keyID string) {
	if s := stateOf(ctx); s != nil {
		s.actor = keyID
	}
}

// SetWorkspace notes a workspace that the request is about, for its log line. A request about several has none there.
func SetWorkspace(ctx context.Context, w id.Workspace) {
	s := stateOf(ctx)
	if s == nil {
		return
	}
	s.several = s.several || s.workspace != (id.Workspace{}) && s.workspace != w
	s.workspace = w
}

// Always gives the answer to the request a header, whatever comes of it: unlike one that is set on a ResponseWriter, it stays when the handler fails
// afterwards.
func Always(ctx context.Context, name, value string) {
	s := stateOf(ctx)
	if s == nil {
		return
	}
	if s.always == nil {
		s.always = http.Header{}
	}
	s.always.Set(name, value)
}

// WithLogger gives requests under ctx another logger than slog.Default.
func WithLogger(ctx context.Context, l *slog.Logger) context.Context {
	return context.WithValue(ctx, loggerKey{}, l)
}

// Log is the logger of ctx; every line of it names the request.
func Log(ctx context.Context) *slog.Logger {
	l, ok := ctx.Value(loggerKey{}).(*slog.Logger)
	if !ok {
		l = slog.Default()
	}
	if id := RequestID(ctx); id != "" {
		l = l.With("request_id", id)
	}
	return l
}

// newRequestID keeps the gateway's id where it is one that can stand in a header and a log, else draws one.
func newRequestID(ctx context.Context) string {
	g, _ := ctx.Value(gatewayIDKey{}).(string)
	outside := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_=+/", c)
	}
	if g == "" || len(g) > maxGatewayID || strings.ContainsFunc(g, outside) {
		return "req_" + strings.ToLower(rand.Text())
	}
	return "req_" + g
}

// PathValue is the decoded value of a parameter of the route's pattern; "" if the pattern has none of that name.
func PathValue(r *http.Request, name string) string { return r.PathValue(name) }

// Query reads the query string. Broken percent-encoding is fault.Invalid: the standard library's short form drops such pairs.
func Query(r *http.Request) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fault.BadField("query", "the query string is not percent-encoded (%v); encode each value and separate pairs by &", err)
	}
	return q, nil
}

// Origin is scheme and host under which the client reached us, such as https://abc.execute-api.eu-west-1.amazonaws.com. The
// scheme is what the gateway says (X-Forwarded-Proto), else that of the connection.
func Origin(r *http.Request) string {
	scheme := "http"
	if p := r.Header.Get("X-Forwarded-Proto"); p == "https" || (p == "" && r.TLS != nil) {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}
