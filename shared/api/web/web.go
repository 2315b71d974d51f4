// Package web is how HTTP reaches handlers, in a Lambda function and in a local process alike.
//
// A handler is net/http with an error result. Route gives it a method, a path pattern and a Dialect; what it returns is
// turned into an answer here and nowhere else: the table from kind to status, the request id on every answer, the log line,
// the recovery from panics. Invoke makes an API Gateway (HTTP API, payload 2.0) function of it; Lambda runs that.
//
// Paths are matched decoded, as HTTP APIs deliver them, so that one request means the same in every shape: an escaped slash
// separates segments, as it does on AWS, and every other escaped character is part of the value.
//
// A log line holds the route's pattern, never the path (a link's token is in it), the query, a header or a body.
package web

import (
	"net/http"

	"github.com/assetry/assetry/shared/fault"
)

// Handler answers a request or returns why it cannot. What it wrote before it returned an error is thrown away.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Dialect renders a fault as the body that the clients of one API expect. Fault writes header and body with the status given;
// f holds what a client may read: no cause, and for fault.Internal no text but ours. RequestID(r.Context()) is set.
type Dialect interface {
	Fault(w http.ResponseWriter, r *http.Request, status int, f *fault.Error)
}

var statuses = map[fault.Kind]int{
	fault.Internal:         http.StatusInternalServerError,
	fault.Malformed:        http.StatusBadRequest,
	fault.Invalid:          http.StatusBadRequest,
	fault.NoCredentials:    http.StatusUnauthorized,
	fault.BadCredentials:   http.StatusUnauthorized,
	fault.Forbidden:        http.StatusForbidden,
	fault.NotFound:         http.StatusNotFound,
	fault.MethodNotAllowed: http.StatusMethodNotAllowed,
	fault.Conflict:         http.StatusConflict,
	fault.Duplicate:        http.StatusConflict,
	fault.KeyReused:        http.StatusUnprocessableEntity,
	fault.Stale:            http.StatusPreconditionFailed,
	fault.TooLarge:         http.StatusRequestEntityTooLarge,
	fault.UnsupportedType:  http.StatusUnsupportedMediaType,
	fault.Throttled:        http.StatusTooManyRequests,
	fault.Unavailable:      http.StatusServiceUnavailable,
}

// Status is the HTTP status of a kind: the one table of the product. An unknown kind is 500.
func Status(k fault.Kind) int {
	if s, ok := statuses[k]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// Plain is the dialect of paths that belong to no API, and of links: {"message": "..."}, as API Gateway's own answers.
type Plain struct{}

// Fault writes {"message": f.Message}.
func (Plain) Fault(w http.ResponseWriter, _ *http.Request, status int, f *fault.Error) {
	body := struct {
		Message string `json:"message"`
	}{f.Message}
	if err := JSON(w, status, body); err != nil {
		w.WriteHeader(status) // a string always marshals, so this is a broken writer
	}
}
