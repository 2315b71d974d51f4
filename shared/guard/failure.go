package guard

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"

	"github.com/assetry/assetry/shared/redact"
)

// Failure is why a request through Transport got no answer.
type Failure uint8

// The failures.
const (
	BadAnswer  Failure = iota // what came is not what HTTP allows, or its header is larger than 64 KiB
	Refused                   // it leads to an address that must not be reached
	NoName                    // the host has no address
	NameFailed                // the host could not be looked up just now
	TimedOut                  // no connection or no answer in time, or the caller waited no longer
	BrokenTLS                 // the certificate is not valid for the host, or TLS 1.2 or later is not spoken
	Broken                    // nobody listens, no route, or the connection was closed
)

// FailureOf reads the reason from the types in an error's chain, never from its text, which may quote what the other side sent.
func FailureOf(err error) Failure {
	var blocked *Blocked
	var name *net.DNSError
	var handshake *HandshakeError
	var op *net.OpError
	switch {
	case errors.As(err, &blocked):
		return Refused
	case errors.As(err, &name) && name.IsNotFound:
		return NoName
	case errors.As(err, &name):
		return NameFailed
	case isTimeout(err), errors.Is(err, context.Canceled):
		return TimedOut
	case errors.As(err, &handshake) && !IsEnd(handshake.Err), errors.Is(err, http.ErrSchemeMismatch):
		return BrokenTLS
	case IsEnd(err), errors.As(err, &op):
		return Broken
	}
	return BadAnswer
}

// Tell gives the reason of a failure, and what the log may have of the error: its text without addresses, clipped to 1,000 bytes. Of a
// BadAnswer it has nothing, because the text quotes what the other side sent, which may be the very address that it was asked.
func Tell(err error) (Failure, error) {
	f := FailureOf(err)
	if f == BadAnswer {
		return f, nil
	}
	return f, redact.Error(err)
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// IsEnd says whether an error means that the other side ended the connection.
func IsEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed)
}
