package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/enginetest"
)

func TestAnEngineMakesTheImageOnceAndLeavesNothingBehind(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // another engine may run for tests of SAM
	defer cancel()
	e, err := Open(ctx, Options{Dir: t.TempDir(), Tell: t.Logf})
	if errors.Is(err, ErrAbsent) {
		t.Log(err)
		enginetest.Missing(t, "a Docker engine")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	l, err := net.Listen("tcp", net.JoinHostPort(e.Gateway(), "0"))
	if err != nil {
		t.Fatalf("no server can listen for containers: %v", err)
	}
	_ = l.Close()
	first, err := e.Lambda(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	second, err := e.Lambda(ctx, "a")
	if err != nil || second != first {
		t.Errorf("a second image of the same is %q, %v; want %q", second, err, first)
	}
	if other, err := e.Lambda(ctx, "b"); err != nil || other == first {
		t.Errorf("with another salt the image is %q, %v; want another name", other, err)
	}
	if e.own == nil {
		return // the machine's engine runs on
	}
	e.Close()
	select {
	case <-e.own.process.Done():
	default:
		t.Error("the engine runs after Close")
	}
	if _, err := os.Stat(e.own.run); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of its socket: %v, want it gone", err)
	}
}

func TestOneEngineOfOurOwnRunsAtATime(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	first, err := alone(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan string, 1)
	waiting := Options{Tell: func(format string, args ...any) { told <- fmt.Sprintf(format, args...) }}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := alone(ctx, waiting)
		ended <- err
	}()
	if said := <-told; !strings.Contains(said, "waiting") {
		t.Errorf("it said %q, want that it waits", said)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("given up, it says %v", err)
	}
	first()
	second, err := alone(t.Context(), Options{})
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	second()
}

func TestTheImageHasAShellAuthoritiesAndLambdasFolders(t *testing.T) {
	if !HasShell() {
		enginetest.Missing(t, "BusyBox, linked statically")
	}
	layer, err := lambdaLayer()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for r := tar.NewReader(bytes.NewReader(layer)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		if h.Name == "bin/busybox" && (h.Mode != 0o755 || h.Size == 0) {
			t.Errorf("bin/busybox has mode %o and %d bytes", h.Mode, h.Size)
		}
	}
	for _, want := range []string{"bin/sh", "bin/mv", "bin/chmod", "var/task/", "var/rapid/", "var/runtime/", "opt/", "tmp/", "etc/ssl/certs/ca-certificates.crt"} {
		if !slices.Contains(names, want) {
			t.Errorf("the image lacks %s; it has %v", want, names)
		}
	}
}

// engine answers as an engine of the given pages does, on a socket.
func engine(t *testing.T, pages map[string]string) *api {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, ok := pages[r.Method+" "+r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			page = `{"message": "no such thing"}`
		}
		_, _ = io.WriteString(w, page)
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	a := newAPI("unix://" + socket)
	t.Cleanup(a.close)
	return a
}

func TestTheGatewayIsTheBridgesAddress(t *testing.T) {
	for name, tt := range map[string]struct{ network, want string }{
		"a bridge":                      {`{"IPAM": {"Config": [{"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}]}}`, "172.17.0.1"},
		"a bridge with both protocols":  {`{"IPAM": {"Config": [{"Gateway": "fd00::1"}, {"Gateway": "172.30.0.1"}]}}`, "172.30.0.1"},
		"an engine without a bridge":    {`{"IPAM": {"Config": []}}`, ""},
		"an address that is no address": {`{"IPAM": {"Config": [{"Gateway": "host"}]}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := engine(t, map[string]string{"GET /networks/bridge": tt.network}).gateway(t.Context())
			if got != tt.want || (err != nil) != (tt.want == "") {
				t.Errorf("gateway() = %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestAnImageIsThereOrNot(t *testing.T) {
	a := engine(t, map[string]string{"GET /images/assetry/x:base/json": "{}"})
	for name, want := range map[string]bool{"assetry/x:base": true, "assetry/y:base": false} {
		if got, err := a.hasImage(t.Context(), name); got != want || err != nil {
			t.Errorf("hasImage(%s) = %t, %v; want %t", name, got, err, want)
		}
	}
}

func TestEnginesOfOtherMachinesAreNotTaken(t *testing.T) {
	t.Setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
	if _, err := machines(t.Context()); err == nil || !strings.Contains(err.Error(), "DOCKER_HOST") {
		t.Errorf("machines() = %v, want a refusal that names DOCKER_HOST", err)
	}
}

func TestAnEngineThatDoesNotAnswerIsNamed(t *testing.T) {
	socket := "unix://" + filepath.Join(t.TempDir(), "nobody")
	t.Setenv("DOCKER_HOST", socket)
	if _, err := machines(t.Context()); err == nil || !strings.Contains(err.Error(), socket) {
		t.Errorf("machines() = %v, want an error that names %s", err, socket)
	}
}
