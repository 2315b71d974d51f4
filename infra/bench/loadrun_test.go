package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// shop is an API and a bucket that answer what a test wants, and otherwise as the product does. What it is asked is counted.
type shop struct {
	*httptest.Server
	creates  atomic.Int64
	create   func(n int64, w http.ResponseWriter) (answered bool)
	complete string                 // the status it tells
	content  atomic.Pointer[string] // what a link leads to
}

func newShop(t *testing.T) *shop {
	s := &shop{create: func(int64, http.ResponseWriter) bool { return false }, complete: "ready"}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/assets", func(w http.ResponseWriter, r *http.Request) {
		if n := s.creates.Add(1); r.Header.Get("Authorization") != "Bearer key" || s.create(n, w) {
			return
		}
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"asset_id": "asset_1", "url": "%s/l/token", "upload": {"url": "%s/bucket", "form_fields": {}}}`, s.URL, s.URL)
	})
	mux.HandleFunc("POST /bucket", func(w http.ResponseWriter, r *http.Request) {
		file, _, err := r.FormFile("file")
		if err != nil || r.Header.Get("Authorization") != "" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		b, _ := io.ReadAll(file) // what there is decides
		s.content.Store(new(string(b)))
		w.WriteHeader(http.StatusNoContent)
	})
	asset := func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"asset_id": "asset_1", "status": "%s"}`, s.complete)
	}
	mux.HandleFunc("POST /api/v1/assets/asset_1/complete", asset)
	mux.HandleFunc("GET /api/v1/assets/asset_1", asset)
	mux.HandleFunc("GET /l/token", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, *s.content.Load()) })
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *shop) client() *client {
	return newClient(place{API: s.URL, Workspace: "ws_1", Key: "key"}, 1)
}

func TestAClientUploadsAndFindsItsFile(t *testing.T) {
	s := newShop(t)
	var seen tally
	seen.one(t.Context(), s.client(), []byte("bytes"))
	if len(seen.failed) > 0 || len(seen.stored) != 1 || len(seen.whole) != 1 || seen.told != 0 {
		t.Fatalf("the client saw %+v, want one upload and no failure", seen)
	}
	if lost := missing(t.Context(), s.client(), seen.stored); len(lost) > 0 {
		t.Errorf("lost: %v", lost)
	}
	s.content.Store(new("others"))
	if lost := missing(t.Context(), s.client(), seen.stored); len(lost) != 1 || !strings.Contains(lost[0].Error(), "not its own") {
		t.Errorf("a link that leads to other bytes gives %v, want one that is lost", lost)
	}
	s.complete = "failed"
	if lost := missing(t.Context(), s.client(), seen.stored); len(lost) != 1 || !strings.Contains(lost[0].Error(), "it is failed") {
		t.Errorf("an asset that failed gives %v, want one that is lost", lost)
	}
}

func TestAnAnswerThatSaysWhenToComeAgainIsNoError(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer func(n int64, w http.ResponseWriter) bool
		told   int
		failed bool
	}{
		{"busy once, with Retry-After", busy(1, http.StatusServiceUnavailable, "0"), 1, false},
		{"throttled twice, with Retry-After", busy(2, http.StatusTooManyRequests, "0"), 2, false},
		{"busy more often than a client comes again", busy(3, http.StatusServiceUnavailable, "0"), 2, true},
		{"busy without Retry-After", busy(1, http.StatusServiceUnavailable, ""), 0, true},
		{"the function crashed", busy(1, http.StatusInternalServerError, "0"), 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShop(t)
			s.create = tt.answer
			var seen tally
			seen.one(t.Context(), s.client(), []byte("bytes"))
			if seen.told != tt.told || (len(seen.failed) > 0) != tt.failed {
				t.Errorf("told to wait %d times, failures %v; want %d, and a failure: %t", seen.told, seen.failed, tt.told, tt.failed)
			}
		})
	}
}

// busy answers the first creates with a status.
func busy(times int64, status int, retryAfter string) func(int64, http.ResponseWriter) bool {
	return func(n int64, w http.ResponseWriter) bool {
		if n > times {
			return false
		}
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(status)
		return true
	}
}

func TestACrowdIsAddedUp(t *testing.T) {
	s := newShop(t)
	b := &bench{out: io.Discard}
	all := b.crowd(t.Context(), s.client(), 3, time.Millisecond)
	if n := len(all.stored); n < 3 || len(all.whole) != n || len(all.create) != n || len(all.failed) > 0 {
		t.Errorf("three clients stored %d files in %d creates, failures %v; want one each at least", n, len(all.create), all.failed)
	}
	r := loadResult(all, []error{errors.New("lost")}, map[string]int64{gatewayMemory: 300e6}, "3 clients", time.Second)
	held := map[string]bool{}
	for _, row := range r.Rows {
		for _, b := range row.Bars {
			held[row.Name] = b.Held
		}
	}
	if !held["errors"] || held["lost"] || held[gatewayMemory] {
		t.Errorf("bars held: %v; want no errors, and one lost and the gateway over", held)
	}
}

func TestMemoryOfAProcessAndItsChildren(t *testing.T) {
	if _, err := os.Stat("/proc/self/statm"); err != nil {
		t.Skip("this system has no /proc; memory is not measured there")
	}
	b := &bench{dir: t.TempDir()}
	s, stop, err := b.throughHost(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stop() }()
	if _, _, err := s.create(s.event); err != nil {
		t.Fatal(err)
	}
	pids := s.pids()
	if len(pids) != 1 || !slices.Contains(children(os.Getpid()), pids[0]) {
		t.Errorf("the children are %v, want the function's processes %v among them", children(os.Getpid()), pids)
	}
	w := watchMemory(os.Getpid())
	peaks := w.stop()
	if own := peaks[gatewayMemory]; own < 1<<20 || peaks[totalMemory] < own+resident(pids[0])/2 {
		t.Errorf("peaks are %v, want more than a MiB for this process, and the function's on top", peaks)
	}
}
