package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/aws/smithy-go"

	"github.com/assetry/assetry/shared/fault"
)

// The exit codes, which scripts rely on.
const (
	exitOK          = 0
	exitFailed      = 1   // something broke; the message says what
	exitUsage       = 2   // the command line, or a value in it, makes no sense; nothing was done
	exitMissing     = 3   // what was named is not there
	exitRefused     = 4   // it was not confirmed, or cannot be done as things stand; nothing was done
	exitAgain       = 5   // the store did not answer or was busy; repeat
	exitInterrupted = 130 // by a signal, as shells say it
)

// usageError is an error of the command line.
type usageError string

func (e usageError) Error() string { return string(e) }

func usage(format string, args ...any) error { return usageError(fmt.Sprintf(format, args...)) }

// codeOf is the exit code of an error, and its name for machines.
func codeOf(err error) (int, string) {
	var u usageError
	switch {
	case errors.As(err, &u):
		return exitUsage, "usage"
	case errors.Is(err, context.Canceled):
		return exitInterrupted, "interrupted"
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Malformed:
		return exitUsage, "usage"
	case fault.NotFound:
		return exitMissing, "not_found"
	case fault.Conflict, fault.Forbidden, fault.Stale, fault.Duplicate:
		return exitRefused, "refused"
	case fault.Throttled, fault.Unavailable:
		return exitAgain, "try_again"
	}
	return exitFailed, "failed"
}

// fail says what went wrong in one line, and gives the exit code.
func (p *program) fail(asJSON bool, err error) int {
	code, name := codeOf(err)
	text := sentence(err)
	if !asJSON {
		fmt.Fprintln(p.err, "assetry: "+text)
		return code
	}
	type problem struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	_ = json.NewEncoder(p.err).Encode(map[string]problem{"error": {name, text}})
	return code
}

// sentence says an error in one line. A fault's message is for people already; its cause follows where it says what to repair.
func sentence(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted; what was done until then stays, and the command can be repeated"
	}
	var f *fault.Error
	if errors.As(err, &f) && f.Kind != fault.Internal {
		text := f.Message
		if f.Cause != nil {
			text += " (" + remedy(f.Cause) + ")"
		}
		return oneLine(text)
	}
	return oneLine(remedy(err))
}

// remedies say what to do about answers of AWS, by the code of the answer.
var remedies = []struct{ code, do string }{
	{"AccessDenied", "README, \"Operate it\", lists the rights that an operator needs"},
	{"ExpiredToken", "sign in again"},
	{"UnrecognizedClient", "sign in again, or choose another --profile"},
	{"InvalidClientTokenId", "sign in again, or choose another --profile"},
	{"ResourceNotFound", "check --region and the name"},
	{"NoSuchBucket", "check --region and the name"},
	{"QueueDoesNotExist", "check --region and the name"},
	{"ValidationError", "check --region and the name"},
}

// remedy says what AWS answered and what to do, for an error of AWS; every other error as it is.
func remedy(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err.Error()
	}
	text := fmt.Sprintf("AWS answered %s: %s", api.ErrorCode(), strings.TrimRight(api.ErrorMessage(), "."))
	for _, r := range remedies {
		if strings.Contains(api.ErrorCode(), r.code) {
			return text + "; " + r.do
		}
	}
	return text
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// show prints an answer.
func (p *program) show(asJSON bool, a answer) {
	if !asJSON {
		a.text(p.out)
		return
	}
	e := json.NewEncoder(p.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(a.json)
}

// columns prints rows under a heading, or what is said where there are none.
func columns(w io.Writer, none string, heading []string, rows [][]string) {
	if len(rows) == 0 {
		fmt.Fprintln(w, none)
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range append([][]string{heading}, rows...) {
		fmt.Fprintln(t, strings.Join(r, "\t"))
	}
	_ = t.Flush()
}

// counted is a number with its noun.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
