package sender_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/guard"
	"github.com/assetry/assetry/shared/guard/guardtest"
	"github.com/assetry/assetry/shared/webhook/sender"
)

// receiver is a server on loopback that events are sent to, under the name hooks.example.
type receiver struct {
	*sender.Sender
	options sender.Options
	dns     *guardtest.DNS
	port    int

	mu  sync.Mutex
	got []delivery
}

type delivery struct {
	*http.Request
	body string
}

func newReceiver(t *testing.T, h http.HandlerFunc) *receiver {
	t.Helper()
	ca := guardtest.NewCA(t)
	r := &receiver{dns: guardtest.NewDNS(t)}
	r.port = guardtest.Serve(t, &tls.Config{Certificates: []tls.Certificate{ca.Valid("hooks.example")}}, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			t.Errorf("read what was sent: %v", err)
		}
		r.mu.Lock()
		r.got = append(r.got, delivery{q, string(body)})
		r.mu.Unlock()
		h(w, q)
	}))
	r.dns.Set("hooks.example", "127.0.0.1")
	r.options = sender.Options{
		Guard: guard.Options{
			Permission: guard.Permit(guard.Exceptions{Loopback: true, Ports: []int{r.port}}), Resolver: r.dns.Resolver(), Roots: ca.Pool(),
		},
		Time: 5 * time.Second,
	}
	r.Sender = sender.New(r.options)
	return r
}

func (r *receiver) url(host string) string {
	return fmt.Sprintf("https://%s:%d/in?token=s3cret", host, r.port)
}

func (r *receiver) deliveries() []delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]delivery(nil), r.got...)
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func TestSendPosts(t *testing.T) {
	r := newReceiver(t, status(http.StatusNoContent))
	headers := map[string]string{"Content-Type": "application/json", "webhook-id": "msg_1", "webhook-signature": "v1,abc v1,def"}
	got, err := r.Send(t.Context(), r.url("hooks.example"), headers, []byte(`{"a":1}`))
	if err != nil || got != http.StatusNoContent {
		t.Fatalf("Send = %d, %v; want 204", got, err)
	}
	ds := r.deliveries()
	if len(ds) != 1 || ds[0].Method != http.MethodPost || ds[0].RequestURI != "/in?token=s3cret" || ds[0].body != `{"a":1}` || ds[0].ContentLength != 7 {
		t.Fatalf("the receiver got %+v, want the body once, by POST, with the query", ds)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Webhook-Id": "msg_1", "Webhook-Signature": "v1,abc v1,def", "User-Agent": "Assetry-Webhook/1.0",
		"Idempotency-Key": "", "Authorization": "",
	} {
		if got := ds[0].Header.Get(name); got != want {
			t.Errorf("header %s = %q, want %q", name, got, want)
		}
	}
}

func TestSendGivesEveryStatusAndFollowsNoRedirect(t *testing.T) {
	for _, code := range []int{200, 202, 299, 301, 302, 303, 307, 308, 400, 401, 404, 410, 429, 500, 503} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(code)
			})
			if got, err := r.Send(t.Context(), r.url("hooks.example"), nil, []byte("x")); err != nil || got != code {
				t.Errorf("Send = %d, %v; want %d", got, err, code)
			}
			if n := len(r.deliveries()); n != 1 {
				t.Errorf("the receiver was asked %d times, want once", n)
			}
		})
	}
}

func TestSendKeepsConnections(t *testing.T) {
	r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("thanks ", 1000))
	})
	for range 3 {
		if _, err := r.Send(t.Context(), r.url("hooks.example"), nil, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	ds := r.deliveries()
	if len(ds) != 3 || ds[0].RemoteAddr != ds[1].RemoteAddr || ds[1].RemoteAddr != ds[2].RemoteAddr {
		t.Errorf("%d deliveries came over several connections, want one", len(ds))
	}
}

// The connection that was kept is dead when it is needed again, as after a function was frozen.
func TestSendGoesOnWhenAKeptConnectionIsDead(t *testing.T) {
	var drop atomic.Bool
	r := newReceiver(t, func(w http.ResponseWriter, q *http.Request) {
		if drop.Swap(false) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Errorf("take the connection: %v", err)
				return
			}
			_ = conn.Close()
		}
	})
	for i := range 2 {
		drop.Store(i == 1)
		if got, err := r.Send(t.Context(), r.url("hooks.example"), nil, []byte("x")); err != nil || got != http.StatusOK {
			t.Errorf("Send %d = %d, %v; want 200", i, got, err)
		}
	}
	ds := r.deliveries()
	if len(ds) != 3 || ds[2].body != "x" {
		t.Errorf("the receiver got %d requests, want the one that was dropped again", len(ds))
	}
}

func TestSendReadsLittleOfTheAnswer(t *testing.T) {
	wrote := make(chan int, 1)
	r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		n := 0
		for block := make([]byte, 64<<10); ; n += len(block) {
			if _, err := w.Write(block); err != nil {
				wrote <- n
				return
			}
		}
	})
	if got, err := r.Send(t.Context(), r.url("hooks.example"), nil, []byte("x")); err != nil || got != http.StatusOK {
		t.Errorf("Send = %d, %v; want 200, whatever follows", got, err)
	}
	if n := <-wrote; n > 32<<20 { // what lies in the buffers of two sockets, and much less than would come in the time allowed
		t.Errorf("the receiver wrote %d bytes before it was left", n)
	}
}

func TestSendTellsWhyThereIsNoAnswer(t *testing.T) {
	silent := func(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() }
	for _, tt := range []struct {
		name    string
		host    string
		handler http.HandlerFunc
		want    guard.Failure
		text    string
	}{
		{"a private address", "inner.example", status(200), guard.Refused, "must not be reached"},
		{"a name that is not there", "absent.example", status(200), guard.NoName, "was not found"},
		{"a certificate for another name", "other.example", status(200), guard.BrokenTLS, "certificate"},
		{"no answer in time", "hooks.example", silent, guard.TimedOut, "in time"},
		{"no HTTP", "hooks.example", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			_, _ = io.WriteString(conn, "token=s3cret\r\n\r\n")
			_ = conn.Close()
		}, guard.BadAnswer, "HTTP does not allow"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newReceiver(t, tt.handler)
			r.dns.Set("other.example", "127.0.0.1")
			r.dns.Set("inner.example", "169.254.169.254")
			o := r.options
			if tt.want == guard.TimedOut {
				o.Time = 500 * time.Millisecond
			}
			r.Sender = sender.New(o)
			code, err := r.Send(t.Context(), r.url(tt.host), nil, []byte("x"))
			var e *sender.Error
			if !errors.As(err, &e) || code != 0 || e.Failure != tt.want || !strings.Contains(e.Error(), tt.text) {
				t.Fatalf("Send = %d, %v; want a failure %d with %q", code, err, tt.want, tt.text)
			}
			if strings.Contains(e.Error(), "169.254") || len(e.Error()) > 200 {
				t.Errorf("the error is %q, want it short, and nothing from inside in it", e)
			}
			for all := error(e); all != nil; all = errors.Unwrap(all) {
				if strings.Contains(all.Error(), "s3cret") {
					t.Errorf("the error is %q, with the query", all)
				}
			}
		})
	}
}

func TestSendEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := newReceiver(t, func(_ http.ResponseWriter, q *http.Request) {
		cancel()
		<-q.Context().Done()
	})
	if _, err := r.Send(ctx, r.url("hooks.example"), nil, []byte("x")); err != context.Canceled {
		t.Errorf("Send = %v, want the context's error", err)
	}
}

func TestCheckAndSendRefuseAddresses(t *testing.T) {
	r := newReceiver(t, status(200))
	for _, url := range []string{
		"http://hooks.example/in", "https://user:s3cret@hooks.example/in", "https://hooks.example:22/in", "https://10.0.0.1/in", "https://[::ffff:127.0.0.1]/in",
		"https://metadata.google.internal/in", "https://0x7f.1/in", "https://bücher.example/in", "hooks.example", "", "https://hooks.example/" + strings.Repeat("a", 100_000),
	} {
		for what, err := range map[string]error{"Check": r.Check(url), "Send": send(t, r, url)} {
			if fs := fault.FieldsOf(err); !fault.Is(err, fault.Invalid) || len(fs) != 1 || fs[0].Name != "url" || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%s(%.60q) = %v, want url refused", what, url, err)
			}
		}
	}
	if err := r.Check(r.url("hooks.example")); err != nil {
		t.Errorf("Check = %v, want the receiver's address taken", err)
	}
	if n := len(r.deliveries()); n != 0 {
		t.Errorf("the receiver was asked %d times", n)
	}
}

func send(t *testing.T, r *receiver, url string) error {
	t.Helper()
	_, err := r.Send(t.Context(), url, nil, nil)
	return err
}
