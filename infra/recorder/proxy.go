package recorder

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"
)

// Proxy passes requests on to an engine at an address such as http://127.0.0.1:8000, and notes them. An engine that cannot be reached, or
// breaks off, looks to the client as without the proxy: the connection ends without an answer.
func (r *Recorder) Proxy(upstream string) (http.Handler, error) {
	to, err := url.Parse(upstream)
	if err != nil || to.Host == "" {
		return nil, fmt.Errorf("recorder: %q is no address of an engine, such as http://127.0.0.1:8000", upstream)
	}
	d := &net.Dialer{Timeout: 5 * time.Second}
	return r.Wrap(&httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host = to.Scheme, to.Host
			p.Out.URL.RawQuery = p.In.URL.RawQuery // signed as it is, also where it cannot be parsed
			p.Out.Host = p.In.Host
		},
		Transport: &http.Transport{
			Proxy: nil, DialContext: d.DialContext, DisableCompression: true,
			MaxIdleConnsPerHost: 256, IdleConnTimeout: 5 * time.Second,
		},
		// No FlushInterval: an answer without a length is streamed all the same, and one with a length goes out in one piece. Were its head sent before its
		// body, a client of the SDK could break the connection between the two: it closes the body that it sent as soon as it has the head, and
		// where net/http has not yet looked behind the last byte of that body, it takes the end for a failure to send.
		ErrorLog:     log.New(io.Discard, "", 0), // of clients and engines that broke off, who know it themselves
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}), nil
}

// Wrap notes what a handler is asked.
func (r *Recorder) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		calls, direct := r.calls(req)
		if len(calls) == 0 {
			next.ServeHTTP(w, req)
			return
		}
		n := &noting{ResponseWriter: w, note: func(status int) {
			if direct || status < http.StatusBadRequest {
				r.note(calls)
			}
		}}
		next.ServeHTTP(n, req)
		n.once(http.StatusOK) // as net/http answers where the handler wrote nothing
	})
}

// noting calls note with the status of the answer, once, before its first byte goes out.
type noting struct {
	http.ResponseWriter
	note func(status int)
}

// Unwrap leads to what else the writer can do.
func (n *noting) Unwrap() http.ResponseWriter { return n.ResponseWriter }

// WriteHeader sends the head of the answer. Heads under 200 come before it.
func (n *noting) WriteHeader(status int) {
	if status >= http.StatusOK {
		n.once(status)
	}
	n.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the answer's body.
func (n *noting) Write(p []byte) (int, error) {
	n.once(http.StatusOK)
	return n.ResponseWriter.Write(p)
}

func (n *noting) once(status int) {
	if n.note != nil {
		n.note(status)
		n.note = nil
	}
}
