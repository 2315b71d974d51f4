package lambdahost

import (
	"errors"
	"fmt"
	"time"
)

// FunctionError is an invocation that failed in the function: by an error that it reported, or by the end of its process.
type FunctionError struct {
	Type    string // the function's own, or one of Lambda's, such as Runtime.ExitError
	Message string
}

// Error is type and message, as Lambda's logs join them.
func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// Lambda's own types of errors.
const (
	exitError         = "Runtime.ExitError"         // the process ended
	invalidEntrypoint = "Runtime.InvalidEntrypoint" // the program could not be started
	timedOut          = "Sandbox.Timedout"          // its time was over
	answerTooLarge    = "Function.ResponseSizeTooLarge"
)

var (
	// ErrTimeout is an invocation that took longer than the function's Timeout, or a process that did not ask for an event in time. The process
	// was killed.
	ErrTimeout = errors.New("timed out")
	// ErrPayloadTooLarge is an event over MaxPayload. The function did not see it.
	ErrPayloadTooLarge = errors.New("the event is too large")
	// ErrAnswerTooLarge is an answer over MaxAnswer. The function did its work.
	ErrAnswerTooLarge = errors.New("the answer is too large")
	// ErrClosed is an invocation that the end of the host cut off.
	ErrClosed = errors.New("the host of the functions is closed")
	// ErrUnknown is a function that the host was not given.
	ErrUnknown = errors.New("the host has no such function")

	// errNotTaken is an invocation whose process ended before it was given the event: another process may have it.
	errNotTaken = errors.New("the process ended before the invocation")
)

// timeoutError has Lambda's words.
type timeoutError struct {
	what  string // Task or Init
	after time.Duration
}

func (e timeoutError) Error() string {
	return fmt.Sprintf("%s timed out after %.2f seconds", e.what, e.after.Seconds())
}

// Is makes it an ErrTimeout.
func (e timeoutError) Is(target error) bool { return target == ErrTimeout }
