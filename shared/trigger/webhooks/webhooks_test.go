package webhooks_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/guard"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/trigger/webhooks"
	"github.com/assetry/assetry/shared/webhook"
	"github.com/assetry/assetry/shared/webhook/sender"
)

// house is the triggers over the real service and the real driver, with a server of a user on loopback.
type house struct {
	service *webhook.Service
	w       id.Workspace
	owner   access.Principal
	hook    webhook.Webhook
	clock   domaintest.Ahead
	secret  string

	mu       sync.Mutex
	status   int
	verified []string // webhook-id of the requests whose signature is good
	bad      []string // what was wrong with the others
}

func (h *house) Webhooks() *webhook.Service { return h.service }
func (h *house) Metrics() *metric.Log       { return nil }

// ServeHTTP is the server of the user: it verifies with the library that Standard Webhooks publishes.
func (h *house) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	lib, libErr := standardwebhooks.NewWebhook(h.secret)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err != nil || libErr != nil:
		h.bad = append(h.bad, fmt.Sprint(err, libErr))
	case r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || !json.Valid(body):
		h.bad = append(h.bad, fmt.Sprintf("%s of %s: %s", r.Method, r.Header.Get("Content-Type"), body))
	default:
		if err := lib.VerifyIgnoringTimestamp(body, r.Header); err != nil { // the clock of the test runs ahead
			h.bad = append(h.bad, err.Error())
		} else {
			h.verified = append(h.verified, r.Header.Get("webhook-id"))
		}
	}
	w.WriteHeader(h.status)
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{w: id.NewWorkspace(time.Now()), status: http.StatusNoContent}
	h.owner = access.Principal{Key: id.NewKey(time.Now()), Grants: map[id.Workspace]access.Role{h.w: access.Owner}}
	root := secret.NewRoot()
	h.service = webhook.New(webhook.Parts{
		Table: domaintest.NewTable(t), Root: func() secret.Root { return root }, Sealer: page.NewSealer(root),
		Sender: sender.New(sender.Options{Guard: guard.Options{
			Permission: guard.Permit(guard.Exceptions{Loopback: true, PlainHTTP: true, Ports: []int{0}}),
		}}),
	}, webhook.Options{Now: h.clock.Now})
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	var err error
	if h.hook, h.secret, err = h.service.Create(t.Context(), h.owner, h.w, webhook.Spec{URL: server.URL + "/in?shop=7"}); err != nil {
		t.Fatal(err)
	}
	return h
}

// answer sets what the server of the user answers from now on, and lets time pass.
func (h *house) answer(status int, later time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = status
	h.clock.Advance(later)
}

// record is an event as the queue hands it over.
func (h *house) record(t *testing.T, a id.Asset, version int64) events.SQSMessage {
	t.Helper()
	detail, err := bus.Detail{
		SchemaVersion: bus.SchemaVersion, ID: fmt.Sprintf("%s:%d", a, version), Workspace: h.w.String(), Asset: a.String(), Version: version,
		Generation: 1, State: asset.Ready, Name: "Éclair <&> 画.png", Type: "image/png", Size: 7,
	}.JSON()
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(events.EventBridgeEvent{
		Version: "0", ID: "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", DetailType: string(bus.AssetReady), Source: bus.Source,
		Time: time.Now().UTC().Truncate(time.Second), Region: "us-east-1", Resources: []string{}, Detail: detail,
	})
	if err != nil {
		t.Fatal(err)
	}
	return events.SQSMessage{MessageId: a.String(), Body: string(body)}
}

// requests are how many came with a good signature; those with a bad one fail the test.
func (h *house) requests(t *testing.T) int {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.bad) > 0 {
		t.Errorf("the server of the user refuses: %v", h.bad)
	}
	return len(h.verified)
}

func TestAQueuedEventReachesTheServerOfAUser(t *testing.T) {
	h := newHouse(t)
	a := id.NewAsset(h.w, time.Now())
	batch := events.SQSEvent{Records: []events.SQSMessage{h.record(t, a, 2), {MessageId: "broken", Body: "{"}, h.record(t, a, 2)}}
	for range 2 { // the queue may deliver twice
		answer, err := webhooks.Handler(h)(t.Context(), batch)
		if err != nil || len(answer.BatchItemFailures) != 1 || answer.BatchItemFailures[0].ItemIdentifier != "broken" {
			t.Fatalf("the batch gave %v, %v, want only the broken record to come again", answer, err)
		}
	}
	if n := h.requests(t); n != 1 {
		t.Errorf("%d requests came, want 1", n)
	}
}

func TestTheScheduleTriesAgain(t *testing.T) {
	h := newHouse(t)
	h.answer(http.StatusServiceUnavailable, 0)
	a := id.NewAsset(h.w, time.Now())
	if answer, err := webhooks.Handler(h)(t.Context(), events.SQSEvent{Records: []events.SQSMessage{h.record(t, a, 2)}}); err != nil || len(answer.BatchItemFailures) > 0 {
		t.Fatalf("what a receiver does not take is no failure of the batch: %v, %v", answer, err)
	}
	fire := func() {
		t.Helper()
		if err := webhooks.Retries(h)(t.Context(), events.CloudWatchEvent{}); err != nil {
			t.Fatal(err)
		}
	}
	fire()
	if n := h.requests(t); n != 1 {
		t.Errorf("%d requests before the second is due, want 1", n)
	}
	h.answer(http.StatusOK, 2*time.Minute)
	fire()
	fire()
	if n := h.requests(t); n != 2 {
		t.Errorf("%d requests in the end, want 2", n)
	}
	ds, _, err := h.service.Deliveries(t.Context(), h.owner, h.w, h.hook.ID, "", 10)
	if err != nil || len(ds) != 1 || ds[0].State != webhook.Delivered || ds[0].Attempts != 2 {
		t.Errorf("deliveries are %+v, %v, want one delivered by the second attempt", ds, err)
	}
}

func TestARedirectIsNotFollowedAndADeadServerIsNamedWithoutItsQuery(t *testing.T) {
	h := newHouse(t)
	stolen := 0
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen++ }))
	defer thief.Close()
	crossroads := httptest.NewServer(http.RedirectHandler(thief.URL, http.StatusTemporaryRedirect))
	defer crossroads.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for url, want := range map[string]string{crossroads.URL: "307", gone.URL + "/in?token=s3cret": "could not be reached"} {
		if _, err := h.service.Update(t.Context(), h.owner, h.w, h.hook.ID, webhook.Change{URL: &url}, 0); err != nil {
			t.Fatal(err)
		}
		d, err := h.service.Test(t.Context(), h.owner, h.w, h.hook.ID)
		if err != nil || d.State != webhook.Dead || !strings.Contains(d.Failure, want) || strings.Contains(d.Failure, "s3cret") {
			t.Errorf("Test of %s = %+v, %v, want it dead with %q", url, d, err, want)
		}
	}
	if stolen > 0 {
		t.Errorf("%d requests followed the redirect", stolen)
	}
}
