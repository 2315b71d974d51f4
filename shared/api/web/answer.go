package web

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/invocation"
)

// draft is an answer in the making. It is sent whole, so that an error or a panic after the first byte is still a clean
// fault. Answers stay under the 6 MB that Lambda returns, so memory is no concern.
type draft struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header is what will be sent; changes after WriteHeader count too.
func (d *draft) Header() http.Header { return d.header }

// WriteHeader sets the status; the first call counts.
func (d *draft) WriteHeader(status int) {
	if d.status == 0 {
		d.status = status
	}
}

// Write adds to the body.
func (d *draft) Write(b []byte) (int, error) {
	d.WriteHeader(http.StatusOK)
	if d.status == http.StatusNoContent || d.status == http.StatusNotModified {
		return 0, http.ErrBodyNotAllowed
	}
	return d.body.Write(b)
}

// send gives the answer to w with the defaults that every answer has.
func (d *draft) send(w http.ResponseWriter, r *http.Request, requestID string) {
	d.WriteHeader(http.StatusOK)
	d.compress(r)
	h := w.Header()
	maps.Copy(h, d.header)
	if s := stateOf(r.Context()); s != nil {
		maps.Copy(h, s.always)
	}
	h.Set(RequestIDHeader, requestID)
	h.Set("X-Content-Type-Options", "nosniff")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	if d.body.Len() > 0 && h.Get("Content-Type") == "" {
		h.Set("Content-Type", http.DetectContentType(d.body.Bytes()))
	}
	w.WriteHeader(d.status)
	if r.Method != http.MethodHead && d.body.Len() > 0 {
		w.Write(d.body.Bytes()) // the client is gone when this fails; there is nobody to tell
	}
}

// serve runs a handler and answers, whatever happens, and writes the line of the request. label stands for the path in it.
func serve(w http.ResponseWriter, r *http.Request, label string, d Dialect, h Handler) {
	start := time.Now()
	s := &state{requestID: newRequestID(r.Context())}
	r = r.WithContext(context.WithValue(r.Context(), stateKey{}, s))
	out := &draft{header: http.Header{}}
	err := guard(h, out, r)
	if err != nil {
		out, err = renderFault(r, d, err)
	}
	out.send(w, r, s.requestID)
	s.log(r, label, out.status, time.Since(start), err)
}

// log writes the line of a request: one, with everything that is told of it.
func (s *state) log(r *http.Request, label string, status int, took time.Duration, err error) {
	outcome, level := invocation.OK, slog.LevelInfo
	switch {
	case status >= http.StatusInternalServerError:
		outcome, level = invocation.Failed, slog.LevelError
	case status >= http.StatusBadRequest:
		outcome = invocation.Refused
	}
	as := []slog.Attr{
		slog.String("method", method(r)), slog.String("route", label), slog.Int("status", status),
		slog.String("outcome", outcome), invocation.Milliseconds(took),
	}
	if s.actor != "" {
		as = append(as, slog.String("key_id", s.actor))
	}
	if s.workspace != (id.Workspace{}) && !s.several {
		as = append(as, slog.String("workspace", s.workspace.String()))
	}
	if err != nil {
		as = append(as, slog.String("kind", classify(err).Kind.String()))
	}
	if err != nil && outcome == invocation.Failed {
		as = append(as, invocation.Cause(err)...)
	}
	Log(r.Context()).LogAttrs(r.Context(), level, "request", as...)
}

// method is the method of a request as its line has it: one of the known ones. Any other word may be anything.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}

func guard(h Handler, w http.ResponseWriter, r *http.Request) error {
	return invocation.Guard(func() error { return h(w, r) })
}

// renderFault makes the answer to an error in the dialect; a dialect that fails leaves it to Plain. The error that it gives is for the log.
func renderFault(r *http.Request, d Dialect, err error) (*draft, error) {
	f := classify(err)
	status := Status(f.Kind)
	public := Public(r.Context(), err)
	out := newFaultDraft(r, f)
	render := func(w http.ResponseWriter, r *http.Request) error { d.Fault(w, r, status, public); return nil }
	if broken := guard(render, out, r); broken != nil || out.status == 0 {
		err = errors.Join(err, fmt.Errorf("dialect %T answered no fault of kind %v: %w", d, f.Kind, cmp.Or(broken, errSilent)))
		out = newFaultDraft(r, f)
		Plain{}.Fault(out, r, status, public)
	}
	return out, err
}

// Public is what a client may read of an error: no cause, and where it is internal no text but ours, which quotes the request's id.
func Public(ctx context.Context, err error) *fault.Error {
	f := classify(err)
	if f.Kind == fault.Internal {
		return fault.New(fault.Internal, "Something went wrong on our side. Repeat the request; if it fails again, quote %s.", RequestID(ctx))
	}
	return &fault.Error{Kind: f.Kind, Message: f.Message, Fields: f.Fields, RetryAfter: f.RetryAfter}
}

// errSilent says that a dialect wrote nothing.
var errSilent = errors.New("it wrote nothing")

// retryAfter is what a client that comes at a bad moment is told to wait where the fault does not say: what the pauses of the drivers, and a
// table that grows, take.
const retryAfter = time.Second

// newFaultDraft is the beginning of the answer to a fault, with the headers that it has in every dialect.
func newFaultDraft(r *http.Request, f *fault.Error) *draft {
	out := &draft{header: http.Header{}}
	if f.Kind == fault.Throttled || f.Kind == fault.Unavailable {
		wait := cmp.Or(f.RetryAfter, retryAfter)
		out.header.Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
	}
	if s := stateOf(r.Context()); s.allow != "" {
		out.header.Set("Allow", s.allow)
	}
	return out
}

// classify finds the fault in an error. Errors of the standard library that blame the caller or the clock get their kind here.
func classify(err error) *fault.Error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return fault.Wrap(err, fault.TooLarge, "the body is larger than the %d bytes that this request takes", tooLarge.Limit)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return fault.Wrap(err, fault.Unavailable, "the request took too long and was given up; repeat it")
	}
	return fault.Wrap(err, fault.Internal, "internal error")
}

// JSON answers with v as application/json. It writes nothing when v does not marshal.
func JSON(w http.ResponseWriter, status int, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // URLs in answers keep their & readable; nosniff and the type keep them out of HTML
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, err := w.Write(b.Bytes())
	return err
}
