package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/upload"
)

// maxSignMS is the bar for 10,000 part URLs, in milliseconds of processor time: DESIGN.md, "Numbers to hold".
const maxSignMS = 60

// manyParts is how many URLs a whole multipart upload has at most: S3's limit.
const manyParts = 10_000

// partSize is the size of the parts that are signed, in bytes.
const partSize = 64 << 20

// signsAtOnce is how many part URLs one answer holds.
const signsAtOnce = upload.PartsPage

// signer signs many.
type signer struct {
	name  string
	sign  func(count int) error
	rival int     // how many rows further down the SDK's way is; 0 is none
	bar   float64 // of all, in milliseconds; 0 is none
	spent []float64
}

// sign measures the processor time of signing, ours and the SDK's in turns. No request is sent.
func (b *bench) sign(ctx context.Context) (result, error) {
	signers := append(newSigners(ctx, benchToken(), ""), newSigners(ctx, "", ", no session token")...)
	rounds, count := b.pick(5, 3), b.pick(manyParts, manyParts/10)
	for round := range rounds + 1 {
		b.progress("signing, round %d of %d", round, rounds)
		for _, s := range signers {
			used, err := processorTime(count, s.sign)
			if err != nil {
				return result{}, fmt.Errorf("%s: %w", s.name, err)
			}
			if round > 0 { // the first is to warm up
				s.spent = append(s.spent, microseconds(used)/float64(count))
			}
		}
	}
	const one, all, toSDK = "each", "10,000 of them", "to the SDK"
	res := result{
		Title: "Signing",
		Notes: []string{
			fmt.Sprintf("Processor time, garbage collection included; medians over %d rounds of %d each, in turns.", rounds, count),
			"Functions sign with a session token, which is part of every URL.",
			"The bar was set on a machine on which the SDK's presigner needs 770 ms.",
		},
		Columns: []string{one, all, toSDK},
	}
	for i, s := range signers {
		us := median(s.spent)
		r := row{Name: s.name, Cells: map[string]quantity{one: {us, unitUS}, all: {us * manyParts / 1000, unitMS}}}
		if s.rival > 0 {
			r.Cells[toSDK] = quantity{us / median(signers[i+s.rival].spent), unitRatio}
		}
		if s.bar > 0 {
			r.hold(all, s.bar)
		}
		res.Rows = append(res.Rows, r)
	}
	return res, nil
}

// newSigners gives what is compared under credentials with a session token, or without.
func newSigners(ctx context.Context, token, remark string) []*signer {
	client := s3Client(token)
	bucket, presigner := s3blob.New(client, benchBucket, s3blob.Options{}), s3.NewPresignClient(client)
	w := id.NewWorkspace(time.Now())
	key := schema.Source{Workspace: w, Asset: id.NewAsset(w, time.Now()), Generation: 1}.Key()
	uploadID, end := strings.Repeat("u", 100), soon()
	spec := blob.FormSpec{Key: key, Type: "image/png", Meta: map[string]string{"declared": "image/png"}, MinSize: 1, MaxSize: 5 << 30, Expires: end}
	form := func(int) error {
		_, _, err := bucket.SignForm(ctx, spec)
		return err
	}
	part := func(n int) error {
		_, err := bucket.SignPart(ctx, key, uploadID, n+1, partSize, end)
		return err
	}
	specs := make([]blob.PartSpec, manyParts)
	for i := range specs {
		specs[i] = blob.PartSpec{Number: i + 1, Size: partSize}
	}
	pages := func(count int) error {
		for page := range slices.Chunk(specs[:count], signsAtOnce) {
			if _, _, err := bucket.SignParts(ctx, key, uploadID, page, end); err != nil {
				return err
			}
		}
		return nil
	}
	presign := func(n int) error {
		_, err := presigner.PresignUploadPart(ctx, &s3.UploadPartInput{
			Bucket: aws.String(benchBucket), Key: &key, UploadId: &uploadID,
			PartNumber: aws.Int32(int32(n + 1)), ContentLength: aws.Int64(partSize),
		})
		return err
	}
	return []*signer{
		{name: "form" + remark, sign: each(form)},
		{name: "part URL, a page of 1,000 at once" + remark, sign: pages, rival: 2, bar: maxSignMS},
		{name: "part URL, one by one" + remark, sign: each(part), rival: 1},
		{name: "part URL by the SDK's presigner" + remark, sign: each(presign)},
	}
}

// each signs one after the other.
func each(do func(n int) error) func(count int) error {
	return func(count int) error {
		for n := range count {
			if err := do(n); err != nil {
				return err
			}
		}
		return nil
	}
}

// processorTime is what this process used while f did something count times. Nothing else may run in it meanwhile.
func processorTime(count int, f func(count int) error) (time.Duration, error) {
	before, err := cpuTime()
	if err != nil {
		return 0, err
	}
	if err := f(count); err != nil {
		return 0, err
	}
	after, err := cpuTime()
	return after - before, err
}
