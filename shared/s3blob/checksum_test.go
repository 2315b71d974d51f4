package s3blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/minio/crc64nvme"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/s3blob"
)

// sum computes a checksum as S3 spells it.
func sum(a blob.Algorithm, body string) blob.Checksum {
	var b []byte
	switch a {
	case blob.SHA256:
		d := sha256.Sum256([]byte(body))
		b = d[:]
	case blob.CRC64NVME:
		b = binary.BigEndian.AppendUint64(nil, crc64nvme.Checksum([]byte(body)))
	case blob.CRC32C:
		b = binary.BigEndian.AppendUint32(nil, crc32.Checksum([]byte(body), crc32.MakeTable(crc32.Castagnoli)))
	case blob.CRC32:
		b = binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(body)))
	}
	return blob.Checksum{Algorithm: a, Value: base64.StdEncoding.EncodeToString(b)}
}

func TestAWriteIsCheckedAgainstItsChecksum(t *testing.T) {
	ctx := context.Background()
	for _, a := range blob.Algorithms() {
		t.Run(string(a), func(t *testing.T) {
			b, _ := open(t)
			right, wrong := sum(a, "pixels"), sum(a, "pixelz")
			_, err := b.Put(ctx, key, strings.NewReader("pixels"), 6, blob.PutOptions{Checksum: wrong})
			if !errors.Is(err, blob.ErrChecksum) {
				t.Errorf("Put with the checksum of other bytes = %v, want ErrChecksum", err)
			}
			wantEmpty(t, b)
			for _, given := range []blob.Checksum{right, {Algorithm: a}} {
				o, err := b.Put(ctx, key, strings.NewReader("pixels"), 6, blob.PutOptions{Checksum: given})
				if err != nil || o.Checksum != right {
					t.Fatalf("Put with %+v = %+v, %v; want checksum %v", given, o, err, right)
				}
				if h, err := b.Head(ctx, key, o.Version); err != nil || h.Checksum != right {
					t.Errorf("Head = %+v, %v; want checksum %v", h, err, right)
				}
			}
		})
	}
}

func TestAFormIsCheckedAgainstItsChecksum(t *testing.T) {
	for _, a := range blob.Algorithms() {
		t.Run(string(a), func(t *testing.T) {
			b, s := open(t)
			spec := formSpec()
			spec.Checksum = sum(a, "pixels")
			field := "x-amz-checksum-" + strings.ToLower(string(a))
			for name, abuse := range map[string]func(f map[string]string){
				"the checksum of other bytes, which the policy does not bind": func(f map[string]string) { f[field] = sum(a, "pixelz").Value },
				"no checksum": func(f map[string]string) { delete(f, field) },
				"two":         func(f map[string]string) { f["x-amz-checksum-sha1"] = "9I3YU4IIYIFsddVND1hNyGMyenw=" },
			} {
				f := signForm(t, b, spec)
				abuse(f.Fields)
				if got := sendForm(t, s, f, "pixels"); got != 400 && got != 403 {
					t.Errorf("form with %s answered %d, want 400 or 403", name, got)
				}
			}
			if got := sendForm(t, s, signForm(t, b, spec), "pixelz"); got != 400 {
				t.Errorf("form with other bytes answered %d, want 400", got)
			}
			wantEmpty(t, b)
			if got := sendForm(t, s, signForm(t, b, spec), "pixels"); got != 204 {
				t.Fatalf("form answered %d, want 204", got)
			}
			if h, err := b.Head(context.Background(), key, ""); err != nil || h.Checksum != spec.Checksum {
				t.Errorf("Head = %+v, %v; want checksum %v", h, err, spec.Checksum)
			}
		})
	}
}

// bigPart is a whole part; its bytes differ, so that swapped pieces would give another checksum.
var bigPart = strings.Repeat("0123456789abcdef", partSize/16)

func TestPartsAreCheckedAgainstTheChecksumOfTheWhole(t *testing.T) {
	ctx := context.Background()
	for _, a := range []blob.Algorithm{blob.CRC64NVME, blob.CRC32C, blob.CRC32} {
		t.Run(string(a), func(t *testing.T) {
			b, s := open(t)
			o := blob.PutOptions{Type: "video/mp4", Checksum: blob.Checksum{Algorithm: a}}
			up := startParts(t, b, o)

			// A signed URL, a seekable body, a stream: none sends a checksum of its part.
			url, err := b.SignPart(ctx, key, up, 1, partSize, soon())
			if err != nil {
				t.Fatal(err)
			}
			if status, _, text := send(t, s, "PUT", url, nil, bigPart); status != 200 {
				t.Fatalf("signed part answered %d %s, want 200", status, text)
			}
			putPart(t, b, up, 2, bigPart)
			if _, err := b.StreamPart(ctx, key, up, 3, strings.NewReader("end"), 3); err != nil {
				t.Fatal(err)
			}
			ps, _, err := b.ListParts(ctx, key, up, 0, 1000)
			if err != nil || len(ps) != 3 || ps[0].Checksum != sum(a, bigPart) || ps[2].Checksum != sum(a, "end") {
				t.Fatalf("ListParts = %+v, %v; want three with their checksums", ps, err)
			}

			o.Checksum = sum(a, bigPart+"end"+bigPart)
			if _, err := b.CompleteParts(ctx, key, up, ps, o); !errors.Is(err, blob.ErrChecksum) {
				t.Errorf("CompleteParts with the checksum of other bytes = %v, want ErrChecksum", err)
			}
			wantEmpty(t, b)
			if us, err := b.Uploads(ctx, key); err != nil || len(us) != 1 {
				t.Errorf("Uploads = %v, %v; want the refused one still open", us, err)
			}
			o.Checksum = sum(a, bigPart+bigPart+"end")
			done, err := b.CompleteParts(ctx, key, up, ps, o)
			if err != nil || done.Checksum != o.Checksum || done.Version == "" {
				t.Fatalf("CompleteParts = %+v, %v; want checksum %v", done, err, o.Checksum)
			}
			if h, err := b.Head(ctx, key, done.Version); err != nil || h.Checksum != o.Checksum || h.Size != 2*partSize+3 {
				t.Errorf("Head = %+v, %v; want checksum %v", h, err, o.Checksum)
			}
		})
	}
}

func TestPartsWithoutAValueGetTheChecksumThatTheyWereStartedWith(t *testing.T) {
	b, _ := open(t)
	ctx := context.Background()
	o := blob.PutOptions{Checksum: blob.Checksum{Algorithm: blob.CRC32C}}
	up := startParts(t, b, o)
	p := putPart(t, b, up, 1, "only")
	done, err := b.CompleteParts(ctx, key, up, []blob.Part{p}, o)
	if err != nil || done.Checksum != sum(blob.CRC32C, "only") {
		t.Fatalf("CompleteParts = %+v, %v; want the checksum that S3 computed", done, err)
	}
	if h, err := b.Head(ctx, key, ""); err != nil || h.Checksum != done.Checksum {
		t.Errorf("Head = %+v, %v; want %v", h, err, done.Checksum)
	}
}

func TestACompositeChecksumIsNotOneOfTheWhole(t *testing.T) {
	b, s := open(t)
	ctx := context.Background()
	up, err := s.Client().CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &s.Bucket, Key: aws.String(key), ChecksumAlgorithm: types.ChecksumAlgorithmSha256})
	if err != nil {
		t.Fatal(err)
	}
	value := sum(blob.SHA256, "only").Value
	p, err := s.Client().UploadPart(ctx, &s3.UploadPartInput{Bucket: &s.Bucket, Key: aws.String(key), UploadId: up.UploadId,
		PartNumber: aws.Int32(1), Body: strings.NewReader("only"), ChecksumSHA256: &value})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Client().CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &s.Bucket, Key: aws.String(key), UploadId: up.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: p.ETag, ChecksumSHA256: &value}}}})
	if err != nil {
		t.Fatal(err)
	}
	if h, err := b.Head(ctx, key, ""); err != nil || h.Checksum != (blob.Checksum{}) {
		t.Errorf("Head = %+v, %v; want no checksum, since this one is not of the whole", h, err)
	}
}

func TestChecksumsThatMakeNoSenseAreNotSent(t *testing.T) {
	b := s3blob.New(s3.New(onAmazonClient("").Options(), func(o *s3.Options) { o.HTTPClient = nobody{} }), "assets", s3blob.Options{})
	ctx := context.Background()
	one := []blob.Part{{Number: 1, ETag: "e", Size: 1}}
	for name, c := range map[string]blob.Checksum{
		"an unknown algorithm":   {Algorithm: "MD4", Value: "AAAA"},
		"a value of another one": {Algorithm: blob.SHA256, Value: sum(blob.CRC32, "x").Value},
		"no base64":              {Algorithm: blob.CRC32C, Value: "not base64"},
		"no algorithm":           {Value: "AAAAAA=="},
	} {
		spec := formSpec()
		spec.Checksum = c
		_, _, form := b.SignForm(ctx, spec)
		_, put := b.Put(ctx, key, strings.NewReader("x"), 1, blob.PutOptions{Checksum: c})
		_, start := b.StartParts(ctx, key, blob.PutOptions{Checksum: c})
		_, complete := b.CompleteParts(ctx, key, "up", one, blob.PutOptions{Checksum: c})
		for method, err := range map[string]error{"SignForm": form, "Put": put, "StartParts": start, "CompleteParts": complete} {
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("%s with %s = %v, want fault.Invalid", method, name, err)
			}
		}
	}
	whole := blob.PutOptions{Checksum: sum(blob.SHA256, "x")}
	if _, err := b.StartParts(ctx, key, whole); !fault.Is(err, fault.Invalid) {
		t.Errorf("StartParts with SHA256 = %v, want fault.Invalid: S3 has none over the whole", err)
	}
	if _, err := b.CompleteParts(ctx, key, "up", one, whole); !fault.Is(err, fault.Invalid) {
		t.Errorf("CompleteParts with SHA256 = %v, want fault.Invalid", err)
	}
	spec := formSpec()
	spec.Checksum.Algorithm = blob.SHA256
	if _, _, err := b.SignForm(ctx, spec); !fault.Is(err, fault.Invalid) {
		t.Errorf("SignForm without a value = %v, want fault.Invalid: nothing would be bound", err)
	}
}

// nobody fails every request.
type nobody struct{}

func (nobody) Do(r *http.Request) (*http.Response, error) {
	return nil, errors.New("a request was sent to " + r.URL.Host)
}

func TestACheckedWriteSendsItsBodyAsItIs(t *testing.T) {
	b, s := open(t)
	body := bytes.Repeat([]byte{7}, 1<<20)
	ctx, meter := blob.WithMeter(context.Background())
	if _, err := b.Put(ctx, key, bytes.NewReader(body), int64(len(body)), blob.PutOptions{Checksum: blob.Checksum{Algorithm: blob.CRC64NVME}}); err != nil {
		t.Fatal(err)
	}
	h, err := s.Client().HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.Bucket, Key: aws.String(key)})
	if err != nil || aws.ToInt64(h.ContentLength) != int64(len(body)) || aws.ToString(h.ContentEncoding) != "" {
		t.Errorf("stored %d bytes in encoding %q, %v; want %d as they are", aws.ToInt64(h.ContentLength), aws.ToString(h.ContentEncoding), err, len(body))
	}
	if meter.Requests() != 1 {
		t.Errorf("requests = %v, want one", meter.ByOperation())
	}
}
