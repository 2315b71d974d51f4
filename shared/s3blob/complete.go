package s3blob

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
)

// CompleteParts joins the parts. Where every part states its size, S3 also checks the sum; else a HEAD follows, for the size. Parts that
// do not fit what was uploaded are a fault.Invalid. Type and metadata of the answer are those of the options and Modified is zero: S3
// does not repeat them.
func (b *Bucket) CompleteParts(ctx context.Context, key, upload string, ps []blob.Part, o blob.PutOptions) (blob.Object, error) {
	if err := checkParts(ps); err != nil {
		return blob.Object{}, err
	}
	if err := checkWhole(o.Checksum); err != nil {
		return blob.Object{}, err
	}
	total, sized := sumOf(ps)
	in := &s3.CompleteMultipartUploadInput{
		Bucket: &b.bucket, Key: &key, UploadId: &upload, IfNoneMatch: ifAbsent(o),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: completed(ps)},
	}
	if sized {
		in.MpuObjectSize = &total
	}
	if o.Checksum.Value != "" {
		in.ChecksumType = wholeOf(o.Checksum)
		v := checksumsOf(o.Checksum)
		in.ChecksumCRC32, in.ChecksumCRC32C, in.ChecksumCRC64NVME = v.crc32, v.crc32c, v.crc64nvme
	}
	cctx, c := begin(ctx, "CompleteMultipartUpload")
	out, err := b.client.CompleteMultipartUpload(cctx, in)
	if err != nil {
		return blob.Object{}, failedComplete(err, c, key)
	}
	if out.ETag == nil { // S3 answers 200 before it begins, and may break off; to the SDK an empty body is a success
		return blob.Object{}, fault.New(fault.Unavailable, "The store of files broke off its answer: look whether %s is there.", key)
	}
	done := blob.Object{
		Key: key, Version: aws.ToString(out.VersionId), ETag: unquote(out.ETag), Size: total, Type: o.Type, Meta: o.Meta,
		Checksum: checksums{nil, out.ChecksumCRC64NVME, out.ChecksumCRC32C, out.ChecksumCRC32}.whole(out.ChecksumType),
	}
	if sized && done.Version != "" {
		return done, nil
	}
	return b.lookUp(ctx, done)
}

// lookUp fills what a completion did not answer. An answer without a version is to a repeat; the version is the current one if that has
// its ETag.
func (b *Bucket) lookUp(ctx context.Context, done blob.Object) (blob.Object, error) {
	o, err := b.Head(ctx, done.Key, done.Version)
	if err == nil && o.ETag != done.ETag {
		return blob.Object{}, fault.New(fault.Unavailable, "The parts of %s were joined, and another version came since: look which there are.", done.Key)
	}
	return o, err
}

// checkParts refuses lists that S3 refuses, some of them with codes that say nothing.
func checkParts(ps []blob.Part) error {
	if len(ps) == 0 || len(ps) > mostParts {
		return fault.New(fault.Invalid, "%d parts were listed: list 1 to %d.", len(ps), mostParts)
	}
	last := 0
	for _, p := range ps {
		if p.Number < 1 || p.Number > mostParts {
			return fault.New(fault.Invalid, "Part number %d was listed: numbers go from 1 to %d.", p.Number, mostParts)
		}
		if p.Number <= last {
			return fault.New(fault.Invalid, "%s Part %d was listed after part %d.", partsMessage["InvalidPartOrder"], p.Number, last)
		}
		last = p.Number
	}
	return nil
}

// sumOf adds the sizes up and says whether all were stated.
func sumOf(ps []blob.Part) (total int64, sized bool) {
	sized = true
	for _, p := range ps {
		total += p.Size
		sized = sized && p.Size > 0
	}
	return total, sized
}

// completed are the parts as S3 wants them: without checksums, which it knows where the whole object has one.
func completed(ps []blob.Part) []types.CompletedPart {
	parts := make([]types.CompletedPart, len(ps))
	for i, p := range ps {
		parts[i] = types.CompletedPart{PartNumber: aws.Int32(int32(p.Number)), ETag: aws.String(`"` + p.ETag + `"`)}
	}
	return parts
}

// failedComplete is failedWrite for a completion. S3 says that the sum of the sizes is wrong with a code for everything that is wrong
// with a request; only its message names the header.
func failedComplete(err error, c *call, key string) error {
	if code, _ := answer(err); code == "InvalidRequest" && strings.Contains(err.Error(), "x-amz-mp-object-size") {
		return fault.Wrap(err, fault.Invalid, "The sizes of the parts do not add up to what was uploaded: list the parts and send their sizes.")
	}
	return failedWrite(err, c, "complete", key)
}
