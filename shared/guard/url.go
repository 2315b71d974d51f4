package guard

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/redact"
)

// Lengths of addresses.
const (
	maxURL   = 8 << 10 // bytes: what common servers take as a request line
	maxName  = 253     // RFC 1035, section 2.3.4, in its usual spelling without the last dot
	maxLabel = 63      // RFC 1035, section 2.3.4
)

// metadataNames are the names under which clouds offer the metadata of a machine. Their addresses are refused as well: the name gives an
// earlier and clearer answer.
var metadataNames = []string{
	"metadata.google.internal", "metadata.goog", // Google Cloud
	"metadata.amazonaws.com", "instance-data.ec2.internal", "instance-data", // AWS
	"metadata.azure.com", "metadata.azure.internal", // Azure
	"metadata.tencentyun.com", "metadata.oraclecloud.com", // Tencent, Oracle
	"metadata",
}

// localTops are top-level names that no public server has: RFC 6761, RFC 6762, and ICANN's reservation of .internal of 2024.
var localTops = []string{"localhost", "local", "internal"}

// CheckURL says what is wrong with an address that a client named, without asking anybody: nil, or fault.Invalid about the field. When its
// host is what must not be reached, a *Blocked is in the chain.
func (p Permission) CheckURL(raw, field string) error {
	_, err := p.ParseURL(raw, field)
	return err
}

// ParseURL is CheckURL that gives the address, without its fragment: a browser would not send that either.
func (p Permission) ParseURL(raw, field string) (*url.URL, error) {
	if err := checkText(raw, field); err != nil {
		return nil, err
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fault.BadField(field, "is not a valid URL%s; send one like https://example.com/file.jpg", parseReason(err))
	}
	if err := p.checkScheme(u, field); err != nil {
		return nil, err
	}
	if u.User != nil || strings.Contains(u.Host, "@") {
		return nil, fault.BadField(field, "has a user name or password before the host; send a URL that needs none, for example a signed one")
	}
	if err := p.checkPort(u, field); err != nil {
		return nil, err
	}
	if err := p.checkHost(u.Hostname(), strings.HasPrefix(u.Host, "["), field); err != nil {
		return nil, err
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

func checkText(raw, field string) error {
	switch {
	case raw == "":
		return fault.BadField(field, "is empty; send a URL like https://example.com/file.jpg")
	case len(raw) > maxURL:
		return fault.BadField(field, "has %d bytes; a URL may have at most %d", len(raw), maxURL)
	case !utf8.ValidString(raw):
		return fault.BadField(field, "is not valid UTF-8; percent-encode other bytes")
	}
	for i, r := range raw {
		if unicode.IsControl(r) || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) {
			return fault.BadField(field, "has the character U+%04X at byte %d; percent-encode blanks, and send no control characters", r, i+1)
		}
	}
	return nil
}

// parseReason is what url.Parse said, without the address that it quotes: that may have secrets.
func parseReason(err error) string {
	var port url.InvalidHostError
	var escape url.EscapeError
	switch {
	case errors.As(err, &escape):
		return ": a percent sign is not followed by two hexadecimal digits that may stand there"
	case errors.As(err, &port):
		return ": its host has a character that hosts cannot have"
	}
	return ""
}

func (p Permission) checkScheme(u *url.URL, field string) error {
	if u.Scheme == "https" || u.Scheme == "http" && p.plainHTTP {
		if u.Opaque == "" && u.Host != "" {
			return nil
		}
		return fault.BadField(field, "has no host; send a URL like https://example.com/file.jpg")
	}
	if u.Scheme == "" {
		return fault.BadField(field, "has no scheme; send a URL that begins with https://")
	}
	return fault.BadField(field, "has the scheme %s; only https is allowed", redact.Clip(u.Scheme, 20))
}

func (p Permission) checkPort(u *url.URL, field string) error {
	text := u.Port()
	if text == "" {
		if strings.HasSuffix(u.Host, ":") {
			return fault.BadField(field, "has a colon and no port after its host; leave it out, or send 443 or 8443")
		}
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || strconv.Itoa(n) != text || n < 1 || n > 65535 || !p.port(n) {
		return fault.BadField(field, "has the port %s; only 443 and 8443 are allowed", redact.Clip(text, 10))
	}
	return nil
}

// checkHost takes the host without brackets and port.
func (p Permission) checkHost(host string, bracketed bool, field string) error {
	if bracketed {
		return p.checkLiteral(host, field)
	}
	if i := strings.IndexFunc(host, func(r rune) bool { return r >= utf8.RuneSelf }); i >= 0 {
		return fault.BadField(field, "has a host with characters outside ASCII; send its punycode form, which begins with xn--")
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	labels := strings.Split(name, ".")
	if looksNumeric(labels[len(labels)-1]) {
		return p.checkLiteral(host, field)
	}
	if !isName(name, labels) {
		return fault.BadField(field, "has the host %q, which is no host name", redact.Clip(host, 80))
	}
	return p.checkName(name, labels, field)
}

// checkLiteral judges a host that is an IP address, or that some program would take for one.
func (p Permission) checkLiteral(host, field string) error {
	a, err := netip.ParseAddr(host)
	if err != nil {
		b := &Blocked{Host: redact.Clip(host, 80), Why: "a number that programs read in different ways"}
		return b.about(field, "has a host that is no IP address in its usual form; write IPv4 as four decimal numbers without leading zeros, IPv6 in brackets")
	}
	b, refused := p.checkAddr(a).(*Blocked)
	if !refused {
		return nil
	}
	return b.about(field, "leads to %s, which must not be reached (%s); send the address of a public server", redact.Clip(a.String(), 80), b.Why)
}

func (p Permission) checkName(name string, labels []string, field string) error {
	top := labels[len(labels)-1]
	switch {
	case top == "localhost" && p.loopback:
		return nil
	case slices.Contains(metadataNames, name):
		b := &Blocked{Host: name, Why: "metadata of a cloud's machine"}
		return b.about(field, "leads to %s, which must not be reached (%s)", name, b.Why)
	case len(labels) == 1, slices.Contains(localTops, top), strings.HasSuffix(name, ".home.arpa"):
		b := &Blocked{Host: redact.Clip(name, 80), Why: "a name of local networks"}
		return b.about(field, "leads to %s, which is %s; send the full name of a public server", redact.Clip(name, 80), b.Why)
	}
	return nil
}

// about makes a refusal of the field of a request; the refusal itself stays in the chain.
func (b *Blocked) about(field, format string, args ...any) error {
	e := fault.BadField(field, format, args...)
	e.Cause = b
	return e
}

// looksNumeric is the test of the WHATWG URL standard for a host that is to be read as an IPv4 address: its last label is a decimal, octal or
// hexadecimal number.
func looksNumeric(label string) bool {
	if label != "" && strings.Trim(label, "0123456789") == "" {
		return true
	}
	digits, hex := strings.CutPrefix(label, "0x")
	return hex && strings.Trim(digits, "0123456789abcdef") == ""
}

// isName says whether a lower-case name has the form of a host's. Underscores are no part of host names, but some have them.
func isName(name string, labels []string) bool {
	if len(name) > maxName {
		return false
	}
	return !slices.ContainsFunc(labels, func(l string) bool {
		return l == "" || len(l) > maxLabel || strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-_") != ""
	})
}
