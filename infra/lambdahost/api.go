package lambdahost

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// routes is the Runtime API of one process.
func (pr *process) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", pr.serveNext)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", pr.serveAnswer)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", pr.serveError)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", pr.serveInitError)
	return mux
}

// Headers of the Runtime API.
const (
	headerRequest  = "Lambda-Runtime-Aws-Request-Id"
	headerDeadline = "Lambda-Runtime-Deadline-Ms"
	headerARN      = "Lambda-Runtime-Invoked-Function-Arn"
	headerTrace    = "Lambda-Runtime-Trace-Id"
	headerError    = "Lambda-Runtime-Function-Error-Type" // also the trailer of an answer that failed half-way
	trailerBody    = "Lambda-Runtime-Function-Error-Body"
)

// serveNext is the call in which a process waits for an event. It ends the invocation before.
func (pr *process) serveNext(w http.ResponseWriter, r *http.Request) {
	if !pr.poll() {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "the invocation has neither answer nor error")
		return
	}
	var inv *invocation
	select {
	case inv = <-pr.next:
	case <-r.Context().Done():
		return
	}
	pr.mu.Lock()
	inv.taken = true
	pr.mu.Unlock()
	f, o := pr.pool.function, pr.pool.host.options
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(inv.payload)))
	h.Set(headerRequest, inv.id)
	h.Set(headerDeadline, strconv.FormatInt(inv.began.Add(inv.limit).UnixMilli(), 10))
	h.Set(headerARN, "arn:aws:lambda:"+o.Region+":"+o.Account+":function:"+f.Name)
	h.Set(headerTrace, inv.trace)
	_, _ = w.Write(inv.payload) // a process that is gone is found by reap
}

// poll notes that a process asks for an event: it is ready, or done with the invocation before. It may not ask while it owes an answer.
func (pr *process) poll() bool {
	pr.mu.Lock()
	inv := pr.current
	if inv != nil && inv.end == nil && inv.taken {
		pr.mu.Unlock()
		return false
	}
	done := inv != nil && inv.end != nil
	if done {
		pr.current = nil
		inv.clock.Stop()
	}
	select {
	case <-pr.ready:
	default:
		pr.took = time.Since(pr.began)
		close(pr.ready)
	}
	pr.mu.Unlock()
	if done {
		pr.pool.release(pr)
		close(inv.settled)
	}
	return true
}

// owed is the invocation that a process answers, by its id; nil where there is none, or no longer.
func (pr *process) owed(id string) *invocation {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	if inv := pr.current; inv != nil && inv.id == id && inv.taken && inv.end == nil {
		return inv
	}
	return nil
}

// serveAnswer is the call that brings an answer.
func (pr *process) serveAnswer(w http.ResponseWriter, r *http.Request) {
	inv := pr.owed(r.PathValue("id"))
	if inv == nil {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "no invocation of this id waits for an answer")
		return
	}
	body, err := read(r, MaxAnswer)
	switch {
	case errors.Is(err, ErrAnswerTooLarge):
		pr.failed(inv, err)
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", err.Error())
	case err != nil:
		refuse(w, http.StatusBadRequest, "BadRequest", err.Error()) // it broke off; its end is found by reap or by the clock
	case r.Trailer.Get(headerError) != "":
		text, _ := base64.StdEncoding.DecodeString(r.Trailer.Get(trailerBody)) // without it the type remains
		pr.failed(inv, functionError(r.Trailer.Get(headerError), text))
		accept(w)
	default:
		pr.finish(inv, ending{answer: body})
		accept(w)
	}
}

// serveError is the call that reports that an invocation failed.
func (pr *process) serveError(w http.ResponseWriter, r *http.Request) {
	inv := pr.owed(r.PathValue("id"))
	if inv == nil {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "no invocation of this id waits for an answer")
		return
	}
	body, err := read(r, MaxAnswer)
	if err != nil {
		body = nil // the type in the header remains
	}
	pr.failed(inv, functionError(r.Header.Get(headerError), body))
	accept(w)
}

// failed ends an invocation with an error that was reported.
func (pr *process) failed(inv *invocation, err error) {
	pr.pool.host.output.report(pr, inv, "error", kind(err))
	pr.finish(inv, ending{err: err})
}

// serveInitError is the call that reports that a process cannot start. It exits by itself then.
func (pr *process) serveInitError(w http.ResponseWriter, r *http.Request) {
	select {
	case <-pr.ready:
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "init is over")
		return
	default:
	}
	body, err := read(r, MaxAnswer)
	if err != nil {
		body = nil // the type in the header remains
	}
	pr.mu.Lock()
	pr.initError = functionError(r.Header.Get(headerError), body)
	pr.mu.Unlock()
	accept(w)
}

// read takes a body of at most so many bytes. It reads a longer one to its end, so that whoever sends it hears why it is refused.
func read(r *http.Request, most int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	if err == nil && int64(len(body)) > most {
		rest, _ := io.Copy(io.Discard, r.Body) // it is refused in any case
		err = fmt.Errorf("%w: it has %d bytes, and Lambda gives at most %d", ErrAnswerTooLarge, int64(len(body))+rest, most)
	}
	return body, err
}

// functionError reads what a function reports: the type in a header, or type and message in JSON.
func functionError(header string, body []byte) *FunctionError {
	var said struct{ ErrorType, ErrorMessage string }
	if json.Unmarshal(body, &said) != nil {
		said.ErrorMessage = string(body)
	}
	if said.ErrorType == "" {
		said.ErrorType = header
	}
	if said.ErrorType == "" {
		said.ErrorType = "Unhandled"
	}
	return &FunctionError{said.ErrorType, said.ErrorMessage}
}

func accept(w http.ResponseWriter) {
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`) // whoever left is found by reap
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"errorType": kind, "errorMessage": message}) // as above
}
