package sources

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/google/uuid"
)

// Failures is a folder of events that no function could handle: what the bucket FailedEvents is on AWS, under the same names, one file each.
type Failures struct {
	Dir string
}

// Why an event was given up, in Lambda's words.
const (
	retriesExhausted = "RetriesExhausted"       // of an asynchronous invocation
	eventAgeExceeded = "EventAgeExceeded"       // likewise
	attemptsExhaused = "RetryAttemptsExhausted" // of a batch of a stream
	recordAgeExceed  = "MaxAgeExceeded"         // likewise
)

// failedRequest is about an invocation that was given up.
type failedRequest struct {
	RequestID   string `json:"requestId"`
	FunctionARN string `json:"functionArn"`
	Condition   string `json:"condition"`
	Count       int    `json:"approximateInvokeCount"`
}

// failedAnswer is about its last answer.
type failedAnswer struct {
	StatusCode int    `json:"statusCode"`
	Version    string `json:"executedVersion"`
	Error      string `json:"functionError,omitempty"`
}

// FailedEvent is an event that a function did not take, as Lambda writes it for asynchronous invocations.
type FailedEvent struct {
	Version         string          `json:"version"`
	Timestamp       time.Time       `json:"timestamp"`
	RequestContext  failedRequest   `json:"requestContext"`
	RequestPayload  json.RawMessage `json:"requestPayload"` // the event, whole
	ResponseContext failedAnswer    `json:"responseContext"`
	ResponsePayload any             `json:"responsePayload,omitempty"` // the last error
}

// FailedBatch is a batch of a stream that a function did not take, as Lambda writes it to a bucket.
type FailedBatch struct {
	RequestContext  failedRequest `json:"requestContext"`
	ResponseContext failedAnswer  `json:"responseContext"`
	Version         string        `json:"version"`
	Timestamp       time.Time     `json:"timestamp"`
	Batch           FailedRange   `json:"DDBStreamBatchInfo"`
	Payload         string        `json:"payload"` // the event with all its records, whole, as JSON in a text
}

// FailedRange says where in the stream a batch lies.
type FailedRange struct {
	Shard     string    `json:"shardId"`
	First     string    `json:"startSequenceNumber"`
	Last      string    `json:"endSequenceNumber"`
	FirstTime time.Time `json:"approximateArrivalOfFirstRecord"`
	LastTime  time.Time `json:"approximateArrivalOfLastRecord"`
	Size      int       `json:"batchSize"`
	Stream    string    `json:"streamArn"`
}

// keep writes a record below a place such as aws/lambda/async/on-object-created, whole or not at all.
func (f Failures) keep(below string, record any) error {
	b, err := json.Marshal(record)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	name := filepath.Join(f.Dir, filepath.FromSlash(path.Join(below, now.Format("2006/01/02"))), now.Format("2006-01-02T15.04.05-")+uuid.NewString())
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return fmt.Errorf("keep a failed event: %w", err)
	}
	half := name + ".part"
	if err := os.WriteFile(half, b, 0o600); err != nil {
		return fmt.Errorf("keep a failed event: %w", err)
	}
	return os.Rename(half, name)
}

func (p Place) functionARN(function string) string {
	return p.arn("lambda", "function:"+p.Stack+"-"+function) + ":$LATEST"
}
