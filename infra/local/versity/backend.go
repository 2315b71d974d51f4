package versity

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// bucketBackend is the engine's store with what S3 does around it: it reports every object made before the answer, and hides
// whether a key exists from callers without the right to list.
type bucketBackend struct {
	backend.Backend
	report func(Event) error
}

var _ backend.Backend = (*bucketBackend)(nil)

// PutObject stores the bytes of a PUT or of a browser's form.
func (b *bucketBackend) PutObject(ctx context.Context, in s3response.PutObjectInput) (s3response.PutObjectOutput, error) {
	out, err := b.Backend.PutObject(ctx, in)
	if err != nil {
		return out, err
	}
	name := "ObjectCreated:Put"
	if r, ok := ctx.(interface{ Method() []byte }); ok && string(r.Method()) == "POST" {
		name = "ObjectCreated:Post"
	}
	return out, b.created(ctx, name, in.Bucket, in.Key, out.VersionID, out.ETag)
}

// CopyObject copies within the store.
func (b *bucketBackend) CopyObject(ctx context.Context, in s3response.CopyObjectInput) (s3response.CopyObjectOutput, error) {
	out, err := b.Backend.CopyObject(ctx, in)
	if err != nil {
		return out, hideMissing(err)
	}
	var etag string
	if out.CopyObjectResult != nil {
		etag = aws.ToString(out.CopyObjectResult.ETag)
	}
	return out, b.created(ctx, "ObjectCreated:Copy", in.Bucket, in.Key, aws.ToString(out.VersionId), etag)
}

// CompleteMultipartUpload joins the parts. A repeat after success is answered by the engine without the version, which is the
// current one, since it compares the ETags; S3 names it. The repeat is reported again: the first event may have died with a process.
func (b *bucketBackend) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput) (
	s3response.CompleteMultipartUploadResult, string, error) {
	out, version, err := b.Backend.CompleteMultipartUpload(ctx, in)
	if err != nil {
		return out, version, err
	}
	if version == "" {
		h, err := b.Backend.HeadObject(ctx, &s3.HeadObjectInput{Bucket: in.Bucket, Key: in.Key})
		if err != nil {
			return out, "", err
		}
		version = aws.ToString(h.VersionId)
	}
	return out, version, b.created(ctx, "ObjectCreated:CompleteMultipartUpload", in.Bucket, in.Key, version, aws.ToString(out.ETag))
}

// GetObject answers 403 for a missing key.
func (b *bucketBackend) GetObject(ctx context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	out, err := b.Backend.GetObject(ctx, in)
	return out, hideMissing(err)
}

// HeadObject answers 403 for a missing key.
func (b *bucketBackend) HeadObject(ctx context.Context, in *s3.HeadObjectInput) (*s3.HeadObjectOutput, error) {
	out, err := b.Backend.HeadObject(ctx, in)
	return out, hideMissing(err)
}

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

// hideMissing is what S3 answers to a caller without s3:ListBucket.
func hideMissing(err error) error {
	var e s3err.S3Error
	if errors.As(err, &e) && e.BaseError().Code == "NoSuchKey" {
		return s3err.GetAPIError(s3err.ErrAccessDenied)
	}
	return err
}
