package assets_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/guard"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/webhook"
)

func (c *client) webhooksPath() string { return "/workspaces/" + c.home.ID.String() + "/webhooks" }

func decode(t *testing.T, a answer, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
}

// hookBody is a webhook as the API shows it.
type hookBody struct {
	WebhookID    string   `json:"webhook_id"`
	URL          string   `json:"url"`
	Description  *string  `json:"description"`
	Events       []string `json:"events"`
	Enabled      bool     `json:"enabled"`
	DisabledAt   *string  `json:"disabled_at"`
	FailureCount int      `json:"failure_count"`
	Version      int      `json:"version"`
	Secret       string   `json:"secret"`
}

// deliveryBody is a delivery as the API shows it.
type deliveryBody struct {
	DeliveryID     string  `json:"delivery_id"`
	EventID        string  `json:"event_id"`
	EventType      string  `json:"event_type"`
	Status         string  `json:"status"`
	Attempts       int     `json:"attempts"`
	ResponseStatus *int    `json:"response_status"`
	FailureMessage *string `json:"failure_message"`
	NextAttemptAt  *string `json:"next_attempt_at"`
}

func (c *client) createWebhook(t *testing.T, pairs ...any) hookBody {
	t.Helper()
	var got hookBody
	in := request{method: "POST", path: c.webhooksPath(), key: c.keys.owner, body: object(pairs...)}
	if answer := c.do(t, in); answer.status != 201 {
		t.Fatalf("create answered %d %s", answer.status, answer.body)
	} else {
		decode(t, answer, &got)
	}
	return got
}

func TestWebhooksLive(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		var made hookBody
		create := request{
			method: "POST", path: c.webhooksPath(), key: c.keys.owner,
			body: object("url", "https://hooks.example.com/in", "description", "the shop", "events", []string{"asset.ready", "asset.deleted"}),
		}
		got := c.run(t, scenario{create, 201, []string{"+webhook", "+webhooks"}}, &made)
		if !strings.HasPrefix(made.WebhookID, "wh_") || !strings.HasPrefix(made.Secret, "whsec_") || !made.Enabled || got.header.Get("ETag") != `"1"` {
			t.Errorf("the webhook is %s with etag %s", got.body, got.header.Get("ETag"))
		}
		path := c.webhooksPath() + "/" + made.WebhookID
		var shown hookBody
		c.run(t, scenario{request: request{method: "GET", path: path, key: c.keys.owner}, status: 200}, &shown)
		secret := made.Secret
		made.Secret = ""
		if diff := cmp.Diff(made, shown); diff != "" {
			t.Errorf("shown (-made +shown):\n%s", diff)
		}
		var list struct {
			Webhooks []hookBody `json:"webhooks"`
		}
		c.run(t, scenario{request: request{method: "GET", path: c.webhooksPath(), key: c.keys.owner}, status: 200}, &list)
		if diff := cmp.Diff([]hookBody{made}, list.Webhooks); diff != "" {
			t.Errorf("list (-made +list):\n%s", diff)
		}
		change := request{method: "PATCH", path: path, key: c.keys.owner, body: object("enabled", false, "events", []string{}, "description", "")}
		change.header = http.Header{"If-Match": {`"1"`}}
		got = c.run(t, scenario{change, 200, []string{"~webhook"}}, &shown)
		if shown.Enabled || len(shown.Events) != 0 || shown.Description != nil || shown.DisabledAt == nil || shown.Version != 2 || got.header.Get("ETag") != `"2"` {
			t.Errorf("changed to %s", got.body)
		}
		c.refused(t, change, 412, "precondition_failed")
		var rotated hookBody
		c.run(t, scenario{request{method: "POST", path: path + "/rotate-secret", key: c.keys.owner}, 200, []string{"~webhook"}}, &rotated)
		if rotated.Secret == secret || !strings.HasPrefix(rotated.Secret, "whsec_") || rotated.Version != 3 {
			t.Errorf("rotated to version %d, another secret: %t", rotated.Version, rotated.Secret != secret)
		}
		gone := request{method: "DELETE", path: path, key: c.keys.owner}
		c.run(t, scenario{gone, 200, []string{"-webhook", "~webhooks"}}, nil)
		c.refused(t, gone, 404, "not_found")
		c.refused(t, request{method: "GET", path: path + "/deliveries", key: c.keys.owner}, 404, "not_found")
	})
}

// inbox is a server of a user on loopback.
type inbox struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	got    []*http.Request
	bodies []string
}

func newInbox(t *testing.T) *inbox {
	i := &inbox{status: 204}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		i.mu.Lock()
		defer i.mu.Unlock()
		i.got, i.bodies = append(i.got, r), append(i.bodies, string(body))
		w.WriteHeader(i.status)
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *inbox) says(status int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.status = status
}

// local lets webhooks reach this machine.
var local = guard.Options{Permission: guard.Permit(guard.Exceptions{Loopback: true, PlainHTTP: true, Ports: []int{0}})}

func TestWebhookDeliveriesOverTheAPI(t *testing.T) {
	s := newStack(t)
	s.webhooks = s.reaching(local)
	c, in := newClient(s, shapes[1]), newInbox(t)
	hook := c.createWebhook(t, "url", in.URL+"/in")
	path := c.webhooksPath() + "/" + hook.WebhookID
	post := func(path string) (d deliveryBody) {
		t.Helper()
		answer := c.do(t, request{method: "POST", path: path, key: c.keys.owner})
		if answer.status != 200 {
			t.Fatalf("POST %s answered %d %s", path, answer.status, answer.body)
		}
		decode(t, answer, &d)
		return d
	}
	test := post(path + "/test")
	if test.Status != "delivered" || test.EventType != "webhook.test" || *test.ResponseStatus != 204 || test.FailureMessage != nil {
		t.Errorf("the test is %+v", test)
	}
	lib, err := standardwebhooks.NewWebhook(hook.Secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := lib.Verify([]byte(in.bodies[0]), in.got[0].Header); err != nil {
		t.Errorf("the published library refuses what was sent: %v", err)
	}
	in.says(500)
	asset := id.NewAsset(c.home.ID, time.Now())
	e := bus.Event{Type: bus.AssetReady, Time: time.Now(), Detail: bus.Detail{
		SchemaVersion: bus.SchemaVersion, ID: asset.String() + ":2", Workspace: c.home.ID.String(), Asset: asset.String(), Version: 2, Generation: 1,
	}}
	if err := s.webhooks.Handle(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	var list struct {
		Deliveries []deliveryBody `json:"deliveries"`
		Meta       struct {
			NextCursor *string `json:"next_cursor"`
		} `json:"meta"`
	}
	answer := c.do(t, request{method: "GET", path: path + "/deliveries?limit=1", key: c.keys.owner})
	decode(t, answer, &list)
	if len(list.Deliveries) != 1 || list.Meta.NextCursor == nil || list.Deliveries[0].Status != "pending" || list.Deliveries[0].NextAttemptAt == nil {
		t.Fatalf("the first page is %s", answer.body)
	}
	d := list.Deliveries[0]
	c.refused(t, request{method: "POST", path: path + "/deliveries/" + d.DeliveryID + "/replay", key: c.keys.owner}, 409, "conflict")
	in.says(200)
	again := post(path + "/deliveries/" + test.DeliveryID + "/replay")
	if again.Status != "delivered" || again.DeliveryID != test.DeliveryID {
		t.Errorf("replayed: %+v", again)
	}
}

// Webhooks belong to owners: whatever another role asks is 403, and to those without a grant there is nothing.
func TestWebhooksAreForOwners(t *testing.T) {
	c := newClient(newStack(t), shapes[0])
	hook := c.createWebhook(t, "url", "https://hooks.example.com/")
	path := c.webhooksPath() + "/" + hook.WebhookID
	delivery := path + "/deliveries/" + id.NewDelivery(time.Now()).String() + "/replay"
	for _, in := range []request{
		{method: "POST", path: c.webhooksPath(), body: object("url", "https://hooks.example.com/")},
		{method: "GET", path: c.webhooksPath()},
		{method: "GET", path: path},
		{method: "PATCH", path: path, body: object("enabled", false)},
		{method: "DELETE", path: path},
		{method: "POST", path: path + "/rotate-secret"},
		{method: "POST", path: path + "/test"},
		{method: "GET", path: path + "/deliveries"},
		{method: "POST", path: delivery},
	} {
		for _, who := range []struct {
			key    string
			status int
			code   string
		}{{c.keys.editor, 403, "forbidden"}, {c.keys.viewer, 403, "forbidden"}, {c.keys.stranger, 404, "not_found"}, {c.keys.revoked, 401, "invalid_api_key"}} {
			in.key = who.key
			c.refused(t, in, who.status, who.code)
		}
	}
}

func TestAKeyMakesOneWebhook(t *testing.T) {
	c := newClient(newStack(t), shapes[1])
	in := request{method: "POST", path: c.webhooksPath(), key: c.keys.owner, body: object("url", "https://hooks.example.com/"), once: "first"}
	var made hookBody
	c.run(t, scenario{in, 201, []string{"+once", "+webhook", "+webhooks", "~once"}}, &made)
	answer := c.refused(t, in, 409, "idempotency_duplicate", "webhook_id")
	if !strings.Contains(string(answer.body), made.WebhookID) {
		t.Errorf("the repeat answered %s, want it to name %s", answer.body, made.WebhookID)
	}
	test := request{method: "POST", path: c.webhooksPath() + "/" + made.WebhookID + "/rotate-secret", key: c.keys.owner, once: "second"}
	c.run(t, scenario{test, 200, []string{"+once", "~once", "~webhook"}}, nil)
	c.refused(t, test, 409, "idempotency_duplicate", "webhook_id")
}

// keyedWebhooks are the cases of the POST routes of webhooks for TestEveryPostHonoursTheKey.
func (c *client) keyedWebhooks(t *testing.T) map[string]keyedCase {
	t.Helper()
	in := newInbox(t)
	c.webhooks = c.reaching(local)
	hook := c.createWebhook(t, "url", in.URL).WebhookID
	path := c.webhooksPath() + "/" + hook
	var sent deliveryBody
	decode(t, c.do(t, request{method: "POST", path: path + "/test", key: c.keys.owner}), &sent)
	return map[string]keyedCase{
		"webhooks-create": {
			path: c.webhooksPath(), body: object("url", in.URL), other: object("url", in.URL+"/other"), status: 201, field: "webhook_id", owner: true,
		},
		"webhooks-rotate-secret": {path: path + "/rotate-secret", other: "{}", status: 200, field: "webhook_id", id: hook, owner: true},
		"webhooks-test":          {path: path + "/test", other: "{}", status: 200, field: "webhook_id", id: hook, owner: true},
		"webhooks-replay": {
			path: path + "/deliveries/" + sent.DeliveryID + "/replay", other: "{}", status: 200, field: "delivery_id", id: sent.DeliveryID, owner: true,
		},
	}
}

func TestTheEleventhWebhookIsRefused(t *testing.T) {
	c := newClient(newStack(t), shapes[0])
	for range webhook.MaxWebhooks {
		c.createWebhook(t, "url", "https://hooks.example.com/")
	}
	c.refused(t, request{method: "POST", path: c.webhooksPath(), key: c.keys.owner, body: object("url", "https://hooks.example.com/")}, 409, "conflict")
}

// badWebhooks are what clients should not send about webhooks; none of them is there.
func (c *client) badWebhooks() []badInput {
	w := c.webhooksPath()
	wh := w + "/" + id.NewWebhook(c.home.ID, time.UnixMilli(1_790_000_000_000)).String()
	at := func(method, path, body string) request {
		return request{method: method, path: path, key: c.keys.owner, body: body}
	}
	to := func(url any) request { return at("POST", w, object("url", url)) }
	events := func(e any) request { return at("POST", w, object("url", "https://hooks.example.com/", "events", e)) }
	list := []badInput{
		{"a webhook without anything", at("POST", w, "{}")},
		{"a webhook with an unknown field", at("POST", w, object("url", "https://hooks.example.com/", "secret", "whsec_x"))},
		{"a webhook with an empty description", at("POST", w, object("url", "https://hooks.example.com/", "description", ""))},
		{"a webhook with a long description", at("POST", w, object("url", "https://hooks.example.com/", "description", strings.Repeat("x", 256)))},
		{"a webhook to a number", to(1)},
		{"a webhook to 100 kB", to("https://hooks.example.com/" + strings.Repeat("x", 100_000))},
		{"a webhook for one type as a text", events("asset.ready")},
		{"a webhook for an unknown type", events([]string{"asset.exploded"})},
		{"a webhook for a type of our workers", events([]string{"import.requested"})},
		{"a webhook for the type of tests", events([]string{"webhook.test"})},
		{"a webhook for a type twice", events([]string{"asset.ready", "asset.ready"})},
		{"a webhook for 1,000 types", events(slices.Repeat([]string{"x"}, 1000))},
		{"a webhook for numbers", events([]int{1})},
		{"a webhook that is none", at("GET", w+"/wh_x", "")},
		{"a webhook that never was", at("GET", wh, "")},
		{"a change of nothing", at("PATCH", wh, "{}")},
		{"a change to a private address", at("PATCH", wh, object("url", "https://10.0.0.1/"))},
		{"a change of the wrong type", at("PATCH", wh, object("enabled", "yes"))},
		{"a change of what never was", at("PATCH", wh, object("enabled", true))},
		{"a rotation with a field", at("POST", wh+"/rotate-secret", object("secret", "mine"))},
		{"a test of what never was", at("POST", wh+"/test", "")},
		{"deliveries of what never was", at("GET", wh+"/deliveries", "")},
		{"deliveries with a limit of 0", at("GET", wh+"/deliveries?limit=0", "")},
		{"a replay of a delivery that is none", at("POST", wh+"/deliveries/x/replay", "")},
		{"webhooks of another's workspace", at("GET", "/workspaces/"+c.other.ID.String()+"/webhooks", "")},
		{"webhooks with a broken cursor", at("GET", w+"?cursor=abc", "")},
	}
	for _, url := range []string{
		"http://hooks.example.com/", "ftp://hooks.example.com/", "hooks.example.com", "https://", "https:///in", "//hooks.example.com/",
		"https://user:secret@hooks.example.com/", "https://hooks.example.com:25/", "https://hooks.example.com:0/", "https://localhost/",
		"https://127.0.0.1/", "https://2130706433/", "https://0x7f.1/", "https://10.1.2.3/", "https://169.254.169.254/latest/meta-data",
		"https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::a00:1]/", "https://metadata.google.internal/", "https://hooks.example.com/\n",
		"https://hooks.example.com/%zz", "javascript:alert(1)", "https://hooks .example.com/", "\x00",
	} {
		list = append(list, badInput{fmt.Sprintf("a webhook to %q", url), to(url)})
	}
	return list
}
