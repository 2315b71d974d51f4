package s3blob_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/s3blob"
)

// onAmazon is a driver that signs for Amazon's S3 at a fixed time. Nothing is sent.
func onAmazon(at time.Time, token string) *s3blob.Bucket {
	return s3blob.New(onAmazonClient(token), "assets", s3blob.Options{Now: func() time.Time { return at }})
}

func onAmazonClient(token string) *s3.Client {
	return s3.New(s3.Options{
		Region:      "eu-west-1",
		Credentials: credentials.NewStaticCredentialsProvider(versitytest.AccessKey, versitytest.SecretKey, token),
	})
}

func putSpec() blob.PutSpec {
	return blob.PutSpec{Key: key, Type: "image/png", Meta: map[string]string{"asset": "a 1"}, Size: 6, Expires: soon()}
}

func signPut(t *testing.T, b *s3blob.Bucket, s blob.PutSpec) blob.Request {
	t.Helper()
	r, _, err := b.SignPut(context.Background(), s)
	if err != nil {
		t.Fatalf("SignPut(%+v) = %v", s, err)
	}
	return r
}

func TestASignedPutWorksOnce(t *testing.T) {
	b, s := open(t)
	r := signPut(t, b, putSpec())
	want := map[string]string{"Content-Length": "6", "Content-Type": "image/png", "If-None-Match": "*", "x-amz-meta-asset": "a%201"}
	if d := cmp.Diff(want, r.Headers); d != "" {
		t.Fatalf("headers to send (-want +got):\n%s", d)
	}
	if status, _, body := send(t, s, r.Method, r.URL, r.Headers, "pixels"); status != 200 {
		t.Fatalf("signed PUT answered %d %s, want 200", status, body)
	}
	if status, _, body := send(t, s, r.Method, r.URL, r.Headers, "<html>"); status != 412 {
		t.Errorf("replayed PUT answered %d %s, want 412", status, body)
	}
	got, o, err := b.Read(context.Background(), key, "", 0, 100)
	if err != nil || string(got) != "pixels" || o.Type != "image/png" || o.Meta["asset"] != "a 1" {
		t.Errorf("stored %q as %+v, %v; want what was signed", got, o, err)
	}
}

func TestAnAbusedPutStoresNothing(t *testing.T) {
	b, s := open(t)
	past := s3blob.New(s.Client(), s.Bucket, s3blob.Options{Now: func() time.Time { return time.Now().Add(-20 * time.Minute) }})
	for _, c := range []struct {
		name  string
		body  string // "": six bytes, as signed
		abuse func(r *blob.Request)
		from  *s3blob.Bucket
		ends  time.Time
	}{
		{name: "another key", abuse: func(r *blob.Request) { r.URL = strings.Replace(r.URL, "/source?", "/other?", 1) }},
		{name: "a bigger body", body: "more pixels"},
		{name: "a much bigger body", body: strings.Repeat("x", 5<<20)},
		{name: "a smaller body", body: "few"},
		{name: "another type", abuse: func(r *blob.Request) { r.Headers["Content-Type"] = "text/html" }},
		{name: "no type", abuse: func(r *blob.Request) { delete(r.Headers, "Content-Type") }},
		{name: "other metadata", abuse: func(r *blob.Request) { r.Headers["x-amz-meta-asset"] = "a2" }},
		{name: "no metadata", abuse: func(r *blob.Request) { delete(r.Headers, "x-amz-meta-asset") }},
		{name: "without the condition", abuse: func(r *blob.Request) { delete(r.Headers, "If-None-Match") }},
		{name: "another method", abuse: func(r *blob.Request) { r.Method = "POST" }},
		{name: "a tampered signature", abuse: func(r *blob.Request) { r.URL = r.URL[:len(r.URL)-4] + "0000" }},
		{name: "a longer life", abuse: func(r *blob.Request) { r.URL = strings.Replace(r.URL, "X-Amz-Expires=", "X-Amz-Expires=1", 1) }},
		{name: "fewer signed headers", abuse: func(r *blob.Request) { r.URL = strings.Replace(r.URL, "content-type%3B", "", 1) }},
		{name: "as a part", abuse: func(r *blob.Request) { r.URL += "&partNumber=1&uploadId=x" }},
		{name: "an expired request", from: past, ends: time.Now().Add(-5 * time.Minute)},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec, from := putSpec(), b
			if c.from != nil {
				spec.Expires, from = c.ends, c.from
			}
			r := signPut(t, from, spec)
			if c.abuse != nil {
				before := fmt.Sprint(r)
				if c.abuse(&r); fmt.Sprint(r) == before {
					t.Fatalf("the abuse changed nothing in %s", before)
				}
			}
			body := c.body
			if body == "" {
				body = "pixels"
			}
			if status, _, text := send(t, s, r.Method, r.URL, r.Headers, body); status != 400 && status != 403 && status != 0 && !refusedMethod(r, status) {
				t.Errorf("PUT answered %d %s, want 400, 403 or a broken connection", status, text)
			}
			wantEmpty(t, b)
		})
	}
}

func refusedMethod(r blob.Request, status int) bool {
	return r.Method != "PUT" && status >= 400 && status < 500
}

func TestASignedReadGivesOneVersionWithTheSignedHeaders(t *testing.T) {
	b, s := open(t)
	ctx := context.Background()
	old := put(t, b, key, "old", blob.PutOptions{Type: "text/html"})
	put(t, b, key, "newer", blob.PutOptions{})
	disposition := `attachment; filename="a b.png"; filename*=UTF-8''Z%C3%BCrich%20%2B.png`
	sign := func(method string) string {
		u, err := b.SignGet(ctx, blob.GetSpec{
			Method: method, Key: key, Version: old.Version, Type: "image/png", Disposition: disposition, Expires: soon()})
		if err != nil {
			t.Fatalf("SignGet = %v", err)
		}
		return u
	}
	for _, c := range []struct{ method, body string }{{"GET", "old"}, {"HEAD", ""}} {
		status, h, body := send(t, s, c.method, sign(c.method), nil, "")
		if status != 200 || body != c.body {
			t.Errorf("%s = %d %q, want 200 %q", c.method, status, body, c.body)
		}
		if h.Get("Content-Type") != "image/png" || h.Get("Content-Disposition") != disposition || h.Get("Content-Length") != "3" {
			t.Errorf("%s answers headers %v, want the signed type and disposition", c.method, h)
		}
	}
	if status, h, body := send(t, s, "GET", sign("GET"), map[string]string{"Range": "bytes=1-1"}, ""); status != 206 || body != "l" || h.Get("Content-Range") != "bytes 1-1/3" {
		t.Errorf("ranged GET = %d %q %v, want one byte", status, body, h)
	}
	good := sign("GET")
	for name, bad := range map[string]string{
		"another version":     strings.Replace(good, "versionId="+old.Version, "versionId=null", 1),
		"no version":          strings.Replace(good, "&versionId="+old.Version, "", 1),
		"another type":        strings.Replace(good, "image%2Fpng", "text%2Fhtml", 1),
		"another disposition": strings.Replace(good, "attachment", "inline", 1),
		"another key":         strings.Replace(good, "/source?", "/source2?", 1),
		"another method":      sign("HEAD"),
		"one more override":   good + "&response-cache-control=public",
	} {
		if status, _, body := send(t, s, "GET", bad, nil, ""); status != 403 {
			t.Errorf("GET with %s = %d %s, want 403", name, status, body)
		}
	}
}

func TestSignaturesAreThoseOfTheSDK(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	creds := aws.Credentials{AccessKeyID: versitytest.AccessKey, SecretAccessKey: versitytest.SecretKey, SessionToken: "token/+="}
	b := onAmazon(at, creds.SessionToken)
	ctx := context.Background()
	weird := "w/ü/a b+c(d)~'e*!/source"
	get, err := b.SignGet(ctx, blob.GetSpec{Key: weird, Version: "v.1_-~", Type: "image/png", Disposition: `inline; filename="ü;,.png"`, Expires: at.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	part, err := b.SignPart(ctx, weird, "up/load+id", 17, 5<<20, at.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	put, _, err := b.SignPut(ctx, blob.PutSpec{Key: weird, Type: "image/png; v=1", Meta: map[string]string{"b": "2", "a": "ü"}, Size: 12, Expires: at.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	bare, _, err := b.SignBare(ctx, blob.BareSpec{Key: weird, Expires: at.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	sized, _, err := b.SignBare(ctx, blob.BareSpec{Key: weird, Size: 7, Expires: at.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []blob.Request{
		{Method: "GET", URL: get}, put, {Method: "PUT", URL: bare}, {Method: "PUT", URL: sized, Headers: map[string]string{"Content-Length": "7"}},
		{Method: "PUT", URL: part, Headers: map[string]string{"Content-Length": fmt.Sprint(5 << 20)}},
	} {
		u, err := url.Parse(r.URL)
		if err != nil {
			t.Fatal(err)
		}
		if u.Host != "assets.s3.eu-west-1.amazonaws.com" {
			t.Errorf("host = %s, want the bucket's own", u.Host)
		}
		if want := sdkSignature(t, creds, r, u, at); u.Query().Get("X-Amz-Signature") != want {
			t.Errorf("%s %s has signature %s, the SDK gives %s", r.Method, r.URL, u.Query().Get("X-Amz-Signature"), want)
		}
		for name := range u.Query() {
			if n := strings.ToLower(name); strings.Contains(n, "checksum") || strings.Contains(n, "sdk") {
				t.Errorf("%s is signed with the parameter %s, which nobody asked for", r.URL, name)
			}
		}
	}
}

// sdkSignature signs a request again with the SDK's signer.
func sdkSignature(t *testing.T, creds aws.Credentials, r blob.Request, u *url.URL, at time.Time) string {
	t.Helper()
	q := u.Query()
	for name := range q {
		if strings.HasPrefix(name, "X-Amz-") && name != "X-Amz-Expires" {
			q.Del(name)
		}
	}
	clean := *u
	clean.RawQuery = q.Encode()
	req, err := http.NewRequest(r.Method, clean.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range r.Headers {
		if k == "Content-Length" {
			fmt.Sscan(v, &req.ContentLength)
			continue
		}
		req.Header.Set(k, v)
	}
	signed, _, err := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping, o.DisableHeaderHoisting = true, true }).
		PresignHTTP(context.Background(), creds, req, "UNSIGNED-PAYLOAD", "s3", "eu-west-1", at)
	if err != nil {
		t.Fatal(err)
	}
	s, err := url.Parse(signed)
	if err != nil {
		t.Fatal(err)
	}
	return s.Query().Get("X-Amz-Signature")
}

func TestAGrantEndsWithItsCredentials(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 890, time.UTC)
	whole := at.Truncate(time.Second)
	ctx := context.Background()
	for _, c := range []struct {
		name          string
		creds, asked  time.Time
		want          time.Time
		seconds, code string
	}{
		{name: "credentials that outlive it", creds: at.Add(time.Hour), asked: at.Add(time.Minute), want: whole.Add(time.Minute), seconds: "60"},
		{name: "credentials that end before", creds: whole.Add(30 * time.Second), asked: at.Add(time.Minute), want: whole.Add(30 * time.Second), seconds: "30"},
		{name: "credentials that state no end", asked: at.Add(time.Minute), want: whole.Add(time.Minute), seconds: "60"},
		{name: "longer than S3 takes", asked: at.Add(30 * 24 * time.Hour), want: whole.Add(7 * 24 * time.Hour), seconds: "604800"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := s3blob.New(s3.New(s3.Options{Region: "eu-west-1", Credentials: ending(c.creds)}), "assets",
				s3blob.Options{Now: func() time.Time { return at }})
			r, end, err := b.SignPut(ctx, blob.PutSpec{Key: key, Type: "image/png", Expires: c.asked})
			if err != nil || !end.Equal(c.want) {
				t.Errorf("SignPut ends %s, %v; want %s", end, err, c.want)
			}
			u, _ := url.Parse(r.URL)
			if got := u.Query().Get("X-Amz-Expires"); got != c.seconds {
				t.Errorf("the signed life is %s s, want %s", got, c.seconds)
			}
			if _, end, err := b.SignForm(ctx, blob.FormSpec{Key: key, Type: "image/png", MaxSize: 1, Expires: c.asked}); err != nil || !end.Equal(c.want) {
				t.Errorf("SignForm ends %s, %v; want %s", end, err, c.want)
			}
			if _, end, err := b.SignBare(ctx, blob.BareSpec{Key: key, Expires: c.asked}); err != nil || !end.Equal(c.want) {
				t.Errorf("SignBare ends %s, %v; want %s", end, err, c.want)
			}
			if _, end, err := b.SignParts(ctx, key, "up", []blob.PartSpec{{Number: 1, Size: blob.AnySize}}, c.asked); err != nil || !end.Equal(c.want) {
				t.Errorf("SignParts ends %s, %v; want %s", end, err, c.want)
			}
			part, err := b.SignPart(ctx, key, "up", 1, 1, c.asked)
			if err != nil || !strings.Contains(part, "X-Amz-Expires="+c.seconds+"&") {
				t.Errorf("SignPart = %s, %v; want a life of %s s", part, err, c.seconds)
			}
			get, err := b.SignGet(ctx, blob.GetSpec{Key: key, Version: "v", Expires: c.asked})
			if err != nil || !strings.Contains(get, "X-Amz-Expires="+c.seconds+"&") {
				t.Errorf("SignGet = %s, %v; want a life of %s s", get, err, c.seconds)
			}
		})
	}
	b := s3blob.New(s3.New(s3.Options{Region: "eu-west-1", Credentials: ending(at)}), "assets", s3blob.Options{Now: func() time.Time { return at }})
	if _, _, err := b.SignPut(ctx, blob.PutSpec{Key: key, Type: "image/png", Expires: at.Add(time.Hour)}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("SignPut with ended credentials = %v, want fault.Unavailable", err)
	}
}

// ending are credentials that state when they end; the zero time states nothing.
func ending(at time.Time) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "A", SecretAccessKey: "S", CanExpire: !at.IsZero(), Expires: at}, nil
	})
}
