package s3blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
)

// streamGrant is how long the request of StreamPart may take to begin.
const streamGrant = 15 * time.Minute

// askFirst is the size in bytes from which S3 is asked whether it wants a body before the body is sent, so that a refusal is heard and not
// lost with a connection that is closed in the middle: the SDK's own limit for the same.
const askFirst = 2 << 20

// StreamPart writes one part from a body that can be read once. The request is presigned by our own signer, because its payload is then
// not part of the signature: the SDK would have to read the body twice. It is sent once.
func (b *Bucket) StreamPart(ctx context.Context, key, upload string, number int, body io.Reader, size int64) (blob.Part, error) {
	signed, err := b.SignPart(ctx, key, upload, number, size, b.now().Add(streamGrant))
	if err != nil {
		return blob.Part{}, err
	}
	what := fmt.Sprintf("write part %d of", number)
	src := &source{body: body, left: size}
	defer src.release()
	sctx, _ := begin(ctx, "UploadPart")
	r, err := http.NewRequestWithContext(sctx, http.MethodPut, signed, io.NopCloser(src))
	if err != nil {
		return blob.Part{}, fmt.Errorf("%s %s: %w", what, key, err)
	}
	r.ContentLength = size
	if size == 0 {
		r.Body = http.NoBody
	}
	if size >= askFirst {
		r.Header.Set("Expect", "100-continue")
	}
	res, err := b.send(r)
	if err != nil {
		if broken := src.failure(); broken != nil && ctx.Err() == nil {
			return blob.Part{}, fmt.Errorf("%s %s: read its body: %w", what, key, broken)
		}
		return blob.Part{}, lost(err, what, key)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return blob.Part{}, refused(res, what, key)
	}
	etag := res.Header.Get("Etag")
	if etag == "" {
		return blob.Part{}, fault.New(fault.Unavailable, "The store of files broke off its answer: repeat (%s %s).", what, key)
	}
	return blob.Part{Number: number, ETag: unquote(&etag), Size: size}, nil
}

// send sends a request and returns when its context ends: the HTTP client alone would wait for a read of the body that does not end. Its
// error does not repeat the signed URL, which is a secret as long as it works.
func (b *Bucket) send(r *http.Request) (*http.Response, error) {
	type outcome struct {
		res *http.Response
		err error
	}
	sent := make(chan outcome, 1)
	go func() {
		res, err := b.client.Options().HTTPClient.Do(r)
		sent <- outcome{res, err}
	}()
	select {
	case o := <-sent:
		var named *url.Error
		if errors.As(o.err, &named) {
			o.err = named.Err
		}
		return o.res, o.err
	case <-r.Context().Done():
		go func() {
			if o := <-sent; o.err == nil {
				o.res.Body.Close()
			}
		}()
		return nil, r.Context().Err()
	}
}

// source is a body of a known size. It keeps why reading failed, which the HTTP client wraps or loses, and lets nobody read once it is
// released: the client may go on reading for a moment after it has answered.
type source struct {
	body io.Reader
	left int64 // only the one goroutine that reads uses it

	mu       sync.Mutex
	err      error
	released bool
}

// Read reads up to the size, and fails if the body ends before.
func (s *source) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	s.mu.Lock()
	released := s.released
	s.mu.Unlock()
	if released {
		return 0, io.ErrClosedPipe
	}
	n, err := s.body.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	switch {
	case s.left == 0:
		return n, nil // whatever comes after the last byte is not ours to report
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		s.mu.Lock()
		s.err = err
		s.mu.Unlock()
	}
	return n, err
}

func (s *source) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *source) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.released = true
}
