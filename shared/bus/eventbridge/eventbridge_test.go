package eventbridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/awsjson"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/bus/eventbridge"
)

// entry is one entry of a PutEvents request, as it travels.
type entry struct {
	EventBusName, Source, DetailType, Detail string
	Time                                     float64 // Unix seconds
}

// server speaks PutEvents, as the EventBridge API reference has it: AWS JSON 1.1.
type server struct {
	url string

	mu       sync.Mutex
	requests [][]entry
	wrong    []string                                 // what was no PutEvents request
	refuse   func(request, place int, e entry) string // error code for an entry; "" takes it
	fail     func(request int) bool                   // whether a request fails as a whole
}

func newServer(t testing.TB) *server {
	s := &server{}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	s.url = h.URL
	return s
}

// reset forgets what came.
func (s *server) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.wrong, s.refuse, s.fail = nil, nil, nil, nil
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := io.ReadAll(r.Body)
	var in struct{ Entries []entry }
	if err == nil {
		err = json.Unmarshal(b, &in)
	}
	if target := r.Header.Get("X-Amz-Target"); err != nil || target != "AWSEvents.PutEvents" || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
		s.wrong = append(s.wrong, fmt.Sprintf("%s %s %s: %v", r.Method, target, r.Header.Get("Content-Type"), err))
	}
	if !strings.Contains(r.Header.Get("Authorization"), "/events/aws4_request") {
		s.wrong = append(s.wrong, "not signed for EventBridge")
	}
	s.requests = append(s.requests, in.Entries)
	n := len(s.requests) - 1
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if s.fail != nil && s.fail(n) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type": "ResourceNotFoundException", "message": "Event bus does not exist."}`)
		return
	}
	var out struct {
		FailedEntryCount int
		Entries          []map[string]string
	}
	for i, e := range in.Entries {
		if code := s.code(n, i, e); code != "" {
			out.FailedEntryCount++
			out.Entries = append(out.Entries, map[string]string{"ErrorCode": code, "ErrorMessage": "said by the test"})
			continue
		}
		out.Entries = append(out.Entries, map[string]string{"EventId": fmt.Sprintf("%d-%d", n, i)})
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (s *server) code(request, place int, e entry) string {
	if s.refuse == nil {
		return ""
	}
	return s.refuse(request, place, e)
}

// publisher is ours, over the real client, without its repeats.
func (s *server) publisher() *eventbridge.Publisher {
	return eventbridge.New(awsjson.New(eventbridge.Service, awsjson.Options{
		Region: "us-east-1", Endpoint: s.url, HTTP: http.DefaultClient, Attempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "secret", ""),
	}), "assetry-bus")
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// some makes events that say which one of them they are.
func some(n int) []bus.Event {
	var es []bus.Event
	for i := range n {
		es = append(es, bus.Event{Type: bus.AssetReady, Time: noon.Add(time.Duration(i) * time.Second), Detail: bus.Detail{
			SchemaVersion: bus.SchemaVersion, ID: fmt.Sprint("event:", i), Workspace: "ws_1", Asset: fmt.Sprint(i), Version: 2, Generation: 1,
		}})
	}
	return es
}

func TestEventsGoOutTenARequest(t *testing.T) {
	s := newServer(t)
	for _, tt := range []struct {
		events int
		want   []int
	}{
		{0, nil}, {1, []int{1}}, {9, []int{9}}, {10, []int{10}}, {11, []int{10, 1}}, {25, []int{10, 10, 5}}, {30, []int{10, 10, 10}},
	} {
		t.Run(fmt.Sprint(tt.events, " events"), func(t *testing.T) {
			s.reset()
			events := some(tt.events)
			failed, err := s.publisher().Publish(t.Context(), events)
			if err != nil || len(failed) > 0 {
				t.Fatalf("Publish = %v, %v", failed, err)
			}
			var sizes []int
			var want, got []entry
			for _, r := range s.requests {
				sizes, got = append(sizes, len(r)), append(got, r...)
			}
			for _, e := range events {
				b, err := e.Detail.JSON()
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, entry{"assetry-bus", "assetry", "asset.ready", string(b), float64(e.Time.Unix())})
			}
			if diff := cmp.Diff(tt.want, sizes); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			if len(s.wrong) > 0 {
				t.Errorf("requests that are none: %v", s.wrong)
			}
		})
	}
}

func TestRefusedEntriesAreReportedByTheirPlace(t *testing.T) {
	s := newServer(t)
	rapid.Check(t, func(t *rapid.T) {
		s.reset()
		n := rapid.IntRange(0, 35).Draw(t, "events")
		bad := map[string]bool{}
		var want []int
		for i := range n {
			if rapid.IntRange(0, 3).Draw(t, "refused") == 0 {
				b, err := some(n)[i].Detail.JSON()
				if err != nil {
					t.Fatal(err)
				}
				bad[string(b)], want = true, append(want, i)
			}
		}
		s.refuse = func(_, _ int, e entry) string {
			if bad[e.Detail] {
				return "InternalFailure"
			}
			return ""
		}
		failed, err := s.publisher().Publish(context.Background(), some(n))
		if err != nil {
			t.Fatalf("Publish: %v", err)
		}
		if diff := cmp.Diff(want, failed); diff != "" {
			t.Fatalf("failed (-want +got):\n%s", diff)
		}
	})
}

func TestAFailedRequestFailsWhatFollows(t *testing.T) {
	s := newServer(t)
	for _, tt := range []struct {
		name     string
		request  int // that fails
		want     []int
		requests int
	}{
		{"the first", 0, upFrom(0, 25), 1},
		{"the second, after one refused entry in the first", 1, append([]int{3}, upFrom(10, 25)...), 2},
		{"the last", 2, append([]int{3}, upFrom(20, 25)...), 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.reset()
			s.fail = func(request int) bool { return request == tt.request }
			s.refuse = func(request, place int, _ entry) string {
				if request == 0 && place == 3 {
					return "ThrottlingException"
				}
				return ""
			}
			failed, err := s.publisher().Publish(t.Context(), some(25))
			if err == nil || !strings.Contains(err.Error(), "assetry-bus") {
				t.Errorf("Publish gave error %v, want one that names the bus", err)
			}
			if diff := cmp.Diff(tt.want, failed); diff != "" {
				t.Errorf("failed (-want +got):\n%s", diff)
			}
			if len(s.requests) != tt.requests {
				t.Errorf("%d requests, want %d: none after the one that failed", len(s.requests), tt.requests)
			}
		})
	}
}

func upFrom(from, to int) []int {
	var out []int
	for i := from; i < to; i++ {
		out = append(out, i)
	}
	return out
}

func TestABusThatCannotBeReached(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	s := &server{url: gone.URL}
	failed, err := s.publisher().Publish(t.Context(), some(3))
	if diff := cmp.Diff([]int{0, 1, 2}, failed); err == nil || diff != "" {
		t.Errorf("Publish = %v, %v, want all three failed and an error", failed, err)
	}
}

func TestARequestHoldsNoMoreBytesThanEventBridgeTakes(t *testing.T) {
	es := some(12)
	for i := range es {
		es[i].Detail.Order = &bus.OrderDetail{Order: fmt.Sprint(i), Metadata: strings.Repeat("<", 16<<10)} // six bytes each
	}
	s := newServer(t)
	if failed, err := s.publisher().Publish(t.Context(), es); err != nil || len(failed) > 0 {
		t.Fatalf("Publish = %v, %v", failed, err)
	}
	n := 0
	for _, r := range s.requests {
		size := 0
		for _, e := range r {
			size += len(e.Detail) + len(e.Source) + len(e.DetailType) + 14 // bytes of its time, as EventBridge counts them
			if !strings.Contains(e.Detail, fmt.Sprintf(`"event_id":"event:%d"`, n)) {
				t.Errorf("event %d is not where it belongs: %.80s", n, e.Detail)
			}
			n++
		}
		if size > 256<<10 {
			t.Errorf("a request has %d bytes; EventBridge takes 262,144", size)
		}
	}
	if n != len(es) || len(s.requests) > 6 {
		t.Errorf("%d events came in %d requests, want %d in 6", n, len(s.requests), len(es))
	}
}
