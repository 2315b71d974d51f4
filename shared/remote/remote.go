// Package remote is the contract of files at addresses: what an import copies from. Its driver is package importer.
//
// An address is untrusted: a driver refuses what the product must not reach, on every connection that it makes. Errors about an address before
// anything is asked are fault.Invalid about the field "source"; everything that goes wrong with a source is an *Error, whose message may be
// shown to the client: it names no query string and no credentials of the address.
package remote

import (
	"context"
	"io"
)

// Files reads files at addresses. Safe for concurrent use.
type Files interface {
	// Check says what is wrong with an address, without asking anybody: fault.Invalid about "source", or nil.
	Check(address string) error
	// Get asks for a file, or a range of it. The caller closes the body. Errors are *Error, or the context's.
	Get(ctx context.Context, q Query) (*Answer, error)
}

// Query asks for a file.
type Query struct {
	Address string
	From    int64 // first byte that is wanted
	// Length of the wanted range in bytes; 0 asks for the whole file, without ranges. The source may answer a range with the whole file, if
	// From is 0 and it knows no ranges: see Answer.Ranged.
	Length int64
	// Same, unless zero, is the file that was seen before: another one is an *Error with the reason Changed.
	Same Identity
	// Limit is how many bytes the whole file may have; 0: any number. A larger one is an *Error with the reason TooLarge, from Get if its size
	// is said, else from reading the body.
	Limit int64
}

// Identity tells one state of a file from another: as far as the source says.
type Identity struct {
	ETag     string // as sent, with quotes and W/; "" when none was
	Modified string // Last-Modified as sent; "" when none was
	Size     int64  // of the whole file in bytes; -1: not said
}

// Answer is a file or a range of it, being read. Reading Body fails with an *Error: Truncated for one that ends early, Slow for one that does
// not move.
type Answer struct {
	Identity
	Body   io.ReadCloser
	Ranged bool  // the source gave the range that was asked for, and will give others
	Length int64 // bytes that Body gives; -1: not said
}

// Reason is why a source did not give its bytes.
type Reason string

// The reasons. See Error.Transient for which of them another try may mend.
const (
	Denied      Reason = "denied"      // 401 or 403: often an address whose signature has expired
	Gone        Reason = "gone"        // 404 or 410
	Refused     Reason = "refused"     // another status that is no success
	Unreachable Reason = "unreachable" // no name, no route, nobody listens, the connection broke
	Insecure    Reason = "insecure"    // TLS: certificate or handshake
	Blocked     Reason = "blocked"     // it leads to an address that must not be reached
	Redirects   Reason = "redirects"   // too many, a loop, or one that leads nowhere
	Slow        Reason = "slow"        // no answer, or no more bytes, in time
	Truncated   Reason = "truncated"   // fewer bytes than it said
	Changed     Reason = "changed"     // it is not the file that was begun with
	TooLarge    Reason = "too large"
	Malformed   Reason = "malformed" // an answer that HTTP does not allow, or that is encoded
)

// Error is a source that did not give its bytes.
type Error struct {
	Reason  Reason
	Message string // a sentence for people; has no query string and no credentials
	Cause   error  // for the log, redacted likewise; may be nil
	// Transient says that the same request may succeed a moment later: the source was overloaded (429, 5xx), slow, or the connection broke.
	Transient bool
}

// Error is the text for logs.
func (e *Error) Error() string {
	if e.Cause == nil {
		return string(e.Reason) + ": " + e.Message
	}
	return string(e.Reason) + ": " + e.Message + ": " + e.Cause.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }
