package recorder_test

import (
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/identity"
	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/infra/recorder"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/s3blob"
)

const key = "w/ws/3f/asset/1/source"

// real is a bucket of the test's own behind a recorder, seen by a function.
type real struct {
	client  *s3.Client
	bucket  *s3blob.Bucket
	name    string
	address string
	out     *lines
}

// startReal starts a server that knows the function, with a recorder before it.
func startReal(t *testing.T) *real {
	t.Helper()
	c := identity.Of("stack", function)
	s, err := versity.Start(t.Context(), versity.Config{
		Dir: t.TempDir(), AccessKey: "assetry", SecretKey: "stack", Bucket: "assetry", Accounts: map[string]string{c.AccessKey: c.SecretKey}, CORS: versity.CORS{Origins: []string{"*"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	w := &real{name: "assetry"}
	r, out := watched(t, stack(w.name))
	w.out, w.address = out, before(t, r, s.URL())
	w.client = w.as(c.AccessKey, c.SecretKey)
	w.bucket = s3blob.New(w.client, w.name, s3blob.Options{})
	return w
}

// as is a client with some account, through the recorder.
func (w *real) as(access, secret string) *s3.Client {
	return s3.New(s3.Options{
		Region: versity.DefaultRegion, BaseEndpoint: &w.address, UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials:                credentials.NewStaticCredentialsProvider(access, secret, ""),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
	})
}

// taken gives the records since the last time.
func (w *real) taken(t *testing.T) []recorder.Call {
	t.Helper()
	calls := w.out.calls(t)
	w.out.mu.Lock()
	defer w.out.mu.Unlock()
	w.out.buf.Reset()
	return calls
}

func TestEveryCallOfTheBucketIsItsRights(t *testing.T) {
	w := startReal(t)
	ctx := context.Background()
	put, err := w.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &w.name, Key: aws.String(key), Body: strings.NewReader("pixels")})
	if err != nil {
		t.Fatal(err)
	}
	up, err := w.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &w.name, Key: aws.String(key)})
	if err != nil {
		t.Fatal(err)
	}
	const object = "Bucket/w/*/source"
	// In this order: each stands on those before it. A call that was noted is not noted again, so each right is seen where it first comes.
	for _, tt := range []struct {
		name string
		call func() error
		want []recorder.Call
	}{
		{"what came before", func() error { return nil }, used("s3:PutObject " + object)},
		{"a part, and the join, are writes", func() error {
			part, err := w.client.UploadPart(ctx, &s3.UploadPartInput{Bucket: &w.name, Key: aws.String(key), UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("part")})
			if err != nil {
				return err
			}
			if _, err := w.client.ListParts(ctx, &s3.ListPartsInput{Bucket: &w.name, Key: aws.String(key), UploadId: up.UploadId}); err != nil {
				return err
			}
			_, err = w.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &w.name, Key: aws.String(key), UploadId: up.UploadId,
				MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag}}}})
			return err
		}, used("s3:ListMultipartUploadParts " + object)},
		{"a head is a get", func() error {
			_, err := w.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &w.name, Key: aws.String(key)})
			return err
		}, used("s3:GetObject " + object)},
		{"a get of a version", func() error {
			_, err := w.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &w.name, Key: aws.String(key), VersionId: put.VersionId})
			return err
		}, used("s3:GetObjectVersion " + object)},
		{"a copy reads one key and writes another", func() error {
			_, err := w.client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &w.name, Key: aws.String("x/copy"), CopySource: aws.String(w.name + "/" + key)})
			return err
		}, used("s3:PutObject Bucket/x/copy")},
		{"a delete that hides", func() error {
			_, err := w.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &w.name, Key: aws.String("x/copy")})
			return err
		}, used("s3:DeleteObject Bucket/x/copy")},
		{"a delete of a version", func() error { return w.bucket.DeleteVersion(ctx, key, *put.VersionId) }, used("s3:DeleteObjectVersion " + object)},
		{"several deletes", func() error {
			_, err := w.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &w.name, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("y/a")}, {Key: aws.String("y/b"), VersionId: put.VersionId}}}})
			return err
		}, used("s3:DeleteObject Bucket/y/a", "s3:DeleteObjectVersion Bucket/y/b")},
		{"an abort", func() error {
			up, err := w.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &w.name, Key: aws.String(key)})
			if err != nil {
				return err
			}
			return w.bucket.AbortParts(ctx, key, *up.UploadId)
		}, used("s3:AbortMultipartUpload " + object)},
		{"versions by prefix", func() error { _, err := w.bucket.Versions(ctx, "w/ws/3f/", 0); return err }, used("s3:ListBucketVersions Bucket w/*")},
		{"all versions", func() error { _, err := w.bucket.Versions(ctx, "", 0); return err }, used("s3:ListBucketVersions Bucket *")},
		{"open uploads", func() error { _, err := w.bucket.Uploads(ctx, "w/ws/"); return err }, used("s3:ListBucketMultipartUploads Bucket")},
		{"keys", func() error {
			_, err := w.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &w.name, Prefix: aws.String("w/")})
			return err
		}, used("s3:ListBucket Bucket w/*")},
		{"a setting of the bucket is unmapped", func() error {
			_, err := w.client.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &w.name})
			return err
		}, []recorder.Call{{Function: function, Unmapped: "GET ?versioning: ?versioning is not known; add it to infra/recorder"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.call(); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, w.taken(t)); d != "" {
				t.Errorf("noted (-want +got):\n%s", d)
			}
		})
	}
}

// post sends a form with a file and gives the status.
func post(t *testing.T, f blob.Form, file string) int {
	t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for k, v := range f.Fields {
		if err := m.WriteField(k, v); err != nil {
			t.Fatal(err)
		}
	}
	part, err := m.CreateFormFile("file", "a.png")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(part, file); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return send(t, "POST", f.URL, map[string]string{"Content-Type": m.FormDataContentType()}, &body)
}

func send(t *testing.T, method, url string, headers map[string]string, body io.Reader) int {
	t.Helper()
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	res.Body.Close()
	return res.StatusCode
}

func TestWhatOthersSendIsTheSignersAndCountsOnceItSucceeded(t *testing.T) {
	w := startReal(t)
	ctx := context.Background()
	soon := time.Now().Add(time.Minute)
	form, _, err := w.bucket.SignForm(ctx, blob.FormSpec{Key: key, Type: "image/png", MaxSize: 8 << 20, Expires: soon})
	if err != nil {
		t.Fatal(err)
	}
	if status := post(t, form, strings.Repeat("x", 9<<20)); status/100 != 4 {
		t.Errorf("a form with too large a file answered %d", status)
	}
	wrong := blob.Form{URL: form.URL, Fields: map[string]string{}}
	for k, v := range form.Fields {
		wrong.Fields[k] = v
	}
	wrong.Fields["key"] = "elsewhere"
	if status := post(t, wrong, "pixels"); status != 403 {
		t.Errorf("a form with another key answered %d, want 403", status)
	}
	get, err := w.bucket.SignGet(ctx, blob.GetSpec{Key: key, Version: "01ARZ3NDEKTSV4RRFFQ69G5FAV", Expires: soon})
	if err != nil {
		t.Fatal(err)
	}
	if status := send(t, "GET", get, nil, nil); status/100 != 4 {
		t.Errorf("an address of nothing answered %d", status)
	}
	if got := w.taken(t); len(got) != 0 {
		t.Errorf("refused requests were noted: %v", got)
	}

	if status := post(t, form, strings.Repeat("x", 7<<20)); status/100 != 2 {
		t.Errorf("the form answered %d", status)
	}
	if d := cmp.Diff(used("s3:PutObject Bucket/w/*/source"), w.taken(t)); d != "" {
		t.Errorf("a form (-want +got):\n%s", d)
	}
	head, err := w.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &w.name, Key: aws.String(key)})
	if err != nil || *head.ContentLength != 7<<20 {
		t.Fatalf("HeadObject = %+v, %v", head, err)
	}
	w.taken(t)
	get, err = w.bucket.SignGet(ctx, blob.GetSpec{Key: key, Version: *head.VersionId, Expires: soon})
	if err != nil {
		t.Fatal(err)
	}
	if status := send(t, "GET", get, nil, nil); status != 200 {
		t.Errorf("the address answered %d", status)
	}
	if d := cmp.Diff(used("s3:GetObjectVersion Bucket/w/*/source"), w.taken(t)); d != "" {
		t.Errorf("an address (-want +got):\n%s", d)
	}
}

func TestAFunctionsOwnRequestCountsThoughItWasRefused(t *testing.T) {
	w := startReal(t)
	if _, err := w.client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &w.name, Key: aws.String(key)}); err == nil {
		t.Fatal("a missing key was found")
	}
	if d := cmp.Diff(used("s3:GetObject Bucket/w/*/source"), w.taken(t)); d != "" {
		t.Errorf("noted (-want +got):\n%s", d)
	}
}

func TestOthersAreNotNoted(t *testing.T) {
	w := startReal(t)
	if _, err := w.as("assetry", "stack").ListBuckets(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	send(t, "GET", w.address+"/assetry/"+key, nil, nil)
	get, err := w.bucket.SignGet(t.Context(), blob.GetSpec{Key: key, Version: "01ARZ3NDEKTSV4RRFFQ69G5FAV", Expires: time.Now().Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{w.address + "/assetry/" + key, get} { // what a browser asks before it sends to an address, signed or not
		send(t, "OPTIONS", address, map[string]string{"Origin": "https://app.example.com", "Access-Control-Request-Method": "GET"}, nil)
	}
	if got := w.taken(t); len(got) != 0 {
		t.Errorf("noted %v", got)
	}
}
