// Package s3blob is the driver of the bucket contract on S3: Amazon's, or the local one of infra/local/versity, by the same code.
//
// # Bucket
//
// Versioning must be on. Nothing else may write to it. Layout of keys:
//
//	w/<workspace>/<byte>/<asset>/<generation>/source    what an upload brought; object events are wanted for these only
//	w/<workspace>/<byte>/<asset>/<generation>/...       what was made of it, beside it
//
// where <byte> is two hexadecimal digits of the asset's id, which spread the keys of a large workspace over S3's partitions, and <generation>
// a number, with an r behind it for what may have come by SignBare. The bucket's CORS rule has to allow GET, HEAD, PUT and POST and to expose ETag; a rule should drop parts of uploads that nobody
// completed after 30 days; no rule may expire noncurrent versions of sources.
//
// # Rights
//
// IAM actions on the objects of the bucket, by method. A signed request needs them too, on the role that signed it.
//
//	SignForm, SignPut, SignBare, Put s3:PutObject
//	SignPart, SignParts, StreamPart  s3:PutObject
//	StartParts, PutPart              s3:PutObject
//	CompleteParts                    s3:PutObject; s3:GetObject, s3:GetObjectVersion where a HEAD follows
//	SignGet, Head, Read              s3:GetObjectVersion; where no version is named s3:GetObject
//	Copy                             the same of the source, s3:PutObject
//	DeleteVersion                    s3:DeleteObjectVersion
//	ListParts                        s3:ListMultipartUploadParts
//	AbortParts                       s3:AbortMultipartUpload
//	Versions                         s3:ListBucketVersions on the bucket, by prefix
//	Uploads                          s3:ListBucketMultipartUploads on the bucket: IAM lists no condition s3:prefix for it,
//	                                 and a statement that has one grants nothing
//
// No method wants s3:ListBucket. Without it S3 answers 403 instead of 404 for a missing key, and HEAD says no reason at all: Head,
// Read and Copy take a refused access for a missing object, so a role without s3:GetObject looks like an empty bucket.
//
// # Requests
//
// Signing sends nothing. Every other call is one request, but for:
//
//	Versions, Uploads  one for 1,000 entries
//	Copy               and a HEAD, for the size
//	CompleteParts      and a HEAD if a part does not state its size, or S3 names no version
//	Read               and a HEAD from an offset at or after the end: S3's refusal of such a range names no version
//
// The SDK repeats a failed request as the client's retryer says, except for StreamPart, whose body is gone; every attempt is counted by
// blob.WithMeter. No call has a time limit of its own: the context bounds it. A completion may take S3 minutes; it answers 200 before it
// begins, so the answer is what the body says, and a body that says nothing is no answer.
//
// # Checksums
//
// A form, a write and the parts of an upload together can be bound to a checksum, which S3 compares with the bytes. Parts are checked over
// the whole: StartParts names algorithm and the type FULL_OBJECT, S3 computes the checksum of every part that comes without one, combines
// them, and compares the result with the value that CompleteParts gives. So the URL of a part is signed as for any upload and its sender
// adds no header; it could not, since S3 refuses x-amz- headers that a presigned request did not sign. Without an algorithm at the start S3
// keeps CRC64NVME of its own accord and compares nothing else at the end. A checksum of the COMPOSITE type, which is over the parts'
// checksums, is never asked for and not told. Head asks for checksums; where objects are encrypted with a KMS key of one's own, a role that
// calls it needs kms:Decrypt.
//
// A form's fields are x-amz-checksum-algorithm and x-amz-checksum-<algorithm>, in the policy like all others. Amazon documents headers and
// says that a form's fields stand for them; SHA256 is in wide use there. The local bucket checks all four algorithms in forms.
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
