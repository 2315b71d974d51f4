package gateway

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/infra/template"
)

// hopByHop headers concern one connection (RFC 9110, 7.6.1), so the gateway keeps them to itself.
var hopByHop = []string{"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect"}

// requestID looks like API Gateway's: 16 characters of base64.
func requestID() string {
	var b [11]byte
	rand.Read(b[:]) // documented never to fail
	return base64.StdEncoding.EncodeToString(b[:])
}

// newEvent is the payload 2.0 of a request.
func (g *gateway) newEvent(r *http.Request, rt *route, params map[string]string, body []byte, id string) events.APIGatewayV2HTTPRequest {
	now := g.options.Now().UTC()
	ip, _, _ := net.SplitHostPort(r.RemoteAddr)
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	prefix, _, _ := strings.Cut(host, ".")
	e := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: rt.key, RawPath: r.URL.Path, RawQueryString: r.URL.RawQuery,
		Cookies: cookies(r), Headers: headers(r, ip, len(body), now), QueryStringParameters: query(r), PathParameters: params,
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: rt.key, AccountID: "000000000000", Stage: template.DefaultRoute, RequestID: id, APIID: "local",
			DomainName: host, DomainPrefix: prefix,
			Time: now.Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method: r.Method, Path: r.URL.Path, Protocol: r.Proto, SourceIP: ip, UserAgent: r.UserAgent(),
			},
		},
	}
	switch {
	case len(body) == 0:
	case isText(r.Header.Get("Content-Type")):
		e.Body = string(body)
	default:
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return e
}

// isText says whether a body travels as text. The list is what HTTP APIs do, measured by others on AWS: these types and nothing
// else, not even forms or a body without a type.
func isText(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil && t == "" {
		return false
	}
	return strings.HasPrefix(t, "text/") || t == "application/json" || t == "application/xml" || t == "application/javascript"
}

// headers are lower-cased, repeated ones joined by commas, with what the gateway adds.
func headers(r *http.Request, ip string, length int, now time.Time) map[string]string {
	out := map[string]string{}
	for name, values := range r.Header {
		name = strings.ToLower(name)
		if name != "cookie" && !slices.Contains(hopByHop, name) {
			out[name] = strings.Join(values, ",")
		}
	}
	out["host"] = r.Host
	out["x-amzn-trace-id"] = fmt.Sprintf("Root=1-%08x-%024x", now.Unix(), rand.Text()[:12])
	out["content-length"] = strconv.Itoa(length)
	out["x-forwarded-proto"] = "http"
	out["x-forwarded-port"] = "80"
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		out["x-forwarded-port"] = port
	}
	if before := out["x-forwarded-for"]; before != "" {
		ip = before + ", " + ip
	}
	out["x-forwarded-for"] = ip
	return out
}

// cookies are the pairs of all Cookie headers, which HTTP APIs take out of the headers.
func cookies(r *http.Request) []string {
	var out []string
	for _, line := range r.Header.Values("Cookie") {
		for pair := range strings.SplitSeq(line, ";") {
			if pair = strings.TrimSpace(pair); pair != "" {
				out = append(out, pair)
			}
		}
	}
	return out
}

// query is the decoded query; repeated names are joined by commas. Pairs that do not decode are in rawQueryString alone.
func query(r *http.Request) map[string]string {
	values, _ := url.ParseQuery(r.URL.RawQuery)
	if len(values) == 0 {
		return nil
	}
	out := make(map[string]string, len(values))
	for name, v := range values {
		out[name] = strings.Join(v, ",")
	}
	return out
}

// headSize is what API Gateway's limit counts: the request line and the values of the headers.
func headSize(r *http.Request) int {
	n := len(r.Method) + 1 + len(r.RequestURI) + 1 + len(r.Proto) + len(r.Host)
	for _, values := range r.Header {
		for _, v := range values {
			n += len(v)
		}
	}
	return n
}
