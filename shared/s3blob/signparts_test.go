package s3blob_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/s3blob"
)

// atTime is the SDK's signer with a clock.
type atTime struct {
	*v4.Signer
	at time.Time
}

func (s atTime) PresignHTTP(ctx context.Context, c aws.Credentials, r *http.Request, payload, service, region string, _ time.Time,
	opts ...func(*v4.SignerOptions)) (string, http.Header, error) {
	return s.Signer.PresignHTTP(ctx, c, r, payload, service, region, s.at, opts...)
}

// drawClient is a client of some bucket somewhere, with some credentials.
func drawClient(t *rapid.T) *s3.Client {
	token := rapid.OneOf(rapid.Just(""), rapid.StringOfN(rapid.RuneFrom([]rune("AZaz09+/=")), 1, 1200, -1)).Draw(t, "session token")
	return s3.New(s3.Options{
		Region: rapid.SampledFrom([]string{"eu-west-1", "us-east-1", "ap-southeast-2"}).Draw(t, "region"),
		Credentials: credentials.NewStaticCredentialsProvider(rapid.StringMatching(`[A-Z0-9]{16,24}`).Draw(t, "access key"),
			rapid.StringMatching(`[A-Za-z0-9+/]{1,80}`).Draw(t, "secret"), token),
		BaseEndpoint: rapid.SampledFrom([]*string{nil, aws.String("http://127.0.0.1:9000"), aws.String("https://store.example/s3")}).Draw(t, "endpoint"),
		UsePathStyle: rapid.Bool().Draw(t, "path style"),

		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
	})
}

func TestPartURLsAreByteForByteThoseOfTheSDK(t *testing.T) {
	ctx := context.Background()
	rapid.Check(t, func(t *rapid.T) {
		client := drawClient(t)
		at := time.Unix(rapid.Int64Range(1e9, 4e9).Draw(t, "time"), rapid.Int64Range(0, 1e9-1).Draw(t, "nanoseconds"))
		life := time.Duration(rapid.Int64Range(1, 7*24*3600).Draw(t, "seconds")) * time.Second
		key := rapid.OneOf(rapid.StringN(1, 60, 1024), rapid.StringMatching(`[ -~]{1,80}`), rapid.Just(key)).Draw(t, "key")
		upload := rapid.OneOf(rapid.StringMatching(`[A-Za-z0-9._~-]{1,150}`), rapid.StringN(1, 40, 200)).Draw(t, "upload")
		ps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) blob.PartSpec {
			return blob.PartSpec{Number: rapid.IntRange(1, 10_000).Draw(t, "number"), Size: rapid.Int64Range(1, 5<<30).Draw(t, "size")}
		}), 1, 5).Draw(t, "parts")
		anySize := rapid.Bool().Draw(t, "any size")
		if anySize {
			for i := range ps {
				ps[i].Size = blob.AnySize
			}
		}

		b := s3blob.New(client, "assets", s3blob.Options{Now: func() time.Time { return at }})
		got, ends, err := b.SignParts(ctx, key, upload, ps, at.Add(life))
		if err != nil {
			t.Fatalf("SignParts = %v", err)
		}
		lasts := at.Add(life).Sub(at.Truncate(time.Second)).Truncate(time.Second)
		if want := at.Truncate(time.Second).Add(lasts); !ends.Equal(want) {
			t.Fatalf("SignParts ends at %s, want %s", ends, want)
		}
		presigner := s3.NewPresignClient(client, s3.WithPresignExpires(lasts),
			func(o *s3.PresignOptions) {
				o.Presigner = atTime{v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }), at}
			})
		for i, p := range ps {
			in := &s3.UploadPartInput{Bucket: aws.String("assets"), Key: &key, UploadId: &upload, PartNumber: aws.Int32(int32(p.Number))}
			if !anySize {
				in.ContentLength = &p.Size
			}
			want, err := presigner.PresignUploadPart(ctx, in)
			if err != nil {
				t.Fatalf("the SDK's presigner: %v", err)
			}
			if got[i] != want.URL {
				t.Fatalf("URL %d of %d\n got %s\nwant %s", i, len(ps), got[i], want.URL)
			}
			if anySize {
				continue
			}
			if one, err := b.SignPart(ctx, key, upload, p.Number, p.Size, at.Add(life)); one != got[i] || err != nil {
				t.Fatalf("SignPart = %s, %v; want what SignParts gives: %s", one, err, got[i])
			}
		}
	})
}

func TestSigningManyPartsAllocatesForAllOfThem(t *testing.T) {
	b := onAmazon(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), longToken)
	ctx, end := context.Background(), time.Date(2026, 3, 4, 6, 6, 7, 0, time.UTC)
	ps := make([]blob.PartSpec, 10_000)
	for i := range ps {
		ps[i] = blob.PartSpec{Number: i + 1, Size: partSize}
	}
	const most = 60 // whatever the number of parts; 10,000 calls of the SDK's presigner make over two million
	n := testing.AllocsPerRun(3, func() {
		if _, _, err := b.SignParts(ctx, key, strings.Repeat("u", 100), ps, end); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("%.0f allocations", n)
	if n > most {
		t.Errorf("signing %d parts made %.0f allocations, want at most %d", len(ps), n, most)
	}
}

func TestSignedPartsAreAccepted(t *testing.T) {
	b, s := open(t)
	ctx := context.Background()
	up := startParts(t, b, blob.PutOptions{})
	var ps []blob.PartSpec
	for _, n := range []int{1, 2, 77, 9_999, 10_000} {
		ps = append(ps, blob.PartSpec{Number: n, Size: int64(len(strconv.Itoa(n)))})
	}
	urls, _, err := b.SignParts(ctx, key, up, ps, soon())
	if err != nil || len(urls) != len(ps) {
		t.Fatalf("SignParts = %d URLs, %v; want %d", len(urls), err, len(ps))
	}
	for i, p := range ps {
		if status, _, text := send(t, s, "PUT", urls[i], nil, strconv.Itoa(p.Number)); status != 200 {
			t.Errorf("part %d answered %d %s, want 200", p.Number, status, text)
		}
		if status, _, _ := send(t, s, "PUT", urls[i], nil, "another length"); status != 403 && status != 0 {
			t.Errorf("part %d of another length answered %d, want 403", p.Number, status)
		}
	}
	got, _, err := b.ListParts(ctx, key, up, 0, 1000)
	if err != nil || len(got) != len(ps) {
		t.Fatalf("ListParts = %+v, %v; want %d parts", got, err, len(ps))
	}
	for i, p := range got {
		if p.Number != ps[i].Number || p.Size != ps[i].Size {
			t.Errorf("part %d = %+v, want %+v", i, p, ps[i])
		}
	}
}

func TestPartsOutsideOfS3sLimitsAreNotSigned(t *testing.T) {
	b := s3blob.New(onAmazonClient(""), "assets", s3blob.Options{})
	good := blob.PartSpec{Number: 1, Size: 1}
	for name, bad := range map[string]blob.PartSpec{
		"number 0": {Number: 0, Size: 1}, "number 10,001": {Number: 10_001, Size: 1},
		"a negative size": {Number: 1, Size: -1}, "more than 5 GiB": {Number: 1, Size: 5<<30 + 1},
	} {
		if _, err := b.SignPart(context.Background(), key, "up", bad.Number, bad.Size, soon()); err == nil {
			t.Errorf("SignPart with %s is signed, want an error", name)
		}
		if urls, _, err := b.SignParts(context.Background(), key, "up", []blob.PartSpec{good, bad}, soon()); err == nil || urls != nil {
			t.Errorf("SignParts with %s = %v, want an error and no URL", name, urls)
		}
	}
	if urls, _, err := b.SignParts(context.Background(), key, "up", nil, soon()); err != nil || len(urls) != 0 {
		t.Errorf("SignParts of nothing = %v, %v; want nothing", urls, err)
	}
}

// longToken is as long as the session tokens of functions are.
var longToken = strings.Repeat("IQoJb3JpZ2luX2VjE/+=", 50)

// benchUpload is as long as Amazon's upload ids are.
var benchUpload = strings.Repeat("2~abcdefghi.", 9)

func BenchmarkSignPart(b *testing.B) {
	bucket := s3blob.New(onAmazonClient(longToken), "assets", s3blob.Options{})
	ctx, end := context.Background(), soon()
	for b.Loop() {
		if _, err := bucket.SignPart(ctx, key, benchUpload, 77, partSize, end); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSignParts(b *testing.B) {
	bucket := s3blob.New(onAmazonClient(longToken), "assets", s3blob.Options{})
	ctx, end := context.Background(), soon()
	for _, n := range []int{1_000, 10_000} {
		ps := make([]blob.PartSpec, n)
		for i := range ps {
			ps[i] = blob.PartSpec{Number: i + 1, Size: partSize}
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if _, _, err := bucket.SignParts(ctx, key, benchUpload, ps, end); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPresignPart is the same URL by the SDK's presigner.
func BenchmarkPresignPart(b *testing.B) {
	p := s3.NewPresignClient(onAmazonClient(longToken))
	number, size := int32(77), int64(partSize)
	in := &s3.UploadPartInput{Bucket: aws.String("assets"), Key: aws.String(key), UploadId: &benchUpload, PartNumber: &number, ContentLength: &size}
	for b.Loop() {
		if _, err := p.PresignUploadPart(context.Background(), in); err != nil {
			b.Fatal(err)
		}
	}
}
