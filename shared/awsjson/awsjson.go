// Package awsjson calls services of AWS that speak JSON 1.1, for the few operations that functions need of them. A generated client would set up
// what it knows of all other operations at every start of every function, used or not, and stay in every binary.
//
// Requests are signed by the SDK's signer and repeated by its rules: three times in all, after failed connections, throttling and failures of the
// service. So an operation may happen more than once.
package awsjson

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// contentType is that of the protocol's requests.
const contentType = "application/x-amz-json-1.1"

// maxAnswer bounds what is read of an answer, in bytes: far more than any that functions ask for.
const maxAnswer = 1 << 20

// Service is one service of AWS.
type Service struct {
	Name   string // as it is signed for, and as its host begins: "secretsmanager"
	Target string // what stands before the operation in X-Amz-Target
}

// Options are what a Client stands on. Region, Credentials and HTTP are required.
type Options struct {
	Region      string
	Credentials aws.CredentialsProvider
	HTTP        aws.HTTPClient
	Endpoint    string // another address than AWS's own, such as http://127.0.0.1:4000; "" is AWS's own
	Attempts    int    // of a call, in all; 0 is 3, as the SDK has it
}

// Client calls one service. Safe for concurrent use.
type Client struct {
	Options
	service Service
	signer  *v4.Signer
	retry   aws.Retryer
}

// New makes a Client. It calls nothing.
func New(s Service, o Options) *Client {
	if o.Endpoint == "" {
		o.Endpoint = "https://" + s.Name + "." + o.Region + "." + domain(o.Region)
	}
	return &Client{Options: o, service: s, signer: v4.NewSigner(), retry: retry.NewStandard(func(r *retry.StandardOptions) { r.MaxAttempts = max(o.Attempts, 0) })}
}

// domain is that of AWS's services in a region: China has one of its own.
func domain(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

// Error is an answer that says that an operation failed.
type Error struct {
	Status  int    // of HTTP
	Code    string // AWS's name of the error, such as ResourceNotFoundException
	Message string
}

// Error is what the service said.
func (e *Error) Error() string {
	return fmt.Sprintf("answered %d %s: %s", e.Status, e.Code, e.Message)
}

// ErrorCode is Code: the SDK's retryer asks for it.
func (e *Error) ErrorCode() string { return e.Code }

// HTTPStatusCode is Status: the SDK's retryer asks for it.
func (e *Error) HTTPStatusCode() int { return e.Status }

// Call sends an operation and reads its answer into out, both as encoding/json has them. Errors: *Error, or what kept the request from an answer.
func (c *Client) Call(ctx context.Context, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		err := c.send(ctx, operation, body, out)
		if err == nil || ctx.Err() != nil || attempt == c.retry.MaxAttempts() || !c.retry.IsErrorRetryable(err) {
			return err
		}
		if err := c.pause(ctx, attempt, err); err != nil {
			return err
		}
	}
}

// pause waits before the next attempt. It gives the cause if the context ends first.
func (c *Client) pause(ctx context.Context, attempt int, cause error) error {
	delay, err := c.retry.RetryDelay(attempt, cause)
	if err != nil {
		return cause
	}
	t := time.NewTimer(delay)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return cause
	}
}

// send is one attempt.
func (c *Client) send(ctx context.Context, operation string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("X-Amz-Target", c.service.Target+"."+operation)
	if err := c.sign(ctx, req, body); err != nil {
		return fmt.Errorf("sign %s: %w", operation, err)
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		return &smithyhttp.RequestSendError{Err: err} // by its kind the retryer knows that it may come again
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the answer to %s: %w", operation, err)
	}
	if res.StatusCode != http.StatusOK {
		return failure(res, answer)
	}
	return json.Unmarshal(answer, out)
}

func (c *Client) sign(ctx context.Context, req *http.Request, body []byte) error {
	who, err := c.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	return c.signer.SignHTTP(ctx, who, req, hex.EncodeToString(sum[:]), c.service.Name, c.Region, time.Now())
}

// failure reads what went wrong. The name of an error may have a namespace before it and an address behind it.
func failure(res *http.Response, answer []byte) *Error {
	var said struct {
		Type    string `json:"__type"`
		Message string `json:"message"` // some services write Message, which matches too
	}
	_ = json.Unmarshal(answer, &said) // without it the status remains
	e := &Error{Status: res.StatusCode, Code: said.Type, Message: said.Message}
	if e.Code == "" {
		e.Code = res.Header.Get("X-Amzn-Errortype")
	}
	e.Code = e.Code[strings.LastIndexByte(e.Code, '#')+1:]
	e.Code, _, _ = strings.Cut(e.Code, ":")
	if e.Code == "" {
		e.Code = http.StatusText(res.StatusCode)
	}
	return e
}
