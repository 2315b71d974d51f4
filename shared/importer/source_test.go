package importer_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/guard"
	"github.com/assetry/assetry/shared/guard/guardtest"
	"github.com/assetry/assetry/shared/importer"
	"github.com/assetry/assetry/shared/remote"
)

// source is a server on loopback that files are read from, under the names files.example and other.example.
type source struct {
	*importer.Importer
	options importer.Options
	dns     *guardtest.DNS
	port    int

	mu    sync.Mutex
	asked []*http.Request
}

// newSource serves by a handler; an address on it ends in a secret query.
func newSource(t *testing.T, h http.HandlerFunc) *source {
	t.Helper()
	ca := guardtest.NewCA(t)
	s := &source{dns: guardtest.NewDNS(t)}
	s.port = guardtest.Serve(t, &tls.Config{Certificates: []tls.Certificate{ca.Valid("files.example", "other.example")}},
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			s.asked = append(s.asked, r)
			s.mu.Unlock()
			h(w, r)
		}))
	s.dns.Set("files.example", "127.0.0.1")
	s.dns.Set("other.example", "127.0.0.1")
	s.dns.Set("inner.example", "10.0.0.1")
	s.options = importer.Options{
		Guard: guard.Options{
			Permission: guard.Permit(guard.Exceptions{Loopback: true, Ports: []int{s.port}}),
			Resolver:   s.dns.Resolver(), Roots: ca.Pool(), Answer: 10 * time.Second,
		},
	}
	s.Importer = importer.New(s.options)
	return s
}

// impatient changes how long the source is waited for.
func (s *source) impatient(edit func(*importer.Options)) *source {
	edit(&s.options)
	s.Importer = importer.New(s.options)
	return s
}

func (s *source) url(host, path string) string {
	return fmt.Sprintf("https://%s:%d%s", host, s.port, path)
}

// address is the file that tests ask for.
func (s *source) address() string { return s.url("files.example", "/a/b.jpg?token=s3cret") }

// requests are what the source was asked so far.
func (s *source) requests() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*http.Request(nil), s.asked...)
}

// fetch asks and reads all of the body.
func (s *source) fetch(t *testing.T, q remote.Query) (*remote.Answer, []byte, error) {
	t.Helper()
	a, err := s.Get(t.Context(), q)
	if err != nil {
		return nil, nil, err
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	return a, b, err
}

// expect wants a failure for a reason, told without secrets.
func expect(t *testing.T, err error, reason remote.Reason, transient bool, text string) {
	t.Helper()
	var e *remote.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *remote.Error", err)
	}
	if e.Reason != reason || e.Transient != transient {
		t.Errorf("got %q (transient: %t), want %q (%t): %v", e.Reason, e.Transient, reason, transient, e)
	}
	if !strings.Contains(e.Message, text) || !strings.HasPrefix(e.Message, "The ") || !strings.HasSuffix(e.Message, ".") {
		t.Errorf("the message is %q, want a sentence with %q", e.Message, text)
	}
	if !strings.Contains(e.Message, "files.example") || !strings.Contains(e.Message, "/a/b.jpg") {
		t.Errorf("the message is %q, want it to name host and path", e.Message)
	}
	if all := e.Error(); strings.Contains(all, "s3cret") || len(all) > 2<<10 {
		t.Errorf("the error is %q, want it short and without secrets", all)
	}
}

const etag = `"v1"`

// file is what a well-behaved source gives: 300,000 bytes that tell their places.
var file = func() []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < 300_000; i++ {
		fmt.Fprintf(&b, "%09d\n", i)
	}
	return b.Bytes()[:300_000]
}()

func serveFile(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", etag)
	http.ServeContent(w, r, "b.jpg", fileTime, bytes.NewReader(file))
}

var fileTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

var fileIdentity = remote.Identity{ETag: etag, Modified: "Fri, 02 Jan 2026 03:04:05 GMT", Size: 300_000}

// raw answers with bytes as they are, and then closes the connection.
func raw(answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, answer) // the client may have gone
		_ = conn.Close()
	}
}

// hang sends what it is given, and then nothing until the client goes.
func hang(write func(w http.ResponseWriter)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		write(w)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
}
