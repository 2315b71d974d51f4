package blobtest

import (
	"context"
	"io"
	"maps"
	"sync"
	"time"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
)

// Fault is what befalls one call.
type Fault uint8

// The faults. The zero value lets a call pass.
const (
	None        Fault = iota
	Throttled         // fault.Throttled; nothing happened
	Unavailable       // fault.Unavailable; nothing happened
	Lost              // fault.Unavailable; it happened, only the answer is lost
)

// Call is one call of a method of the bucket.
type Call struct {
	Method string // as in blob.Bucket, for example "Read"
	Key    string // the key or prefix; of Copy the destination
	N      int    // how many calls of this method there were, this one included
}

// Bucket is a bucket with faults. Safe for concurrent use.
type Bucket struct {
	inner  blob.Bucket
	script func(Call) Fault
	mu     sync.Mutex
	calls  map[string]int
}

var _ blob.Bucket = (*Bucket)(nil)

// Wrap puts a script around a bucket. A nil script lets everything pass and only counts. The script may be called from several
// goroutines at once.
func Wrap(b blob.Bucket, script func(Call) Fault) *Bucket {
	return &Bucket{inner: b, script: script, calls: map[string]int{}}
}

// Calls gives how often each method was called, failed calls included.
func (b *Bucket) Calls() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.calls)
}

// Nth is a script that brings one fault to the nth call of a method.
func Nth(method string, n int, f Fault) func(Call) Fault {
	return func(c Call) Fault {
		if c.Method == method && c.N == n {
			return f
		}
		return None
	}
}

func (b *Bucket) next(method, key string) Fault {
	b.mu.Lock()
	b.calls[method]++
	c := Call{Method: method, Key: key, N: b.calls[method]}
	b.mu.Unlock()
	if b.script == nil {
		return None
	}
	return b.script(c)
}

// through makes a call with what befalls it. An error of the bucket itself stays what it is.
func through[T any](b *Bucket, method, key string, call func() (T, error)) (T, error) {
	var zero T
	switch b.next(method, key) {
	case Throttled:
		return zero, fault.New(fault.Throttled, "injected: %s %s was throttled", method, key)
	case Unavailable:
		return zero, fault.New(fault.Unavailable, "injected: %s %s did not reach the bucket", method, key)
	case Lost:
		if v, err := call(); err != nil {
			return v, err
		}
		return zero, fault.New(fault.Unavailable, "injected: the answer to %s %s was lost", method, key)
	}
	return call()
}

// pair carries two results through one value.
type pair[A, B any] struct {
	a A
	b B
}

func both[A, B any](a A, b B, err error) (pair[A, B], error) { return pair[A, B]{a, b}, err }

func only(err error) (struct{}, error) { return struct{}{}, err }

// SignForm signs a form.
func (b *Bucket) SignForm(ctx context.Context, s blob.FormSpec) (blob.Form, time.Time, error) {
	p, err := through(b, "SignForm", s.Key, func() (pair[blob.Form, time.Time], error) { return both(b.inner.SignForm(ctx, s)) })
	return p.a, p.b, err
}

// SignPut signs a PUT.
func (b *Bucket) SignPut(ctx context.Context, s blob.PutSpec) (blob.Request, time.Time, error) {
	p, err := through(b, "SignPut", s.Key, func() (pair[blob.Request, time.Time], error) { return both(b.inner.SignPut(ctx, s)) })
	return p.a, p.b, err
}

// SignBare signs a PUT that binds nothing but its key.
func (b *Bucket) SignBare(ctx context.Context, s blob.BareSpec) (string, time.Time, error) {
	p, err := through(b, "SignBare", s.Key, func() (pair[string, time.Time], error) { return both(b.inner.SignBare(ctx, s)) })
	return p.a, p.b, err
}

// SignGet signs a GET or HEAD.
func (b *Bucket) SignGet(ctx context.Context, s blob.GetSpec) (string, error) {
	return through(b, "SignGet", s.Key, func() (string, error) { return b.inner.SignGet(ctx, s) })
}

// SignPart signs the upload of a part.
func (b *Bucket) SignPart(ctx context.Context, key, upload string, number int, size int64, expires time.Time) (string, error) {
	return through(b, "SignPart", key, func() (string, error) { return b.inner.SignPart(ctx, key, upload, number, size, expires) })
}

// SignParts signs the upload of many parts.
func (b *Bucket) SignParts(ctx context.Context, key, upload string, ps []blob.PartSpec, expires time.Time) ([]string, time.Time, error) {
	p, err := through(b, "SignParts", key, func() (pair[[]string, time.Time], error) {
		return both(b.inner.SignParts(ctx, key, upload, ps, expires))
	})
	return p.a, p.b, err
}

// Head describes a version.
func (b *Bucket) Head(ctx context.Context, key, version string) (blob.Object, error) {
	return through(b, "Head", key, func() (blob.Object, error) { return b.inner.Head(ctx, key, version) })
}

// Read reads a range of a version.
func (b *Bucket) Read(ctx context.Context, key, version string, off, n int64) ([]byte, blob.Object, error) {
	p, err := through(b, "Read", key, func() (pair[[]byte, blob.Object], error) { return both(b.inner.Read(ctx, key, version, off, n)) })
	return p.a, p.b, err
}

// Versions lists the versions under a prefix.
func (b *Bucket) Versions(ctx context.Context, prefix string, limit int) ([]blob.Version, error) {
	return through(b, "Versions", prefix, func() ([]blob.Version, error) { return b.inner.Versions(ctx, prefix, limit) })
}

// Put writes a new version.
func (b *Bucket) Put(ctx context.Context, key string, body io.ReadSeeker, size int64, o blob.PutOptions) (blob.Object, error) {
	return through(b, "Put", key, func() (blob.Object, error) { return b.inner.Put(ctx, key, body, size, o) })
}

// Copy copies a version.
func (b *Bucket) Copy(ctx context.Context, srcKey, srcVersion, dstKey string, o blob.PutOptions) (blob.Object, error) {
	return through(b, "Copy", dstKey, func() (blob.Object, error) { return b.inner.Copy(ctx, srcKey, srcVersion, dstKey, o) })
}

// DeleteVersion removes a version.
func (b *Bucket) DeleteVersion(ctx context.Context, key, version string) error {
	_, err := through(b, "DeleteVersion", key, func() (struct{}, error) { return only(b.inner.DeleteVersion(ctx, key, version)) })
	return err
}

// StartParts begins a multipart upload.
func (b *Bucket) StartParts(ctx context.Context, key string, o blob.PutOptions) (string, error) {
	return through(b, "StartParts", key, func() (string, error) { return b.inner.StartParts(ctx, key, o) })
}

// PutPart writes a part.
func (b *Bucket) PutPart(ctx context.Context, key, upload string, number int, body io.ReadSeeker, size int64) (blob.Part, error) {
	return through(b, "PutPart", key, func() (blob.Part, error) { return b.inner.PutPart(ctx, key, upload, number, body, size) })
}

// StreamPart writes a part from a body that is read once. A lost answer has read it.
func (b *Bucket) StreamPart(ctx context.Context, key, upload string, number int, body io.Reader, size int64) (blob.Part, error) {
	return through(b, "StreamPart", key, func() (blob.Part, error) { return b.inner.StreamPart(ctx, key, upload, number, body, size) })
}

// Uploads lists open multipart uploads.
func (b *Bucket) Uploads(ctx context.Context, prefix string) ([]blob.Upload, error) {
	return through(b, "Uploads", prefix, func() ([]blob.Upload, error) { return b.inner.Uploads(ctx, prefix) })
}

// ListParts lists parts.
func (b *Bucket) ListParts(ctx context.Context, key, upload string, after, limit int) ([]blob.Part, bool, error) {
	p, err := through(b, "ListParts", key, func() (pair[[]blob.Part, bool], error) {
		return both(b.inner.ListParts(ctx, key, upload, after, limit))
	})
	return p.a, p.b, err
}

// CompleteParts joins the parts.
func (b *Bucket) CompleteParts(ctx context.Context, key, upload string, ps []blob.Part, o blob.PutOptions) (blob.Object, error) {
	return through(b, "CompleteParts", key, func() (blob.Object, error) { return b.inner.CompleteParts(ctx, key, upload, ps, o) })
}

// AbortParts drops an upload.
func (b *Bucket) AbortParts(ctx context.Context, key, upload string) error {
	_, err := through(b, "AbortParts", key, func() (struct{}, error) { return only(b.inner.AbortParts(ctx, key, upload)) })
	return err
}
