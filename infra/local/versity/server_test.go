package versity_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/shared/blob"
)

func TestARestartKeepsEverything(t *testing.T) {
	for _, c := range []struct{ name, folder string }{
		{"with metadata in extended attributes", ""},
		{"with metadata beside the objects", "sidecar"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, c.folder), 0o700); err != nil {
				t.Fatal(err)
			}
			ctx := context.Background()
			s := start(t, config(dir))
			b := driver(s, "assets")
			old, current := put(t, b, key, "old"), put(t, b, key, "current")
			up, err := b.StartParts(ctx, "w/parts", blob.PutOptions{Type: "video/mp4"})
			if err != nil {
				t.Fatal(err)
			}
			p, err := b.PutPart(ctx, "w/parts", up, 1, strings.NewReader("part"), 4)
			if err != nil {
				t.Fatal(err)
			}
			s.Close()

			b = driver(start(t, config(dir)), "assets")
			for _, want := range []struct {
				o    blob.Object
				body string
			}{{old, "old"}, {current, "current"}} {
				body, o, err := b.Read(ctx, key, want.o.Version, 0, 100)
				if err != nil || string(body) != want.body || o.Meta["a"] != "ü" || o.Type != "image/png" || o.ETag != want.o.ETag {
					t.Errorf("Read after the restart = %q, %+v, %v; want %q as it was", body, o, err, want.body)
				}
			}
			if o, err := b.Head(ctx, key, ""); err != nil || o.Version != current.Version {
				t.Errorf("current version = %+v, %v; want %s", o, err, current.Version)
			}
			if err := b.DeleteVersion(ctx, key, current.Version); err != nil {
				t.Error(err)
			}
			if o, err := b.Head(ctx, key, ""); err != nil || o.Version != old.Version || o.Meta["a"] != "ü" {
				t.Errorf("current version after a removal = %+v, %v; want %s", o, err, old.Version)
			}
			if o, err := b.CompleteParts(ctx, "w/parts", up, []blob.Part{p}, blob.PutOptions{}); err != nil || o.Size != 4 {
				t.Errorf("CompleteParts after the restart = %+v, %v", o, err)
			}
			if sidecar, _ := os.ReadDir(filepath.Join(dir, "sidecar")); (len(sidecar) > 0) != (c.folder != "") {
				t.Errorf("the sidecar folder has %d entries", len(sidecar))
			}
		})
	}
}

func TestAMissingKeyIsForbidden(t *testing.T) {
	s := versitytest.Start(t)
	b := driver(s.Server, s.Bucket)
	o, other := put(t, b, key, "pixels"), put(t, b, key+"2", "pixels")
	for _, c := range []struct {
		name, method, key, version string
		want                       int
	}{
		{"GET of an object", "GET", key, o.Version, 200},
		{"GET of a missing key", "GET", "w/none", o.Version, 403},
		{"HEAD of a missing key", "HEAD", "w/none", o.Version, 403},
		{"GET of a missing version of a key", "GET", key, other.Version, 404},
		{"HEAD of a missing version of a key", "HEAD", key, other.Version, 404},
	} {
		url, err := b.SignGet(context.Background(), blob.GetSpec{Method: c.method, Key: c.key, Version: c.version, Expires: soon()})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := fetch(t, s.HTTP(), c.method, url, nil); got != c.want {
			t.Errorf("%s = %d, want %d", c.name, got, c.want)
		}
	}
	if got, _ := fetch(t, s.HTTP(), "GET", s.URL()+"/"+s.Bucket+"/"+key, nil); got != 403 {
		t.Errorf("GET without a signature = %d, want 403", got)
	}
}

func TestPagesOfTheNamedOriginMayUseTheBucket(t *testing.T) {
	s := start(t, config(t.TempDir()))
	b := driver(s, "assets")
	o := put(t, b, key, "pixels")
	url, err := b.SignGet(context.Background(), blob.GetSpec{Key: key, Version: o.Version, Expires: soon()})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, method, origin, asks string
		status                     int
		allowed                    string
	}{
		{"a preflight for a form", "OPTIONS", "https://app.example.com", "POST", 200, "https://app.example.com"},
		{"a preflight for a PUT", "OPTIONS", "https://app.example.com", "PUT", 200, "https://app.example.com"},
		{"a preflight for a removal", "OPTIONS", "https://app.example.com", "DELETE", 403, ""},
		{"a preflight of another origin", "OPTIONS", "https://evil.example.com", "POST", 403, ""},
		{"a GET", "GET", "https://app.example.com", "", 200, "https://app.example.com"},
		{"a GET of another origin", "GET", "https://evil.example.com", "", 200, ""},
	} {
		h := map[string]string{"Origin": c.origin}
		if c.asks != "" {
			h["Access-Control-Request-Method"] = c.asks
			h["Access-Control-Request-Headers"] = "content-type,if-none-match,x-amz-meta-asset"
		}
		status, got := fetch(t, s.HTTP(), c.method, url, h)
		if status != c.status || got.Get("Access-Control-Allow-Origin") != c.allowed {
			t.Errorf("%s = %d, allowed origin %q; want %d, %q", c.name, status, got.Get("Access-Control-Allow-Origin"), c.status, c.allowed)
		}
		if c.method == "GET" && c.allowed != "" && !strings.Contains(got.Get("Access-Control-Expose-Headers"), "ETag") {
			t.Errorf("%s exposes %q, want ETag", c.name, got.Get("Access-Control-Expose-Headers"))
		}
	}
}

func TestAPortInUseIsSaid(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := config(t.TempDir())
	c.Addr = l.Addr().String()
	s, err := versity.Start(context.Background(), c)
	if err == nil {
		s.Close()
	}
	if !errors.Is(err, versity.ErrAddrInUse) || !strings.Contains(err.Error(), c.Addr) {
		t.Errorf("Start on a taken port = %v, want ErrAddrInUse that names %s", err, c.Addr)
	}
}

func TestAnUnusableFolderIsSaid(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := versity.Start(context.Background(), config(file))
	if err == nil {
		s.Close()
	}
	if err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("Start over a file = %v, want an error that names it", err)
	}
	if _, err := versity.Start(context.Background(), versity.Config{Dir: file}); err == nil {
		t.Error("Start without keys and bucket is done, want an error")
	}
}

// The best of three rounds counts: the machine may do something else meanwhile.
func TestCloseStopsTheServerAndFreesThePort(t *testing.T) {
	c := config(t.TempDir())
	s, least := start(t, c), time.Hour
	for range 3 {
		began := time.Now()
		s.CloseWithin(10 * time.Second) // the child ends by itself, also on a busy machine
		least = min(least, time.Since(began))
		s.Close()
		select {
		case <-s.Done():
		default:
			t.Error("Done is open after Close")
		}
		if err := s.Err(); err != nil {
			t.Errorf("Err after Close = %v, want none", err)
		}
		c.Addr = s.Addr()
		again := start(t, c)
		if again.Addr() != s.Addr() {
			t.Errorf("second server on %s, want %s", again.Addr(), s.Addr())
		}
		s = again
	}
	if least > 2*time.Second {
		t.Errorf("Close took %s, want at most 2 s", least)
	}
}

func TestCloseKillsAChildThatDoesNotEnd(t *testing.T) {
	s := start(t, config(t.TempDir()))
	if err := syscall.Kill(s.Pid(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	s.CloseWithin(50 * time.Millisecond)
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("Err of a server whose child stood still = %v, want that it was killed", err)
	}
}

func TestACrashIsSaid(t *testing.T) {
	s := start(t, config(t.TempDir()))
	child, err := os.FindProcess(s.Pid())
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Kill(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("Done is open 10 s after the child was killed")
	}
	if s.Err() == nil {
		t.Error("Err after a crash = nil, want the reason")
	}
	s.Close()
}

// parent starts the test binary as a parent of its own child, and gives the child's address and what the parent says next.
func parent(t *testing.T) (p *exec.Cmd, addr string, says *bufio.Reader) {
	t.Helper()
	p = exec.Command(os.Args[0])
	p.Env = append(os.Environ(), envParent+"="+t.TempDir())
	p.Stderr = os.Stderr
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Process.Kill(); p.Wait() })
	says = bufio.NewReader(out)
	line, err := says.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return p, strings.TrimSpace(line), says
}

func TestKillingTheParentEndsTheChild(t *testing.T) {
	p, addr, _ := parent(t)
	if _, err := http.Get("http://" + addr + "/"); err != nil {
		t.Fatalf("the child does not answer: %v", err)
	}
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	wantGone(t, addr)
}

// wantGone waits until nothing listens on the address.
func wantGone(t *testing.T, addr string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); <-tick.C {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		c.Close()
	}
	t.Errorf("%s still listens 10 s after its parent was killed", addr)
}

func TestAWriteIsNotAnsweredWithSuccessBeforeItsEventIsRecorded(t *testing.T) {
	p, addr, says := parent(t)
	b := driverAt(addr)
	r, _, err := b.SignPut(context.Background(), blob.PutSpec{Key: "stuck/source", Type: "image/png", Size: 1, Expires: soon()})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(r.Method, r.URL, strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range r.Headers {
		req.Header.Set(k, v)
	}
	answer := make(chan int, 1)
	go func() {
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			answer <- 0
			return
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		answer <- resp.StatusCode
	}()
	if line, err := says.ReadString('\n'); err != nil || line != "stuck\n" {
		t.Fatalf("the parent says %q, %v; want that it got the event", line, err)
	}
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if status := <-answer; status != 0 && status != 503 {
		t.Errorf("the write was answered %d, want 503 or a broken connection: nobody recorded its event", status)
	}
	wantGone(t, addr)
}

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		s, err := versity.Start(context.Background(), config(b.TempDir()))
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		s.Close()
		b.StartTimer()
	}
}
