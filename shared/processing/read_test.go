package processing

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
)

// ranges is a bucket of one object whose reads break as a script says.
type ranges struct {
	Bucket
	body []byte

	mu    sync.Mutex
	reads int
	fail  func(read int, n int64) (give int64, err error) // how many bytes come, and with which error
}

func (r *ranges) Read(ctx context.Context, _, _ string, off, n int64) ([]byte, blob.Object, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, blob.Object{}, err
	}
	r.reads++
	end := min(off+n, int64(len(r.body)))
	give, err := end-off, error(nil)
	if r.fail != nil {
		give, err = r.fail(r.reads, give)
	}
	return bytes.Clone(r.body[off : off+give]), blob.Object{Size: int64(len(r.body))}, err
}

func reading(r *ranges) *Service { return New(Parts{Bucket: r}, Options{Pause: time.Microsecond}) }

func noise(n int) []byte {
	b := make([]byte, n)
	src := rand.NewChaCha8([32]byte{1})
	_, _ = src.Read(b)
	return b
}

func TestAStreamGoesOnBehindTheLastByteThatCame(t *testing.T) {
	body := noise(3 << 20)
	rapid.Check(t, func(t *rapid.T) {
		off := rapid.Int64Range(0, int64(len(body))).Draw(t, "offset")
		period := rapid.IntRange(2, 5).Draw(t, "every such read breaks")
		part := rapid.Int64Range(0, 1<<20).Draw(t, "after bytes")
		kind := rapid.SampledFrom([]error{
			fault.New(fault.Unavailable, "injected"), fault.New(fault.Throttled, "injected"), io.ErrUnexpectedEOF, nil,
		}).Draw(t, "with")
		r := &ranges{body: body, fail: func(read int, n int64) (int64, error) {
			if read%period == 0 {
				return min(part, n/2), kind
			}
			return n, nil
		}}
		s := reading(r).read(context.Background(), "k", "v", off, int64(len(body)))
		got, err := io.ReadAll(s)
		if err != nil || !bytes.Equal(got, body[off:]) {
			t.Fatalf("read %d bytes from %d, %v; want %d", len(got), off, err, int64(len(body))-off)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAStreamIsAReader(t *testing.T) {
	body := noise(1<<20 + 17)
	s := reading(&ranges{body: body}).read(t.Context(), "k", "v", 0, int64(len(body)))
	if err := iotest.TestReader(s, body); err != nil {
		t.Error(err)
	}
	_ = s.Close()
	if _, err := s.Read(make([]byte, 1)); err == nil {
		t.Error("a stream that was closed can be read")
	}
}

func TestAStreamReadsFewRangesAndNoneBeforeItIsAsked(t *testing.T) {
	body := noise(40 << 20)
	r := &ranges{body: body}
	s := reading(r).read(t.Context(), "k", "v", 0, int64(len(body)))
	if r.reads != 0 {
		t.Errorf("%d reads before anything was asked for", r.reads)
	}
	if n, err := io.Copy(io.Discard, s); n != int64(len(body)) || err != nil {
		t.Fatalf("%d bytes, %v", n, err)
	}
	if r.reads > 10 {
		t.Errorf("%d reads for 40 MiB, want at most 10", r.reads)
	}
}

func TestAStreamGivesUp(t *testing.T) {
	gone := &ranges{body: noise(100), fail: func(int, int64) (int64, error) { return 0, blob.ErrNotFound }}
	if _, err := io.ReadAll(reading(gone).read(t.Context(), "k", "v", 0, 100)); !errors.Is(err, blob.ErrNotFound) || gone.reads != 1 {
		t.Errorf("a missing object: %v after %d reads", err, gone.reads)
	}
	silent := &ranges{body: noise(100), fail: func(int, int64) (int64, error) { return 0, fault.New(fault.Unavailable, "injected") }}
	if _, err := io.ReadAll(reading(silent).read(t.Context(), "k", "v", 0, 100)); !fault.Is(err, fault.Unavailable) || silent.reads != readTries {
		t.Errorf("a silent bucket: %v after %d reads", err, silent.reads)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := io.ReadAll(reading(&ranges{body: noise(100)}).read(ctx, "k", "v", 0, 100)); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that is over: %v", err)
	}
}

func TestNamesOfDeliverablesAreSafe(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"as it is", "room.report.json", "room.report.json"},
		{"a path", "../a\\b.pdf", ".._a_b.pdf"},
		{"control characters", "a\x00\u2028b.png", "a__b.png"},
		{"broken UTF-8", "a\xffb", "a_b"},
		{"nothing", "", "deliverable"},
		{"too long", strings.Repeat("é", 300) + ".report.json", strings.Repeat("é", 199) + "…" + strings.Repeat("é", 28) + ".report.json"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := safe(tt.in); got != tt.want {
				t.Errorf("safe(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestNamesAreToldApart(t *testing.T) {
	taken := map[string]bool{}
	var got []string
	for _, name := range []string{"a.xyz", "A.xyz", "a.xyz", "a (2).xyz", "b"} {
		got = append(got, unlike(taken, name))
	}
	if want := "a.xyz A (2).xyz a (3).xyz a (2) (2).xyz b"; strings.Join(got, " ") != want {
		t.Errorf("names %q, want %s", got, want)
	}
}
