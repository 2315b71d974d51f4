// Package metric writes what a stack does as CloudWatch metrics: lines of the log in the embedded metric format, which CloudWatch reads on
// their way into the log group. Nothing is called and nothing is waited for; a line costs what its bytes cost in the log.
//
// Every metric has the dimension Service, the name of the stack, so that several stacks of an account stay apart, and none has one of a
// workspace: a metric is billed for each value of its dimensions. Lines carry counts, sizes and times, and no ids.
package metric

import (
	"encoding/json"
	"io"
	"slices"
	"time"
)

// Namespace is CloudWatch's namespace of every metric.
const Namespace = "Assetry"

// Names of the metrics.
const (
	UploadsBegun    = "UploadsBegun"    // attempts that were announced: creates and retries
	UploadsReady    = "UploadsReady"    // attempts whose bytes were verified
	UploadsFailed   = "UploadsFailed"   // attempts that ended without good bytes; in all, and by Reason
	BytesReady      = "BytesReady"      // sizes of what became ready
	TimeToReady     = "TimeToReady"     // milliseconds from the announcement of an asset until it is ready
	QueueAge        = "QueueAge"        // seconds from an event's own time until it is handled, by Source
	WebhookFailures = "WebhookFailures" // attempts at a delivery that the receiver did not take
)

// Dimensions of the metrics.
const (
	Service = "Service" // of all: the stack
	Reason  = "Reason"  // of UploadsFailed: the cause, as events and rows have it
	Source  = "Source"  // of QueueAge: who takes the events
)

// The values of the dimension Source: who takes the events.
const (
	Objects  = "objects"  // the bucket's notifications
	Publish  = "publish"  // the table's stream, for the bus
	CleanUp  = "cleanup"  // the table's stream, for clean-up and search
	Imports  = "imports"  // the queue of imports
	Webhooks = "webhooks" // the queue of events for webhooks
	Orders   = "orders"   // the queue of requests for work on orders
)

// Units, as CloudWatch names them.
const (
	unitCount        = "Count"
	unitBytes        = "Bytes"
	unitMilliseconds = "Milliseconds"
	unitSeconds      = "Seconds"
)

// maxValues is how many values one metric may have in one document, by the format's specification.
const maxValues = 100

// Log writes metrics. A nil Log writes none. Safe for concurrent use.
type Log struct {
	out     io.Writer
	service string
	level   string
	now     func() time.Time
}

// Options are what a Log may be given. The zero value works.
type Options struct {
	Now   func() time.Time // nil is time.Now
	Level string           // the least level of lines that the log keeps: TRACE, DEBUG, INFO, WARN, ERROR or FATAL; else INFO
}

// New makes a Log for a stack, whose lines w takes whole, each in one Write. It is nil when service is "": nothing is written then.
func New(w io.Writer, service string, o Options) *Log {
	if service == "" {
		return nil
	}
	l := &Log{out: w, service: service, now: o.Now}
	if l.now == nil {
		l.now = time.Now
	}
	switch o.Level {
	case "WARN", "ERROR", "FATAL":
		// Lambda takes a line without a level for INFO and drops it then. FATAL passes every setting, and no alarm counts it.
		l.level = "FATAL"
	}
	return l
}

// Begun counts an attempt that was announced.
func (l *Log) Begun() { l.write(nil, values{UploadsBegun, unitCount, []float64{1}}) }

// Ready counts attempts that became ready, by the sizes of their bytes.
func (l *Log) Ready(sizes []int64) {
	for part := range slices.Chunk(sizes, maxValues) {
		l.write(nil, values{UploadsReady, unitCount, []float64{float64(len(part))}}, values{BytesReady, unitBytes, floats(part, 1)})
	}
}

// Took notes how long an asset took from its announcement until it was ready.
func (l *Log) Took(d time.Duration) {
	l.write(nil, values{TimeToReady, unitMilliseconds, []float64{float64(max(d, 0).Milliseconds())}})
}

// Failed counts attempts that failed for a reason.
func (l *Log) Failed(reason string, n int) {
	if n > 0 {
		l.write(dimension{Reason, reason}, values{UploadsFailed, unitCount, []float64{float64(n)}})
	}
}

// Waited notes how old events were when a source handed them over, each by its own time. A zero time is none; one of another clock that is ahead is no
// age at all.
func (l *Log) Waited(source string, from ...time.Time) {
	if l == nil {
		return
	}
	now := l.now()
	var ages []int64
	for _, t := range from {
		if !t.IsZero() {
			ages = append(ages, max(now.Sub(t), 0).Milliseconds())
		}
	}
	for part := range slices.Chunk(ages, maxValues) {
		l.write(dimension{Source, source}, values{QueueAge, unitSeconds, floats(part, 1000)})
	}
}

// Refused counts an attempt at a delivery that the receiver of a webhook did not take.
func (l *Log) Refused() { l.write(nil, values{WebhookFailures, unitCount, []float64{1}}) }

// values are those of one metric in one document.
type values struct {
	name, unit string
	of         []float64
}

// dimension is a dimension beside Service: its name and its value. None is nil.
type dimension []string

// directive and definition are the parts of the format's metadata.
type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []definition
}

type definition struct{ Name, Unit string }

// write writes one document.
func (l *Log) write(by dimension, ms ...values) {
	if l == nil {
		return
	}
	d := directive{Namespace: Namespace, Dimensions: [][]string{{Service}}}
	doc := map[string]any{Service: l.service}
	if by != nil {
		doc[by[0]] = by[1]
		d.Dimensions = dimensions[by[0]]
	}
	if l.level != "" {
		doc["level"] = l.level
	}
	for _, m := range ms {
		d.Metrics = append(d.Metrics, definition{m.name, m.unit})
		if doc[m.name] = m.of; len(m.of) == 1 {
			doc[m.name] = m.of[0]
		}
	}
	now := l.now()
	if l.level != "" { // without a time that it can read, Lambda takes a line for INFO, whatever it says
		doc["timestamp"] = now.UTC().Format(time.RFC3339Nano)
	}
	doc["_aws"] = map[string]any{"Timestamp": now.UnixMilli(), "CloudWatchMetrics": []directive{d}}
	line, err := json.Marshal(doc)
	if err != nil {
		return // numbers and strings always marshal
	}
	_, _ = l.out.Write(append(line, '\n')) // a log that is gone has nobody to tell
}

// dimensions are the sets that a metric is kept by, by the dimension that it has beside Service. Failures are also summed over their reasons;
// ages of different sources mean nothing together.
var dimensions = map[string][][]string{
	Reason: {{Service}, {Service, Reason}},
	Source: {{Service, Source}},
}

// floats divides numbers.
func floats(ns []int64, by float64) []float64 {
	fs := make([]float64, len(ns))
	for i, n := range ns {
		fs[i] = float64(n) / by
	}
	return fs
}
