package s3blob

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/assetry/assetry/shared/blob"
)

// StartParts begins a multipart upload. Type and metadata are set here, not when it completes.
func (b *Bucket) StartParts(ctx context.Context, key string, o blob.PutOptions) (string, error) {
	meta, err := sdkMeta(o.Meta)
	if err != nil {
		return "", err
	}
	if err := checkWhole(o.Checksum); err != nil {
		return "", err
	}
	ctx, _ = begin(ctx, "CreateMultipartUpload")
	out, err := b.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &b.bucket, Key: &key, ContentType: optional(o.Type), Metadata: meta,
		ChecksumAlgorithm: types.ChecksumAlgorithm(o.Checksum.Algorithm), ChecksumType: wholeOf(o.Checksum),
	})
	if err != nil {
		return "", failed(err, "begin the parts of", key)
	}
	return aws.ToString(out.UploadId), nil
}

// PutPart writes one part of at most 5 GiB. The same number again replaces it.
func (b *Bucket) PutPart(ctx context.Context, key, upload string, number int, body io.ReadSeeker, size int64) (blob.Part, error) {
	if number < 1 || number > mostParts {
		return blob.Part{}, fmt.Errorf("write part %d of %s: want 1 to %d", number, key, mostParts)
	}
	ctx, _ = begin(ctx, "UploadPart")
	out, err := b.client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &b.bucket, Key: &key, UploadId: &upload, PartNumber: aws.Int32(int32(number)), Body: body, ContentLength: &size,
	})
	if err != nil {
		return blob.Part{}, failed(err, "write part "+strconv.Itoa(number)+" of", key)
	}
	return blob.Part{Number: number, ETag: unquote(out.ETag), Size: size}, nil
}

// ListParts lists the parts with numbers above after, in order, up to limit (1 to 1,000); more says whether others follow.
func (b *Bucket) ListParts(ctx context.Context, key, upload string, after, limit int) ([]blob.Part, bool, error) {
	if limit < 1 || limit > 1000 {
		return nil, false, fmt.Errorf("list the parts of %s: limit %d, want 1 to 1000", key, limit)
	}
	ctx, _ = begin(ctx, "ListParts")
	in := &s3.ListPartsInput{Bucket: &b.bucket, Key: &key, UploadId: &upload, MaxParts: aws.Int32(int32(limit))}
	if after > 0 {
		in.PartNumberMarker = aws.String(strconv.Itoa(after))
	}
	out, err := b.client.ListParts(ctx, in)
	if err != nil {
		return nil, false, failed(err, "list the parts of", key)
	}
	ps := make([]blob.Part, len(out.Parts))
	for i, p := range out.Parts {
		ps[i] = blob.Part{
			Number: int(aws.ToInt32(p.PartNumber)), ETag: unquote(p.ETag), Size: aws.ToInt64(p.Size),
			Checksum: checksums{p.ChecksumSHA256, p.ChecksumCRC64NVME, p.ChecksumCRC32C, p.ChecksumCRC32}.checksum(),
		}
	}
	return ps, aws.ToBool(out.IsTruncated), nil
}

// AbortParts drops an upload and its parts. Aborting what is not there is no error.
func (b *Bucket) AbortParts(ctx context.Context, key, upload string) error {
	ctx, _ = begin(ctx, "AbortMultipartUpload")
	_, err := b.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &b.bucket, Key: &key, UploadId: &upload})
	if code, _ := answer(err); err == nil || code == "NoSuchUpload" {
		return nil
	}
	return failed(err, "abort the parts of", key)
}

// Uploads lists the multipart uploads under a prefix that are neither completed nor aborted.
func (b *Bucket) Uploads(ctx context.Context, prefix string) ([]blob.Upload, error) {
	in := &s3.ListMultipartUploadsInput{Bucket: &b.bucket, Prefix: &prefix}
	var all []blob.Upload
	for {
		cctx, _ := begin(ctx, "ListMultipartUploads")
		out, err := b.client.ListMultipartUploads(cctx, in)
		if err != nil {
			return nil, failed(err, "list the multipart uploads under", prefix)
		}
		for _, u := range out.Uploads {
			all = append(all, blob.Upload{Key: aws.ToString(u.Key), ID: aws.ToString(u.UploadId), Started: aws.ToTime(u.Initiated)})
		}
		if !aws.ToBool(out.IsTruncated) {
			return all, nil
		}
		in.KeyMarker, in.UploadIdMarker = out.NextKeyMarker, out.NextUploadIdMarker
	}
}
