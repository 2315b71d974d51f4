// Package sender posts events to the servers of users: the driver of webhook.Sender over HTTPS.
//
// Connections are made by package guard, so that an address leads nowhere it must not. A redirect is an answer like any other and is not
// followed: it would bring a signed body to somebody who was not named. Connections are kept for further events.
package sender

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"

	"github.com/assetry/assetry/shared/guard"
	"github.com/assetry/assetry/shared/redact"
	"github.com/assetry/assetry/shared/webhook"
)

// maxAnswer is how much of an answer is read, and dropped, so that its connection can be used again.
const maxAnswer = 64 << 10

// userAgent names us to receivers.
const userAgent = "Assetry-Webhook/1.0"

// field is what clients call the address.
const field = "url"

// Options are what New can be told. The zero value is right in AWS.
type Options struct {
	Guard guard.Options
	Time  time.Duration // for one delivery as a whole; 0: webhook.SendTime
}

// Sender posts bodies to addresses. Safe for concurrent use.
type Sender struct {
	permission guard.Permission
	transport  http.RoundTripper
	time       time.Duration
}

var _ webhook.Sender = (*Sender)(nil)

// New makes a Sender. It connects to nobody yet.
func New(o Options) *Sender {
	if o.Time <= 0 {
		o.Time = webhook.SendTime
	}
	return &Sender{permission: o.Guard.Permission, transport: guard.Transport(o.Guard), time: o.Time}
}

// Check says what is wrong with an address, without asking anybody: fault.Invalid about "url", or nil.
func (s *Sender) Check(url string) error { return s.permission.CheckURL(url, field) }

// Send posts a body and gives the status of the answer, whatever it is; success is 200 to 299. An error says that there was no answer; its
// text names no query, no credentials and no IP address.
func (s *Sender) Send(ctx context.Context, url string, headers map[string]string, body []byte) (status int, err error) {
	u, err := s.permission.ParseURL(url, field)
	if err != nil {
		return 0, err
	}
	within, cancel := context.WithTimeout(ctx, s.time)
	defer cancel()
	r, err := http.NewRequestWithContext(within, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return 0, redact.Error(err)
	}
	r.Header.Set("User-Agent", userAgent)
	r.Header.Set("Accept-Encoding", "identity")
	// Without values it is not sent; net/http then repeats the request when a kept connection turns out to be dead. Deliveries may repeat.
	r.Header["Idempotency-Key"] = nil
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	res, err := s.transport.RoundTrip(r)
	if err != nil && ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if err != nil {
		failure, cause := guard.Tell(err)
		return 0, &Error{Failure: failure, Cause: cause}
	}
	_, _ = io.CopyN(io.Discard, res.Body, maxAnswer) // the status has been said; what follows changes nothing
	_ = res.Body.Close()
	return res.StatusCode, nil
}

// Error is a delivery that got no answer.
type Error struct {
	Failure guard.Failure
	Cause   error // for the log, without secrets of the address; may be nil
}

// texts are for the owner of the webhook, who knows its address.
var texts = map[guard.Failure]string{
	guard.BadAnswer:  "The receiver gave an answer that HTTP does not allow.",
	guard.Refused:    "The address leads to a place that must not be reached: only public servers can be sent to.",
	guard.NoName:     "The host of the address was not found.",
	guard.NameFailed: "The host of the address could not be looked up.",
	guard.TimedOut:   "The receiver did not answer in time.",
	guard.BrokenTLS:  "The receiver could not prove who it is: its certificate is not valid for the host, or it does not speak TLS 1.2 or later.",
	guard.Broken:     "The receiver could not be reached, or closed the connection.",
}

// Error is a sentence for the owner of the webhook.
func (e *Error) Error() string { return texts[e.Failure] }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }
