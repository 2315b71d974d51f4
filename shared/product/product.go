// Package product says what a product is: what a submitted order is turned into, step by step.
//
// A product plans an order's steps from its inputs, and runs one step at a time. It reads the inputs' bytes from where it likes, and gives
// finished files. It knows no bucket, no queue and no time limit: whoever runs it (package processing) says by Spent that the time is up,
// keeps the checkpoint, and calls again with it, perhaps in another process on another machine.
//
// A step is repeatable: the same job, step and input bytes give the same deliverables, byte for byte, wherever it was cut off and resumed.
// So nothing in a deliverable comes from a clock or from chance, and a worker that crashed before its result was kept is simply run again.
package product

import (
	"context"
	"fmt"
	"io"
	"slices"
)

// Areaplan measures scans and draws them from above; see package areaplan.
const Areaplan = "areaplan"

// names are those of package catalog's products. They stand here, because most programs need to know what can be ordered and not how it is
// made: the code of the products, with fonts and a PDF library, would cost each of them 1.2 MB, and 0.36 MB and 0.3 ms of every start where
// it is merely imported. A test of package catalog holds the two lists together.
var names = []string{Areaplan}

// Names are the products that can be ordered, sorted.
func Names() []string { return slices.Clone(names) }

// The units an order may declare for its model (the published values); "" means that nothing was declared.
const (
	Metric   = "METRIC"   // metres
	Imperial = "IMPERIAL" // feet
)

// Input is one file of an order, as it was held when the order was submitted.
type Input struct {
	Asset  string // its id
	Name   string // what people call it, such as "lobby.xyz"
	Format string // e57 or xyz, found in its bytes and not in its name
	Size   int64  // in bytes

	// Open reads the bytes from off, which is at most Size, to the end. It may be called often; each reader is closed by the caller.
	Open func(ctx context.Context, off int64) (io.ReadCloser, error)
}

// Job is an order as a product sees it. It does not change between the calls for one attempt.
type Job struct {
	Order, OrderName string
	Units            string // Metric, Imperial, or "" where nothing was declared
	Inputs           []Input
}

// Step is one part of a job. Steps are independent of each other.
type Step struct {
	Name string // unique within the job, and the same whenever the job is planned
}

// Task is a step to be run, or to be gone on with.
type Task struct {
	Job        Job
	Step       Step
	Checkpoint []byte // what the last call for this step left; nil at first

	// Spent is told of the bytes that were read since it was last asked, and says whether to hand over soon: then Run returns a checkpoint.
	// It is asked at least every few megabytes. Nil: never.
	Spent func(bytes int64) bool
	// Progress is told how much of the step is done, from 0 to 1, and never goes back within a call. Nil: nobody listens.
	Progress func(fraction float64)
}

// IsSpent asks Spent, where there is one.
func (t *Task) IsSpent(bytes int64) bool { return t.Spent != nil && t.Spent(bytes) }

// Tell tells Progress, where there is one.
func (t *Task) Tell(fraction float64) {
	if t.Progress != nil {
		t.Progress(min(max(fraction, 0), 1))
	}
}

// Deliverable is a finished file.
type Deliverable struct {
	Name  string // a file name, unique within the job
	Type  string // its media type, one of package media's
	Bytes []byte
}

// Result is how a call of Run ended.
type Result struct {
	Done         bool
	Checkpoint   []byte        // where it is not Done: what the next call is to be given
	Deliverables []Deliverable // where it is Done: everything the step made
}

// Product is a way to turn inputs into deliverables. Its methods may be called by many goroutines at once.
type Product interface {
	// Name is how an order asks for it, in lower case.
	Name() string
	// Plan gives the job's steps, at least one, in the order in which they are to be run.
	Plan(Job) []Step
	// Run does the step, or goes on with it from the checkpoint. An error that is *Refused is final: the order ends in ERROR with its
	// text. After any other error the call may be repeated, with the same checkpoint.
	Run(ctx context.Context, t *Task) (Result, error)
}

// Refused says why nothing can be made of an input. It is final: the same bytes are refused again.
type Refused struct {
	Message string // a sentence for people: which input, what was found, what is allowed, what to do
}

// Error is the message.
func (r *Refused) Error() string { return r.Message }

// Refuse gives a *Refused.
func Refuse(format string, args ...any) error { return &Refused{Message: fmt.Sprintf(format, args...)} }
