package importer

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/assetry/assetry/shared/remote"
)

// piped is a body for a caller whose source is a pipe: ended by whoever cancels, as a connection is.
func piped(caller context.Context, stall time.Duration) (*body, *io.PipeWriter) {
	r, w := io.Pipe()
	ctx, cancel := context.WithCancel(caller)
	context.AfterFunc(ctx, func() { _ = r.CloseWithError(io.EOF) }) // the worst of ends: one that looks proper
	return newBody(caller, cancel, r, bodyLimits{length: -1, stall: stall}, where{"https://a", "https://a"}), w
}

func TestBodyFailsAfterItsStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, w := piped(t.Context(), 30*time.Second)
		go func() {
			for range 3 { // each byte is late, and none too late
				<-time.After(29 * time.Second)
				_, _ = w.Write([]byte("x")) // the reader has gone at the end
			}
		}()
		began := time.Now()
		got, err := io.ReadAll(b)
		var e *remote.Error
		if !errors.As(err, &e) || e.Reason != remote.Slow || string(got) != "xxx" {
			t.Errorf("ReadAll = %q, %v; want three bytes, and then that it is slow", got, err)
		}
		if d := time.Since(began); d != 3*29*time.Second+30*time.Second {
			t.Errorf("it failed after %s, want 30 s after the last byte", d)
		}
		if _, again := b.Read(make([]byte, 1)); again != err {
			t.Errorf("Read again = %v, want the same error", again)
		}
	})
}

// Only the source's slowness counts: bytes that have come wait for whoever reads them.
func TestBodyWaitsForItsReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, w := piped(t.Context(), 30*time.Second)
		go func() {
			for range 3 {
				_, _ = w.Write([]byte("x")) // the reader fails the test if it does not come
			}
			_ = w.Close()
		}()
		for range 3 {
			<-time.After(time.Hour) // on the clock of the test
			if n, err := b.Read(make([]byte, 8)); n != 1 || err != nil {
				t.Fatalf("Read = %d, %v; want a byte", n, err)
			}
		}
		if n, err := b.Read(make([]byte, 8)); n != 0 || err != io.EOF {
			t.Errorf("Read at the end = %d, %v; want EOF", n, err)
		}
		_ = b.Close()
	})
}

func TestBodyEndsWithTheTimeOfItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		b, w := piped(ctx, 30*time.Second)
		go func() { _, _ = w.Write([]byte("x")) }() // and no more
		if got, err := io.ReadAll(b); string(got) != "x" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ReadAll = %q, %v; want a byte, and then %v", got, err, context.DeadlineExceeded)
		}
	})
}
