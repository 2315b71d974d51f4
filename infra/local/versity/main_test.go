package versity_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/s3blob"
)

// envParent makes the test binary a parent that a test kills: its value is the folder to serve.
const envParent = "VERSITY_TEST_PARENT"

const key = "w/ws/3f/asset/1/source"

func TestMain(m *testing.M) {
	versity.MainIfChild()
	if dir := os.Getenv(envParent); dir != "" {
		beParent(dir)
	}
	versitytest.Main(m)
}

// beParent serves until it is killed. It tells the address, and never finishes recording the event of a key that says so.
func beParent(dir string) {
	c := config(dir)
	c.OnEvent = func(e versity.Event) {
		if strings.HasPrefix(e.Key, "stuck/") {
			fmt.Println("stuck")
			select {}
		}
	}
	s, err := versity.Start(context.Background(), c)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(s.Addr())
	<-s.Done()
	os.Exit(1)
}

func config(dir string) versity.Config {
	return versity.Config{
		Dir: dir, AccessKey: versitytest.AccessKey, SecretKey: versitytest.SecretKey, Bucket: "assets",
		CORS: versity.CORS{Origins: []string{"https://app.example.com"}},
	}
}

// start runs a server of the test's own.
func start(t *testing.T, c versity.Config) *versity.Server {
	t.Helper()
	s, err := versity.Start(context.Background(), c)
	if err != nil {
		t.Fatalf("Start = %v", err)
	}
	t.Cleanup(s.Close)
	return s
}

func driver(s *versity.Server, bucket string) *s3blob.Bucket {
	return s3blob.New(s.Client(), bucket, s3blob.Options{})
}

func put(t *testing.T, b blob.Bucket, key, body string) blob.Object {
	t.Helper()
	o, err := b.Put(context.Background(), key, strings.NewReader(body), int64(len(body)), blob.PutOptions{Type: "image/png", Meta: map[string]string{"a": "ü"}})
	if err != nil {
		t.Fatalf("Put(%s) = %v", key, err)
	}
	return o
}

func soon() time.Time { return time.Now().Add(time.Minute) }

// sendForm posts a signed form and gives the status.
func sendForm(t *testing.T, s *versity.Server, b blob.Bucket, key, file string) int {
	t.Helper()
	f, _, err := b.SignForm(context.Background(), blob.FormSpec{Key: key, Type: "image/png", MaxSize: 1 << 20, Expires: soon()})
	if err != nil {
		t.Fatal(err)
	}
	body := &bytes.Buffer{}
	w := multipart.NewWriter(body)
	for k, v := range f.Fields {
		w.WriteField(k, v)
	}
	part, err := w.CreateFormFile("file", "a.png")
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(part, file)
	w.Close()
	resp, err := s.HTTP().Post(f.URL, w.FormDataContentType(), body)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// fetch sends a request without a body and gives status and headers.
func fetch(t *testing.T, c *http.Client, method, url string, headers map[string]string) (int, http.Header) {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode, resp.Header
}

// driverAt signs for a server that another process started.
func driverAt(addr string) *s3blob.Bucket {
	return s3blob.New(s3.New(s3.Options{
		Region: versity.DefaultRegion, BaseEndpoint: aws.String("http://" + addr), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(versitytest.AccessKey, versitytest.SecretKey, ""),
	}), "assets", s3blob.Options{})
}
