package guard_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/guard"
)

func TestCheckURLTakes(t *testing.T) {
	for _, raw := range []string{
		"https://example.com",
		"https://example.com/",
		"https://example.com/a/b.jpg?X-Amz-Signature=abc&x=1#page=2",
		"https://example.com:443/a",
		"https://example.com:8443/a",
		"https://EXAMPLE.com/a",
		"HTTPS://example.com/a",
		"https://example.com./a",
		"https://my_bucket.s3.amazonaws.com/a",
		"https://xn--bcher-kva.example/b%C3%BCcher.pdf",
		"https://example.com/bücher.pdf",
		"https://example.com/a@b",
		"https://93.184.215.14/a",
		"https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/a",
		"https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:8443/a",
		"https://1.example.com/a",
		"https://0x7f.example.com/a",
		"https://example.com/" + strings.Repeat("a", 8192-len("https://example.com/")),
	} {
		if err := (guard.Permission{}).CheckURL(raw, "source"); err != nil {
			t.Errorf("CheckURL(%.80s) = %v, want it taken", raw, err)
		}
	}
}

func TestCheckURLRefuses(t *testing.T) {
	for _, tt := range []struct{ name, raw, want string }{
		{"nothing", "", "is empty"},
		{"8,193 bytes", "https://example.com/" + strings.Repeat("a", 8193-len("https://example.com/")), "has 8193 bytes"},
		{"100 kB", "https://example.com/" + strings.Repeat("a", 100_000), "has 100020 bytes"},
		{"broken UTF-8", "https://example.com/\xff", "not valid UTF-8"},
		{"a blank", "https://example.com/a b", "U+0020 at byte 22"},
		{"a blank before it", " https://example.com/", "U+0020 at byte 1"},
		{"a line break", "https://example.com/\r\nHost: x", "U+000D"},
		{"a tab in the scheme", "ht\ttps://example.com/", "U+0009"},
		{"a null character", "https://example.com/\x00", "U+0000"},
		{"a no-break space", "https://example.com/\u00a0", "U+00A0"},
		{"a mark that turns the reading direction", "https://example.com/\u202egpj.exe", "U+202E"},
		{"words", "hello", "has no scheme"},
		{"a path", "/a/b", "has no scheme"},
		{"an address without a scheme", "//example.com/a", "has no scheme"},
		{"http", "http://example.com/a", "has the scheme http; only https"},
		{"ftp", "ftp://example.com/a", "has the scheme ftp"},
		{"a file", "file:///etc/passwd", "has the scheme file"},
		{"gopher", "gopher://example.com:70/_x", "has the scheme gopher"},
		{"data", "data:text/plain,hello", "has the scheme data"},
		{"no host", "https:///a", "has no host"},
		{"no slashes", "https:example.com/a", "has no host"},
		{"a port alone", "https://:443/a", "which is no host name"},
		{"a user", "https://user@example.com/a", "user name or password"},
		{"a password", "https://user:secret@example.com/a", "user name or password"},
		{"an empty user", "https://@example.com/a", "user name or password"},
		{"a user that looks like a host", "https://example.com@127.0.0.1/", "user name or password"},
		{"another port", "https://example.com:80/a", "port 80; only 443 and 8443"},
		{"port 22", "https://example.com:22/a", "port 22"},
		{"port 0", "https://example.com:0/a", "port 0"},
		{"a port above all", "https://example.com:65979/a", "port 65979"},
		{"a port with a zero before it", "https://example.com:0443/a", "port 0443"},
		{"a port of many digits", "https://example.com:" + strings.Repeat("4", 200), "port 4444444…"},
		{"a port of letters", "https://example.com:https/a", "not a valid URL"},
		{"a colon without a port", "https://example.com:/a", "a colon and no port"},
		{"a broken percent sign", "https://example.com/%zz", "percent sign"},
		{"a percent sign in the host", "https://exa%6dple.com/", "percent sign"},
		{"IPv4 in brackets", "https://[127.0.0.1]/", "not a valid URL"},
		{"a future form of address", "https://[v1.x]/", "not a valid URL"},
		{"a backslash before the host's end", `https://example.com\@127.0.0.1/`, "not a valid URL"},
		{"a unicode host", "https://bücher.example/a", "punycode"},
		{"an escaped unicode host", "https://b%C3%BCcher.example/a", "punycode"},
		{"wide digits", "https://１２７.0.0.1/", "punycode"},
		{"an ideographic full stop", "https://127。0。0。1/", "punycode"},
		{"circled letters", "https://ⓛocalhost/", "punycode"},
		{"an empty label", "https://example..com/", "no host name"},
		{"two dots at the end", "https://example.com../", "no host name"},
		{"a dot alone", "https://./", "no host name"},
		{"a label of 64", "https://" + strings.Repeat("a", 64) + ".com/", "no host name"},
		{"a name of 254", "https://" + strings.Repeat("a.", 125) + "comm/", "no host name"},
		{"an asterisk", "https://*.example.com/", "no host name"},
		{"two hosts", "https://example.com,127.0.0.1.example/", "no host name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := (guard.Permission{}).CheckURL(tt.raw, "source")
			fs := fault.FieldsOf(err)
			if !fault.Is(err, fault.Invalid) || len(fs) != 1 || fs[0].Name != "source" || !strings.Contains(fs[0].Message, tt.want) {
				t.Errorf("CheckURL(%.80q) = %v, want source refused: %s", tt.raw, err, tt.want)
			}
			if err != nil && (len(err.Error()) > 800 || strings.Contains(err.Error(), "secret")) {
				t.Errorf("CheckURL says %q, want it short and without what was secret", err)
			}
		})
	}
}

func TestCheckURLRefusesHostsThatMustNotBeReached(t *testing.T) {
	for _, host := range []string{
		"127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "2130706433", "0x7f000001", "0X7F000001", "017700000001", "0177.0.0.1", "0x7f.0.0.1", "127.0.0.0x1",
		"0x7f.1", "0", "0.0.0.0", "0x", "127.0.0.01", "127.0.0.256", "1.2.3.4.5", "99999999999", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254",
		"100.100.100.200", "168.63.129.16", "198.18.0.1", "255.255.255.255", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
		"[0:0:0:0:0:0:0:1]", "[fe80::1]", "[fe80::1%25eth0]", "[fd00:ec2::254]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2001::1]", "[2001:db8::1]",
		"[2606:2800:21f::5efe:7f00:1]",
		"localhost", "LOCALHOST", "localhost.", "a.localhost", "intranet", "printer.local", "db.internal", "ip-10-0-0-1.eu-west-1.compute.internal", "nas.home.arpa",
		"metadata", "metadata.google.internal", "METADATA.google.internal.", "metadata.amazonaws.com", "instance-data", "metadata.goog",
	} {
		err := (guard.Permission{}).CheckURL("https://"+host+"/latest/meta-data", "url")
		var b *guard.Blocked
		if !fault.Is(err, fault.Invalid) || !errors.As(err, &b) || fault.FieldsOf(err)[0].Name != "url" {
			t.Errorf("CheckURL of host %s = %v, want it refused as one that must not be reached", host, err)
		}
	}
}

func TestParseURLDropsTheFragment(t *testing.T) {
	u, err := (guard.Permission{}).ParseURL("https://example.com/a?b=c#d%20e", "source")
	if err != nil || u.String() != "https://example.com/a?b=c" {
		t.Errorf("ParseURL = %v, %v; want it without the fragment", u, err)
	}
}

func TestPermit(t *testing.T) {
	everything := guard.Permit(guard.Exceptions{Loopback: true, PlainHTTP: true, Ports: []int{0}})
	for _, tt := range []struct {
		name, raw string
		p         guard.Permission
		taken     bool
	}{
		{"loopback by address", "https://127.0.0.1:8443/", guard.Permit(guard.Exceptions{Loopback: true}), true},
		{"loopback by IPv6 address", "https://[::1]/", guard.Permit(guard.Exceptions{Loopback: true}), true},
		{"loopback by name", "https://localhost/", guard.Permit(guard.Exceptions{Loopback: true}), true},
		{"loopback at another port", "https://localhost:9000/", guard.Permit(guard.Exceptions{Loopback: true}), false},
		{"loopback at a port that is named", "https://localhost:9000/", guard.Permit(guard.Exceptions{Loopback: true, Ports: []int{9000}}), true},
		{"loopback without its exception", "https://localhost:9000/", guard.Permit(guard.Exceptions{PlainHTTP: true, Ports: []int{9000}}), false},
		{"plain http", "http://example.com/", guard.Permit(guard.Exceptions{PlainHTTP: true}), true},
		{"plain http at its port", "http://example.com:80/", guard.Permit(guard.Exceptions{PlainHTTP: true}), true},
		{"port 80 without its exception", "https://example.com:80/", guard.Permit(guard.Exceptions{Loopback: true}), false},
		{"plain http without its exception", "http://localhost/", guard.Permit(guard.Exceptions{Loopback: true, Ports: []int{0}}), false},
		{"any port", "http://localhost:12345/", everything, true},
		{"a mapped address in spite of all", "http://[::ffff:127.0.0.1]/", everything, false},
		{"a private address in spite of all", "http://10.0.0.1/", everything, false},
		{"metadata in spite of all", "http://169.254.169.254/", everything, false},
		{"another scheme in spite of all", "ftp://localhost/", everything, false},
		{"userinfo in spite of all", "http://u:p@localhost/", everything, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.p.CheckURL(tt.raw, "source"); (err == nil) != tt.taken {
				t.Errorf("CheckURL(%s) = %v, want taken: %t", tt.raw, err, tt.taken)
			}
		})
	}
}

// FuzzCheckURL holds that what is taken names a host in ASCII, by https, at a port that is allowed, and says the same when it is read again.
func FuzzCheckURL(f *testing.F) {
	for _, s := range []string{"https://example.com/a?b#c", "https://127.1/", "https://[::1]:8443/", "https://a@b/", "https://0x7f.1./", "https://a:b", "https:/a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := (guard.Permission{}).ParseURL(raw, "source")
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("ParseURL(%q) = %v, want it invalid", raw, err)
			}
			return
		}
		port := u.Port()
		if u.Scheme != "https" || u.User != nil || u.Hostname() == "" || port != "" && port != "443" && port != "8443" {
			t.Errorf("ParseURL(%q) takes %v", raw, u)
		}
		if strings.IndexFunc(u.Host, func(r rune) bool { return r <= ' ' || r >= 0x7f }) >= 0 {
			t.Errorf("ParseURL(%q) takes the host %q", raw, u.Host)
		}
		again, err := (guard.Permission{}).ParseURL(u.String(), "source")
		if len(u.String()) <= 8192 && (err != nil || again.String() != u.String()) {
			t.Errorf("ParseURL(%q) = %v, %v; want %v again", u, again, err, u)
		}
	})
}
