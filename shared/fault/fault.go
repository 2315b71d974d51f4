// Package fault is the one error type of the product: a kind for programs, a message for people, a cause for the log.
//
// The domain returns *Error for everything a caller can act on; any other error is internal. The table from kind to HTTP
// status is in package web; every dialect renders its own body from the same fault.
package fault

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind classifies an Error. Programs branch on it; people read the message.
type Kind uint8

// The kinds. The zero value is Internal, so that an error nobody classified never blames the caller.
const (
	Internal         Kind = iota // a bug or a broken dependency; the message never reaches a client
	Malformed                    // the body cannot be read at all (broken JSON, broken form)
	Invalid                      // it was read, but a value is out of range; Fields says which
	NoCredentials                // the request names no principal
	BadCredentials               // the credentials are unknown, revoked or expired
	Forbidden                    // the principal may see the thing, but not do this to it
	NotFound                     // the thing does not exist, or the principal may not see it
	MethodNotAllowed             // the path exists, the method does not
	Conflict                     // the thing is in a state in which this cannot be done; repeating will not help
	Duplicate                    // the same request was taken before, under its idempotency key; Fields names what it made
	KeyReused                    // the idempotency key was sent before, with another request
	Stale                        // the thing has changed since the version that the caller named
	TooLarge                     // more bytes than the way in takes
	UnsupportedType              // the Content-Type of the request is not one the route reads
	Throttled                    // too many requests; wait and repeat
	Unavailable                  // a dependency did not answer in time; repeat
)

var kindNames = [...]string{
	"internal", "malformed", "invalid", "no credentials", "bad credentials", "forbidden", "not found",
	"method not allowed", "conflict", "duplicate", "key reused", "stale", "too large", "unsupported type", "throttled", "unavailable",
}

// String names the kind for logs.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Field is one input that was refused, and why.
type Field struct {
	Name    string // as the client spelled it, for example "workspace_id"
	Message string // what was sent and what is allowed
}

// Error is what every exported call of the domain returns when the caller can act on it.
type Error struct {
	Kind    Kind
	Message string  // for people; says what was sent, what is allowed, what to do; never an internal cause
	Fields  []Field // for Invalid: every refused input, not only the first
	Cause   error   // for the log only

	RetryAfter time.Duration // for Throttled and Unavailable: from when on a repeat can succeed; 0: it is not known, and soon
}

// Error is the text for logs: kind, message and cause.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Kind.String())
	b.WriteString(": ")
	b.WriteString(e.Message)
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "; %s: %s", f.Name, f.Message)
	}
	if e.Cause != nil {
		b.WriteString(": ")
		b.WriteString(e.Cause.Error())
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// New makes an Error of a kind from a format.
func New(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes an Error of a kind that keeps its cause for the log.
func Wrap(cause error, k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Message: fmt.Sprintf(format, args...), Cause: cause}
}

// BadField makes an Invalid error about one input.
func BadField(name, format string, args ...any) *Error {
	m := fmt.Sprintf(format, args...)
	return &Error{Kind: Invalid, Message: name + ": " + m, Fields: []Field{{name, m}}}
}

// BadFields makes an Invalid error about several inputs; nil when there are none.
func BadFields(fs []Field) error {
	if len(fs) == 0 {
		return nil
	}
	parts := make([]string, len(fs))
	for i, f := range fs {
		parts[i] = f.Name + ": " + f.Message
	}
	return &Error{Kind: Invalid, Message: strings.Join(parts, "; "), Fields: fs}
}

// FieldsOf gives the inputs that err refuses; none when it is nil or refuses no input.
func FieldsOf(err error) []Field {
	var e *Error
	if errors.As(err, &e) {
		return slices.Clone(e.Fields)
	}
	return nil
}

// KindOf is the kind of err: that of the outermost *Error in its chain, else Internal.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Is says whether err is of kind k. A nil error is of no kind.
func Is(err error, k Kind) bool { return err != nil && KindOf(err) == k }
