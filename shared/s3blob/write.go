package s3blob

import (
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/assetry/assetry/shared/blob"
)

// Put writes a new version with a known size, at most 5 GiB. S3 does not say when: Modified of the answer is zero.
func (b *Bucket) Put(ctx context.Context, key string, body io.ReadSeeker, size int64, o blob.PutOptions) (blob.Object, error) {
	meta, err := sdkMeta(o.Meta)
	if err != nil {
		return blob.Object{}, err
	}
	if err := checkChecksum(o.Checksum); err != nil {
		return blob.Object{}, err
	}
	v := checksumsOf(o.Checksum)
	ctx, c := begin(ctx, "PutObject")
	in := &s3.PutObjectInput{
		Bucket: &b.bucket, Key: &key, Body: body, ContentLength: &size,
		ContentType: optional(o.Type), Metadata: meta, IfNoneMatch: ifAbsent(o),
		ChecksumSHA256: v.sha256, ChecksumCRC32: v.crc32, ChecksumCRC32C: v.crc32c, ChecksumCRC64NVME: v.crc64nvme,
	}
	if o.Checksum.Value == "" {
		in.ChecksumAlgorithm = types.ChecksumAlgorithm(o.Checksum.Algorithm) // the SDK computes it
	}
	out, err := b.client.PutObject(ctx, in)
	if err != nil {
		return blob.Object{}, failedWrite(err, c, "write", key)
	}
	return blob.Object{
		Key: key, Version: aws.ToString(out.VersionId), ETag: unquote(out.ETag), Size: size, Type: o.Type, Meta: o.Meta,
		Checksum: checksums{out.ChecksumSHA256, out.ChecksumCRC64NVME, out.ChecksumCRC32C, out.ChecksumCRC32}.checksum(),
	}, nil
}

// Copy copies a version to another key, at most 5 GiB. Without type and metadata in the options those of the source are kept; else
// the copy has exactly those.
func (b *Bucket) Copy(ctx context.Context, srcKey, srcVersion, dstKey string, o blob.PutOptions) (blob.Object, error) {
	meta, err := sdkMeta(o.Meta)
	if err != nil {
		return blob.Object{}, err
	}
	if srcVersion == "" {
		return blob.Object{}, fmt.Errorf("copy %s: no version; a copy names the version it is of", srcKey)
	}
	source := appendEscaped([]byte(b.bucket+"/"), srcKey, '/')
	source = appendEscaped(append(source, "?versionId="...), srcVersion, 0)
	in := &s3.CopyObjectInput{Bucket: &b.bucket, Key: &dstKey, IfNoneMatch: ifAbsent(o), CopySource: aws.String(string(source))}
	if o.Type != "" || len(o.Meta) > 0 {
		in.MetadataDirective, in.ContentType, in.Metadata = types.MetadataDirectiveReplace, optional(o.Type), meta
	}
	cctx, c := begin(ctx, "CopyObject")
	out, err := b.client.CopyObject(cctx, in)
	if err != nil {
		if code, _ := answer(err); code == "AccessDenied" {
			return blob.Object{}, failedRead(err, "copy", srcKey)
		}
		return blob.Object{}, failedWrite(err, c, "copy to", dstKey)
	}
	return b.Head(ctx, dstKey, aws.ToString(out.VersionId))
}

// DeleteVersion removes exactly one version or delete marker. Removing what is not there is no error; removing without naming a
// version is one, since S3 would only hide the key.
func (b *Bucket) DeleteVersion(ctx context.Context, key, version string) error {
	if version == "" {
		return fmt.Errorf("delete %s: no version", key)
	}
	ctx, _ = begin(ctx, "DeleteObject")
	_, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.bucket, Key: &key, VersionId: &version})
	if code, _ := answer(err); err == nil || code == "NoSuchKey" || code == "NoSuchVersion" {
		return nil
	}
	return failed(err, "delete a version of", key)
}

func ifAbsent(o blob.PutOptions) *string {
	if o.IfAbsent {
		return aws.String("*")
	}
	return nil
}
