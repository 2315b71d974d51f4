package dynamo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/table"
)

// maxTries is how often a request is sent at most: what AWS's newer SDK defaults say for DynamoDB.
const maxTries = 4

// What callers read.
const (
	busy   = "the store is busy and wrote nothing; wait a moment and repeat"
	silent = "the store did not answer; it may or may not have done what was asked: read, or repeat under the same condition"
)

// throttles are the refusals that wrote nothing and pass by themselves. A conflict with a transaction in progress is one for a
// single write; in a transaction it is a reason of its own.
var throttles = map[string]struct{}{
	"ProvisionedThroughputExceededException": {},
	"ThrottlingException":                    {},
	"RequestLimitExceeded":                   {},
	"LimitExceededException":                 {},
	"TransactionConflictException":           {},
	"ReplicatedWriteConflictException":       {},
}

// retryer is the SDK's standard one with DynamoDB's short pauses: 25 ms doubling, of which a random part is waited.
func retryer(retryables []retry.IsErrorRetryable) aws.RetryerV2 {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = maxTries
		o.Retryables = retryables
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
			return rand.N(25 * time.Millisecond << min(attempt, 6)), nil
		})
	})
}

// refusals makes the retryer of single writes: it repeats only what certainly wrote nothing.
func refusals() aws.RetryerV2 {
	return retryer([]retry.IsErrorRetryable{
		retry.NoRetryCanceledError{},
		retry.RetryableErrorCode{Codes: throttles},
		retry.IsErrorRetryableFunc(neverSent),
		retry.IsErrorRetryableFunc(ambiguous),
		retry.RetryableError{}, // clock skew: the signature was refused
	})
}

// single makes a call one that may be sent again only if it certainly wrote nothing.
func (t *Table) single(o *dynamodb.Options) { o.Retryer = t.once }

// repeatable makes a call one that may be sent again after anything.
func (t *Table) repeatable(o *dynamodb.Options) { o.Retryer = t.freely }

// neverSent says yes when no connection came about.
func neverSent(err error) aws.Ternary {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// ambiguous says no to whatever may have been written.
func ambiguous(err error) aws.Ternary {
	if unanswered(err) {
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}

// unanswered says whether the request may have been carried out although an error came back: everything but a refusal with a 4xx
// status and a connection that never was. Errors from before sending (no credentials) carry neither and count as answered.
func unanswered(err error) bool {
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "TransactionInProgressException" {
		return true // a 400 about an earlier try
	}
	if neverSent(err) == aws.TrueTernary {
		return false
	}
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) {
		return answer.HTTPStatusCode() < 400 || answer.HTTPStatusCode() > 499
	}
	var send *smithyhttp.RequestSendError
	var canceled *aws.RequestCanceledError
	var broken *smithy.DeserializationError
	return errors.As(err, &send) || errors.As(err, &canceled) || errors.As(err, &broken) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// witness remembers whether any try of one call was left unanswered, because the error of the last try does not tell.
type witness struct {
	aws.RetryerV2
	unsure bool
}

// IsErrorRetryable notes the error and leaves the answer to the retryer behind.
func (w *witness) IsErrorRetryable(err error) bool {
	w.unsure = w.unsure || unanswered(err)
	return w.RetryerV2.IsErrorRetryable(err)
}

// unsureError is an error after a try that was left unanswered.
type unsureError struct{ error }

func (e *unsureError) Unwrap() error { return e.error }

// failed turns an error of the SDK into the contract's. A call that failed still counts as a request.
func failed(ctx context.Context, what string, err error) error {
	table.Spend(ctx, 0, 0)
	var unsure *unsureError
	var api smithy.APIError
	isAPI := errors.As(err, &api)
	switch {
	case errors.As(err, &unsure), unanswered(err), neverSent(err) == aws.TrueTernary:
		return fault.Wrap(err, fault.Unavailable, silent)
	case isAPI && isThrottle(api.ErrorCode()):
		return fault.Wrap(err, fault.Throttled, busy)
	case isAPI && api.ErrorCode() == "ValidationException":
		return invalid(api.ErrorMessage(), fmt.Errorf("%s: %w", what, err))
	}
	return fmt.Errorf("%s: %w", what, err)
}

func isThrottle(code string) bool {
	_, ok := throttles[code]
	return ok
}

// flaws are what only DynamoDB can find, because it depends on the stored item: parts of its messages, and our words.
var flaws = []struct{ says, words string }{
	{"exceeded the maximum allowed size", "the item would be over 409600 bytes, the most that is allowed"},
	{"incorrect data type", "an attribute that is no number cannot be added to"},
	{"Number overflow", "the sum is out of a number's range"},
	{"Number underflow", "the sum is out of a number's range"},
	{"38 significant digits", "the sum needs more than 38 digits"},     // DynamoDB
	{"precision up to 38 digits", "the sum needs more than 38 digits"}, // DynamoDB Local
	{"Nesting Levels", "lists and maps nest too deep; at most 31 may lie in each other"},
	{"Type mismatch for Index Key", "a key of an index must be a string of at least one byte, or be left out"},
}

// invalid turns a message of DynamoDB's validation into fault.Invalid if the caller can have caused it; else it is a bug of ours.
func invalid(message string, cause error) error {
	for _, f := range flaws {
		if strings.Contains(message, f.says) {
			return fault.Wrap(cause, fault.Invalid, "%s", f.words)
		}
	}
	return cause
}
