package versity

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/valyala/fasthttp"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// bucketBackend is the engine's store with what S3 does around it: it reports every object made before the answer, hides whether a
// key exists from callers without the right to list, and keeps requests on the same key apart.
type bucketBackend struct {
	backend.Backend
	folder  folder
	uploads uploads
	locks   *locks
	report  func(Event) error
}

var _ backend.Backend = (*bucketBackend)(nil)

// PutObject stores the bytes of a PUT or of a browser's form.
func (b *bucketBackend) PutObject(ctx context.Context, in s3response.PutObjectInput) (s3response.PutObjectOutput, error) {
	out, err := b.put(ctx, in)
	if err != nil {
		return out, err
	}
	name := "ObjectCreated:Put"
	if r, ok := ctx.(*fasthttp.RequestCtx); ok && r.IsPost() {
		name = "ObjectCreated:Post"
	}
	return out, b.created(ctx, name, in.Bucket, in.Key, out.VersionID, out.ETag)
}

func (b *bucketBackend) put(ctx context.Context, in s3response.PutObjectInput) (s3response.PutObjectOutput, error) {
	if in.Body == nil {
		in.Body = strings.NewReader("")
	}
	a := &arriving{Reader: in.Body, left: announced(in.ContentLength), lock: func() (func(), error) {
		return b.locks.change(*in.Bucket, *in.Key), nil
	}}
	defer a.done()
	in.Body = a.body()
	return b.Backend.PutObject(ctx, in)
}

// CopyObject copies within the store. The engine does not look at If-None-Match of a copy, S3 does.
func (b *bucketBackend) CopyObject(ctx context.Context, in s3response.CopyObjectInput) (s3response.CopyObjectOutput, error) {
	out, err := b.copy(ctx, in)
	if err != nil {
		return out, hideMissing(err)
	}
	var etag string
	if out.CopyObjectResult != nil {
		etag = aws.ToString(out.CopyObjectResult.ETag)
	}
	return out, b.created(ctx, "ObjectCreated:Copy", in.Bucket, in.Key, aws.ToString(out.VersionId), etag)
}

func (b *bucketBackend) copy(ctx context.Context, in s3response.CopyObjectInput) (s3response.CopyObjectOutput, error) {
	keys := []string{*in.Key}
	if bucket, key, _, err := backend.ParseCopySource(aws.ToString(in.CopySource)); err == nil && bucket == *in.Bucket {
		keys = append(keys, key)
	}
	defer b.locks.change(*in.Bucket, keys...)()
	if requestHeader(ctx, "If-None-Match") == "*" {
		if _, err := b.Backend.HeadObject(ctx, &s3.HeadObjectInput{Bucket: in.Bucket, Key: in.Key}); err == nil {
			return s3response.CopyObjectOutput{}, s3err.GetPreconditionFailedErr(s3err.ConditionIfNoneMatch)
		}
	}
	return b.Backend.CopyObject(ctx, in)
}

// GetObject answers 403 for a missing key.
func (b *bucketBackend) GetObject(ctx context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	defer b.locks.read(*in.Bucket, *in.Key)()
	out, err := b.Backend.GetObject(ctx, in)
	return out, hideMissing(err)
}

// HeadObject answers 403 for a missing key.
func (b *bucketBackend) HeadObject(ctx context.Context, in *s3.HeadObjectInput) (*s3.HeadObjectOutput, error) {
	defer b.locks.read(*in.Bucket, *in.Key)()
	out, err := b.Backend.HeadObject(ctx, in)
	return out, hideMissing(err)
}

// ListObjectVersions lists between changes.
func (b *bucketBackend) ListObjectVersions(ctx context.Context, in *s3.ListObjectVersionsInput) (s3response.ListVersionsResult, error) {
	defer b.locks.list()()
	return b.Backend.ListObjectVersions(ctx, in)
}

// DeleteObject removes a version, or hides the key. The engine takes a well-formed version that is gone for a malformed one; to S3
// its removal is a success.
func (b *bucketBackend) DeleteObject(ctx context.Context, in *s3.DeleteObjectInput) (*s3.DeleteObjectOutput, error) {
	defer b.locks.change(*in.Bucket, *in.Key)()
	if done, err := b.folder.putBack(ctx, b.Backend, *in.Bucket, *in.Key, aws.ToString(in.VersionId)); done || err != nil {
		return &s3.DeleteObjectOutput{VersionId: in.VersionId}, err
	}
	out, err := b.Backend.DeleteObject(ctx, in)
	if errorCode(err) == "InvalidArgument" && len(aws.ToString(in.VersionId)) == versionLen {
		return &s3.DeleteObjectOutput{VersionId: in.VersionId}, nil
	}
	return out, err
}

// DeleteObjects removes several versions or hides several keys.
func (b *bucketBackend) DeleteObjects(ctx context.Context, in *s3.DeleteObjectsInput) (s3response.DeleteResult, error) {
	var keys []string
	if in.Delete != nil {
		for _, o := range in.Delete.Objects {
			keys = append(keys, aws.ToString(o.Key))
		}
	}
	defer b.locks.change(*in.Bucket, keys...)()
	return b.Backend.DeleteObjects(ctx, in)
}

// versionLen is the length of the engine's version ids, which are ULIDs.
const versionLen = 26

// created reports a version. The engine does not state the size of copies and joined parts, so it is looked up; a version that was
// removed in between is reported with size 0. The caller's error for an event that nobody recorded is 503.
func (b *bucketBackend) created(ctx context.Context, name string, bucket, key *string, version, etag string) error {
	e := Event{
		Name: name, Bucket: aws.ToString(bucket), Key: aws.ToString(key),
		Version: version, ETag: strings.Trim(etag, `"`), Time: time.Now().UTC(),
	}
	in := &s3.HeadObjectInput{Bucket: bucket, Key: key}
	if version != "" {
		in.VersionId = &version
	}
	if h, err := b.Backend.HeadObject(ctx, in); err == nil {
		e.Size = aws.ToInt64(h.ContentLength)
	}
	if err := b.report(e); err != nil {
		return s3err.APIError{Code: "ServiceUnavailable", HTTPStatusCode: 503,
			Description: "The object is stored, but its event was not recorded. Look before you repeat."}
	}
	return nil
}

// requestHeader is a header of the request that the engine serves under a context.
func requestHeader(ctx context.Context, name string) string {
	if r, ok := ctx.(*fasthttp.RequestCtx); ok {
		return string(r.Request.Header.Peek(name))
	}
	return ""
}

// errorCode is the S3 code of an error, "" for none.
func errorCode(err error) string {
	var e s3err.S3Error
	if errors.As(err, &e) {
		return e.BaseError().Code
	}
	return ""
}

// hideMissing is what S3 answers to a caller without s3:ListBucket.
func hideMissing(err error) error {
	if errorCode(err) == "NoSuchKey" {
		return s3err.GetAPIError(s3err.ErrAccessDenied)
	}
	return err
}
