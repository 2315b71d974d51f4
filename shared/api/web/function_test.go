package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/fault"
)

// payloads that are no request of an HTTP API with payload 2.0.
var foreignPayloads = map[string]string{
	"nothing": ``, "no JSON": `hello`, "null": `null`, "a list": `[]`, "a text": `"hello"`, "an empty object": `{}`,
	"a field of another type": `{"version":"2.0","rawPath":7,"requestContext":{"http":{"method":"GET"}}}`,
	"headers that are a list": `{"version":"2.0","rawPath":"/things/1","headers":[],"requestContext":{"http":{"method":"GET"}}}`,
	"the payload of version 1.0": `{"version":"1.0","resource":"/things/{id}","path":"/things/1","httpMethod":"GET","headers":{"Host":"x"},"multiValueHeaders":{"Host":["x"]},
		"requestContext":{"httpMethod":"GET","path":"/things/1","requestId":"a="},"body":null,"isBase64Encoded":false}`,
	"a version of another time":    `{"version":"3.0","rawPath":"/things/1","requestContext":{"http":{"method":"GET"}}}`,
	"an event of a load balancer":  `{"requestContext":{"elb":{"targetGroupArn":"arn"}},"httpMethod":"GET","path":"/things/1","queryStringParameters":{}}`,
	"an event of S3":               `{"Records":[{"eventName":"ObjectCreated:Put"}]}`,
	"an event of a WebSocket API":  `{"requestContext":{"routeKey":"$connect","connectionId":"a"},"isBase64Encoded":false}`,
	"an event of a schedule":       `{"version":"0","source":"aws.events","detail-type":"Scheduled Event"}`,
	"a body that is damaged":       `{"version":"2.0","rawPath":"/things/1","body":"%","isBase64Encoded":true,"requestContext":{"http":{"method":"GET"}}}`,
	"half of a surrogate, a NUL":   `{"version":"2.0","rawPath":"/things/\ud800\u0000","requestContext":{"http":{"method":"GE\u0000T"}}}`,
	"a payload that is cut off":    `{"version":"2.0","rawPath":"/things/1"`,
	"a time that is out of bounds": `{"version":"2.0","requestContext":{"timeEpoch":1e99,"http":{"method":"GET"}}}`,
}

func TestAPayloadThatIsNoRequestIsAnsweredInTheDialect(t *testing.T) {
	for name, payload := range foreignPayloads {
		t.Run(name, func(t *testing.T) {
			for what, h := range map[string]http.Handler{
				"a route": web.Route("GET", "/things/{id}", shout{}, tell), "the fallback": web.Fallback(nil, func(string) web.Dialect { return shout{} }),
			} {
				var log bytes.Buffer
				ctx := web.WithLogger(t.Context(), slog.New(slog.NewJSONHandler(&log, nil)))
				out, err := web.Invoke(h).Invoke(ctx, []byte(payload))
				var answer events.APIGatewayV2HTTPResponse
				if err != nil || json.Unmarshal(out, &answer) != nil {
					t.Fatalf("%s: %s, %v", what, out, err)
				}
				if answer.StatusCode != 400 || !strings.Contains(answer.Body, `"shout"`) || answer.Headers["Request-Id"] == "" {
					t.Errorf("%s answers %s, want 400 in its dialect", what, out)
				}
				if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), `"outcome":"refused"`) || !strings.Contains(log.String(), `"kind":"malformed"`) {
					t.Errorf("%s logs %s, want one line that says it was refused", what, &log)
				}
			}
		})
	}
}

func TestAGoodPayloadIsServed(t *testing.T) {
	payload, err := json.Marshal(eventOf(t, get("/things/1")))
	if err != nil {
		t.Fatal(err)
	}
	h := web.Route("GET", "/things/{id}", shout{}, tell)
	out, err := web.Invoke(h).Invoke(t.Context(), payload)
	var answer events.APIGatewayV2HTTPResponse
	if err != nil || json.Unmarshal(out, &answer) != nil || answer.StatusCode != 200 || !strings.Contains(answer.Body, `"id":"1"`) {
		t.Errorf("answer %s, %v", out, err)
	}
}

// A store that does not answer is waited for until shortly before Lambda would stop the function.
func TestWhoWaitsTooLongStillAnswers(t *testing.T) {
	h := web.Route("GET", "/x", shout{}, func(_ http.ResponseWriter, r *http.Request) error {
		<-r.Context().Done()
		return r.Context().Err()
	})
	payload, err := json.Marshal(eventOf(t, get("/x")))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		out, err := web.Invoke(h).Invoke(ctx, payload)
		var answer events.APIGatewayV2HTTPResponse
		if err != nil || json.Unmarshal(out, &answer) != nil || answer.StatusCode != 503 || answer.Headers["Retry-After"] == "" {
			t.Errorf("answer %s, %v; want 503 with Retry-After", out, err)
		}
		if ctx.Err() != nil {
			t.Error("the time of the invocation was over before there was an answer")
		}
	})
}

func TestClientsAreToldWhenToComeAgainInEveryDialect(t *testing.T) {
	for name, d := range map[string]web.Dialect{"its own": shout{}, "plain": web.Plain{}, "one that fails": mute{}} {
		for kind, want := range map[fault.Kind]string{fault.Throttled: "1", fault.Unavailable: "1", fault.Internal: "", fault.Conflict: "", fault.NotFound: ""} {
			h := web.Route("GET", "/x", d, func(http.ResponseWriter, *http.Request) error { return fault.New(kind, "said by the test") })
			inBoth(t, func(t *testing.T, send func(http.Handler, string) reply, _ *bytes.Buffer) {
				if got := send(h, get("/x")); got.header.Get("Retry-After") != want {
					t.Errorf("dialect %s, kind %s: Retry-After %q, want %q", name, kind, got.header.Get("Retry-After"), want)
				}
			})
		}
	}
}

func TestAFaultMaySayWhenToComeAgain(t *testing.T) {
	for wait, want := range map[time.Duration]string{time.Millisecond: "1", 90 * time.Second: "90", 59*time.Minute + time.Nanosecond: "3541"} {
		h := web.Route("GET", "/x", shout{}, func(http.ResponseWriter, *http.Request) error {
			return &fault.Error{Kind: fault.Throttled, Message: "said by the test", RetryAfter: wait}
		})
		inBoth(t, func(t *testing.T, send func(http.Handler, string) reply, _ *bytes.Buffer) {
			if got := send(h, get("/x")).header.Get("Retry-After"); got != want {
				t.Errorf("after %v: Retry-After %q, want %q", wait, got, want)
			}
		})
	}
}

func TestAHeaderForEveryAnswerStaysWhenTheHandlerFails(t *testing.T) {
	for name, outcome := range map[string]error{"it succeeds": nil, "it fails": fault.New(fault.Conflict, "said by the test"), "it breaks": errors.New("broken")} {
		h := web.Route("GET", "/x", shout{}, func(w http.ResponseWriter, r *http.Request) error {
			web.Always(r.Context(), "X-Kept", "1")
			web.Always(r.Context(), "X-Kept", "2")
			w.Header().Set("X-Dropped", "1")
			return outcome
		})
		inBoth(t, func(t *testing.T, send func(http.Handler, string) reply, _ *bytes.Buffer) {
			got := send(h, get("/x"))
			if got.header.Get("X-Kept") != "2" || (got.header.Get("X-Dropped") != "") != (outcome == nil) {
				t.Errorf("when %s: headers %v; want X-Kept: 2, and X-Dropped only where it succeeds", name, got.header)
			}
		})
	}
}

// mute is a dialect that writes nothing.
type mute struct{}

func (mute) Fault(http.ResponseWriter, *http.Request, int, *fault.Error) {}

func TestOutcomesInTheLog(t *testing.T) {
	for _, tt := range []struct {
		err            error
		level, outcome string
		kind           any
	}{
		{nil, "INFO", "ok", nil},
		{fault.New(fault.NotFound, "told"), "INFO", "refused", "not found"},
		{fault.New(fault.Throttled, "told"), "INFO", "refused", "throttled"},
		{fault.Wrap(context.DeadlineExceeded, fault.Unavailable, "told"), "ERROR", "failed", "unavailable"},
		{context.DeadlineExceeded, "ERROR", "failed", "unavailable"},
		{http.ErrHandlerTimeout, "ERROR", "failed", "internal"},
	} {
		h := web.Route("GET", "/x", mute{}, func(http.ResponseWriter, *http.Request) error { return tt.err })
		inBoth(t, func(t *testing.T, send func(http.Handler, string) reply, log *bytes.Buffer) {
			send(h, get("/x"))
			var line map[string]any
			if err := json.Unmarshal(log.Bytes(), &line); err != nil {
				t.Fatalf("the log is %s: %v", log, err)
			}
			_, explained := line["error"]
			if line["level"] != tt.level || line["outcome"] != tt.outcome || line["kind"] != tt.kind || explained != (tt.outcome == "failed") {
				t.Errorf("for %v the line is %s, want %s %s %v", tt.err, log, tt.level, tt.outcome, tt.kind)
			}
		})
	}
}
