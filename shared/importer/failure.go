package importer

import (
	"fmt"
	"net/http"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/guard"
	"github.com/assetry/assetry/shared/remote"
)

func problem(r remote.Reason, format string, args ...any) *remote.Error {
	return &remote.Error{Reason: r, Message: fmt.Sprintf(format, args...)}
}

// fieldMessage is what a refusal says about the address; it quotes nothing but a host.
func fieldMessage(err error) string {
	if fs := fault.FieldsOf(err); len(fs) > 0 {
		return "it " + fs[0].Message
	}
	return "it is no address"
}

// failed turns an error of the transport into one of the contract.
func failed(err error, w where) error {
	failure, cause := guard.Tell(err)
	e := told(failure, w)
	e.Cause = cause
	return e
}

func told(f guard.Failure, w where) *remote.Error {
	switch f {
	case guard.Refused:
		return problem(remote.Blocked, "The source %s leads to an address that must not be reached: only public servers can be read from.", w)
	case guard.NoName:
		return problem(remote.Unreachable, "The host of the source %s was not found.", w)
	case guard.NameFailed:
		return transient(remote.Unreachable, "The host of the source %s could not be looked up.", w)
	case guard.TimedOut:
		return transient(remote.Slow, "The source %s did not answer in time.", w)
	case guard.BrokenTLS:
		return problem(remote.Insecure, "The source %s could not prove who it is: its certificate is not valid for that host, or it does not speak TLS 1.2 or later.", w)
	case guard.Broken:
		return transient(remote.Unreachable, "The source %s could not be reached, or closed the connection.", w)
	}
	return problem(remote.Malformed, "The source %s gave an answer that HTTP does not allow.", w)
}

func transient(r remote.Reason, format string, args ...any) *remote.Error {
	e := problem(r, format, args...)
	e.Transient = true
	return e
}

// refusedStatus is an answer whose status is no success.
func refusedStatus(status int, w where) error {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return problem(remote.Denied, "The source %s answered %d: it does not give the file without credentials, or the address has expired.", w, status)
	case http.StatusNotFound, http.StatusGone:
		return problem(remote.Gone, "The source %s answered %d: there is no file.", w, status)
	}
	e := problem(remote.Refused, "The source %s answered %s.", w, statusText(status))
	e.Transient = status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status == http.StatusTooEarly
	return e
}

func statusText(status int) string {
	if text := http.StatusText(status); text != "" {
		return fmt.Sprintf("%d (%s)", status, text)
	}
	return fmt.Sprint(status)
}
