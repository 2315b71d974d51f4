package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/upload"
)

// minUploadRate is the bar for the rate of an upload by parts, as a share of that of a plain S3 client: DESIGN.md, "Numbers to hold".
const minUploadRate = 0.95

// sendersAtOnce is how many parts are sent at once, by whoever sends: what browsers and SDKs do by default.
const sendersAtOnce = 4

// file is what is uploaded: a document of which every part but the first and the last is the same, so that it takes no memory.
type file struct {
	size   int64
	filler []byte // a whole part that does not compress
}

const (
	fileHead = "%PDF-1.7\n"
	fileTail = "\n%%EOF\n"
)

func newFile(size int64) (*file, error) {
	f := &file{size: size, filler: make([]byte, upload.MinPartSize)}
	_, err := rand.Read(f.filler)
	return f, err
}

func (f *file) parts() int { return int((f.size + upload.MinPartSize - 1) / upload.MinPartSize) }

// part gives the bytes of a part, from 1.
func (f *file) part(n int) *bytes.Reader {
	b := f.filler[:min(upload.MinPartSize, f.size-int64(n-1)*upload.MinPartSize)]
	if n > 1 && n < f.parts() {
		return bytes.NewReader(b)
	}
	b = bytes.Clone(b)
	if n == 1 {
		copy(b, fileHead)
	}
	if n == f.parts() {
		copy(b[len(b)-len(fileTail):], fileTail)
	}
	return bytes.NewReader(b)
}

// sendAll sends all parts, several at once, and stops at the first failure.
func (f *file) sendAll(ctx context.Context, send func(ctx context.Context, n int, body *bytes.Reader) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	numbers := make(chan int)
	var wg sync.WaitGroup
	for range sendersAtOnce {
		wg.Go(func() {
			for n := range numbers {
				if err := send(ctx, n, f.part(n)); err != nil {
					stop(fmt.Errorf("part %d: %w", n, err))
				}
			}
		})
	}
	for n := 1; n <= f.parts() && ctx.Err() == nil; n++ {
		select {
		case numbers <- n:
		case <-ctx.Done():
		}
	}
	close(numbers)
	wg.Wait()
	return context.Cause(ctx)
}

// uploader is one way to upload the file; it removes what it stored outside of the time.
type uploader struct {
	name  string
	store func(ctx context.Context, f *file) (key, version string, err error)
	took  []float64 // seconds, by round
}

// stored are the engines of the benchmark with a bucket that keeps bytes.
type stored struct {
	engines
	bucket blob.Bucket
}

func (s stored) Bucket() blob.Bucket { return s.bucket }

// upload measures an upload by parts against a plain S3 client's, to the same local S3, in turns.
func (b *bench) upload(ctx context.Context) (_ result, err error) {
	srv, err := versity.Start(ctx, versity.Config{
		Dir: filepath.Join(b.dir, "s3"), AccessKey: benchKeyID, SecretKey: benchSecret, Bucket: benchBucket})
	if err != nil {
		return result{}, err
	}
	defer srv.Close()
	bucket := s3blob.New(srv.Client(), benchBucket, s3blob.Options{})
	t, err := openTenant(ctx, filepath.Join(b.dir, "upload.db"))
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, t.db.Close()) }()
	t.Services = boot.New(stored{engines{db: t.db, root: secret.NewRoot()}, bucket})
	f, err := newFile(int64(b.pick(1<<30, 256<<20)))
	if err != nil {
		return result{}, err
	}
	uploaders := []*uploader{
		{name: "Assetry: begin, send parts to signed URLs, complete", store: t.storeParts(srv.HTTP())},
		{name: "plain S3 client", store: storePlainly(srv)},
	}
	if err := b.race(ctx, uploaders, f, bucket); err != nil {
		return result{}, err
	}
	return uploadResult(uploaders, f), nil
}

// race uploads by both ways in turns; who begins changes from round to round. What one left to be written to the disk is not the other's.
func (b *bench) race(ctx context.Context, uploaders []*uploader, f *file, bucket blob.Bucket) error {
	rounds := b.pick(7, 3)
	for round := range rounds + 1 {
		b.progress("uploading %d MiB in %d parts, round %d of %d", f.size>>20, f.parts(), round, rounds)
		for i := range uploaders {
			u := uploaders[(i+round)%len(uploaders)]
			syscall.Sync()
			began := time.Now()
			key, version, err := u.store(ctx, f)
			took := time.Since(began)
			if err != nil {
				return fmt.Errorf("%s: %w", u.name, err)
			}
			if err := bucket.DeleteVersion(ctx, key, version); err != nil {
				return err
			}
			if round > 0 { // the first is to warm up
				u.took = append(u.took, took.Seconds())
			}
		}
	}
	return nil
}

func uploadResult(uploaders []*uploader, f *file) result {
	const each, rate, toPlain = "time", "rate", "rate to the plain client's"
	res := result{
		Title: fmt.Sprintf("Upload of %d MiB by parts", f.size>>20),
		Notes: []string{
			fmt.Sprintf("%d parts, %d at once, to one local S3 over http, in turns; medians over %d rounds, of the ratio as well.", f.parts(), sendersAtOnce, len(uploaders[0].took)),
			"Assetry's time is all of it: the row, the signing of all URLs, the listing of the parts, the joining, the inspection.",
		},
		Columns: []string{each, rate, toPlain},
	}
	ours, plain := uploaders[0], uploaders[1]
	ratios := make([]float64, len(ours.took))
	for i := range ratios {
		ratios[i] = plain.took[i] / ours.took[i]
	}
	for _, u := range uploaders {
		s := median(u.took)
		r := row{Name: u.name, Cells: map[string]quantity{each: {s * 1000, unitMS}, rate: {float64(f.size>>20) / s, unitRate}}}
		if u == ours {
			r.Cells[toPlain] = quantity{median(ratios), unitRatio}
			r.holdLeast(toPlain, minUploadRate)
		}
		res.Rows = append(res.Rows, r)
	}
	return res
}

// storeParts uploads as a client of the product does.
func (t *tenant) storeParts(client *http.Client) func(context.Context, *file) (string, string, error) {
	return func(ctx context.Context, f *file) (string, string, error) {
		draft := upload.Draft{Workspace: t.workspace, Name: "plans.pdf", Declared: "application/pdf"}
		a, grant, err := t.Uploads().BeginParts(ctx, t.principal, draft, f.size, upload.MinPartSize)
		if err != nil {
			return "", "", err
		}
		err = f.sendAll(ctx, func(ctx context.Context, n int, body *bytes.Reader) error {
			return sendTo(ctx, client, grant.Parts[n-1].URL, body)
		})
		if err != nil {
			return "", "", err
		}
		a, err = t.Uploads().CompleteParts(ctx, t.principal, a.ID, nil)
		if err != nil {
			return "", "", err
		}
		if a.State != asset.Ready || a.Size != f.size {
			return "", "", fmt.Errorf("the asset is %s with %d bytes, want %s with %d", a.State, a.Size, asset.Ready, f.size)
		}
		return a.Source().Key(), a.Object, nil
	}
}

// sendTo sends one part to its signed URL.
func sendTo(ctx context.Context, client *http.Client, url string, body *bytes.Reader) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, url, body)
	if err != nil {
		return err
	}
	res, err := client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10)) // what there is helps
		return fmt.Errorf("status %d: %s", res.StatusCode, said)
	}
	return nil
}

// storePlainly uploads with the SDK's client and nothing else. It does not hash every part for its signature, as over https.
func storePlainly(srv *versity.Server) func(context.Context, *file) (string, string, error) {
	client := s3.New(srv.Client().Options(), func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
	})
	return func(ctx context.Context, f *file) (string, string, error) {
		key := aws.String("w/plain/source")
		up, err := client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: aws.String(benchBucket), Key: key})
		if err != nil {
			return "", "", err
		}
		parts := make([]types.CompletedPart, f.parts())
		err = f.sendAll(ctx, func(ctx context.Context, n int, body *bytes.Reader) error {
			number := aws.Int32(int32(n))
			out, err := client.UploadPart(ctx, &s3.UploadPartInput{
				Bucket: aws.String(benchBucket), Key: key, UploadId: up.UploadId, PartNumber: number, Body: body})
			if err != nil {
				return err
			}
			parts[n-1] = types.CompletedPart{PartNumber: number, ETag: out.ETag}
			return nil
		})
		if err != nil {
			return "", "", err
		}
		done, err := client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: aws.String(benchBucket), Key: key,
			UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
		if err != nil {
			return "", "", err
		}
		return *key, aws.ToString(done.VersionId), nil
	}
}
