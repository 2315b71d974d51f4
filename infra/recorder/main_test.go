package recorder_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/assetry/assetry/infra/identity"
	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/infra/recorder"
)

func TestMain(m *testing.M) { versitytest.Main(m) }

// function is who signs in these tests. The server of the bucket knows one account, so that is made its key where the bucket is real.
const function = "assets-create"

// lines is a file of records in memory.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) Close() error { return nil }

// calls are the records so far.
func (l *lines) calls(t *testing.T) (out []recorder.Call) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.buf.String()) {
		var c recorder.Call
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatalf("record %q: %v", line, err)
		}
		out = append(out, c)
	}
	return out
}

// stack is a stack of two functions with everything that a template names.
func stack(buckets ...string) recorder.Stack {
	s := recorder.Stack{Functions: []string{function, "sweep"}, Names: map[string]string{
		"dynamodb/assetry": "Table", "dynamodb/search": "SearchTable", "events/assetry": "EventBus",
		"secretsmanager/arn:aws:secretsmanager:us-east-1:000000000000:secret:root": "RootKey",
	}}
	for _, b := range buckets {
		s.Names["s3/"+b] = "Bucket"
	}
	return s
}

// watched is a recorder of the test's own, and what it wrote.
func watched(t *testing.T, s recorder.Stack) (*recorder.Recorder, *lines) {
	t.Helper()
	out := &lines{}
	r, err := recorder.New(out, s)
	if err != nil {
		t.Fatal(err)
	}
	return r, out
}

// before puts a recorder before an engine and gives its address.
func before(t *testing.T, r *recorder.Recorder, engine string) string {
	t.Helper()
	h, err := r.Proxy(engine)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// upstream answers everything with an empty JSON object, and keeps what it was asked.
type upstream struct {
	*httptest.Server
	mu     sync.Mutex
	hosts  []string
	bodies []string
}

func newUpstream(t *testing.T) *upstream {
	u := &upstream{}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		u.mu.Lock()
		u.hosts, u.bodies = append(u.hosts, r.Host), append(u.bodies, string(body))
		u.mu.Unlock()
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(u.Close)
	return u
}

// config is that of a client of a function, or of another key.
func config(access, secret string) aws.Config {
	return aws.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(access, secret, ""),
		RetryMaxAttempts: 1, HTTPClient: &http.Client{Transport: &http.Transport{}},
	}
}

func functionConfig() aws.Config {
	c := identity.Of("stack", function)
	return config(c.AccessKey, c.SecretKey)
}
