package s3blob_test

import (
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/s3blob"
)

func TestMain(m *testing.M) { versitytest.Main(m) }

// open gives a driver on a fresh bucket.
func open(t *testing.T) (*s3blob.Bucket, *versitytest.Server) {
	t.Helper()
	s := versitytest.Start(t)
	return s3blob.New(s.Client(), s.Bucket, s3blob.Options{}), s
}

// soon is an end for grants that outlast the test.
func soon() time.Time { return time.Now().Add(15 * time.Minute) }

func put(t *testing.T, b blob.Bucket, key, body string, o blob.PutOptions) blob.Object {
	t.Helper()
	obj, err := b.Put(context.Background(), key, strings.NewReader(body), int64(len(body)), o)
	if err != nil {
		t.Fatalf("Put(%s) = %v", key, err)
	}
	return obj
}

// formBody encodes a form the way a browser does: the fields, then the file.
func formBody(t *testing.T, fields map[string]string, file string) (body *bytes.Buffer, contentType string) {
	t.Helper()
	body = &bytes.Buffer{}
	w := multipart.NewWriter(body)
	for k, v := range fields {
		if err := w.WriteField(k, v); err != nil {
			t.Fatal(err)
		}
	}
	part, err := w.CreateFormFile("file", "holiday.png")
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(part, file)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return body, w.FormDataContentType()
}

// sendForm posts a form. The status is 0 when the server broke the connection instead of answering.
func sendForm(t *testing.T, s *versitytest.Server, f blob.Form, file string) int {
	t.Helper()
	body, contentType := formBody(t, f.Fields, file)
	resp, err := s.HTTP().Post(f.URL, contentType, body)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// send sends a signed request. The status is 0 when the server broke the connection instead of answering.
func send(t *testing.T, s *versitytest.Server, method, url string, headers map[string]string, body string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range headers {
		if k != "Content-Length" {
			req.Header.Set(k, v)
		}
	}
	resp, err := s.HTTP().Do(req)
	if err != nil {
		return 0, nil, ""
	}
	defer resp.Body.Close()
	got, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(got)
}

// hide puts a delete marker on a key, as a delete without a version does.
func hide(t *testing.T, s *versitytest.Server, key string) {
	t.Helper()
	if _, err := s.Client().DeleteObject(context.Background(), &s3.DeleteObjectInput{Bucket: &s.Bucket, Key: &key}); err != nil {
		t.Fatal(err)
	}
}
