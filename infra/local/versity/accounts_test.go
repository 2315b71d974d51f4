package versity_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"

	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/s3blob"
)

// as is the driver of a bucket that signs with some account.
func as(s *versity.Server, access, secret string) *s3blob.Bucket {
	return s3blob.New(s.ClientWith(credentials.NewStaticCredentialsProvider(access, secret, "")), "assets", s3blob.Options{})
}

// presigned puts an object through a signed address and gives the status.
func presigned(t *testing.T, s *versity.Server, b blob.Bucket, key string) int {
	t.Helper()
	put, _, err := b.SignPut(context.Background(), blob.PutSpec{Key: key, Type: "image/png", Size: 6, Expires: soon()})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest("PUT", put.URL, strings.NewReader("pixels"))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range put.Headers {
		req.Header.Set(k, v)
	}
	res, err := s.HTTP().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

func TestEveryAccountMayAllInEachWayOfSigning(t *testing.T) {
	c := config(t.TempDir())
	c.Accounts = map[string]string{"ASSETRYONE": "secret of one", "ASSETRYTWO": "secret of two"}
	s := start(t, c)
	for access, secret := range map[string]string{"ASSETRYONE": "secret of one", "ASSETRYTWO": "secret of two", c.AccessKey: c.SecretKey} {
		t.Run(access, func(t *testing.T) {
			b, ctx := as(s, access, secret), context.Background()
			signed, formed := "w/"+access+"/signed", "w/"+access+"/formed"
			if status := presigned(t, s, b, signed); status != 200 {
				t.Errorf("a signed PUT answered %d", status)
			}
			if status := sendForm(t, s, b, formed, "pixels"); status/100 != 2 {
				t.Errorf("a signed form answered %d", status)
			}
			for _, key := range []string{signed, formed} {
				o, err := b.Head(ctx, key, "")
				if err != nil {
					t.Fatalf("Head(%s) = %v", key, err)
				}
				if err := b.DeleteVersion(ctx, key, o.Version); err != nil {
					t.Errorf("DeleteVersion(%s) = %v", key, err)
				}
			}
			if _, err := b.Versions(ctx, "w/", 0); err != nil {
				t.Errorf("Versions = %v", err)
			}
		})
	}
}

func TestNobodyElseIsLetIn(t *testing.T) {
	c := config(t.TempDir())
	c.Accounts = map[string]string{"ASSETRYONE": "secret of one", "ASSETRYTWO": "secret of two"}
	s := start(t, c)
	for _, tt := range []struct{ name, access, secret, want string }{
		{"a key that no account has", "ASSETRYTHREE", "secret of one", "InvalidAccessKeyId"},
		{"a wrong secret", "ASSETRYONE", "wrong", "SignatureDoesNotMatch"},
		{"the secret of another account", "ASSETRYONE", "secret of two", "SignatureDoesNotMatch"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := s.ClientWith(credentials.NewStaticCredentialsProvider(tt.access, tt.secret, ""))
			_, err := client.ListBuckets(context.Background(), nil)
			var refused smithy.APIError
			if !errors.As(err, &refused) || refused.ErrorCode() != tt.want {
				t.Errorf("ListBuckets = %v, want %s", err, tt.want)
			}
			b := as(s, tt.access, tt.secret)
			if status := presigned(t, s, b, key); status != 403 {
				t.Errorf("a signed PUT answered %d, want 403", status)
			}
			if status := sendForm(t, s, b, key, "pixels"); status != 403 {
				t.Errorf("a signed form answered %d, want 403", status)
			}
		})
	}
	body, kind := unsignedForm(t)
	if res, err := s.HTTP().Post(s.URL()+"/assets", kind, body); err != nil || res.StatusCode/100 != 4 {
		t.Errorf("an unsigned form answered %v, %v", res, err)
	}
	if vs, err := driver(s, "assets").Versions(context.Background(), "", 0); err != nil || len(vs) != 0 {
		t.Errorf("Versions = %v, %v; want nothing stored", vs, err)
	}
}

func TestAccountsCannotBeManagedOverHTTP(t *testing.T) {
	c := config(t.TempDir())
	c.Accounts = map[string]string{"ASSETRYONE": "secret of one"}
	s := start(t, c)
	for access, secret := range map[string]string{c.AccessKey: c.SecretKey, "ASSETRYONE": "secret of one"} {
		for _, path := range []string{"/list-users", "/create-user", "/update-user?access=ASSETRYONE", "/delete-user?access=ASSETRYONE"} {
			req, err := http.NewRequest("PATCH", s.URL()+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			empty := fmt.Sprintf("%x", sha256.Sum256(nil))
			req.Header.Set("X-Amz-Content-Sha256", empty)
			signer := aws.Credentials{AccessKeyID: access, SecretAccessKey: secret}
			if err := v4.NewSigner().SignHTTP(context.Background(), signer, req, empty, "s3", versity.DefaultRegion, time.Now()); err != nil {
				t.Fatal(err)
			}
			res, err := s.HTTP().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			answer, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if res.StatusCode/100 == 2 || bytes.Contains(answer, []byte("secret of one")) {
				t.Errorf("%s to %s answered %d %s", access, path, res.StatusCode, answer)
			}
		}
	}
	if status := presigned(t, s, as(s, "ASSETRYONE", "secret of one"), key); status != 200 {
		t.Errorf("after that a signed PUT answered %d", status)
	}
}

func unsignedForm(t *testing.T) (io.Reader, string) {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for k, v := range map[string]string{"key": key, "file": "pixels"} {
		if err := w.WriteField(k, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &body, w.FormDataContentType()
}
