// Package sender posts events to the servers of users: the driver of webhook.Sender over HTTPS.
//
// Connections are made by package guard, so that an address leads nowhere it must not. A redirect is an answer like any other and is not
// followed: it would bring a signed body to somebody who was not named. Connections are kept for further events.
package sender

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/assetry/assetry/shared/guard"
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
		return 0, guard.RedactError(err)
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
		return 0, &Error{Failure: failure, Address: guard.Redact(url), Cause: cause}
	}
	_, _ = io.CopyN(io.Discard, res.Body, maxAnswer) // the status has been said; what follows changes nothing
	_ = res.Body.Close()
	return res.StatusCode, nil
}

// Error is a delivery that got no answer.
type Error struct {
	Failure guard.Failure
	Address string // redacted
	Cause   error  // for the log, redacted likewise; may be nil
}

// texts are for the owner of the webhook.
var texts = map[guard.Failure]string{
	guard.BadAnswer:  "gave an answer that HTTP does not allow",
	guard.Refused:    "leads to an address that must not be reached: only public servers can be sent to",
	guard.NoName:     "has a host that was not found",
	guard.NameFailed: "has a host that could not be looked up",
	guard.TimedOut:   "did not answer in time",
	guard.BrokenTLS:  "could not prove who it is: its certificate is not valid for that host, or it does not speak TLS 1.2 or later",
	guard.Broken:     "could not be reached, or closed the connection",
}

// Error is a sentence for the owner of the webhook.
func (e *Error) Error() string { return fmt.Sprintf("%s %s", e.Address, texts[e.Failure]) }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }
