package s3blob

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
)

// answer is what S3 said: code and HTTP status, each empty where there is none.
func answer(err error) (code string, status int) {
	var api interface{ ErrorCode() string }
	if errors.As(err, &api) {
		code = api.ErrorCode()
	}
	var http *awshttp.ResponseError
	if errors.As(err, &http) {
		status = http.HTTPStatusCode()
	}
	var wire *wireError
	if errors.As(err, &wire) {
		status = wire.status
	}
	return code, status
}

// failed turns an error of the SDK into one of the contract. What says what was done to which key.
func failed(err error, what, key string) error {
	code, status := answer(err)
	switch code {
	case "NoSuchKey", "NoSuchVersion", "NotFound", "NoSuchUpload":
		return fmt.Errorf("%s %s: %w (%s)", what, key, blob.ErrNotFound, code)
	case "InvalidPart", "InvalidPartOrder", "EntityTooSmall":
		return fault.Wrap(err, fault.Invalid, "%s", partsMessage[code])
	}
	switch {
	case code == "BadDigest", code == "XAmzContentChecksumMismatch":
		return fmt.Errorf("%s %s: %w (%s)", what, key, blob.ErrChecksum, code)
	case isBusy(code, status):
		return fault.Wrap(err, fault.Throttled, "The store of files is busy: wait a moment and repeat (%s %s).", what, key)
	case isLost(err, code, status):
		return lost(err, what, key)
	}
	return fmt.Errorf("%s %s: %w", what, key, err)
}

// lost says that nobody knows what became of a request.
func lost(err error, what, key string) error {
	return fault.Wrap(err, fault.Unavailable, "The store of files did not answer: repeat (%s %s).", what, key)
}

var partsMessage = map[string]string{
	"InvalidPart":      "A part is missing or its ETag is not the one that was answered when it was uploaded: list the parts and send their ETags.",
	"InvalidPartOrder": "Parts must be listed by ascending number.",
	"EntityTooSmall":   "Every part but the last must have at least 5 MiB.",
}

// failedRead is failed for calls on an existing object, where a refused access stands for a missing key.
func failedRead(err error, what, key string) error {
	code, status := answer(err)
	switch {
	case code == "AccessDenied", code == "Forbidden", // HEAD has no body: its code is made of the status
		code == "MethodNotAllowed", status == http.StatusMethodNotAllowed: // the version is a delete marker
		return fmt.Errorf("%s %s: %w (%s)", what, key, blob.ErrNotFound, code)
	}
	return failed(err, what, key)
}

// failedWrite is failed for a write on condition that the key is free. When an earlier attempt of the same call may have taken the
// key itself, nobody can tell, and the answer is as good as lost.
func failedWrite(err error, c *call, what, key string) error {
	code, status := answer(err)
	if code != "PreconditionFailed" && code != "ConditionalRequestConflict" && status != http.StatusPreconditionFailed {
		return failed(err, what, key)
	}
	if c.attempts.Load() > 1 {
		return fault.Wrap(err, fault.Unavailable, "The store of files did not answer the first time: look whether %s is there.", key)
	}
	return fmt.Errorf("%s %s: %w (%s)", what, key, blob.ErrExists, code)
}

// isBusy says whether S3 asked for patience and did nothing.
func isBusy(code string, status int) bool {
	switch code {
	case "SlowDown", "ServiceUnavailable", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests", "OperationAborted":
		return true
	}
	return status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests
}

// isLost says whether it is unknown if the request had an effect: S3 broke, or the connection, or the time ran out.
func isLost(err error, code string, status int) bool {
	if code == "InternalError" || code == "RequestTimeout" || status >= 500 {
		return true
	}
	if code != "" {
		return false
	}
	var connection interface{ ConnectionError() bool }
	var network net.Error
	return status >= 200 && status < 300 || // the answer began well and could not be read to its end
		errors.As(err, &connection) && connection.ConnectionError() ||
		errors.As(err, &network) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		errors.Is(err, io.ErrUnexpectedEOF)
}

// wireError is S3's answer to a request that the SDK did not send, in the shape that answer reads.
type wireError struct {
	code, message string
	status        int
}

func (e *wireError) Error() string {
	return fmt.Sprintf("%s: %s (HTTP %d)", e.code, e.message, e.status)
}
func (e *wireError) ErrorCode() string { return e.code }

// refused turns an answer that is not 200 into an error of the contract.
func refused(res *http.Response, what, key string) error {
	var body struct {
		Code    string `xml:"Code"`
		Message string `xml:"Message"`
	}
	_ = xml.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&body) // an answer without a body has its status
	return failed(&wireError{body.Code, body.Message, res.StatusCode}, what, key)
}
