// Package redact takes the secrets out of addresses before anybody writes them down: a log line, a row's message, an event. It is the only one
// that does. An address that a client names often is its own key: a signature in the query, a password before the host.
package redact

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxURL is how many bytes of an address are kept, so that one address cannot fill a message or a log line.
const maxURL = 300

// maxText is how many bytes of an error's text are kept: certificates can name hundreds of hosts.
const maxText = 1000

// URL gives what of an address may be shown and logged: scheme, host, port and path, at most 300 bytes, without control characters. User
// name, password, query and fragment are gone, also of text that is no valid URL; where it cannot be told what is host and what is password,
// both are.
func URL(raw string) string {
	raw = strings.ReplaceAll(raw, `\`, "/") // as browsers read it
	if i := strings.IndexAny(raw, "?#"); i >= 0 {
		raw = raw[:i]
	}
	scheme, rest, found := strings.Cut(raw, "//")
	if found {
		scheme = onlyScheme(scheme) + "//"
	} else {
		scheme, rest = "", raw
	}
	return Clip(printable(scheme+withoutUser(strings.TrimLeft(rest, "/"))), maxURL)
}

// withoutUser takes an address from its authority on. A password with a slash in it ends the authority early, and its rest looks like a path;
// so does a whole address in a path.
func withoutUser(s string) string {
	authority, path := s, ""
	if i := strings.IndexByte(s, '/'); i >= 0 {
		authority, path = s[:i], s[i:]
	}
	named := strings.Contains(authority, ":") || strings.Contains(path, "//")
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		authority = authority[i+1:]
	}
	if !isAuthority(authority) || named && strings.Contains(path, "@") {
		return ""
	}
	return authority + path
}

// onlyScheme keeps what stands before the two slashes if it is a scheme with its colon.
func onlyScheme(s string) string {
	name, ok := strings.CutSuffix(s, ":")
	if !ok || strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789+-.") != "" {
		return ""
	}
	return s
}

// isAuthority says whether text without userinfo is a host with or without a port, and not half a password.
func isAuthority(s string) bool {
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		if strings.Trim(s[i+1:], "0123456789") != "" {
			return false
		}
		s = s[:i]
	}
	if inner, ok := strings.CutPrefix(s, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		return ok && strings.Trim(strings.ToLower(inner), "0123456789abcdef:.") == ""
	}
	return !strings.ContainsAny(s, ":[]%")
}

// printable replaces what could break a line or lie about it.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
}

// Clip cuts text to n bytes at the border of a character, and says so by dots.
func Clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	end := n - len("…")
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// redacted is an error whose text names addresses only as URL leaves them.
type redacted struct {
	text  string
	cause error
}

// Error gives err with its text as Text leaves it, and the addresses of every *url.Error in its chain redacted. errors.Is and errors.As still find what is in its chain, but for *url.Error,
// whose text is the address. It is nil when err is.
func Error(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, address := range addresses(err) {
		for _, spelled := range []string{strings.Trim(strconv.Quote(address), `"`), address} {
			if spelled != "" {
				text = strings.ReplaceAll(text, spelled, URL(address))
			}
		}
	}
	return &redacted{Text(text), err}
}

// Error is the redacted text.
func (r *redacted) Error() string { return r.text }

// Is looks into the chain that the text stands for.
func (r *redacted) Is(target error) bool { return errors.Is(r.cause, target) }

// As looks into the chain that the text stands for, but gives no *url.Error.
func (r *redacted) As(target any) bool {
	if _, ok := target.(**url.Error); ok {
		return false
	}
	return errors.As(r.cause, target)
}

// addresses are those of all *url.Error in a chain.
func addresses(err error) []string {
	var list []string
	if u, ok := err.(*url.Error); ok {
		list = append(list, u.URL)
	}
	switch err := err.(type) {
	case interface{ Unwrap() error }:
		if inner := err.Unwrap(); inner != nil {
			list = append(list, addresses(inner)...)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range err.Unwrap() {
			list = append(list, addresses(inner)...)
		}
	}
	return list
}

// Text gives a text with every word redacted that has two slashes, as addresses have: valid UTF-8, at most 1,000 bytes.
func Text(s string) string {
	return Clip(strings.ToValidUTF8(addressed(s, redactedWord), string(utf8.RuneError)), maxText)
}

// Hosts gives a text as Text does, and of its addresses no more than scheme, host and port, as lines of a log have them: a path can be a key, as
// that of a link is.
func Hosts(s string) string {
	return addressed(Text(s), func(word string) string {
		begin := strings.Index(word, "//") + len("//")
		end := strings.IndexByte(word[begin:], '/')
		if end < 0 {
			return word
		}
		return word[:begin+end] + word[len(strings.TrimRight(word, punctuation)):]
	})
}

// addressed replaces every word of a text that has two slashes.
func addressed(s string, by func(word string) string) string {
	var b strings.Builder
	for s != "" {
		end := strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '"' })
		if end < 0 {
			end = len(s)
		}
		word := s[:end]
		if strings.Contains(word, "//") {
			word = by(word)
		}
		b.WriteString(word)
		if end < len(s) {
			_, n := utf8.DecodeRuneInString(s[end:])
			b.WriteString(s[end : end+n])
			end += n
		}
		s = s[end:]
	}
	return b.String()
}

// punctuation may follow an address in a sentence.
const punctuation = ":,;.)>]'"

// redactedWord keeps the punctuation around a word, which is the sentence's.
func redactedWord(word string) string {
	start := len(word) - len(strings.TrimLeft(word, "(<['"))
	end := max(start, len(strings.TrimRight(word, punctuation)))
	return word[:start] + URL(word[start:end]) + word[end:]
}
