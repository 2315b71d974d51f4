package versity

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// An open upload is a folder of the engine: a file for each part. The engine takes a completion of an upload that it does not know for a
// repeat wherever the key has an object, lets a part that arrives after an abort bring the folder back, lists no more than one page of
// uploads, and wants checksums of parts that S3 does not want. None of it here.

// The engine's names for what it keeps with the folder of an upload, and with the object that was made of it.
const (
	checksumsAttribute = "checksums"
	madeFromAttribute  = "mp-metadata"
	keyAttribute       = "objname"
	completingSuffix   = ".inprogress" // of a folder whose parts are being joined: <upload>.<etag>.inprogress
)

// uploads is where the engine keeps open uploads.
type uploads struct {
	objects string // folder of all buckets
	meta    meta.MetadataStorer
}

// dir is the folder of an upload, from the folder of all buckets.
func (u uploads) dir(bucket, key, upload string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(bucket, posix.MetaTmpMultipartDir, hex.EncodeToString(sum[:]), upload)
}

// open says whether an upload is neither completed nor aborted.
func (u uploads) open(bucket, key, upload string) bool {
	if upload == "" {
		return false
	}
	_, err := os.Stat(filepath.Join(u.objects, u.dir(bucket, key, upload)))
	return err == nil
}

// made says whether the current version of a key was made from an upload.
func (u uploads) made(bucket, key, upload string) bool {
	data, err := u.meta.RetrieveAttribute(nil, bucket, key, madeFromAttribute)
	if err != nil {
		return false
	}
	from, err := backend.UnmarshalMpUploadMetadata(data, false)
	return err == nil && from.UploadID == upload
}

// checksum is what an upload was begun with.
func (u uploads) checksum(bucket, key, upload string) (s3response.Checksum, error) {
	var c s3response.Checksum
	data, err := u.meta.RetrieveAttribute(nil, "", u.dir(bucket, key, upload), checksumsAttribute)
	if errors.Is(err, meta.ErrNoSuchKey) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(data, &c)
}

// reopen undoes completions that a crash cut off, before requests are answered: their folders get their names back. What was already made
// of one is there, and then the folder is what the crash kept from being removed.
func (u uploads) reopen() error {
	found, err := filepath.Glob(filepath.Join(u.objects, "*", filepath.FromSlash(posix.MetaTmpMultipartDir), "*", "*"+completingSuffix))
	if err != nil {
		return err
	}
	for _, path := range found {
		rest, err := filepath.Rel(u.objects, path)
		if err != nil {
			return err
		}
		bucket, folder, _ := strings.Cut(rest, string(filepath.Separator))
		upload, _, _ := strings.Cut(filepath.Base(path), ".")
		key, err := u.meta.RetrieveAttribute(nil, bucket, filepath.Dir(folder), keyAttribute)
		if err != nil {
			return err
		}
		if u.made(bucket, string(key), upload) {
			if err := errors.Join(os.RemoveAll(path), u.meta.DeleteAttributes(bucket, folder)); err != nil {
				return err
			}
			continue
		}
		before := filepath.Join(filepath.Dir(folder), upload)
		if err := errors.Join(os.Rename(path, filepath.Join(u.objects, bucket, before)), u.meta.RenameObject(bucket, folder, before)); err != nil {
			return err
		}
	}
	return nil
}

// UploadPart stores a part. Whether the upload is still open is looked at again when all bytes have come, and until the part is stored
// nobody completes or aborts it.
func (b *bucketBackend) UploadPart(ctx context.Context, in *s3.UploadPartInput) (*s3.UploadPartOutput, error) {
	if in.Body == nil {
		in.Body = strings.NewReader("")
	}
	upload := aws.ToString(in.UploadId)
	if !b.uploads.open(*in.Bucket, *in.Key, upload) {
		_, _ = io.Copy(io.Discard, in.Body) // a client that is still sending would not hear the answer
		return nil, s3err.GetNoSuchUploadErr(upload)
	}
	a := &arriving{Reader: in.Body, left: announced(in.ContentLength), lock: func() (func(), error) {
		unlock := b.locks.read(*in.Bucket, *in.Key)
		if !b.uploads.open(*in.Bucket, *in.Key, upload) {
			unlock()
			return nil, s3err.GetNoSuchUploadErr(upload)
		}
		return unlock, nil
	}}
	defer a.done()
	in.Body = a.body()
	return b.Backend.UploadPart(ctx, in)
}

// AbortMultipartUpload drops an upload.
func (b *bucketBackend) AbortMultipartUpload(ctx context.Context, in *s3.AbortMultipartUploadInput) error {
	defer b.locks.change(*in.Bucket, *in.Key)()
	return b.Backend.AbortMultipartUpload(ctx, in)
}

// ListParts lists the parts of an open upload. The engine reads its folder part by part, and one that is completed or aborted meanwhile
// would look as if its parts had never come.
func (b *bucketBackend) ListParts(ctx context.Context, in *s3.ListPartsInput) (s3response.ListPartsResult, error) {
	defer b.locks.read(*in.Bucket, *in.Key)()
	if upload := aws.ToString(in.UploadId); !b.uploads.open(*in.Bucket, *in.Key, upload) {
		return s3response.ListPartsResult{}, s3err.GetNoSuchUploadErr(upload)
	}
	return b.Backend.ListParts(ctx, in)
}

// ListMultipartUploads lists between changes, by key and upload. The engine refuses the markers that its own pages end with.
func (b *bucketBackend) ListMultipartUploads(ctx context.Context, in *s3.ListMultipartUploadsInput) (s3response.ListMultipartUploadsResult, error) {
	defer b.locks.list()()
	if aws.ToString(in.Delimiter) != "" {
		return b.Backend.ListMultipartUploads(ctx, in)
	}
	whole := *in
	whole.KeyMarker, whole.UploadIdMarker, whole.MaxUploads = nil, nil, aws.Int32(math.MaxInt32)
	out, err := b.Backend.ListMultipartUploads(ctx, &whole)
	if err != nil {
		return out, err
	}
	order := func(x, y s3response.Upload) int {
		return cmp.Or(cmp.Compare(x.Key, y.Key), cmp.Compare(x.UploadID, y.UploadID))
	}
	slices.SortFunc(out.Uploads, order)
	out.KeyMarker, out.UploadIDMarker, out.MaxUploads = aws.ToString(in.KeyMarker), aws.ToString(in.UploadIdMarker), int(aws.ToInt32(in.MaxUploads))
	last := s3response.Upload{Key: out.KeyMarker, UploadID: out.UploadIDMarker}
	out.Uploads = slices.DeleteFunc(out.Uploads, func(u s3response.Upload) bool {
		return u.Key < last.Key || u.Key == last.Key && (last.UploadID == "" || u.UploadID <= last.UploadID)
	})
	if len(out.Uploads) > out.MaxUploads {
		out.Uploads = out.Uploads[:out.MaxUploads]
		out.IsTruncated = true
		if n := len(out.Uploads); n > 0 {
			out.NextKeyMarker, out.NextUploadIDMarker = out.Uploads[n-1].Key, out.Uploads[n-1].UploadID
		}
	}
	return out, nil
}

// CompleteMultipartUpload joins the parts. A repeat is reported again: the first event may have died with a process.
func (b *bucketBackend) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput) (
	s3response.CompleteMultipartUploadResult, string, error) {
	out, version, err := b.complete(ctx, in)
	if err != nil {
		return out, version, err
	}
	return out, version, b.created(ctx, "ObjectCreated:CompleteMultipartUpload", in.Bucket, in.Key, version, aws.ToString(out.ETag))
}

func (b *bucketBackend) complete(ctx context.Context, in *s3.CompleteMultipartUploadInput) (
	s3response.CompleteMultipartUploadResult, string, error) {
	defer b.locks.change(*in.Bucket, *in.Key)()
	upload := aws.ToString(in.UploadId)
	if b.uploads.open(*in.Bucket, *in.Key, upload) {
		if err := b.fillChecksums(ctx, in); err != nil {
			return s3response.CompleteMultipartUploadResult{}, "", err
		}
		return b.Backend.CompleteMultipartUpload(ctx, in)
	}
	if !b.uploads.made(*in.Bucket, *in.Key, upload) {
		return s3response.CompleteMultipartUploadResult{}, "", s3err.GetNoSuchUploadErr(upload)
	}
	h, err := b.Backend.HeadObject(ctx, &s3.HeadObjectInput{Bucket: in.Bucket, Key: in.Key, ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		return s3response.CompleteMultipartUploadResult{}, "", err
	}
	return s3response.CompleteMultipartUploadResult{
		Bucket: in.Bucket, Key: in.Key, ETag: h.ETag, ChecksumType: &h.ChecksumType,
		ChecksumCRC32: h.ChecksumCRC32, ChecksumCRC32C: h.ChecksumCRC32C, ChecksumCRC64NVME: h.ChecksumCRC64NVME,
	}, aws.ToString(h.VersionId), nil
}

// fillChecksums adds to the parts of a completion the checksums that the engine computed when they came. S3 wants them of the client only
// where the checksum of the object is made of them, not where it is over the whole.
func (b *bucketBackend) fillChecksums(ctx context.Context, in *s3.CompleteMultipartUploadInput) error {
	begun, err := b.uploads.checksum(*in.Bucket, *in.Key, aws.ToString(in.UploadId))
	if err != nil || begun.Type != types.ChecksumTypeFullObject || in.MultipartUpload == nil {
		return err
	}
	listed, err := b.Backend.ListParts(ctx, &s3.ListPartsInput{Bucket: in.Bucket, Key: in.Key, UploadId: in.UploadId, MaxParts: aws.Int32(maxParts)})
	if err != nil {
		return err
	}
	stored := make(map[int32]s3response.Part, len(listed.Parts))
	for _, p := range listed.Parts {
		stored[int32(p.PartNumber)] = p
	}
	for i := range in.MultipartUpload.Parts {
		p := &in.MultipartUpload.Parts[i]
		s := stored[aws.ToInt32(p.PartNumber)]
		p.ChecksumCRC32 = cmp.Or(p.ChecksumCRC32, s.ChecksumCRC32)
		p.ChecksumCRC32C = cmp.Or(p.ChecksumCRC32C, s.ChecksumCRC32C)
		p.ChecksumCRC64NVME = cmp.Or(p.ChecksumCRC64NVME, s.ChecksumCRC64NVME)
	}
	return nil
}
