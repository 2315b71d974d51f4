package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// records keep failed events as Lambda writes them, each under a key.
type records interface {
	keys(ctx context.Context, f func(key string) (more bool, err error)) error
	read(ctx context.Context, key string) ([]byte, error)
	remove(ctx context.Context, key string) error
}

// invoke runs a function with an event and gives its answer; the error says that it failed.
type invoke func(ctx context.Context, function string, event []byte) ([]byte, error)

// failedEvents are the dead letters of functions: of asynchronous invocations, and of batches of the table's stream.
type failedEvents struct {
	records records
	invoke  invoke
}

var _ deadLetters = failedEvents{}

func (f failedEvents) source() string { return fromFailed }

// each reads the records one by one. One that is gone meanwhile is passed over; so is one that cannot be read, which is shown.
func (f failedEvents) each(ctx context.Context, see func(context.Context, deadLetter) (bool, error)) error {
	return f.records.keys(ctx, func(key string) (bool, error) {
		b, err := f.records.read(ctx, key)
		if errors.Is(err, errGone) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		l := &failedEvent{place: f, key: key}
		l.broken = json.Unmarshal(b, &l.record)
		return see(ctx, l)
	})
}

// errGone says that a record was removed by somebody else.
var errGone = errors.New("the record is gone")

// record is what Lambda writes: requestPayload for an asynchronous invocation, payload for a batch of a stream.
type record struct {
	Timestamp      time.Time `json:"timestamp"`
	RequestContext struct {
		FunctionARN string `json:"functionArn"`
		Condition   string `json:"condition"`
	} `json:"requestContext"`
	RequestPayload json.RawMessage `json:"requestPayload"`
	Payload        json.RawMessage `json:"payload"`
}

// event is the event as the function gets it. A batch is JSON within a text.
func (r record) event() ([]byte, error) {
	b := r.RequestPayload
	if len(b) == 0 || string(b) == "null" {
		b = r.Payload
	}
	var text string
	if len(b) > 0 && b[0] == '"' && json.Unmarshal(b, &text) == nil {
		b = []byte(text)
	}
	if !bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) || !json.Valid(b) {
		return nil, errors.New("the record keeps no event; look into it, and delete it from the bucket when it is of no use")
	}
	return b, nil
}

// failedEvent is one record.
type failedEvent struct {
	place  failedEvents
	key    string
	record record
	broken error
}

func (l *failedEvent) describe() letterJSON {
	d := letterJSON{Source: fromFailed, ID: l.key, At: l.record.Timestamp, Reason: l.record.RequestContext.Condition}
	event, err := l.record.event()
	if l.broken != nil || err != nil {
		d.About = "a record that cannot be read"
		return d
	}
	var e struct {
		Records []json.RawMessage `json:"Records"`
	}
	_ = json.Unmarshal(event, &e)
	d.About = fmt.Sprintf("%s for %s", counted(len(e.Records), "record", "records"), functionName(l.record.RequestContext.FunctionARN))
	return d
}

// functionName is the name within the ARN of a function: arn:aws:lambda:<region>:<account>:function:<name>, and perhaps a version.
func functionName(arn string) string {
	parts := strings.Split(arn, ":")
	if len(parts) < 7 || parts[2] != "lambda" || parts[5] != "function" {
		return ""
	}
	return parts[6]
}

// replay invokes the function once more and waits for it. Only an answer without any failure takes the record away.
func (l *failedEvent) replay(ctx context.Context) error {
	if l.broken != nil {
		return fmt.Errorf("the record cannot be read: %w", l.broken)
	}
	event, err := l.record.event()
	if err != nil {
		return err
	}
	arn := l.record.RequestContext.FunctionARN
	if functionName(arn) == "" {
		return fmt.Errorf("the record names no function: its functionArn is %.200q", arn)
	}
	out, err := l.place.invoke(ctx, arn, event)
	if err != nil {
		return err
	}
	var report struct {
		Failures []json.RawMessage `json:"batchItemFailures"`
	}
	if len(out) > 0 && json.Unmarshal(out, &report) == nil && len(report.Failures) > 0 {
		return fmt.Errorf("the function %s did not take %s of the batch", functionName(arn), counted(len(report.Failures), "record", "records"))
	}
	return l.place.records.remove(ctx, l.key)
}
