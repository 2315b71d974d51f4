package orders_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/shared/api/orders"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/importer"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/upload"
)

// What Lambda gives back at most, and what a function of 1,024 MB has of a CPU in a second.
const (
	lambdaAnswer = 6 << 20
	cpuSecond    = 1024 * time.Second / 1769
)

// signed makes the URLs of parts by another signer: the local bucket takes no request that carries a session token.
type signed struct {
	blob.Bucket
	signer *s3blob.Bucket
}

func (b signed) SignParts(ctx context.Context, key, up string, ps []blob.PartSpec, expires time.Time) ([]string, time.Time, error) {
	return b.signer.SignParts(ctx, key, up, ps, expires)
}

// counted counts the requests of a client of the bucket.
type counted struct{ n *atomic.Int64 }

func (c counted) Do(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return http.DefaultClient.Do(r)
}

// sign makes the bucket's URLs with a session token of some length, as the role of a function has one, and counts what is asked of the bucket.
func (s *stack) sign(session int) *atomic.Int64 {
	s.t.Helper()
	engine := versitytest.Start(s.t)
	o := engine.Client().Options()
	keys, err := o.Credentials.Retrieve(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	token := strings.Repeat("IQoJb3JpZ2luX2VjEAwIaBAAGXVz/+", session/30+1)[:session]
	asked := &atomic.Int64{}
	o.HTTPClient = counted{asked}
	plain := s3blob.New(s3.New(o), engine.Bucket, s3blob.Options{})
	o.Credentials = credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, token)
	bucket := signed{plain, s3blob.New(s3.New(o), engine.Bucket, s3blob.Options{})}
	s.uploads = upload.New(upload.Parts{
		Table: s.rows, Bucket: bucket, Assets: s.assets, Workspaces: s.accounts, Remote: importer.New(importer.Options{}),
	}, upload.Options{Now: s.now})
	s.orders = order.New(order.Parts{Table: s.rows, Bucket: bucket, Assets: s.assets, Uploads: s.uploads, Sealer: page.NewSealer(secret.NewRoot())}, order.Options{Now: s.now})
	s.door = orders.Graphql(s)
	return asked
}

// lambda sends a request as API Gateway would, and gives the function's answer as Lambda carries it.
func (s *stack) lambda(body string, header map[string]string) []byte {
	s.t.Helper()
	e := events.APIGatewayV2HTTPRequest{Version: "2.0", RawPath: "/v1/graphql", Body: body, Headers: map[string]string{
		"content-type": "application/json", "authorization": "Bearer " + s.token, "host": "api.example",
	}}
	for name, value := range header {
		e.Headers[name] = value
	}
	e.RequestContext.HTTP.Method = http.MethodPost
	payload, err := json.Marshal(e)
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := web.Invoke(s.door).Invoke(context.Background(), payload)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// unpacked is the body that a client makes of what Lambda carries.
func unpacked(t *testing.T, carried []byte) (a answer, packed int) {
	t.Helper()
	var res events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(carried, &res); err != nil {
		t.Fatal(err)
	}
	body := []byte(res.Body)
	if res.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(res.Body); err != nil {
			t.Fatal(err)
		}
	}
	packed = len(body)
	if res.Headers["Content-Encoding"] == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if body, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	a.status = res.StatusCode
	if err := json.Unmarshal(body, &a); err != nil {
		t.Fatalf("%.300s: %v", body, err)
	}
	return a, packed
}

func (s *stack) beginParts(o string, parts int, more string) string {
	q := fmt.Sprintf(`mutation { initializeUpload(order_id: %q, asset_type: "xyz", upload_type: "multi", total_parts: %d%s) { asset_id upload_id part_urls next_cursor } }`, o, parts, more)
	b, err := json.Marshal(map[string]string{"query": q})
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

// session is what an upload of many parts answers.
type session struct {
	AssetID  string `json:"asset_id"`
	UploadID string `json:"upload_id"`
	Next     string `json:"next_cursor"`
	Parts    []struct {
		Number int    `json:"PartNumber"`
		URL    string `json:"signedUrl"`
	} `json:"part_urls"`
}

func sessionOf(t *testing.T, a answer, field string) (s session) {
	t.Helper()
	if len(a.Errors) > 0 {
		t.Fatalf("errors: %+v", a.Errors)
	}
	if err := json.Unmarshal(a.Data[field], &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func cpu(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestTenThousandPartURLsInOneAnswer(t *testing.T) {
	for _, length := range []int{1000, 1400} {
		t.Run(fmt.Sprintf("a session token of %d characters", length), func(t *testing.T) {
			s := newStack(t)
			s.sign(length)
			o := s.newOrder().OrderID
			least := time.Hour
			var carried []byte
			for range 3 {
				before := cpu(t)
				carried = s.lambda(s.beginParts(o, 10_000, ""), map[string]string{"accept-encoding": "gzip, deflate"})
				least = min(least, cpu(t)-before)
			}
			if least > cpuSecond*orders.Patience {
				t.Errorf("it took %v of a CPU, want at most %v: a second at 1,024 MB", least, cpuSecond)
			}
			if len(carried) > lambdaAnswer {
				t.Errorf("Lambda carries %d bytes, more than its %d", len(carried), lambdaAnswer)
			}
			a, packed := unpacked(t, carried)
			got := sessionOf(t, a, "initializeUpload")
			if len(got.Parts) != 10_000 || got.Parts[9_999].Number != 10_000 || !strings.Contains(got.Parts[9_999].URL, "partNumber=10000") || got.UploadID == "" {
				t.Errorf("%d part URLs, upload %q", len(got.Parts), got.UploadID)
			}
			t.Logf("%d bytes packed, %d carried, %v of a CPU", packed, len(carried), least)
		})
	}
}

func TestAnAnswerThatIsNotCompressedHasTheURLsThatFit(t *testing.T) {
	s := newStack(t)
	asked := s.sign(1000)
	o := s.newOrder().OrderID
	before := asked.Load()
	a, _ := unpacked(t, s.lambda(s.beginParts(o, 10_000, ""), nil))
	if len(a.Errors) != 1 || a.Errors[0].Extensions.Code != "BAD_USER_INPUT" || !strings.Contains(a.Errors[0].Message, "Accept-Encoding: gzip, or first: ") {
		t.Fatalf("answer: %+v", a)
	}
	if n := asked.Load() - before; n != 0 {
		t.Errorf("the bucket was asked %d times before it was refused", n)
	}
	var room int
	_, rest, _ := strings.Cut(a.Errors[0].Message, "or first: ")
	if _, err := fmt.Sscanf(rest, "%d", &room); err != nil || room < 1000 {
		t.Fatalf("room for %d parts in %q: %v", room, rest, err)
	}
	carried := s.lambda(s.beginParts(o, 10_000, fmt.Sprintf(", first: %d", room)), nil)
	if len(carried) > lambdaAnswer || len(carried) < lambdaAnswer*7/10 {
		t.Errorf("with first: %d Lambda carries %d bytes, want nearly %d and no more", room, len(carried), lambdaAnswer)
	}
	a, _ = unpacked(t, carried)
	got := sessionOf(t, a, "initializeUpload")
	if len(got.Parts) != room || got.Next == "" {
		t.Errorf("%d parts and next %q, want %d and a cursor", len(got.Parts), got.Next, room)
	}
	again, err := json.Marshal(map[string]string{"query": fmt.Sprintf(`mutation { reissueUpload(asset_id: %q, after: %q) { asset_id part_urls next_cursor } }`, got.AssetID, got.Next)})
	if err != nil {
		t.Fatal(err)
	}
	carried = s.lambda(string(again), nil)
	a, _ = unpacked(t, carried)
	next := sessionOf(t, a, "reissueUpload")
	if len(carried) > lambdaAnswer || len(next.Parts) == 0 || next.Parts[0].Number != room+1 {
		t.Errorf("what follows: %d bytes, %d parts", len(carried), len(next.Parts))
	}
}
