package awsjson

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

var (
	who     = credentials.NewStaticCredentialsProvider("AKIATEST", "secret", "token")
	secrets = Service{Name: "secretsmanager", Target: "secretsmanager"}
)

// at makes a client of a server that does not pause between attempts.
func at(url string) *Client {
	c := New(secrets, Options{Region: "eu-west-1", Credentials: who, HTTP: http.DefaultClient, Endpoint: url})
	c.retry = retry.NewStandard(func(o *retry.StandardOptions) {
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
	})
	return c
}

// answers is a server that gives one answer after the other, and the last again and again.
type answers struct {
	*httptest.Server
	requests []*http.Request
	bodies   [][]byte
}

type answer struct {
	status int
	body   string
	header string // X-Amzn-Errortype
}

func serve(t *testing.T, list ...answer) *answers {
	a := &answers{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		say := list[min(len(a.requests), len(list)-1)]
		a.requests, a.bodies = append(a.requests, r), append(a.bodies, b)
		if say.header != "" {
			w.Header().Set("X-Amzn-Errortype", say.header)
		}
		w.WriteHeader(say.status)
		_, _ = io.WriteString(w, say.body)
	}))
	t.Cleanup(a.Close)
	return a
}

func TestACallIsSignedAndRead(t *testing.T) {
	s := serve(t, answer{200, `{"SecretString": "s"}`, ""})
	var out struct{ SecretString string }
	if err := at(s.URL).Call(t.Context(), "GetSecretValue", map[string]string{"SecretId": "arn"}, &out); err != nil || out.SecretString != "s" {
		t.Fatalf("Call = %q, %v, want what the service answered", out.SecretString, err)
	}
	r := s.requests[0]
	if got := string(s.bodies[0]); got != `{"SecretId":"arn"}` || r.Method != http.MethodPost || r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" ||
		r.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
		t.Errorf("the request is %s %v %s", r.Method, r.Header, got)
	}
	again, err := http.NewRequest(http.MethodPost, s.URL, bytes.NewReader(s.bodies[0]))
	if err != nil {
		t.Fatal(err)
	}
	again.Header.Set("Content-Type", r.Header.Get("Content-Type"))
	again.Header.Set("X-Amz-Target", r.Header.Get("X-Amz-Target"))
	when, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := who.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(s.bodies[0])
	if err := v4.NewSigner().SignHTTP(t.Context(), keys, again, hex.EncodeToString(sum[:]), "secretsmanager", "eu-west-1", when); err != nil {
		t.Fatal(err)
	}
	if got, want := r.Header.Get("Authorization"), again.Header.Get("Authorization"); got != want {
		t.Errorf("signed %s, want %s", got, want)
	}
	if r.Header.Get("X-Amz-Security-Token") != "token" {
		t.Error("the session token was not sent")
	}
}

func TestWhatMayHelpIsSentAgain(t *testing.T) {
	good, bad := answer{200, `{}`, ""}, answer{500, ``, ""}
	for _, tt := range []struct {
		name     string
		answers  []answer
		requests int
		code     string // of the error; "": none
	}{
		{"a failure of the service, once", []answer{bad, good}, 2, ""},
		{"a failure of the service, for ever", []answer{bad}, 3, "Internal Server Error"},
		{"throttling", []answer{{400, `{"__type": "ThrottlingException"}`, ""}, good}, 2, ""},
		{"what the caller did wrong", []answer{{400, `{"__type": "ValidationException", "message": "x"}`, ""}, good}, 1, "ValidationException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, tt.answers...)
			var out struct{}
			err := at(s.URL).Call(t.Context(), "Do", struct{}{}, &out)
			var e *Error
			if errors.As(err, &e) != (tt.code != "") || e != nil && e.Code != tt.code || len(s.requests) != tt.requests {
				t.Errorf("Call = %v after %d requests, want the code %q after %d", err, len(s.requests), tt.code, tt.requests)
			}
		})
	}
}

func TestFailuresAreRead(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer answer
		want   Error
	}{
		{"a bare name", answer{400, `{"__type": "NotFound", "message": "no"}`, ""}, Error{400, "NotFound", "no"}},
		{"a name with its namespace", answer{400, `{"__type": "com.amazonaws.x#NotFound", "Message": "no"}`, ""}, Error{400, "NotFound", "no"}},
		{"a name in the header, with an address", answer{400, `{}`, "NotFound:http://internal/"}, Error{400, "NotFound", ""}},
		{"no JSON at all", answer{403, `<html>`, ""}, Error{403, "Forbidden", ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, tt.answer)
			var e *Error
			if err := at(s.URL).Call(t.Context(), "Do", struct{}{}, nil); !errors.As(err, &e) || *e != tt.want {
				t.Errorf("Call = %v, want %v", err, &tt.want)
			}
		})
	}
}

func TestAServiceThatCannotBeReached(t *testing.T) {
	s := serve(t, answer{})
	s.Close()
	var tries int
	c := at(s.URL)
	c.HTTP = doer(func(r *http.Request) (*http.Response, error) { tries++; return http.DefaultClient.Do(r) })
	if err := c.Call(t.Context(), "Do", struct{}{}, nil); err == nil || tries != 3 {
		t.Errorf("Call = %v after %d attempts, want an error after 3", err, tries)
	}
}

func TestNothingIsRepeatedAfterTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	tries := 0
	c := at("http://127.0.0.1:1")
	c.HTTP = doer(func(*http.Request) (*http.Response, error) {
		tries++
		cancel()
		return nil, io.ErrUnexpectedEOF
	})
	if err := c.Call(ctx, "Do", struct{}{}, nil); !errors.Is(err, io.ErrUnexpectedEOF) || tries != 1 {
		t.Errorf("Call = %v after %d attempts, want the cause after one", err, tries)
	}
}

type doer func(*http.Request) (*http.Response, error)

// Do sends a request.
func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

var _ aws.HTTPClient = doer(nil)

func TestHostsOfRegions(t *testing.T) {
	for region, want := range map[string]string{
		"eu-west-1":     "https://secretsmanager.eu-west-1.amazonaws.com",
		"us-gov-east-1": "https://secretsmanager.us-gov-east-1.amazonaws.com",
		"cn-north-1":    "https://secretsmanager.cn-north-1.amazonaws.com.cn",
	} {
		if got := New(secrets, Options{Region: region}).Endpoint; got != want {
			t.Errorf("in %s the host is %s, want %s", region, got, want)
		}
	}
}
