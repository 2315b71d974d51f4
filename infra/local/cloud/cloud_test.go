package cloud_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/local/cloud"
)

// TestMain silences what is logged of events that were not taken.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

const (
	key, secret = "ASSETRYSWEEP", "a secret of the test's"
	secretARN   = "arn:aws:secretsmanager:us-east-1:000000000000:secret:root"
)

// world is a running endpoint and what was put on its bus.
type world struct {
	url string

	mu      sync.Mutex
	entries []cloud.Entry
	refuses func(cloud.Entry) error
}

func (w *world) put(_ context.Context, e cloud.Entry) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuses != nil {
		if err := w.refuses(e); err != nil {
			return "", err
		}
	}
	w.entries = append(w.entries, e)
	return "id-of-" + e.Type, nil
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{}
	s := httptest.NewServer(cloud.New(cloud.Options{
		Region: "us-east-1", Bus: "assetry", Put: w.put, Secrets: map[string]string{secretARN: "the root key"},
		Keys: func(k string) (string, bool) { return secret, k == key },
	}))
	t.Cleanup(s.Close)
	w.url = s.URL
	return w
}

func (w *world) events(key, secret string, change func(*eventbridge.Options)) *eventbridge.Client {
	o := eventbridge.Options{Region: "us-east-1", BaseEndpoint: &w.url, Credentials: credentials.NewStaticCredentialsProvider(key, secret, "a token"), RetryMaxAttempts: 1}
	if change != nil {
		change(&o)
	}
	return eventbridge.New(o)
}

func entry(detailType, detail string) types.PutEventsRequestEntry {
	return types.PutEventsRequestEntry{
		EventBusName: aws.String("assetry"), Source: aws.String("assetry"), DetailType: aws.String(detailType), Detail: aws.String(detail),
		Time: aws.Time(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)), Resources: []string{"arn:aws:s3:::b"},
	}
}

func TestEventsReachTheBus(t *testing.T) {
	w := newWorld(t)
	named := entry("asset.failed", `{}`)
	named.EventBusName = aws.String("arn:aws:events:us-east-1:000000000000:event-bus/assetry")
	out, err := w.events(key, secret, nil).PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{entry("asset.ready", `{"name": "<&> 画"}`), named}})
	if err != nil || out.FailedEntryCount != 0 || len(out.Entries) != 2 || aws.ToString(out.Entries[0].EventId) != "id-of-asset.ready" {
		t.Fatalf("PutEvents = %+v, %v", out, err)
	}
	want := cloud.Entry{Source: "assetry", Type: "asset.ready", Resources: []string{"arn:aws:s3:::b"}, Detail: json.RawMessage(`{"name": "<&> 画"}`), Time: time.Unix(1795262400, 0)}
	if diff := cmp.Diff(want, w.entries[0]); diff != "" || len(w.entries) != 2 {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
}

func TestAnEntryThatIsRefusedFailsAlone(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*types.PutEventsRequestEntry)
		code   string
	}{
		{"another bus", func(e *types.PutEventsRequestEntry) { e.EventBusName = aws.String("other") }, "InvalidArgument"},
		{"no bus, which is the account's own", func(e *types.PutEventsRequestEntry) { e.EventBusName = nil }, "InvalidArgument"},
		{"no source", func(e *types.PutEventsRequestEntry) { e.Source = nil }, "InvalidArgument"},
		{"a source of AWS's", func(e *types.PutEventsRequestEntry) { e.Source = aws.String("aws.s3") }, "NotAuthorizedForSourceException"},
		{"no type", func(e *types.PutEventsRequestEntry) { e.DetailType = nil }, "InvalidArgument"},
		{"no detail", func(e *types.PutEventsRequestEntry) { e.Detail = nil }, "InvalidArgument"},
		{"a detail that is no JSON", func(e *types.PutEventsRequestEntry) { e.Detail = aws.String("{") }, "InvalidArgument"},
		{"a detail that is no object", func(e *types.PutEventsRequestEntry) { e.Detail = aws.String("[1]") }, "InvalidArgument"},
		{"one that the bus does not keep", func(e *types.PutEventsRequestEntry) { e.DetailType = aws.String("unlucky") }, "InternalFailure"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.refuses = func(e cloud.Entry) error {
				if e.Type == "unlucky" {
					return errors.New("a secret of the log")
				}
				return nil
			}
			bad := entry("asset.ready", "{}")
			tt.change(&bad)
			out, err := w.events(key, secret, nil).PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{entry("first", "{}"), bad, entry("last", "{}")}})
			if err != nil || out.FailedEntryCount != 1 || aws.ToString(out.Entries[1].ErrorCode) != tt.code || out.Entries[0].ErrorCode != nil || out.Entries[2].ErrorCode != nil {
				t.Fatalf("PutEvents = %+v, %v; want the second refused as %s", out, err, tt.code)
			}
			if len(w.entries) != 2 || strings.Contains(aws.ToString(out.Entries[1].ErrorMessage), "secret") {
				t.Errorf("%d entries were put, and the refusal says %q", len(w.entries), aws.ToString(out.Entries[1].ErrorMessage))
			}
		})
	}
}

// code is the error code of an answer.
func code(err error) string {
	var api interface{ ErrorCode() string }
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func TestRequestsThatNoKeyOfOursSignedAreRefused(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		name, key, secret string
		change            func(*eventbridge.Options)
		code              string
	}{
		{"another key", "SOMEBODY", secret, nil, "UnrecognizedClientException"},
		{"another secret", key, "a guess", nil, "InvalidSignatureException"},
		{"another region", key, secret, func(o *eventbridge.Options) { o.Region = "eu-west-1" }, "InvalidSignatureException"},
		{"a body that was changed on its way", key, secret, func(o *eventbridge.Options) { o.HTTPClient = meddler(body) }, "InvalidSignatureException"},
		{"a target that was changed on its way", key, secret, func(o *eventbridge.Options) { o.HTTPClient = meddler(target) }, "InvalidSignatureException"},
		{"a signature of yesterday", key, secret, func(o *eventbridge.Options) { o.HTTPClient = meddler(yesterday) }, "InvalidSignatureException"},
		{"no signature", key, secret, func(o *eventbridge.Options) { o.HTTPClient = meddler(unsigned) }, "MissingAuthenticationTokenException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := w.events(tt.key, tt.secret, tt.change).PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{entry("asset.ready", "{}")}})
			if code(err) != tt.code {
				t.Errorf("PutEvents = %v, want %s", err, tt.code)
			}
		})
	}
	if len(w.entries) > 0 {
		t.Errorf("%d entries were put", len(w.entries))
	}
}

// meddler changes a signed request on its way.
type meddler func(*http.Request)

// Do changes the request and sends it.
func (m meddler) Do(r *http.Request) (*http.Response, error) {
	m(r)
	return http.DefaultClient.Do(r)
}

func body(r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(strings.Replace(string(b), "asset.ready", "asset.gone!", 1)))
}

func target(r *http.Request) { r.Header.Set("X-Amz-Target", "secretsmanager.GetSecretValue") }

func yesterday(r *http.Request) {
	r.Header.Set("X-Amz-Date", time.Now().Add(-24*time.Hour).UTC().Format("20060102T150405Z"))
}

func unsigned(r *http.Request) { r.Header.Del("Authorization") }

func TestTooMuchInOneRequestIsRefused(t *testing.T) {
	w := newWorld(t)
	for name, entries := range map[string][]types.PutEventsRequestEntry{
		"no entry":       {},
		"eleven entries": make([]types.PutEventsRequestEntry, 11),
		"257 KiB":        {entry("asset.ready", `{"a": "`+strings.Repeat("x", 257<<10)+`"}`)},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := w.events(key, secret, nil).PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: entries}); code(err) != "ValidationException" {
				t.Errorf("PutEvents = %v, want a ValidationException", err)
			}
		})
	}
	_, err := w.events(key, secret, nil).PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{entry("a", strings.Repeat("x", 3<<20))}})
	if code(err) != "RequestEntityTooLargeException" {
		t.Errorf("a request of 3 MiB = %v", err)
	}
}

func TestTheSecretIsToldByItsARN(t *testing.T) {
	w := newWorld(t)
	c := secretsmanager.New(secretsmanager.Options{Region: "us-east-1", BaseEndpoint: &w.url, Credentials: credentials.NewStaticCredentialsProvider(key, secret, "")})
	out, err := c.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String(secretARN), VersionStage: aws.String("AWSCURRENT")})
	if err != nil || aws.ToString(out.SecretString) != "the root key" || aws.ToString(out.ARN) != secretARN || aws.ToString(out.Name) != "root" {
		t.Errorf("GetSecretValue = %+v, %v", out, err)
	}
	for name, in := range map[string]secretsmanager.GetSecretValueInput{
		"another secret":  {SecretId: aws.String("other")},
		"an old version":  {SecretId: aws.String(secretARN), VersionStage: aws.String("AWSPREVIOUS")},
		"another version": {SecretId: aws.String(secretARN), VersionId: aws.String("00000000-0000-4000-8000-00000000ffff")},
	} {
		if _, err := c.GetSecretValue(t.Context(), &in); code(err) != "ResourceNotFoundException" {
			t.Errorf("%s = %v, want that it is not found", name, err)
		}
	}
}

func TestOtherOperationsAreUnknown(t *testing.T) {
	w := newWorld(t)
	if _, err := w.events(key, secret, nil).ListRules(t.Context(), &eventbridge.ListRulesInput{}); code(err) != "UnknownOperationException" {
		t.Errorf("ListRules = %v", err)
	}
}
