package importer_test

import (
	"compress/gzip"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/assetry/assetry/shared/guard"
	"github.com/assetry/assetry/shared/guard/guardtest"
	"github.com/assetry/assetry/shared/importer"
	"github.com/assetry/assetry/shared/remote"
)

func TestGetTellsStatusesApart(t *testing.T) {
	for _, tt := range []struct {
		status    int
		reason    remote.Reason
		transient bool
	}{
		{401, remote.Denied, false}, {403, remote.Denied, false},
		{404, remote.Gone, false}, {410, remote.Gone, false},
		{400, remote.Refused, false}, {402, remote.Refused, false}, {405, remote.Refused, false}, {412, remote.Refused, false}, {451, remote.Refused, false},
		{408, remote.Refused, true}, {425, remote.Refused, true}, {429, remote.Refused, true},
		{500, remote.Refused, true}, {502, remote.Refused, true}, {503, remote.Refused, true}, {504, remote.Refused, true}, {599, remote.Refused, true},
		{201, remote.Refused, false}, {202, remote.Refused, false}, {204, remote.Refused, false}, {300, remote.Refused, false}, {304, remote.Refused, false},
		{206, remote.Malformed, false}, {416, remote.Refused, false}, {999, remote.Refused, true},
	} {
		t.Run(fmt.Sprint(tt.status), func(t *testing.T) {
			s := newSource(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(tt.status) })
			_, err := s.Get(t.Context(), remote.Query{Address: s.address()})
			text := fmt.Sprint(tt.status)
			if tt.status == 206 {
				text = "a part"
			}
			expect(t, err, tt.reason, tt.transient, text)
		})
	}
}

func TestGetRefusesAnswersThatAreNone(t *testing.T) {
	compressed := func(encoding string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", encoding)
			z := gzip.NewWriter(w)
			_, _ = z.Write(make([]byte, 1<<20))
			_ = z.Close()
		}
	}
	for _, tt := range []struct {
		name      string
		handler   http.HandlerFunc
		reason    remote.Reason
		transient bool
		text      string
	}{
		{"gzip", compressed("gzip"), remote.Malformed, false, "compressed"},
		{"gzip twice", compressed("gzip, gzip"), remote.Malformed, false, "compressed"},
		{"an unknown encoding", compressed("zstd"), remote.Malformed, false, `"zstd"`},
		{"100 KiB of headers", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-A", strings.Repeat("s3cret", 20_000)) }, remote.Malformed, false, "HTTP does not allow"},
		{"no HTTP", raw("SSH-2.0-OpenSSH_9.6 s3cret\r\n"), remote.Malformed, false, "HTTP does not allow"},
		{"a broken status", raw("HTTP/1.1 two hundred s3cret\r\n\r\n"), remote.Malformed, false, "HTTP does not allow"},
		{"a broken header", raw("HTTP/1.1 200 OK\r\ns3cret\r\n\r\n"), remote.Malformed, false, "HTTP does not allow"},
		{"two lengths", raw("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), remote.Malformed, false, "HTTP does not allow"},
		{"a negative length", raw("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nab"), remote.Malformed, false, "HTTP does not allow"},
		{"an unknown transfer", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), remote.Malformed, false, "HTTP does not allow"},
		{"endless interim answers", raw(strings.Repeat("HTTP/1.1 103 Early Hints\r\nX: s3cret\r\n\r\n", 10_000)), remote.Malformed, false, "HTTP does not allow"},
		{"half a status", raw("HTTP/1.1 2"), remote.Malformed, false, "HTTP does not allow"},
		{"half a header, whose lines are whole", raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"), remote.Unreachable, true, "closed the connection"},
		{"nothing at all", raw(""), remote.Unreachable, true, "closed the connection"},
		{"half a header", raw("HTTP/1.1 200 OK\r\nContent-Le"), remote.Malformed, false, "HTTP does not allow"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSource(t, tt.handler)
			_, err := s.Get(t.Context(), remote.Query{Address: s.address()})
			expect(t, err, tt.reason, tt.transient, tt.text)
		})
	}
}

func TestGetTakesTheIdentityEncoding(t *testing.T) {
	s := newSource(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "Identity")
		serveFile(w, r)
	})
	if _, b, err := s.fetch(t, remote.Query{Address: s.address()}); err != nil || len(b) != len(file) {
		t.Errorf("Get = %d bytes, %v; want the file", len(b), err)
	}
}

func TestGetRefusesRangesThatWereNotAskedFor(t *testing.T) {
	// Asked is for bytes 100 to 199 of 1,000.
	for _, tt := range []struct {
		name, contentRange string
		length             int // bytes that are sent; 0: as the range says
		taken              bool
	}{
		{"what was asked for", "bytes 100-199/1000", 100, true},
		{"what was asked for, of unknown size", "bytes 100-199/*", 100, true},
		{"up to the end of a smaller file", "bytes 100-149/150", 50, true},
		{"from another place", "bytes 0-99/1000", 100, false},
		{"from a little later", "bytes 101-199/1000", 99, false},
		{"more", "bytes 100-200/1000", 101, false},
		{"less", "bytes 100-198/1000", 99, false},
		{"less, of unknown size", "bytes 100-198/*", 99, false},
		{"another length than it says", "bytes 100-199/1000", 50, false},
		{"a range beyond its size", "bytes 100-199/150", 100, false},
		{"a range backwards", "bytes 199-100/1000", 100, false},
		{"another unit", "pages 100-199/1000", 100, false},
		{"no range", "", 100, false},
		{"a sign", "bytes +100-199/1000", 100, false},
		{"blanks", "bytes 100 - 199/1000", 100, false},
		{"the form of 416", "bytes */1000", 100, false},
		{"numbers that do not fit", "bytes 100-99999999999999999999/*", 100, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSource(t, func(w http.ResponseWriter, _ *http.Request) {
				if tt.contentRange != "" {
					w.Header().Set("Content-Range", tt.contentRange)
				}
				w.WriteHeader(http.StatusPartialContent)
				_, _ = w.Write(make([]byte, tt.length))
			})
			a, b, err := s.fetch(t, remote.Query{Address: s.address(), From: 100, Length: 100})
			if !tt.taken {
				expect(t, err, remote.Malformed, false, "range")
				return
			}
			if err != nil || !a.Ranged || len(b) != tt.length || a.Length != int64(tt.length) {
				t.Errorf("Get = %+v, %d bytes, %v; want %d bytes", a, len(b), err, tt.length)
			}
		})
	}
}

func TestGetFindsChangedFiles(t *testing.T) {
	const monday, tuesday = "Mon, 05 Jan 2026 00:00:00 GMT", "Tue, 06 Jan 2026 00:00:00 GMT"
	state := func(etag, modified string, size int64) remote.Identity {
		return remote.Identity{ETag: etag, Modified: modified, Size: size}
	}
	for _, tt := range []struct {
		name        string
		before, now remote.Identity
		changed     bool
	}{
		{"the same in all", state(`"1"`, monday, 1000), state(`"1"`, monday, 1000), false},
		{"nothing was seen before", remote.Identity{}, state(`"1"`, monday, 1000), false},
		{"another ETag", state(`"1"`, monday, 1000), state(`"2"`, monday, 1000), true},
		{"another weak ETag", state(`W/"1"`, monday, 1000), state(`W/"2"`, monday, 1000), true},
		{"an ETag that a proxy has weakened", state(`"1"`, monday, 1000), state(`W/"1"`, monday, 1000), false},
		{"a weak ETag and another time", state(`W/"1"`, monday, 1000), state(`W/"1"`, tuesday, 1000), true},
		{"the same strong ETag and another time", state(`"1"`, monday, 1000), state(`"1"`, tuesday, 1000), false},
		{"another time", state("", monday, 1000), state("", tuesday, 1000), true},
		{"another size", state(`"1"`, monday, 1000), state(`"1"`, monday, 1001), true},
		{"a size alone, the same", state("", "", 1000), state("", "", 1000), false},
		{"a size alone, another", state("", "", 1000), state("", "", 999), true},
		{"a size that is no longer said", state(`"1"`, "", 1000), state(`"1"`, "", -1), false},
		{"a size that was not said", state(`"1"`, "", -1), state(`"1"`, "", 1000), false},
		{"a weak ETag that is gone", state(`W/"1"`, "", 1000), state("", "", 1000), true},
		{"a time that is gone", state("", monday, 1000), state("", "", 1000), true},
		{"a strong ETag that is gone, where If-Range was sent", state(`"1"`, "", 1000), state("", "", 1000), false},
		{"an ETag where a time was", state("", monday, 1000), state(`"1"`, "", 1000), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSource(t, func(w http.ResponseWriter, _ *http.Request) {
				setUnlessEmpty(w.Header(), "ETag", tt.now.ETag)
				setUnlessEmpty(w.Header(), "Last-Modified", tt.now.Modified)
				total := fmt.Sprint(tt.now.Size)
				if tt.now.Size < 0 {
					total = "*"
				}
				w.Header().Set("Content-Range", "bytes 100-199/"+total)
				w.WriteHeader(http.StatusPartialContent)
				_, _ = w.Write(make([]byte, 100))
			})
			_, _, err := s.fetch(t, remote.Query{Address: s.address(), From: 100, Length: 100, Same: tt.before})
			if tt.changed {
				expect(t, err, remote.Changed, false, "has changed")
			} else if err != nil {
				t.Errorf("Get = %v, want it taken for the same file", err)
			}
		})
	}
}

func setUnlessEmpty(h http.Header, name, value string) {
	if value != "" {
		h.Set(name, value)
	}
}

// A source that honours If-Range gives the new file as a whole.
func TestGetFindsAFileThatChangedHalfWay(t *testing.T) {
	var later atomic.Bool
	s := newSource(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", map[bool]string{false: etag, true: `"v2"`}[later.Load()])
		http.ServeContent(w, r, "b.jpg", fileTime, strings.NewReader(string(file)))
	})
	a, _, err := s.fetch(t, remote.Query{Address: s.address(), Length: 1000})
	if err != nil {
		t.Fatal(err)
	}
	later.Store(true)
	for _, from := range []int64{0, 1000} {
		_, err = s.Get(t.Context(), remote.Query{Address: s.address(), From: from, Length: 1000, Same: a.Identity})
		expect(t, err, remote.Changed, false, "has changed")
	}
	_, err = s.Get(t.Context(), remote.Query{Address: s.address(), Same: a.Identity})
	expect(t, err, remote.Changed, false, "has changed")
}

func TestGetOfSourcesThatCannotBeReached(t *testing.T) {
	ca := guardtest.NewCA(t)
	dns := guardtest.NewDNS(t)
	dns.Set("files.example", "127.0.0.1")
	for _, tt := range []struct {
		name      string
		config    *tls.Config // nil: nobody listens
		reason    remote.Reason
		transient bool
	}{
		{"a certificate for another name", &tls.Config{Certificates: []tls.Certificate{ca.Valid("other.example")}}, remote.Insecure, false},
		{"an expired certificate", &tls.Config{Certificates: []tls.Certificate{ca.Expired("files.example")}}, remote.Insecure, false},
		{"a certificate of nobody's", &tls.Config{Certificates: []tls.Certificate{guardtest.NewCA(t).Valid("files.example")}}, remote.Insecure, false},
		{"TLS 1.1", &tls.Config{Certificates: []tls.Certificate{ca.Valid("files.example")}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, remote.Insecure, false},
		{"nobody who listens", nil, remote.Unreachable, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			port := 1 // tcpmux: nobody serves it any more
			if tt.config != nil {
				port = guardtest.Serve(t, tt.config, http.HandlerFunc(serveFile))
			}
			im := importer.New(importer.Options{Guard: guard.Options{
				Permission: guard.Permit(guard.Exceptions{Loopback: true, Ports: []int{port}}), Resolver: dns.Resolver(), Roots: ca.Pool(),
			}})
			_, err := im.Get(t.Context(), remote.Query{Address: fmt.Sprintf("https://files.example:%d/a/b.jpg?token=s3cret", port)})
			expect(t, err, tt.reason, tt.transient, "The source")
		})
	}
	s := newSource(t, serveFile)
	_, err := s.Get(t.Context(), remote.Query{Address: s.url("absent.files.example", "/a/b.jpg?s3cret")})
	expect(t, err, remote.Unreachable, false, "was not found")
}
