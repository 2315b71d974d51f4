package importer_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/guard"
	"github.com/assetry/assetry/shared/importer"
	"github.com/assetry/assetry/shared/remote"
)

// chain redirects /hop/N/a/b.jpg to N-1, and serves the file at 0.
func chain(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(strings.Split(r.URL.Path, "/")[2])
	if err != nil || n == 0 {
		serveFile(w, r)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "session", Value: "s3cret"})
	http.Redirect(w, r, fmt.Sprintf("/hop/%d/a/b.jpg?token=s3cret", n-1), []int{301, 302, 303, 307, 308}[n%5])
}

func TestGetFollowsFiveRedirects(t *testing.T) {
	s := newSource(t, chain)
	a, b, err := s.fetch(t, remote.Query{Address: s.url("files.example", "/hop/5/a/b.jpg?token=s3cret"), From: 10, Length: 20, Same: fileIdentity})
	if err != nil || !a.Ranged || !bytes.Equal(b, file[10:30]) {
		t.Fatalf("Get = %+v, %q, %v; want 20 bytes of the file", a, b, err)
	}
	asked := s.requests()
	if len(asked) != 6 {
		t.Errorf("the source was asked %d times, want 6", len(asked))
	}
	for _, r := range asked {
		if r.Header.Get("Range") != "bytes=10-29" || r.Header.Get("If-Range") != etag {
			t.Errorf("%s was asked for %q if %q, want the range everywhere", r.URL.Path, r.Header.Get("Range"), r.Header.Get("If-Range"))
		}
		for _, name := range []string{"Referer", "Cookie", "Authorization"} {
			if r.Header.Get(name) != "" {
				t.Errorf("%s was sent %s", r.URL.Path, name)
			}
		}
	}
}

func TestGetFollowsToAnotherHost(t *testing.T) {
	s := newSource(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Host, "files.example") {
			w.Header().Set("Location", "//"+strings.Replace(r.Host, "files", "other", 1)+"/c?x#part")
			w.WriteHeader(http.StatusFound)
			return
		}
		serveFile(w, r)
	})
	if _, b, err := s.fetch(t, remote.Query{Address: s.address()}); err != nil || !bytes.Equal(b, file) {
		t.Errorf("Get = %d bytes, %v; want the file", len(b), err)
	}
	if got := s.requests()[1]; got.RequestURI != "/c?x" || !strings.HasPrefix(got.Host, "other.example") {
		t.Errorf("the second question is %s at %s, want /c?x at other.example", got.RequestURI, got.Host)
	}
}

func TestGetDoesNotFollowEverywhere(t *testing.T) {
	for _, tt := range []struct {
		name, location string
		reason         remote.Reason
		text           string
	}{
		{"http", "http://files.example/a/b.jpg?s3cret", remote.Redirects, "from https to http"},
		{"a file", "file:///etc/passwd", remote.Redirects, "from https to file"},
		{"another port", "https://files.example:22/a/b.jpg?s3cret", remote.Redirects, "port 22"},
		{"a password", "https://user:s3cret@files.example/a/b.jpg", remote.Redirects, "user name or password"},
		{"a unicode host", "https://bücher.example/a/b.jpg", remote.Redirects, "punycode"},
		{"nothing", "", remote.Redirects, "without saying where to"},
		{"no address", "https://[::1/a/b.jpg?s3cret", remote.Redirects, "no address"},
		{"a control character", "https://files.example/a/b.jpg\x7fs3cret", remote.Malformed, "HTTP does not allow"},
		{"100 kB", "https://files.example/a/b.jpg?" + strings.Repeat("s3cret", 8_000), remote.Redirects, "has 48030 bytes"},
		{"metadata by address", "https://169.254.169.254/a/b.jpg?s3cret", remote.Blocked, "must not be reached"},
		{"metadata by name", "https://metadata.google.internal/a/b.jpg?s3cret", remote.Blocked, "must not be reached"},
		{"loopback in another spelling", "https://0x7f.1/a/b.jpg?s3cret", remote.Blocked, "must not be reached"},
		{"a name that leads inside", "https://inner.example/a/b.jpg?s3cret", remote.Blocked, "must not be reached"},
		{"itself", "/a/b.jpg?token=s3cret", remote.Redirects, "in a circle"},
		{"itself, with a fragment", "/a/b.jpg?token=s3cret#x", remote.Redirects, "in a circle"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSource(t, func(w http.ResponseWriter, _ *http.Request) {
				if tt.location != "" {
					w.Header().Set("Location", tt.location)
				}
				w.WriteHeader(http.StatusFound)
			})
			_, err := s.Get(t.Context(), remote.Query{Address: s.address()})
			expect(t, err, tt.reason, false, tt.text)
			if n := len(s.requests()); n != 1 {
				t.Errorf("the source was asked %d times, want once", n)
			}
		})
	}
}

func TestGetEndsRedirects(t *testing.T) {
	t.Run("after five", func(t *testing.T) {
		s := newSource(t, chain)
		_, err := s.Get(t.Context(), remote.Query{Address: s.url("files.example", "/hop/6/a/b.jpg?token=s3cret")})
		expect(t, err, remote.Redirects, false, "more than 5 times")
		if n := len(s.requests()); n != 6 {
			t.Errorf("the source was asked %d times, want 6", n)
		}
	})
	t.Run("at the first address that comes again", func(t *testing.T) {
		s := newSource(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, map[string]string{"/a/b.jpg": "/c/a/b.jpg", "/c/a/b.jpg": "/a/b.jpg?token=s3cret"}[r.URL.Path], http.StatusFound)
		})
		_, err := s.Get(t.Context(), remote.Query{Address: s.address()})
		expect(t, err, remote.Redirects, false, "in a circle")
		if n := len(s.requests()); n != 2 {
			t.Errorf("the source was asked %d times, want 2", n)
		}
	})
}

// The name leads to the server at first, and inside when it is asked for the next hop.
func TestGetChecksTheAddressOfEveryHop(t *testing.T) {
	s := newSource(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		http.Redirect(w, r, "/c/a/b.jpg", http.StatusFound)
	})
	s.dns.Script("files.example", []string{"127.0.0.1"}, []string{"169.254.169.254"})
	_, err := s.Get(t.Context(), remote.Query{Address: s.address()})
	expect(t, err, remote.Blocked, false, "redirected from")
	if n := len(s.requests()); n != 1 {
		t.Errorf("the source was asked %d times, want once", n)
	}
}

// Only a permission gets that far: plain http is refused at once without it.
func TestGetFollowsFromHTTPToHTTPS(t *testing.T) {
	s := newSource(t, serveFile)
	plain := httptest.NewServer(http.RedirectHandler(s.address(), http.StatusMovedPermanently))
	t.Cleanup(plain.Close)
	o := s.options
	o.Guard.Permission = guard.Permit(guard.Exceptions{Loopback: true, PlainHTTP: true, Ports: []int{0}})
	s.Importer = importer.New(o)
	if _, b, err := s.fetch(t, remote.Query{Address: plain.URL + "/a/b.jpg"}); err != nil || !bytes.Equal(b, file) {
		t.Errorf("Get = %d bytes, %v; want the file", len(b), err)
	}
}
