package dynamo

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/table"
)

// answer is what the wire gives to one request.
type answer struct {
	status int
	kind   string // of the error, as DynamoDB spells it
	body   string
	err    error // instead of an answer
}

// The answers DynamoDB and the network give.
var (
	fine      = answer{status: 200, body: `{}`}
	reset     = answer{err: &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}}
	refusedIP = answer{err: &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}}
	slow      = answer{err: context.DeadlineExceeded}
	broken    = answer{status: 500, kind: "InternalServerError"}
	down      = answer{status: 503, kind: "ServiceUnavailable"}
	cut       = answer{status: 200, body: `{"Attributes": {"pk": {"S": "cut he`}
	throttled = answer{status: 400, kind: "ProvisionedThroughputExceededException"}
	limited   = answer{status: 400, kind: "ThrottlingException"}
	conflict  = answer{status: 400, kind: "TransactionConflictException"}
	underway  = answer{status: 400, kind: "TransactionInProgressException"}
	noTable   = answer{status: 400, kind: "ResourceNotFoundException"}
	lostOne   = answer{status: 400, kind: "ConditionalCheckFailedException"}
	canceled  = answer{status: 400, kind: "TransactionCanceledException",
		body: `{"Message": "Transaction cancelled", "CancellationReasons": [{"Code": "TransactionConflict"}]}`}
	choked = answer{status: 400, kind: "TransactionCanceledException",
		body: `{"Message": "Transaction cancelled", "CancellationReasons": [{"Code": "ThrottlingError"}]}`}
)

// wire is an HTTP client that gives its answers in order, the last one again and again, and keeps the bodies it was sent.
type wire struct {
	answers []answer
	sent    []map[string]any
}

func (w *wire) Do(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, err
	}
	a := w.answers[min(len(w.sent), len(w.answers)-1)]
	w.sent = append(w.sent, m)
	if a.err != nil {
		return nil, a.err
	}
	text := a.body
	if text == "" {
		text = `{"message": "said by the test"}`
	}
	h := http.Header{"Content-Type": {"application/x-amz-json-1.0"}}
	if a.kind != "" {
		text = `{"__type": "com.amazonaws.dynamodb.v20120810#` + a.kind + `", ` + strings.TrimPrefix(text, "{")
	}
	return &http.Response{StatusCode: a.status, Header: h, Body: io.NopCloser(strings.NewReader(text)), Request: req}, nil
}

func onWire(answers ...answer) (*Table, *wire) {
	w := &wire{answers: answers}
	client := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", HTTPClient: w, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
		BaseEndpoint: aws.String("http://dynamodb.invalid"),
	})
	t := New(client, "t", Options{})
	t.pause = func(context.Context, int) error { return nil }
	return t, w
}

var rowKey = table.Key{PK: "p", SK: "s"}

// kinds of outcome beside those of fault
const (
	wantFine = "fine"
	wantLost = "lost"
	wantHeld = "refused"
)

func outcome(err error) string {
	if _, lost := table.Lost(err); lost {
		return wantLost
	}
	switch {
	case err == nil:
		return wantFine
	case table.Refused(err) != nil:
		return wantHeld
	}
	return fault.KindOf(err).String()
}

func TestSingleWriteIsRepeatedOnlyIfItCertainlyWroteNothing(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers []answer
		want    string
		tries   int
	}{
		{"answered at once", []answer{fine}, wantFine, 1},
		{"connection cut after sending", []answer{reset, lostOne}, "unavailable", 1},
		{"timed out", []answer{slow, lostOne}, "unavailable", 1},
		{"internal error of the store", []answer{broken, lostOne}, "unavailable", 1},
		{"store unavailable", []answer{down, lostOne}, "unavailable", 1},
		{"answer cut short", []answer{cut, lostOne}, "unavailable", 1},
		{"no connection, then fine", []answer{refusedIP, fine}, wantFine, 2},
		{"no connection at all", []answer{refusedIP}, "unavailable", maxTries},
		{"throttled, then fine", []answer{throttled, limited, fine}, wantFine, 3},
		{"throttled for long", []answer{throttled}, "throttled", maxTries},
		{"in conflict with a transaction, then fine", []answer{conflict, fine}, wantFine, 2},
		{"in conflict with transactions for long", []answer{conflict}, "throttled", maxTries},
		{"throttled, then cut", []answer{throttled, reset, lostOne}, "unavailable", 2},
		{"throttled, then lost", []answer{throttled, lostOne}, wantLost, 2},
		{"no such table", []answer{noTable}, "internal", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			tab, w := onWire(c.answers...)
			_, err := tab.Write(context.Background(), table.Update(rowKey, table.Present(), table.Add("n", table.Int(1))))
			if got := outcome(err); got != c.want || len(w.sent) != c.tries {
				t.Errorf("update = %v (%s) after %d tries, want %s after %d", err, got, len(w.sent), c.want, c.tries)
			}
		})
	}
}

func TestTransactionIsRepeatedUnderOneToken(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers []answer
		want    string
		tries   int
	}{
		{"answered at once", []answer{fine}, wantFine, 1},
		{"cut, then answered", []answer{reset, fine}, wantFine, 2},
		{"answer cut short, then answered", []answer{broken, fine}, wantFine, 2},
		{"cut for long", []answer{reset}, "unavailable", maxTries},
		{"throttled for long", []answer{throttled}, "throttled", maxTries},
		{"cut, then throttled for long: may have been written", []answer{reset, throttled}, "unavailable", maxTries},
		{"an earlier try is still under way", []answer{underway}, "unavailable", maxTries},
		{"refused for contention", []answer{canceled}, wantHeld, 1},
		{"cut, then refused: was not written", []answer{reset, canceled}, wantHeld, 2},
		{"refused because the table is busy", []answer{choked}, "throttled", 1},
		{"no such table", []answer{noTable}, "internal", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			tab, w := onWire(c.answers...)
			err := tab.Transact(context.Background(), []table.Write{table.Delete(rowKey, table.Present())})
			if got := outcome(err); got != c.want || len(w.sent) != c.tries {
				t.Errorf("transact = %v (%s) after %d tries, want %s after %d", err, got, len(w.sent), c.want, c.tries)
			}
			for _, s := range w.sent {
				if tok := s["ClientRequestToken"]; tok == "" || tok != w.sent[0]["ClientRequestToken"] {
					t.Errorf("token %q, want the same one in every try", tok)
				}
			}
		})
	}
}

func TestReadsAreRepeatedAfterAnything(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers []answer
		want    string
	}{
		{"fine after a cut, an error and throttling", []answer{reset, broken, throttled, fine}, wantFine},
		{"cut for long", []answer{reset}, "unavailable"},
		{"broken for long", []answer{broken}, "unavailable"},
		{"throttled for long", []answer{throttled}, "throttled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := context.Background()
			tab, _ := onWire(c.answers...)
			_, err := tab.Get(ctx, rowKey, table.Strong)
			if errors.Is(err, table.ErrNotFound) {
				err = nil
			}
			if got := outcome(err); got != c.want {
				t.Errorf("get = %v, want %s", err, c.want)
			}
			tab, _ = onWire(c.answers...)
			if _, err := tab.Query(ctx, table.Query{PK: "p", Limit: 1}); outcome(err) != c.want {
				t.Errorf("query = %v, want %s", err, c.want)
			}
			tab, _ = onWire(c.answers...)
			if _, err := tab.BatchGet(ctx, []table.Key{rowKey}, table.Strong); outcome(err) != c.want {
				t.Errorf("batch get = %v, want %s", err, c.want)
			}
		})
	}
}

func TestCancelledCallerMayHaveWritten(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Nanosecond)
	defer cancel()
	<-ctx.Done()
	tab, _ := onWire(slow)
	_, err := tab.Write(ctx, table.Delete(rowKey, table.Present()))
	if !fault.Is(err, fault.Unavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("write under a passed deadline = %v, want unavailable because of the deadline", err)
	}
}

func TestMessagesForCallersNameNoCause(t *testing.T) {
	for _, a := range []answer{reset, broken, throttled} {
		tab, _ := onWire(a)
		_, err := tab.Write(context.Background(), table.Delete(rowKey, table.Present()))
		var f *fault.Error
		if !errors.As(err, &f) {
			t.Fatalf("got %v, want a fault", err)
		}
		for _, word := range []string{"DynamoDB", "tcp", "said by the test", "Exception"} {
			if strings.Contains(f.Message, word) {
				t.Errorf("message %q tells of %q", f.Message, word)
			}
		}
	}
}

func TestUnprocessedKeysAreAskedForAgainUntilNothingMoves(t *testing.T) {
	left := answer{status: 200, body: `{"UnprocessedKeys": {"t": {"Keys": [{"pk": {"S": "p"}, "sk": {"S": "s"}}]}}}`}
	found := answer{status: 200, body: `{"Responses": {"t": [{"pk": {"S": "p"}, "sk": {"S": "s"}}]}}`}
	tab, w := onWire(left, left, found)
	got, err := tab.BatchGet(context.Background(), []table.Key{rowKey}, table.Strong)
	if err != nil || len(got) != 1 || got[0].Key() != rowKey || len(w.sent) != 3 {
		t.Errorf("batch get = %v, %v after %d requests, want the item after 3", got, err, len(w.sent))
	}
	tab, w = onWire(left)
	_, err = tab.BatchGet(context.Background(), []table.Key{rowKey}, table.Strong)
	if !fault.Is(err, fault.Throttled) || len(w.sent) != maxIdleRounds {
		t.Errorf("batch get of a busy table = %v after %d requests, want throttled after %d", err, len(w.sent), maxIdleRounds)
	}
}

func TestForeignRowsAreAnErrorAndNoPanic(t *testing.T) {
	for name, row := range map[string]string{
		"a set":            `{"pk": {"S": "p"}, "sk": {"S": "s"}, "tags": {"SS": ["a"]}}`,
		"a set in a list":  `{"pk": {"S": "p"}, "sk": {"S": "s"}, "l": {"L": [{"NS": ["1"]}]}}`,
		"a set in a map":   `{"pk": {"S": "p"}, "sk": {"S": "s"}, "m": {"M": {"x": {"BS": ["AA=="]}}}}`,
		"a number of text": `{"pk": {"S": "p"}, "sk": {"S": "s"}, "n": {"N": "many"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			tab, _ := onWire(answer{status: 200, body: `{"Item": ` + row + `}`})
			if it, err := tab.Get(context.Background(), rowKey, table.Strong); err == nil || outcome(err) != "internal" {
				t.Errorf("get = %v, %v, want an internal error", it, err)
			}
		})
	}
}
