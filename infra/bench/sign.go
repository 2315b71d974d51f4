package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/schema"
)

// maxSignMS is the bar for 10,000 part URLs, in milliseconds of processor time: DESIGN.md, "Numbers to hold".
const maxSignMS = 60

// manyParts is how many URLs a whole multipart upload has at most: S3's limit.
const manyParts = 10_000

// partSize is the size of the parts that are signed, in bytes.
const partSize = 64 << 20

// signer signs the n-th of many.
type signer struct {
	name  string
	sign  func(n int) error
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
	const each, all, toSDK = "each", "10,000 of them", "to the SDK"
	res := result{
		Title: "Signing",
		Notes: []string{
			fmt.Sprintf("Processor time, garbage collection included; medians over %d rounds of %d each, in turns.", rounds, count),
			"Functions sign with a session token, which is part of every URL.",
			"The bar was set on a machine on which the SDK's presigner needs 770 ms.",
		},
		Columns: []string{each, all, toSDK},
	}
	for i, s := range signers {
		one := median(s.spent)
		r := row{Name: s.name, Cells: map[string]quantity{each: {one, unitUS}, all: {one * manyParts / 1000, unitMS}}}
		if s.rival > 0 {
			r.Cells[toSDK] = quantity{one / median(signers[i+s.rival].spent), unitRatio}
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
	upload, end := strings.Repeat("u", 100), soon()
	spec := blob.FormSpec{Key: key, Type: "image/png", Meta: map[string]string{"declared": "image/png"}, MinSize: 1, MaxSize: 5 << 30, Expires: end}
	form := func(int) error {
		_, _, err := bucket.SignForm(ctx, spec)
		return err
	}
	part := func(n int) error {
		_, err := bucket.SignPart(ctx, key, upload, n+1, partSize, end)
		return err
	}
	presign := func(n int) error {
		_, err := presigner.PresignUploadPart(ctx, &s3.UploadPartInput{
			Bucket: aws.String(benchBucket), Key: &key, UploadId: &upload,
			PartNumber: aws.Int32(int32(n + 1)), ContentLength: aws.Int64(partSize),
		})
		return err
	}
	return []*signer{
		{name: "form" + remark, sign: form},
		{name: "part URL" + remark, sign: part, rival: 1, bar: maxSignMS},
		{name: "part URL by the SDK's presigner" + remark, sign: presign},
	}
}

// processorTime is what this process used while f was called count times. Nothing else may run in it meanwhile.
func processorTime(count int, f func(n int) error) (time.Duration, error) {
	before, err := cpuTime()
	if err != nil {
		return 0, err
	}
	for n := range count {
		if err := f(n); err != nil {
			return 0, err
		}
	}
	after, err := cpuTime()
	return after - before, err
}
