package template

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assetry/assetry/infra/pattern"
)

// Event is one way in which a function is invoked: an HttpApi, a DynamoDB, an SQS or a Schedule. What a bucket notifies a function of is among
// the template's Notifications.
type Event interface{ event() }

func (HttpApi) event()  {}
func (DynamoDB) event() {}
func (SQS) event()      {}
func (Schedule) event() {}

// EventsOf are the events of a function that are of one type.
func EventsOf[E Event](f Function) []E {
	var out []E
	for _, e := range f.Events {
		if e, ok := e.(E); ok {
			out = append(out, e)
		}
	}
	return out
}

// HttpApi is a route of the HTTP API.
type HttpApi struct {
	Name   string
	Method string // in capitals; ANY for every method; "" for the $default route
	Path   string // $default for what no route matches
}

// Names of API Gateway.
const (
	DefaultRoute = "$default" // the route of what no other route matches
	AnyMethod    = "ANY"      // a route of every method
)

// Key is the route as API Gateway names it: "GET /api/v1/assets", or $default.
func (h HttpApi) Key() string { return strings.TrimPrefix(h.Method+" "+h.Path, " ") }

// DynamoDB is the stream of a table.
type DynamoDB struct {
	Name            string
	Table           string        // logical id
	BatchSize       int           // records a batch holds at most; Lambda's default is 100
	Window          time.Duration // how long a batch is waited for
	Parallel        int           // batches of one shard at once, each with other keys; Lambda's default is 1
	Filters         []string      // JSON patterns, of which a record must match one; none: all records
	Bisect          bool          // a batch that failed is cut in two
	PartialFailures bool          // the answer may name the record from which on the batch is repeated
	MaxRetries      int           // repetitions of a batch; -1: without end
	MaxAge          time.Duration // records older than this are given up; 0: never
	OnFailure       string        // logical id of the bucket or queue that is told of what was given up; empty: nobody
}

// SQS is a queue that Lambda polls.
type SQS struct {
	Name            string
	Queue           string        // logical id
	BatchSize       int           // messages a batch holds at most; Lambda's default is 10
	Window          time.Duration // how long a batch is waited for
	MaxConcurrency  int           // batches at once; 0: as many as Lambda likes
	PartialFailures bool          // the answer may name the messages that are to be delivered again
}

// Schedule invokes a function again and again.
type Schedule struct {
	Name  string
	Every time.Duration
	Input string // JSON instead of the event that EventBridge makes; empty: that one
}

// readEvent reads one event of a function; none where it is switched off, or stands among the Notifications.
func (b *builder) readEvent(function, name string, f fields) []Event {
	p := f.below("Properties")
	if f.text("Type") != "HttpApi" && !p.boolean("Enabled", true) {
		return nil
	}
	switch kind := f.text("Type"); kind {
	case "HttpApi":
		return []Event{readRoute(name, p)}
	case "DynamoDB":
		return []Event{readStream(name, p)}
	case "SQS":
		return []Event{readSQS(name, p)}
	case "Schedule":
		return []Event{readSchedule(name, p)}
	case "S3":
		p.only("Bucket", "Events", "Filter")
		b.notify(p, p.target("Bucket", typeBucket), function, texts(p.m["Events"]))
		return nil
	default:
		f.complain("events of type %q are not read; known are HttpApi, DynamoDB, SQS, Schedule and S3", kind)
		return nil
	}
}

func readRoute(name string, p fields) HttpApi {
	h := HttpApi{Name: name, Method: strings.ToUpper(p.text("Method")), Path: p.text("Path")}
	switch {
	case h.Path == DefaultRoute, h.Path == "" && h.Method == "":
		h.Method, h.Path = "", DefaultRoute
	case h.Path == "" || h.Method == "":
		p.complain("it has only one of Path and Method; both name a route, neither the %s route", DefaultRoute)
	}
	return h
}

func readStream(name string, p fields) DynamoDB {
	p.only("Stream", "StartingPosition", "BatchSize", "MaximumBatchingWindowInSeconds", "ParallelizationFactor", "BisectBatchOnFunctionError",
		"FunctionResponseTypes", "MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "FilterCriteria", "DestinationConfig", "Enabled", "KmsKeyArn")
	if start := p.text("StartingPosition"); start != "TRIM_HORIZON" {
		p.complain("StartingPosition is %q; with anything but TRIM_HORIZON, changes before the first poll are lost", start)
	}
	return DynamoDB{
		Name: name, Table: p.target("Stream", typeTable), BatchSize: p.integer("BatchSize", 100), Window: p.seconds("MaximumBatchingWindowInSeconds", 0),
		Parallel: p.integer("ParallelizationFactor", 1), Filters: readFilters(p.below("FilterCriteria")), Bisect: p.boolean("BisectBatchOnFunctionError", false),
		PartialFailures: partial(p), MaxRetries: p.integer("MaximumRetryAttempts", -1), MaxAge: max(0, p.seconds("MaximumRecordAgeInSeconds", 0)),
		OnFailure: onFailure(p),
	}
}

func readFilters(p fields) []string {
	p.only("Filters")
	var filters []string
	for _, f := range p.each("Filters") {
		f.only("Pattern")
		filter := f.text("Pattern")
		if _, err := pattern.Parse(filter); err != nil {
			f.complain("%w", err)
		}
		filters = append(filters, filter)
	}
	return filters
}

// partial says whether a function reports which records of its batch failed.
func partial(p fields) bool {
	kinds := texts(p.m["FunctionResponseTypes"])
	for _, k := range kinds {
		if k != "ReportBatchItemFailures" {
			p.complain("FunctionResponseTypes has %q; known is ReportBatchItemFailures", k)
		}
	}
	return slices.Contains(kinds, "ReportBatchItemFailures")
}

func readSQS(name string, p fields) SQS {
	p.only("Queue", "BatchSize", "MaximumBatchingWindowInSeconds", "FunctionResponseTypes", "ScalingConfig", "Enabled", "KmsKeyArn")
	scaling := p.below("ScalingConfig")
	scaling.only("MaximumConcurrency")
	return SQS{
		Name: name, Queue: p.target("Queue", typeQueue), BatchSize: p.integer("BatchSize", 10), Window: p.seconds("MaximumBatchingWindowInSeconds", 0),
		MaxConcurrency: scaling.integer("MaximumConcurrency", 0), PartialFailures: partial(p),
	}
}

func readSchedule(name string, p fields) Schedule {
	p.only("Schedule", "Name", "Description", "Enabled", "Input", "RetryPolicy", "DeadLetterConfig")
	every, err := rate(p.text("Schedule"))
	if err != nil {
		p.complain("%w", err)
	}
	return Schedule{Name: name, Every: every, Input: p.text("Input")}
}

// units are what EventBridge counts the time between two runs in.
var units = map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}

// rate reads EventBridge's rate(1 minute), rate(5 minutes).
func rate(s string) (time.Duration, error) {
	inside, ok := strings.CutPrefix(s, "rate(")
	inside, closed := strings.CutSuffix(inside, ")")
	value, unit, _ := strings.Cut(inside, " ")
	n, err := strconv.Atoi(value)
	one, plural := strings.CutSuffix(unit, "s")
	d, known := units[one]
	if !ok || !closed || err != nil || n < 1 || !known || plural != (n > 1) || n > int(365*24*time.Hour/d) {
		return 0, fmt.Errorf("the schedule %q is none of rate(1 minute), rate(5 minutes), and so on with hours and days, for at most a year", s)
	}
	return time.Duration(n) * d, nil
}
