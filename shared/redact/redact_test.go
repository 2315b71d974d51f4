package redact_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/assetry/assetry/shared/redact"
)

func TestURL(t *testing.T) {
	for _, tt := range []struct{ name, raw, want string }{
		{"nothing", "", ""},
		{"a plain address", "https://example.com/a/b.jpg", "https://example.com/a/b.jpg"},
		{"a host alone", "https://example.com", "https://example.com"},
		{"a port", "https://example.com:8443/a", "https://example.com:8443/a"},
		{"IPv6", "https://[2606:2800::1]:8443/a", "https://[2606:2800::1]:8443/a"},
		{"a query", "https://example.com/a?X-Amz-Signature=s3cret", "https://example.com/a"},
		{"a fragment", "https://example.com/a#s3cret", "https://example.com/a"},
		{"a query right after the host", "https://example.com?s3cret", "https://example.com"},
		{"a user and a password", "https://user:s3cret@example.com/a", "https://example.com/a"},
		{"a user", "https://s3cret@example.com/a", "https://example.com/a"},
		{"several at signs", "https://a@s3cret@example.com/a", "https://example.com/a"},
		{"an at sign in a path", "https://example.com/npm/vue@3/x.js", "https://example.com/npm/vue@3/x.js"},
		{"a password with a question mark", "https://user:s3cret?x@example.com/a", "https://"},
		{"a password with a slash", "https://user:s3/cret@example.com/a", "https://"},
		{"a password with a number sign", "https://user:s3cret#x@example.com/a", "https://"},
		{"a numeric password with a slash", "https://user:12/34@example.com/a", "https://"},
		{"a password with an escaped at sign", "https://user:s3cret%40example.com/a", "https://"},
		{"one slash", "https:/user:s3cret@example.com/a", ""},
		{"no slash", "https:user:s3cret@example.com/a", "example.com/a"},
		{"three slashes", "https:///user:s3cret@example.com/a", "https://example.com/a"},
		{"backslashes", `https:\\user:s3cret@example.com\a`, "https://example.com/a"},
		{"no scheme", "//user:s3cret@example.com/a?b", "//example.com/a"},
		{"not even slashes", "user:s3cret@example.com/a?b", "example.com/a"},
		{"another address in the path", "https://proxy.example/https://user:s3cret@example.com/a", "https://"},
		{"a line break", "https://example.com/a\nlevel=ERROR", "https://example.com/a\ufffdlevel=ERROR"},
		{"broken UTF-8", "https://example.com/\xff", "https://example.com/\ufffd"},
		{"a relative path", "/a/b?s3cret", "a/b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := redact.URL(tt.raw); got != tt.want {
				t.Errorf("URL(%q) = %q, want %q", tt.raw, got, tt.want)
			}
		})
	}
	long := redact.URL("https://example.com/" + strings.Repeat("ü", 1000))
	if len(long) > 300 || !utf8.ValidString(long) || !strings.HasSuffix(long, "…") {
		t.Errorf("URL of 2,000 bytes has %d and ends %q, want at most 300 and a mark of the cut", len(long), long[len(long)-6:])
	}
}

// The secret is put where an address has secrets, as text and escaped. What is around it is arbitrary.
func FuzzURL(f *testing.F) {
	f.Add("https", "user", "example.com", "/a", "k=v")
	f.Add("", "", "", "", "")
	f.Add("http", "a:b@c", "[::1]:80", "//x@y/", "?#")
	f.Add("https", "u:p/w", "h:1", "\\", "@")
	f.Fuzz(func(t *testing.T, scheme, user, host, path, query string) {
		const secret = "XSECRETX"
		if strings.Contains(scheme+user+host+path+query, secret) {
			t.Skip("the secret is everywhere")
		}
		plain := url.PathEscape(user) // without what ends an authority
		for _, raw := range []string{
			scheme + "://" + host + path + "?" + secret + query,
			scheme + "://" + host + path + "#" + query + secret,
			scheme + "://" + host + path + "?" + query + "=" + url.QueryEscape(secret+query),
			"https://" + plain + ":" + secret + "@example.com" + path,
			"https://" + secret + plain + "@example.com/" + path + "?" + query,
			"https://" + plain + ":" + secret + "?" + query + "@example.com",
			"//" + plain + ":" + secret + "@example.com/" + query,
			plain + ":" + secret + "@example.com",
		} {
			got := redact.URL(raw)
			if strings.Contains(got, secret) {
				t.Errorf("URL(%q) = %q, which has the secret", raw, got)
			}
			if len(got) > 300 || !utf8.ValidString(got) || strings.ContainsAny(got, "?#\n\r\x00") {
				t.Errorf("URL(%q) = %q, want short valid text on one line", raw, got)
			}
			err := redact.Error(fmt.Errorf("read: %w", &url.Error{Op: "Get", URL: raw, Err: io.ErrUnexpectedEOF}))
			if strings.Contains(err.Error(), secret) || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("Error of %q = %v, which has the secret or lost its cause", raw, err)
			}
		}
	})
}

func TestError(t *testing.T) {
	const raw = "https://user:s3cret@example.com/a?s3cret"
	inner := &url.Error{Op: "Get", URL: raw, Err: context.DeadlineExceeded}
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"an error of net/url", inner, `Get "https://example.com/a": context deadline exceeded`},
		{"a wrapped one", fmt.Errorf("fetch: %w", inner), `fetch: Get "https://example.com/a": context deadline exceeded`},
		{"two joined", errors.Join(inner, io.EOF), "Get \"https://example.com/a\": context deadline exceeded\nEOF"},
		{"one within one", &url.Error{Op: "parse", URL: raw + "\n", Err: inner}, `parse "https://example.com/a": Get "https://example.com/a": context deadline exceeded`},
		{"an address in the text alone", errors.New("failed to parse (" + raw + "): it is bad"), "failed to parse (https://example.com/a): it is bad"},
		{"no address", io.EOF, "EOF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := redact.Error(tt.err)
			if got.Error() != tt.want {
				t.Errorf("Error = %q, want %q", got, tt.want)
			}
			var u *url.Error
			if errors.As(got, &u) || errors.Unwrap(got) != nil {
				t.Errorf("Error(%q) gives the first error back", tt.err)
			}
			if errors.Is(tt.err, context.DeadlineExceeded) && !errors.Is(got, context.DeadlineExceeded) {
				t.Errorf("Error(%q) lost its cause", tt.err)
			}
		})
	}
	if err := redact.Error(nil); err != nil {
		t.Errorf("Error(nil) = %v", err)
	}
}

func TestHostsLeavesNoPath(t *testing.T) {
	for in, want := range map[string]string{
		"":                     "",
		"no address: a/b, c/d": "no address: a/b, c/d",
		`Get "https://me:pw@host.example:8443/a/b?sig=x": it failed`:         `Get "https://host.example:8443": it failed`,
		"see https://a.example/l/token, and (http://b.example/x/y#z).":       "see https://a.example, and (http://b.example).",
		"https://a.example alone, //c.example/d without a scheme":            "https://a.example alone, //c.example without a scheme",
		"twice https://a.example//b//c and https://[::1]:80/path\n in lines": "twice https://a.example and https://[::1]:80\n in lines",
	} {
		if got := redact.Hosts(in); got != want {
			t.Errorf("Hosts(%q) = %q, want %q", in, got, want)
		}
	}
}
