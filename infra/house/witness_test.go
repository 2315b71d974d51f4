package house

import (
	"context"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/table"
)

// witness notes which rights a function would need in AWS for what it calls.
type witness struct {
	mu   sync.Mutex
	used []string
}

func (w *witness) note(rights ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.used = append(w.used, rights...)
}

// judge complains of calls that the role of a function does not allow.
func (w *witness) judge(t *testing.T, function string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	allowed := rights(t, function)
	for _, right := range slices.Compact(slices.Sorted(slices.Values(w.used))) {
		if !slices.Contains(allowed, right) {
			t.Errorf("%s needs %s, which its role does not have: add it in template.yaml, or do not call it", function, right)
		}
	}
}

// watchedTable notes the calls of a table, as shared/table/dynamo makes them.
type watchedTable struct {
	table.Table
	name string // as resources has it
	*witness
}

func (w watchedTable) Get(ctx context.Context, k table.Key, c table.Consistency) (table.Item, error) {
	w.note("dynamodb:GetItem on " + w.name)
	return w.Table.Get(ctx, k, c)
}

func (w watchedTable) BatchGet(ctx context.Context, ks []table.Key, c table.Consistency) ([]table.Item, error) {
	w.note("dynamodb:BatchGetItem on " + w.name)
	return w.Table.BatchGet(ctx, ks, c)
}

func (w watchedTable) Query(ctx context.Context, q table.Query) (table.Page, error) {
	on := w.name
	if q.Index != "" {
		on = "index " + q.Index
	}
	w.note("dynamodb:Query on " + on)
	return w.Table.Query(ctx, q)
}

func (w watchedTable) Write(ctx context.Context, wr table.Write) (table.Item, error) {
	if wr.Verb == table.VerbCheck { // alone it is a read
		w.note("dynamodb:GetItem on " + w.name)
	} else {
		w.note(w.writeRight(wr))
	}
	return w.Table.Write(ctx, wr)
}

func (w watchedTable) Transact(ctx context.Context, ws []table.Write) error {
	for _, wr := range ws {
		w.note(w.writeRight(wr))
	}
	return w.Table.Transact(ctx, ws)
}

func (w watchedTable) writeRight(wr table.Write) string {
	return "dynamodb:" + map[table.Verb]string{
		table.VerbPut: "PutItem", table.VerbUpdate: "UpdateItem", table.VerbDelete: "DeleteItem", table.VerbCheck: "ConditionCheckItem",
	}[wr.Verb] + " on " + w.name
}

// watchedBucket notes the calls of a bucket, as the comment of shared/s3blob lists their rights. Calls that no function makes yet are not
// here: they would go unnoticed, so they panic.
type watchedBucket struct {
	bucket blob.Bucket
	*witness
}

func (w watchedBucket) SignForm(ctx context.Context, s blob.FormSpec) (blob.Form, time.Time, error) {
	w.note("s3:PutObject on source")
	return w.bucket.SignForm(ctx, s)
}

func (w watchedBucket) SignGet(ctx context.Context, s blob.GetSpec) (string, error) {
	w.note(readRight(s.Version, s.Key))
	return w.bucket.SignGet(ctx, s)
}

func (w watchedBucket) Head(ctx context.Context, key, version string) (blob.Object, error) {
	w.note(readRight(version, key))
	return w.bucket.Head(ctx, key, version)
}

func (w watchedBucket) Read(ctx context.Context, key, version string, off, n int64) ([]byte, blob.Object, error) {
	w.note(readRight(version, key))
	return w.bucket.Read(ctx, key, version, off, n)
}

func readRight(version, key string) string {
	if version == "" {
		return "s3:GetObject on " + kind(key)
	}
	return "s3:GetObjectVersion on " + kind(key)
}

// kind is the short name of the objects that a key is among.
func kind(key string) string {
	if strings.HasPrefix(key, "checkpoints/") {
		return "checkpoint"
	}
	return "source"
}

func (w watchedBucket) Versions(ctx context.Context, prefix string, limit int) ([]blob.Version, error) {
	top, _, _ := strings.Cut(prefix, "/")
	w.note("s3:ListBucketVersions on bucket by prefix " + top + "/*")
	return w.bucket.Versions(ctx, prefix, limit)
}

func (w watchedBucket) Put(ctx context.Context, key string, body io.ReadSeeker, size int64, o blob.PutOptions) (blob.Object, error) {
	w.note("s3:PutObject on " + kind(key))
	return w.bucket.Put(ctx, key, body, size, o)
}

func (w watchedBucket) DeleteVersion(ctx context.Context, key, version string) error {
	w.note("s3:DeleteObjectVersion on " + kind(key))
	return w.bucket.DeleteVersion(ctx, key, version)
}

func (w watchedBucket) SignBare(ctx context.Context, s blob.BareSpec) (string, time.Time, error) {
	w.note("s3:PutObject on source")
	return w.bucket.SignBare(ctx, s)
}

func (w watchedBucket) SignParts(ctx context.Context, key, upload string, ps []blob.PartSpec, expires time.Time) ([]string, time.Time, error) {
	w.note("s3:PutObject on source")
	return w.bucket.SignParts(ctx, key, upload, ps, expires)
}

func (w watchedBucket) StartParts(ctx context.Context, key string, o blob.PutOptions) (string, error) {
	w.note("s3:PutObject on source")
	return w.bucket.StartParts(ctx, key, o)
}

func (w watchedBucket) PutPart(ctx context.Context, key, upload string, number int, body io.ReadSeeker, size int64) (blob.Part, error) {
	w.note("s3:PutObject on source")
	return w.bucket.PutPart(ctx, key, upload, number, body, size)
}

func (w watchedBucket) StreamPart(ctx context.Context, key, upload string, number int, body io.Reader, size int64) (blob.Part, error) {
	w.note("s3:PutObject on source")
	return w.bucket.StreamPart(ctx, key, upload, number, body, size)
}

func (w watchedBucket) ListParts(ctx context.Context, key, upload string, after, limit int) ([]blob.Part, bool, error) {
	w.note("s3:ListMultipartUploadParts on source")
	return w.bucket.ListParts(ctx, key, upload, after, limit)
}

func (w watchedBucket) Uploads(ctx context.Context, prefix string) ([]blob.Upload, error) {
	w.note("s3:ListBucketMultipartUploads on bucket")
	return w.bucket.Uploads(ctx, prefix)
}

func (w watchedBucket) CompleteParts(ctx context.Context, key, upload string, ps []blob.Part, o blob.PutOptions) (blob.Object, error) {
	w.note("s3:PutObject on source")
	return w.bucket.CompleteParts(ctx, key, upload, ps, o)
}

func (w watchedBucket) AbortParts(ctx context.Context, key, upload string) error {
	w.note("s3:AbortMultipartUpload on source")
	return w.bucket.AbortParts(ctx, key, upload)
}

func (watchedBucket) Copy(context.Context, string, string, string, blob.PutOptions) (blob.Object, error) {
	panic("no function copies; say in watchedBucket what it needs")
}
