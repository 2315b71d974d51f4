package s3blob_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/s3blob"
)

// once hides that a body could be read twice.
type once struct{ io.Reader }

func streamPart(t *testing.T, b blob.Bucket, up string, number int, body io.Reader, size int64) blob.Part {
	t.Helper()
	p, err := b.StreamPart(context.Background(), key, up, number, body, size)
	if err != nil {
		t.Fatalf("StreamPart(%d) = %v", number, err)
	}
	return p
}

func TestAStreamBecomesAPart(t *testing.T) {
	b, _ := open(t)
	ctx, meter := blob.WithMeter(context.Background())
	up := startParts(t, b, blob.PutOptions{})
	whole := strings.NewReader(bigPart + "end and more")
	first, err := b.StreamPart(ctx, key, up, 1, once{whole}, partSize)
	if err != nil {
		t.Fatal(err)
	}
	// The next part goes on where the first one ended: only its size was read.
	last := streamPart(t, b, up, 2, iotest.OneByteReader(whole), 3)
	if rest, _ := io.ReadAll(whole); string(rest) != " and more" {
		t.Errorf("%q is left of the body, want what belongs to no part", rest)
	}
	if d := cmp.Diff(map[string]int{"UploadPart": 1}, meter.ByOperation()); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
	sum := md5.Sum([]byte(bigPart))
	want := []blob.Part{{Number: 1, ETag: hex.EncodeToString(sum[:]), Size: partSize}, {Number: 2, ETag: last.ETag, Size: 3}}
	got, _, err := b.ListParts(ctx, key, up, 0, 10)
	if d := cmp.Diff(want, got); d != "" || err != nil || first != want[0] {
		t.Errorf("ListParts, %v (-want +got):\n%s", err, d)
	}
	if _, err := b.CompleteParts(ctx, key, up, got, blob.PutOptions{}); err != nil {
		t.Errorf("CompleteParts = %v", err)
	}
}

func TestAnEmptyStreamBecomesAnEmptyPart(t *testing.T) {
	b, _ := open(t)
	up := startParts(t, b, blob.PutOptions{})
	p := streamPart(t, b, up, 1, once{strings.NewReader("")}, 0)
	done, err := b.CompleteParts(context.Background(), key, up, []blob.Part{p}, blob.PutOptions{})
	if err != nil || done.Size != 0 || done.Version == "" {
		t.Errorf("CompleteParts = %+v, %v; want an empty object", done, err)
	}
}

func TestAStreamThatFailsLeavesNothing(t *testing.T) {
	errSource := errors.New("the source went away")
	for _, c := range []struct {
		name string
		body io.Reader
		size int64
		want error
	}{
		{"ends at once", strings.NewReader(""), partSize, io.ErrUnexpectedEOF},
		{"ends one byte early", strings.NewReader(bigPart[1:]), partSize, io.ErrUnexpectedEOF},
		{"fails at once", iotest.ErrReader(errSource), partSize, errSource},
		{"fails half-way", io.MultiReader(strings.NewReader(bigPart[:partSize/2]), iotest.ErrReader(errSource)), partSize, errSource},
		{"fails before the last byte", io.MultiReader(strings.NewReader("fou"), iotest.ErrReader(errSource)), 4, errSource},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, _ := open(t)
			ctx := context.Background()
			up := startParts(t, b, blob.PutOptions{})
			p, err := b.StreamPart(ctx, key, up, 1, once{c.body}, c.size)
			if !errors.Is(err, c.want) || p != (blob.Part{}) {
				t.Errorf("StreamPart of a body that %s = %+v, %v; want %v", c.name, p, err, c.want)
			}
			if fault.Is(err, fault.Unavailable) {
				t.Errorf("StreamPart = %v, which blames the bucket", err)
			}
			if ps, _, err := b.ListParts(ctx, key, up, 0, 10); err != nil || len(ps) != 0 {
				t.Errorf("ListParts = %v, %v; want none", ps, err)
			}
		})
	}
}

func TestAFailureAfterTheLastByteIsNotTheParts(t *testing.T) {
	b, _ := open(t)
	up := startParts(t, b, blob.PutOptions{})
	body := iotest.DataErrReader(io.MultiReader(strings.NewReader("four"), iotest.ErrReader(errors.New("too late"))))
	streamPart(t, b, up, 1, body, 4)
}

// blocked is a body whose second read waits until the test ends it.
type blocked struct {
	first   io.Reader
	reading chan struct{} // closed when the second read begins
	free    chan struct{}
}

func (r *blocked) Read(p []byte) (int, error) {
	if n, err := r.first.Read(p); err == nil {
		return n, nil
	}
	close(r.reading)
	<-r.free
	return 0, io.EOF
}

func TestACancelledStreamEndsWithItsContext(t *testing.T) {
	b, _ := open(t)
	up := startParts(t, b, blob.PutOptions{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	body := &blocked{strings.NewReader("some"), make(chan struct{}), make(chan struct{})}
	defer close(body.free)
	ended := make(chan error)
	go func() {
		_, err := b.StreamPart(ctx, key, up, 1, body, partSize)
		ended <- err
	}()
	<-body.reading
	cancel()
	select {
	case err := <-ended:
		if !fault.Is(err, fault.Unavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("StreamPart = %v, want fault.Unavailable that is context.Canceled", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("StreamPart goes on after its context ended")
	}
	if ps, _, err := b.ListParts(context.Background(), key, up, 0, 10); err != nil || len(ps) != 0 {
		t.Errorf("ListParts = %v, %v; want none", ps, err)
	}
}

func TestWhatS3SaysToAStreamBecomesTheContractsErrors(t *testing.T) {
	_, s := open(t)
	kind := func(k fault.Kind) func(error) bool { return func(err error) bool { return fault.Is(err, k) } }
	for _, c := range []struct {
		name   string
		answer attempt
		want   func(error) bool
	}{
		{"500", says(500, "InternalError"), kind(fault.Unavailable)},
		{"500 without a body", says(500, ""), kind(fault.Unavailable)},
		{"503 SlowDown", says(503, "SlowDown"), kind(fault.Throttled)},
		{"400 because S3 waited in vain for the body", says(400, "RequestTimeout"), kind(fault.Unavailable)},
		{"404 for the upload", says(404, "NoSuchUpload"), func(err error) bool { return errors.Is(err, blob.ErrNotFound) }},
		{"403 because the request ended", says(403, "AccessDenied"), kind(fault.Internal)},
		{"400 for other bytes", says(400, "BadDigest"), func(err error) bool { return errors.Is(err, blob.ErrChecksum) }},
		{"200 without an ETag", says(200, ""), kind(fault.Unavailable)},
		{"a redirect", says(307, "TemporaryRedirect"), kind(fault.Internal)},
		{"no connection", breaks, kind(fault.Unavailable)},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, meter := blob.WithMeter(context.Background())
			_, err := behind(s, 3, c.answer).StreamPart(ctx, key, "up", 1, once{strings.NewReader("four")}, 4)
			if err == nil || !c.want(err) {
				t.Errorf("StreamPart = %v (kind %v)", err, fault.KindOf(err))
			}
			if n := meter.ByOperation()["UploadPart"]; n != 1 {
				t.Errorf("%d requests, want one: the body can be read once", n)
			}
		})
	}
}

func TestALostAnswerToAStreamHasStoredThePart(t *testing.T) {
	b, s := open(t)
	up := startParts(t, b, blob.PutOptions{})
	_, err := behind(s, 3, loses).StreamPart(context.Background(), key, up, 1, once{strings.NewReader("four")}, 4)
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("StreamPart = %v, want fault.Unavailable: it was stored, and the body was read to its end", err)
	}
	if ps, _, err := b.ListParts(context.Background(), key, up, 0, 10); err != nil || len(ps) != 1 {
		t.Errorf("ListParts = %v, %v; want the part", ps, err)
	}
}

func TestALostStreamDoesNotTellItsSignedURL(t *testing.T) {
	_, s := open(t)
	gone := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("connection refused")
	}}}
	_, err := through(s, gone).StreamPart(context.Background(), key, "up", 1, once{strings.NewReader("four")}, 4)
	if !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "X-Amz-") || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("StreamPart = %v, want fault.Unavailable with the reason and without the signature", err)
	}
}

func TestAStreamToAnUnknownUploadIsNotFound(t *testing.T) {
	b, s := open(t)
	ctx := context.Background()
	if _, err := b.StreamPart(ctx, key, "0123456789abcdef", 1, once{strings.NewReader(bigPart)}, partSize); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("StreamPart = %v, want ErrNotFound", err)
	}
	past := s3blob.New(s.Client(), s.Bucket, s3blob.Options{Now: func() time.Time { return time.Now().Add(-time.Hour) }})
	up := startParts(t, b, blob.PutOptions{})
	if _, err := past.StreamPart(ctx, key, up, 1, once{strings.NewReader("four")}, 4); err == nil || !fault.Is(err, fault.Internal) {
		t.Errorf("StreamPart by a clock that is an hour late = %v, want an internal error", err)
	}
}

// zeros is a source of any length that takes no memory.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestAStreamIsNotKeptInMemory(t *testing.T) {
	b, _ := open(t)
	up := startParts(t, b, blob.PutOptions{})
	streamPart(t, b, up, 1, strings.NewReader("warm"), 4) // connects
	const size, most = 64 << 20, 1 << 20                  // bytes
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	streamPart(t, b, up, 1, io.LimitReader(zeros{}, size), size)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > most {
		t.Errorf("streaming a part of %d bytes allocated %d in all, want at most %d", size, n, most)
	}
}

// early answers before it reads the body, and reads it later.
type early struct {
	answered chan *http.Request
}

func (e early) Do(r *http.Request) (*http.Response, error) {
	e.answered <- r
	return says(503, "SlowDown")(nil, r)
}

func TestNobodyReadsAStreamThatIsReturned(t *testing.T) {
	_, s := open(t)
	way := early{make(chan *http.Request, 1)}
	body := bytes.NewReader([]byte("four"))
	if _, err := through(s, way).StreamPart(context.Background(), key, "up", 1, body, 4); !fault.Is(err, fault.Throttled) {
		t.Fatalf("StreamPart = %v, want fault.Throttled", err)
	}
	r := <-way.answered
	if n, err := r.Body.Read(make([]byte, 4)); n != 0 || err == nil || body.Len() != 4 {
		t.Errorf("a late read gives %d bytes, %v; want none: the body is its owner's again", n, err)
	}
}
