// Package cloud answers, on loopback, the two AWS services that the deployed functions call and that no engine on this machine provides:
// EventBridge's PutEvents and Secrets Manager's GetSecretValue, in AWS's JSON 1.1 protocol, as the SDK's clients send and read it.
//
// A request is signed (Signature Version 4) by a key that Keys knows, or it is refused as AWS refuses it. What a key may do is not asked here:
// roles are tested apart. Every other operation is an UnknownOperationException.
package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
)

// Options are what the services stand on. All are required.
type Options struct {
	Region string
	// Keys gives the secret of an access key; not ok for a key that nobody has.
	Keys func(accessKey string) (secret string, ok bool)
	// Bus is the name of the one event bus, and Put puts an event on it and gives the event's id.
	Bus string
	Put func(context.Context, Entry) (id string, err error)
	// Secrets are texts by the ARNs of their secrets.
	Secrets map[string]string
}

// maxRequest bounds a request, in bytes: twice what PutEvents takes.
const maxRequest = 2 << 20

// problem is an error as the JSON protocols have it.
type problem struct {
	status  int
	code    string
	message string
}

// Error says what AWS would say.
func (p *problem) Error() string { return p.code + ": " + p.message }

func refuse(code, message string) error { return &problem{http.StatusBadRequest, code, message} }

// operation answers one request with what will be JSON.
type operation func(ctx context.Context, body []byte) (any, error)

// server is the handler.
type server struct {
	Options
	operations map[string]operation // by X-Amz-Target
}

// New makes the handler of both services: a request's X-Amz-Target says which.
func New(o Options) http.Handler {
	s := &server{Options: o}
	s.operations = map[string]operation{
		"AWSEvents.PutEvents":           s.putEvents,
		"secretsmanager.GetSecretValue": s.getSecretValue,
	}
	return s
}

// ServeHTTP answers one request.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := s.answer(r)
	status := http.StatusOK
	if err != nil {
		p := &problem{http.StatusInternalServerError, "InternalFailure", "the request could not be done; it may be repeated"}
		if !errors.As(err, &p) {
			slog.ErrorContext(r.Context(), "a request of a function failed", "target", r.Header.Get("X-Amz-Target"), "err", err)
		}
		status, answer = p.status, map[string]string{"__type": p.code, "message": p.message}
	}
	b, err := json.Marshal(answer)
	if err != nil {
		http.Error(w, "{}", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_, _ = w.Write(b) // the function is gone when this fails
}

func (s *server) answer(r *http.Request) (any, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxRequest {
		return nil, &problem{http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "the request is too large"}
	}
	if err := s.verify(r, body); err != nil {
		return nil, err
	}
	do, ok := s.operations[r.Header.Get("X-Amz-Target")]
	if !ok || r.Method != http.MethodPost {
		return nil, refuse("UnknownOperationException", "this endpoint has PutEvents of EventBridge and GetSecretValue of Secrets Manager, not "+brief(r.Header.Get("X-Amz-Target")))
	}
	return do(r.Context(), body)
}

// read decodes a request's body.
func read(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return refuse("SerializationException", "the body is no such request: "+err.Error())
	}
	return nil
}

// brief cuts a text for a message.
func brief(s string) string {
	const most = 100
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return `"` + s + `"`
}
