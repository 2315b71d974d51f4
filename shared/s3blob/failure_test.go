package s3blob_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/s3blob"
)

// wire is the way to the real server, with what befalls one attempt after the other. Attempts beyond the list pass.
type wire struct {
	next     s3.HTTPClient
	attempts []func(w *wire, r *http.Request) (*http.Response, error)
	sent     int
}

func (w *wire) Do(r *http.Request) (*http.Response, error) {
	w.sent++
	if w.sent <= len(w.attempts) {
		return w.attempts[w.sent-1](w, r)
	}
	return w.next.Do(r)
}

type attempt = func(w *wire, r *http.Request) (*http.Response, error)

// says answers in the server's place.
func says(status int, code string) attempt {
	return func(_ *wire, r *http.Request) (*http.Response, error) {
		body := ""
		if code != "" && r.Method != http.MethodHead {
			body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>` + code + `</Code><Message>as S3 says it</Message></Error>`
		}
		return &http.Response{StatusCode: status, Status: fmt.Sprint(status), Request: r, ContentLength: int64(len(body)),
			Header: http.Header{"Content-Type": {"application/xml"}}, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

// loses lets the server do its work and breaks the connection before the answer.
func loses(w *wire, r *http.Request) (*http.Response, error) {
	resp, err := w.next.Do(r)
	if err != nil {
		return nil, err
	}
	resp.Body.Close()
	return nil, io.ErrUnexpectedEOF
}

// breaks is a connection that cannot be made.
func breaks(*wire, *http.Request) (*http.Response, error) {
	return nil, errors.New("connection refused")
}

// cuts ends the body of the answer before its announced length.
func cuts(w *wire, r *http.Request) (*http.Response, error) {
	resp, err := w.next.Do(r)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.LimitReader(resp.Body, 3), failing{}), resp.Body}
	return resp, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// stalls waits for the end of the request's time.
func stalls(_ *wire, r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// behind gives a driver whose requests go through the wire; tries is how often the SDK sends one at most.
func behind(s *versitytest.Server, tries int, attempts ...attempt) *s3blob.Bucket {
	return retrying(s, &wire{next: s.HTTP(), attempts: attempts}, tries)
}

// through gives a driver whose requests go another way, once.
func through(s *versitytest.Server, way s3.HTTPClient) *s3blob.Bucket { return retrying(s, way, 1) }

func retrying(s *versitytest.Server, way s3.HTTPClient, tries int) *s3blob.Bucket {
	client := s3.New(s.Client().Options(), func(o *s3.Options) {
		o.HTTPClient = way
		o.RetryMaxAttempts = tries
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
			r.MaxAttempts = tries
			r.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		})
	})
	return s3blob.New(client, s.Bucket, s3blob.Options{})
}

func TestWhatS3SaysBecomesTheContractsErrors(t *testing.T) {
	_, s := open(t)
	notFound := func(err error) bool { return errors.Is(err, blob.ErrNotFound) }
	exists := func(err error) bool { return errors.Is(err, blob.ErrExists) }
	internal := func(err error) bool {
		return err != nil && fault.Is(err, fault.Internal) && !notFound(err) && !exists(err)
	}
	kind := func(k fault.Kind) func(error) bool { return func(err error) bool { return fault.Is(err, k) } }
	head := func(ctx context.Context, b *s3blob.Bucket) error { _, err := b.Head(ctx, key, ""); return err }
	read := func(ctx context.Context, b *s3blob.Bucket) error { _, _, err := b.Read(ctx, key, "", 0, 9); return err }
	write := func(ctx context.Context, b *s3blob.Bucket) error {
		_, err := b.Put(ctx, key, strings.NewReader("x"), 1, blob.PutOptions{IfAbsent: true})
		return err
	}
	list := func(ctx context.Context, b *s3blob.Bucket) error { _, err := b.Versions(ctx, "w/", 0); return err }
	remove := func(ctx context.Context, b *s3blob.Bucket) error { return b.DeleteVersion(ctx, key, "v") }
	complete := func(ctx context.Context, b *s3blob.Bucket) error {
		_, err := b.CompleteParts(ctx, key, "up", []blob.Part{{Number: 1, ETag: "e", Size: 1}}, blob.PutOptions{})
		return err
	}
	for _, c := range []struct {
		name   string
		answer attempt
		call   func(context.Context, *s3blob.Bucket) error
		want   func(error) bool
	}{
		{"404 to a read", says(404, "NoSuchKey"), read, notFound},
		{"404 with a version to a read", says(404, "NoSuchVersion"), read, notFound},
		{"404 without a body to a head", says(404, ""), head, notFound},
		{"403 to a read", says(403, "AccessDenied"), read, notFound},
		{"403 without a body to a head", says(403, ""), head, notFound},
		{"403 for a wrong signature to a read", says(403, "SignatureDoesNotMatch"), read, internal},
		{"403 for expired credentials to a read", says(400, "ExpiredToken"), read, internal},
		{"403 to a write", says(403, "AccessDenied"), write, internal},
		{"403 to a listing", says(403, "AccessDenied"), list, internal},
		{"403 to a removal", says(403, "AccessDenied"), remove, internal},
		{"404 to a removal", says(404, "NoSuchVersion"), remove, func(err error) bool { return err == nil }},
		{"412 to a write", says(412, "PreconditionFailed"), write, exists},
		{"409 to a write", says(409, "ConditionalRequestConflict"), write, exists},
		{"409 between operations", says(409, "OperationAborted"), write, kind(fault.Throttled)},
		{"503 SlowDown", says(503, "SlowDown"), write, kind(fault.Throttled)},
		{"503 without a body", says(503, ""), head, kind(fault.Throttled)},
		{"429", says(429, ""), read, kind(fault.Throttled)},
		{"500", says(500, "InternalError"), write, kind(fault.Unavailable)},
		{"502 from something in between", says(502, ""), read, kind(fault.Unavailable)},
		{"400 because S3 waited in vain for the body", says(400, "RequestTimeout"), write, kind(fault.Unavailable)},
		{"200 with an error inside to a complete", says(200, "InternalError"), complete, kind(fault.Unavailable)},
		{"200 with SlowDown inside to a complete", says(200, "SlowDown"), complete, kind(fault.Throttled)},
		{"404 for the upload to a complete", says(404, "NoSuchUpload"), complete, notFound},
		{"400 InvalidPart to a complete", says(400, "InvalidPart"), complete, kind(fault.Invalid)},
		{"no connection", breaks, read, kind(fault.Unavailable)},
		{"a connection that breaks", loses, write, kind(fault.Unavailable)},
		{"no answer in time", stalls, read, kind(fault.Unavailable)},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			if c.name == "no answer in time" {
				ctx, cancel = context.WithTimeout(ctx, 20*time.Millisecond)
				defer cancel()
			}
			if err := c.call(ctx, behind(s, 1, c.answer)); !c.want(err) {
				t.Errorf("the call = %v (kind %v)", err, fault.KindOf(err))
			}
		})
	}
}

func TestAReadThatBreaksOffIsUnavailable(t *testing.T) {
	b, s := open(t)
	put(t, b, key, "more than three bytes", blob.PutOptions{})
	if body, _, err := behind(s, 1, cuts).Read(context.Background(), key, "", 0, 100); !fault.Is(err, fault.Unavailable) || body != nil {
		t.Errorf("Read = %q, %v; want no bytes and fault.Unavailable", body, err)
	}
}

func TestEveryAttemptIsCounted(t *testing.T) {
	b, s := open(t)
	put(t, b, key, "bytes", blob.PutOptions{})
	ctx, outer := blob.WithMeter(context.Background())
	ctx, inner := blob.WithMeter(ctx)
	if _, _, err := behind(s, 3, says(503, "SlowDown"), says(500, "InternalError")).Read(ctx, key, "", 0, 9); err != nil {
		t.Fatal(err)
	}
	if inner.Requests() != 3 || outer.ByOperation()["GetObject"] != 3 {
		t.Errorf("counted %d inside and %v outside, want 3 GetObject in both", inner.Requests(), outer.ByOperation())
	}
}

func TestAWriteThatMetItselfIsNotTakenForAnotherOne(t *testing.T) {
	b, s := open(t)
	ctx := context.Background()
	_, err := behind(s, 3, loses).Put(ctx, key, strings.NewReader("mine"), 4, blob.PutOptions{IfAbsent: true})
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("Put whose first answer was lost = %v, want fault.Unavailable: it may have been stored, and it was", err)
	}
	if body, _, err := b.Read(ctx, key, "", 0, 9); err != nil || string(body) != "mine" {
		t.Errorf("Read = %q, %v; want what the lost attempt stored", body, err)
	}
}

func TestAKeyWrittenWhileItIsReadIsReadAgain(t *testing.T) {
	b, s := open(t)
	put(t, b, key, "", blob.PutOptions{})
	late := func(w *wire, r *http.Request) (*http.Response, error) {
		resp, err := w.next.Do(r)
		put(t, b, key, "late bytes", blob.PutOptions{})
		return resp, err
	}
	body, o, err := behind(s, 1, late).Read(context.Background(), key, "", 0, 4)
	if err != nil || string(body) != "late" || o.Size != 10 {
		t.Errorf("Read = %q, %+v, %v; want the version that came in between", body, o, err)
	}
}

func TestSignedRequestsCarryNothingTheSDKWouldAdd(t *testing.T) {
	_, s := open(t)
	b := s3blob.New(s3.New(s.Client().Options(), func(o *s3.Options) {
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported // the SDK's default
	}), s.Bucket, s3blob.Options{})
	r := signPut(t, b, putSpec())
	for name := range r.Headers {
		switch strings.ToLower(name) {
		case "content-length", "content-type", "if-none-match", "x-amz-meta-asset":
		default:
			t.Errorf("the signed PUT wants header %s, which nobody asked for", name)
		}
	}
	if l := strings.ToLower(r.URL); strings.Contains(l, "checksum") || strings.Contains(l, "crc32") {
		t.Errorf("the signed PUT carries a checksum of an empty body: %s", r.URL)
	}
	if status, _, body := send(t, s, r.Method, r.URL, r.Headers, "pixels"); status != 200 {
		t.Errorf("signed PUT answered %d %s, want 200", status, body)
	}
}
