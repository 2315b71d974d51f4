package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/assetry/assetry/shared/fault"
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
	h := w.Header()
	maps.Copy(h, d.header)
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

// serve runs a handler and answers, whatever happens. label stands for the path in the log.
func serve(w http.ResponseWriter, r *http.Request, label string, d Dialect, h Handler) {
	start := time.Now()
	s := &state{requestID: newRequestID(r.Context())}
	r = r.WithContext(context.WithValue(r.Context(), stateKey{}, s))
	out := &draft{header: http.Header{}}
	if err := guard(h, out, r); err != nil {
		out = renderFault(r, label, d, err)
	}
	out.send(w, r, s.requestID)
	attrs := []slog.Attr{
		slog.String("method", r.Method), slog.String("route", label), slog.Int("status", out.status),
		slog.Float64("ms", float64(time.Since(start).Microseconds())/1000),
	}
	if s.actor != "" {
		attrs = append(attrs, slog.String("key_id", s.actor))
	}
	Log(r.Context()).LogAttrs(r.Context(), slog.LevelInfo, "request", attrs...)
}

// panicked is a recovered panic with the place where it happened.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

func guard(h Handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicked{v, debug.Stack()}
		}
	}()
	return h(w, r)
}

// renderFault makes the answer to an error in the dialect; a dialect that fails leaves it to Plain.
func renderFault(r *http.Request, label string, d Dialect, err error) *draft {
	f := classify(err)
	status := Status(f.Kind)
	if status >= http.StatusInternalServerError {
		logFailure(r.Context(), label, err)
	}
	public := &fault.Error{Kind: f.Kind, Message: f.Message, Fields: f.Fields}
	if f.Kind == fault.Internal {
		public.Fields = nil
		public.Message = "Something went wrong on our side. Repeat the request; if it fails again, quote " + RequestID(r.Context()) + "."
	}
	out := newFaultDraft(r)
	render := func(w http.ResponseWriter, r *http.Request) error { d.Fault(w, r, status, public); return nil }
	if err := guard(render, out, r); err != nil || out.status == 0 {
		logFailure(r.Context(), label, fmt.Errorf("dialect %T answered no fault of kind %v: %w", d, f.Kind, err))
		out = newFaultDraft(r)
		Plain{}.Fault(out, r, status, public)
	}
	return out
}

func newFaultDraft(r *http.Request) *draft {
	out := &draft{header: http.Header{}}
	if s := stateOf(r.Context()); s.allow != "" {
		out.header.Set("Allow", s.allow)
	}
	return out
}

func logFailure(ctx context.Context, label string, err error) {
	attrs := []any{"route", label, "error", err.Error()}
	var p *panicked
	if errors.As(err, &p) {
		attrs = append(attrs, "stack", string(p.stack))
	}
	Log(ctx).ErrorContext(ctx, "request failed", attrs...)
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
