package importer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/importer"
	"github.com/assetry/assetry/shared/remote"
)

func TestBodyThatEndsEarly(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer string
		query  remote.Query
		text   string
	}{
		{"a file with a length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", remote.Query{}, "ended after 3 bytes of 10"},
		{"a file in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", remote.Query{}, "ended after 3 bytes"},
		{"a file in a broken-off chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc", remote.Query{}, "ended after 3 bytes"},
		{"a range with a length", "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-9/20\r\nContent-Length: 10\r\n\r\nabc", remote.Query{Length: 10}, "ended after 3 bytes of 10"},
		{"a range in chunks that end properly", "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-9/20\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", remote.Query{Length: 10}, "ended after 3 bytes of 10"},
		{"a range without a length", "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-9/20\r\n\r\nabc", remote.Query{Length: 10}, "ended after 3 bytes of 10"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSource(t, raw(tt.answer))
			tt.query.Address = s.address()
			_, b, err := s.fetch(t, tt.query)
			expect(t, err, remote.Truncated, true, tt.text)
			if string(b) != "abc" {
				t.Errorf("the body gave %q, want what came", b)
			}
		})
	}
}

func TestBodyOfMoreThanWasSaidIsCut(t *testing.T) {
	s := newSource(t, raw("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-3/20\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nabcdefgh\r\n0\r\n\r\n"))
	if _, b, err := s.fetch(t, remote.Query{Address: s.address(), Length: 4}); err != nil || string(b) != "abcd" {
		t.Errorf("the body gave %q, %v; want the four bytes that were asked for", b, err)
	}
}

func TestBodyInBrokenChunks(t *testing.T) {
	s := newSource(t, raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\ns3cret\r\n"))
	_, _, err := s.fetch(t, remote.Query{Address: s.address()})
	expect(t, err, remote.Malformed, false, "HTTP does not allow")
}

func TestBodyThatStandsStill(t *testing.T) {
	for _, length := range []string{"10", ""} {
		s := newSource(t, hang(func(w http.ResponseWriter) {
			setUnlessEmpty(w.Header(), "Content-Length", length)
			_, _ = io.WriteString(w, "abc")
		})).impatient(func(o *importer.Options) { o.Stall = 500 * time.Millisecond })
		_, b, err := s.fetch(t, remote.Query{Address: s.address()})
		expect(t, err, remote.Slow, true, "gave no more bytes for 500ms")
		if string(b) != "abc" {
			t.Errorf("the body gave %q, want what came", b)
		}
	}
}

func forAnswers(o *importer.Options) { o.Guard.Answer = time.Second }

func TestAnswerThatDoesNotCome(t *testing.T) {
	t.Parallel()
	s := newSource(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }).impatient(forAnswers)
	_, err := s.Get(t.Context(), remote.Query{Address: s.address()})
	expect(t, err, remote.Slow, true, "did not answer in time")
}

func TestAnswerWhoseHeaderDoesNotEnd(t *testing.T) {
	t.Parallel()
	s := newSource(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-A: ")
		_, _ = io.Copy(io.Discard, conn) // until the client goes
	}).impatient(forAnswers)
	_, err := s.Get(t.Context(), remote.Query{Address: s.address()})
	expect(t, err, remote.Slow, true, "did not answer in time")
}

// timely is a context whose time is over when a test says so, and not before: a handshake may take as long as it takes.
type timely struct {
	context.Context
	over chan struct{}
}

func (c timely) Done() <-chan struct{} { return c.over }

func (c timely) Err() error {
	select {
	case <-c.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func TestBodyEndsWithItsContext(t *testing.T) {
	for _, tt := range []struct {
		name  string
		begin func(context.Context) (ctx context.Context, end context.CancelFunc)
		want  error
	}{
		{"canceled", context.WithCancel, context.Canceled},
		{"out of time", func(ctx context.Context) (context.Context, context.CancelFunc) {
			over := make(chan struct{})
			return timely{ctx, over}, sync.OnceFunc(func() { close(over) })
		}, context.DeadlineExceeded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSource(t, hang(func(w http.ResponseWriter) { _, _ = io.WriteString(w, "abc") }))
			ctx, end := tt.begin(t.Context())
			defer end()
			a, err := s.Get(ctx, remote.Query{Address: s.address()})
			if err != nil {
				t.Fatal(err)
			}
			defer a.Body.Close()
			if _, err := io.ReadFull(a.Body, make([]byte, 3)); err != nil {
				t.Fatal(err)
			}
			end()
			if _, err := a.Body.Read(make([]byte, 1)); !errors.Is(err, tt.want) {
				t.Errorf("Read = %v, want %v", err, tt.want)
			}
		})
	}
}

// endless gives bytes for as long as anybody reads.
func endless(w http.ResponseWriter, r *http.Request) {
	block := make([]byte, 64<<10)
	for r.Context().Err() == nil {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

func TestBodyWithoutEndIsLimited(t *testing.T) {
	s := newSource(t, endless)
	_, b, err := s.fetch(t, remote.Query{Address: s.address(), Limit: 1 << 20})
	expect(t, err, remote.TooLarge, false, "more than 1048576 bytes")
	if len(b) != 1<<20 {
		t.Errorf("the body gave %d bytes, want those within the limit", len(b))
	}
}

func TestGetRefusesWhatSaysThatItIsTooLarge(t *testing.T) {
	s := newSource(t, serveFile)
	for _, q := range []remote.Query{{}, {Length: 10}, {From: 10, Length: 10}} {
		q.Address, q.Limit = s.address(), 299_999
		_, err := s.Get(t.Context(), q)
		expect(t, err, remote.TooLarge, false, "has 300000 bytes; at most 299999")
		q.Limit = 300_000
		if _, _, err := s.fetch(t, q); err != nil {
			t.Errorf("Get of all that is allowed = %v", err)
		}
	}
}

func TestBodyTakesNoMemory(t *testing.T) {
	const size, most = 64 << 20, 16 << 20
	s := newSource(t, endless)
	a, err := s.Get(t.Context(), remote.Query{Address: s.address()})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n, err := io.CopyN(io.Discard, a.Body, size)
	runtime.ReadMemStats(&after)
	if err != nil || n != size {
		t.Fatalf("read %d bytes, %v", n, err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > most {
		t.Errorf("reading %d MiB took %d MiB of memory, want at most %d", size>>20, got>>20, most>>20)
	}
}

func TestConnectionsAreKeptForWhatFollows(t *testing.T) {
	s := newSource(t, serveFile)
	for from := int64(0); from < 50_000; from += 10_000 {
		if _, _, err := s.fetch(t, remote.Query{Address: s.address(), From: from, Length: 10_000}); err != nil {
			t.Fatal(err)
		}
	}
	peers := map[string]bool{}
	for _, r := range s.requests() {
		peers[r.RemoteAddr] = true
	}
	if len(peers) != 1 {
		t.Errorf("5 ranges, one after the other, took %d connections, want one", len(peers))
	}
	if n := s.dns.Asked("files.example", "udp"); n != 1 {
		t.Errorf("the name was looked up %d times, want once", n)
	}
}

func TestManyReadAtOnce(t *testing.T) {
	s := newSource(t, serveFile)
	errs := make(chan error)
	for i := range 30 {
		go func() {
			from := int64(i) * 10_000
			a, err := s.Get(t.Context(), remote.Query{Address: s.address(), From: from, Length: 10_000, Same: fileIdentity})
			if err != nil {
				errs <- err
				return
			}
			defer a.Body.Close()
			b, err := io.ReadAll(a.Body)
			if err == nil && !bytes.Equal(b, file[from:from+10_000]) {
				err = fmt.Errorf("the range from %d has other bytes", from)
			}
			errs <- err
		}()
	}
	for range 30 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}
