package s3blob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
)

// Head describes a version; version "" is the current one.
func (b *Bucket) Head(ctx context.Context, key, version string) (blob.Object, error) {
	ctx, _ = begin(ctx, "HeadObject")
	out, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{
		Bucket: &b.bucket, Key: &key, VersionId: optional(version), ChecksumMode: types.ChecksumModeEnabled,
	})
	if err != nil {
		return blob.Object{}, failedRead(err, "look at", key)
	}
	stored := checksums{out.ChecksumSHA256, out.ChecksumCRC64NVME, out.ChecksumCRC32C, out.ChecksumCRC32}
	return blob.Object{
		Key: key, Version: aws.ToString(out.VersionId), ETag: unquote(out.ETag), Size: aws.ToInt64(out.ContentLength),
		Type: aws.ToString(out.ContentType), Meta: readMeta(out.Metadata), Modified: aws.ToTime(out.LastModified),
		Checksum: stored.whole(out.ChecksumType),
	}, nil
}

// Read reads up to n bytes from offset off of a version with one ranged request; n is at least 1 and the bytes are held in memory.
func (b *Bucket) Read(ctx context.Context, key, version string, off, n int64) ([]byte, blob.Object, error) {
	if off < 0 || n < 1 {
		return nil, blob.Object{}, fmt.Errorf("read %s: offset %d, want 0 or more; length %d, want 1 or more", key, off, n)
	}
	body, o, err := b.readRange(ctx, key, version, off, n)
	if _, status := answer(err); status != http.StatusRequestedRangeNotSatisfiable {
		return body, o, err
	}
	// Nothing is there, or the object ends before: S3 says neither which version it looked at nor its type.
	o, err = b.Head(ctx, key, version)
	o.Checksum = blob.Checksum{} // a read of a range tells none
	if err != nil || o.Size <= off {
		return nil, o, err
	}
	return b.readRange(ctx, key, o.Version, off, n) // the key was written in between: read the version just seen
}

func (b *Bucket) readRange(ctx context.Context, key, version string, off, n int64) ([]byte, blob.Object, error) {
	ctx, _ = begin(ctx, "GetObject")
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: &b.bucket, Key: &key, VersionId: optional(version),
		Range: aws.String(fmt.Sprintf("bytes=%d-%d", off, off+n-1)),
	})
	if err != nil {
		return nil, blob.Object{}, failedRead(err, "read", key)
	}
	defer out.Body.Close()
	first, last, size, err := contentRange(aws.ToString(out.ContentRange))
	if err != nil || first != off || last-first >= n {
		return nil, blob.Object{}, fmt.Errorf("read %s from %d: S3 answered with range %q", key, off, aws.ToString(out.ContentRange))
	}
	body := make([]byte, last-first+1)
	if _, err := io.ReadFull(out.Body, body); err != nil {
		return nil, blob.Object{}, fault.Wrap(err, fault.Unavailable, "The store of files broke off its answer: repeat (read %s).", key)
	}
	return body, blob.Object{
		Key: key, Version: aws.ToString(out.VersionId), ETag: unquote(out.ETag), Size: size,
		Type: aws.ToString(out.ContentType), Meta: readMeta(out.Metadata), Modified: aws.ToTime(out.LastModified),
	}, nil
}

// contentRange parses "bytes 0-99/1234".
func contentRange(s string) (first, last, size int64, err error) {
	span, total, ok := strings.Cut(strings.TrimPrefix(s, "bytes "), "/")
	from, to, ok2 := strings.Cut(span, "-")
	if !ok || !ok2 {
		return 0, 0, 0, fmt.Errorf("no Content-Range: %q", s)
	}
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	size, err3 := strconv.ParseInt(total, 10, 64)
	if err := errors.Join(err1, err2, err3); err != nil {
		return 0, 0, 0, err
	}
	if first < 0 || last < first || size <= last {
		return 0, 0, 0, fmt.Errorf("no Content-Range: %q", s)
	}
	return first, last, size, nil
}

// versionsPage is the most entries S3 lists in one answer.
const versionsPage = 1000

// Versions lists all versions and delete markers under a prefix, up to limit (0: all): by key, the current entry of a key first.
func (b *Bucket) Versions(ctx context.Context, prefix string, limit int) ([]blob.Version, error) {
	ctx, _ = begin(ctx, "ListObjectVersions")
	var found []blob.Version
	in := &s3.ListObjectVersionsInput{Bucket: &b.bucket, Prefix: &prefix}
	for {
		page := versionsPage
		if limit > 0 {
			page = min(page, limit-len(found))
		}
		in.MaxKeys = aws.Int32(int32(page))
		out, err := b.client.ListObjectVersions(ctx, in)
		if err != nil {
			return nil, failed(err, "list the versions below", prefix)
		}
		found = append(found, inOrder(out)...)
		if !aws.ToBool(out.IsTruncated) || limit > 0 && len(found) >= limit {
			return found, nil
		}
		in.KeyMarker, in.VersionIdMarker = out.NextKeyMarker, out.NextVersionIdMarker
	}
}

// inOrder merges the two lists of one answer into the order S3 sent them in: by key, then newest first.
func inOrder(out *s3.ListObjectVersionsOutput) []blob.Version {
	type dated struct {
		blob.Version
		at time.Time
	}
	var all []dated
	for _, v := range out.Versions {
		all = append(all, dated{blob.Version{Key: aws.ToString(v.Key), Version: aws.ToString(v.VersionId),
			Size: aws.ToInt64(v.Size), Latest: aws.ToBool(v.IsLatest)}, aws.ToTime(v.LastModified)})
	}
	for _, m := range out.DeleteMarkers {
		all = append(all, dated{blob.Version{Key: aws.ToString(m.Key), Version: aws.ToString(m.VersionId),
			Latest: aws.ToBool(m.IsLatest), Marker: true}, aws.ToTime(m.LastModified)})
	}
	slices.SortStableFunc(all, func(x, y dated) int {
		if c := cmp.Compare(x.Key, y.Key); c != 0 {
			return c
		}
		if x.Latest != y.Latest {
			if x.Latest {
				return -1
			}
			return 1
		}
		return y.at.Compare(x.at)
	})
	vs := make([]blob.Version, len(all))
	for i, d := range all {
		vs[i] = d.Version
	}
	return vs
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func unquote(etag *string) string { return strings.Trim(aws.ToString(etag), `"`) }
