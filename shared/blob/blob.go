// Package blob is the contract of the bucket that holds the bytes. Its driver is package s3blob.
//
// Versioning is on: a key may hold several versions, bytes of a version never change, every delete names a version. Errors: a
// missing key or version is ErrNotFound (also where S3 answers 403 for want of s3:ListBucket); fault.Throttled means nothing
// happened; fault.Unavailable means the answer was lost and it may have happened; fault.Invalid is about what a client declared (a
// type or metadata that cannot be stored, parts that do not fit); everything else is internal.
package blob

import (
	"context"
	"errors"
	"io"
	"time"
)

// ErrNotFound says that there is no such key, version or multipart upload.
var ErrNotFound = errors.New("no such object")

// ErrExists says that a write with IfAbsent found the key taken.
var ErrExists = errors.New("object exists")

// ErrChecksum says that the bytes are not those of the checksum that was stated.
var ErrChecksum = errors.New("bytes do not match the checksum")

// Object describes one version of one key.
type Object struct {
	Key      string
	Version  string            // version id
	ETag     string            // without quotes
	Size     int64             // of the whole object, in bytes, also when only a range was read
	Type     string            // Content-Type as stored: what the writer declared
	Meta     map[string]string // user metadata, lower-case names without x-amz-meta-
	Modified time.Time
	Checksum Checksum // of the whole object, as Head, Put and CompleteParts tell it; zero where the bucket keeps none of the whole
}

// Version is one entry of a listing of versions.
type Version struct {
	Key, Version string
	Size         int64
	Latest       bool
	Marker       bool // a delete marker: no bytes
}

// FormSpec is what a POST policy form binds. Everything given here is signed; a form with anything else is refused by S3.
type FormSpec struct {
	Key              string
	Type             string            // exact Content-Type field
	Meta             map[string]string // exact x-amz-meta-* fields
	MinSize, MaxSize int64             // content-length-range in bytes, inclusive
	Checksum         Checksum          // with a value: S3 refuses other bytes; zero: none
	Expires          time.Time
}

// Form is a signed POST form: send every field, then the file as the field "file", as multipart/form-data to URL.
type Form struct {
	URL    string
	Fields map[string]string
}

// PutSpec is what a presigned PUT binds: exact length and type, and If-None-Match: * so that it works once.
type PutSpec struct {
	Key     string
	Type    string
	Meta    map[string]string
	Size    int64 // exact Content-Length in bytes
	Expires time.Time
}

// BareSpec is a presigned PUT for clients that send no header of ours: it binds the key, the host and, where it is said, the length. Type and
// everything else that is stored is the sender's, so nothing of it can be trusted, and it works any number of times.
type BareSpec struct {
	Key     string
	Size    int64 // exact Content-Length in bytes; 0: any
	Expires time.Time
}

// Request is a presigned request: send exactly these headers with it.
type Request struct {
	Method, URL string
	Headers     map[string]string
}

// PartSpec is what the presigned upload of one part binds.
type PartSpec struct {
	Number int   // 1 to 10,000
	Size   int64 // exact Content-Length in bytes; AnySize: not bound
}

// AnySize is the size of a part whose length is the sender's.
const AnySize = -1

// GetSpec is what a presigned GET or HEAD binds.
type GetSpec struct {
	Method       string // GET or HEAD; "" is GET
	Key, Version string // Version is required
	Type         string // response-content-type; "" leaves what is stored
	Disposition  string // response-content-disposition; "" sends none
	Expires      time.Time
}

// PutOptions are stored with an object.
type PutOptions struct {
	Type     string
	Meta     map[string]string
	IfAbsent bool // ErrExists if the key already has a current version
	// Checksum of the whole object. Put and CompleteParts refuse other bytes with ErrChecksum, and one that makes no sense with
	// fault.Invalid; Copy ignores it. StartParts takes the algorithm alone, which must be one that S3 computes over a whole multipart
	// upload: see Algorithm.WholeOfParts. CompleteParts compares only if StartParts was given the same algorithm.
	Checksum Checksum
}

// Part is one part of a multipart upload.
type Part struct {
	Number   int    // 1 to 10,000
	ETag     string // without quotes
	Size     int64
	Checksum Checksum // of this part; only ListParts tells it, of uploads that were started with an algorithm
}

// Upload is one multipart upload that is still open.
type Upload struct {
	Key, ID string
	Started time.Time
}

// Signer makes signed requests without a network call. Grants never outlive the signer's own credentials where those state an
// expiry: the returned time is when the grant really ends.
type Signer interface {
	SignForm(ctx context.Context, s FormSpec) (Form, time.Time, error)
	SignPut(ctx context.Context, s PutSpec) (Request, time.Time, error)
	SignBare(ctx context.Context, s BareSpec) (url string, ends time.Time, err error)
	SignGet(ctx context.Context, s GetSpec) (url string, err error)
	// SignPart signs the upload of one part of exactly size bytes.
	SignPart(ctx context.Context, key, upload string, number int, size int64, expires time.Time) (url string, err error)
	// SignParts signs many parts of one upload, many times faster than as many calls of SignPart: use it for more than one. The URLs come in
	// the order of ps, all end together, and share memory. Either all parts are of AnySize, or none is.
	SignParts(ctx context.Context, key, upload string, ps []PartSpec, expires time.Time) (urls []string, ends time.Time, err error)
}

// Reader reads objects.
type Reader interface {
	// Head describes a version; version "" is the current one.
	Head(ctx context.Context, key, version string) (Object, error)
	// Read reads up to n bytes from offset off of a version (version "" is the current one) with one ranged request. A range
	// that begins at or after the end gives no bytes and no error, and may take a second request; an empty object gives no bytes
	// and Size 0.
	Read(ctx context.Context, key, version string, off, n int64) ([]byte, Object, error)
	// Versions lists all versions and delete markers under a prefix, up to limit (0: all).
	Versions(ctx context.Context, prefix string, limit int) ([]Version, error)
}

// Writer writes and removes objects.
type Writer interface {
	// Put writes a new version with a known size.
	Put(ctx context.Context, key string, body io.ReadSeeker, size int64, o PutOptions) (Object, error)
	// Copy copies a version to another key, at most 5 GiB.
	Copy(ctx context.Context, srcKey, srcVersion, dstKey string, o PutOptions) (Object, error)
	// DeleteVersion removes exactly one version or delete marker. Removing what is not there is no error.
	DeleteVersion(ctx context.Context, key, version string) error
}

// Parts is the multipart interface of the bucket.
type Parts interface {
	StartParts(ctx context.Context, key string, o PutOptions) (upload string, err error)
	PutPart(ctx context.Context, key, upload string, number int, body io.ReadSeeker, size int64) (Part, error)
	// StreamPart is PutPart for a body that can be read only once: it is not kept in memory, and the request not repeated. Size bytes are
	// read at most. A body that fails is that error, one that ends early is io.ErrUnexpectedEOF, and neither leaves anything. A read that
	// is under way when the call returns, because the context ended or the bucket refused early, may end after it; none begins.
	StreamPart(ctx context.Context, key, upload string, number int, body io.Reader, size int64) (Part, error)
	// ListParts lists the parts with numbers above after, in order, up to limit (1 to 1,000); more says whether others follow.
	ListParts(ctx context.Context, key, upload string, after, limit int) (ps []Part, more bool, err error)
	// Uploads lists the multipart uploads under a prefix that are neither completed nor aborted.
	Uploads(ctx context.Context, prefix string) ([]Upload, error)
	// CompleteParts joins the parts, which may take minutes: only the context bounds it. A repeat after success answers the same for a
	// while and is ErrNotFound later: look at the object. Parts that are not what was uploaded (number, ETag, order, sum of the sizes
	// where all are stated, under 5 MiB before the last) are fault.Invalid, and the upload stays open. ErrChecksum has made no object;
	// the upload is still there and holds the wrong bytes, so abort it.
	CompleteParts(ctx context.Context, key, upload string, ps []Part, o PutOptions) (Object, error)
	// AbortParts drops an upload and its parts. Aborting what is not there is no error.
	AbortParts(ctx context.Context, key, upload string) error
}

// Bucket is everything.
type Bucket interface {
	Signer
	Reader
	Writer
	Parts
}
