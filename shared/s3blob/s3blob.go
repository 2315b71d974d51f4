// Package s3blob is the driver of the bucket contract on S3: Amazon's, or the local one of infra/local/versity, by the same code.
//
// # Bucket
//
// Versioning must be on. Nothing else may write to it. Layout of keys:
//
//	w/<workspace>/<byte>/<asset>/<generation>/source    what an upload brought; object events are wanted for these only
//	w/<workspace>/<byte>/<asset>/<generation>/...       what was made of it, beside it
//
// where <byte> is two hexadecimal digits of the asset's id, which spread the keys of a large workspace over S3's partitions. The
// bucket's CORS rule has to allow GET, HEAD, PUT and POST and to expose ETag; a rule should drop parts of uploads that nobody
// completed after 30 days; no rule may expire noncurrent versions of sources.
//
// # Rights
//
// IAM actions on the objects of the bucket, by method. A signed request needs them too, on the role that signed it.
//
//	SignForm, SignPut, Put, SignPart, StartParts, PutPart, CompleteParts   s3:PutObject
//	SignGet, Head, Read                                                    s3:GetObject, s3:GetObjectVersion
//	Copy                                                                   s3:GetObject, s3:GetObjectVersion, s3:PutObject
//	DeleteVersion                                                          s3:DeleteObjectVersion
//	ListParts                                                              s3:ListMultipartUploadParts
//	AbortParts                                                             s3:AbortMultipartUpload
//	Versions                                                               s3:ListBucketVersions on the bucket, by prefix
//	Uploads                                                                s3:ListBucketMultipartUploads on the bucket
//
// No method wants s3:ListBucket. Without it S3 answers 403 instead of 404 for a missing key, and HEAD says no reason at all: Head,
// Read and Copy take a refused access for a missing object, so a role without s3:GetObject looks like an empty bucket.
//
// # Requests
//
// Signing sends nothing. Every other call is one request, but for: Versions (one for 1,000 entries), Copy (a HEAD follows, for the
// size; after CompleteParts only if the parts do not state theirs), and Read from an offset at or after the end (S3's refusal of such a range names no version: a HEAD follows). The SDK
// repeats a failed request as the client's retryer says; every attempt is counted by blob.WithMeter.
//
// # Limits
//
// S3's own: 5 GiB for a form, a PUT, a part or a copy; 10,000 parts; 5 MiB for a part that is not the last; 2 KB of metadata, counted
// after encoding; 7 days for a signed request. Metadata travels in headers, which S3 wants in ASCII: values are stored
// percent-encoded (all but letters, digits and most punctuation, and % itself) and decoded again when read, so any text comes back
// unchanged. Forms are encoded likewise, so their fields are sent as given here.
package s3blob

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/assetry/assetry/shared/blob"
)

// Options of a Bucket. The zero value works.
type Options struct {
	Now func() time.Time // the clock of the signer; nil is time.Now
}

// Bucket is one S3 bucket.
type Bucket struct {
	client *s3.Client
	bucket string
	now    func() time.Time
	region string
	creds  aws.CredentialsProvider
	origin func() (origin, error)
	keys   atomic.Pointer[signingKey]
}

var _ blob.Bucket = (*Bucket)(nil)

// New makes the driver for a bucket from a client. Region, endpoint, address style and credentials of signed requests are the
// client's. It sends nothing.
func New(client *s3.Client, bucket string, o Options) *Bucket {
	settings := client.Options()
	b := &Bucket{
		bucket: bucket, now: o.Now, region: settings.Region, creds: settings.Credentials,
		origin: resolveOnce(settings, bucket),
		client: s3.New(settings, func(o *s3.Options) {
			o.HTTPClient = counting{o.HTTPClient}
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		}),
	}
	if b.now == nil {
		b.now = time.Now
	}
	return b
}

// call is one call of a method: what its attempts are counted as, and how many there were.
type call struct {
	operation string
	attempts  atomic.Int32
}

type callKey struct{}

// begin marks a context as that of one operation on S3.
func begin(ctx context.Context, operation string) (context.Context, *call) {
	c := &call{operation: operation}
	return context.WithValue(ctx, callKey{}, c), c
}

// counting counts every attempt, below the SDK's retries.
type counting struct{ next s3.HTTPClient }

func (h counting) Do(r *http.Request) (*http.Response, error) {
	if c, ok := r.Context().Value(callKey{}).(*call); ok {
		c.attempts.Add(1)
		blob.Count(r.Context(), c.operation)
	}
	return h.next.Do(r)
}
