package guard_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/guard"
	"github.com/assetry/assetry/shared/guard/guardtest"
)

// web is a TLS server for files.example and other.example on loopback, with a name server.
type web struct {
	dns     *guardtest.DNS
	options guard.Options // with its authority and its name server, and without any exception
	port    int
	hits    atomic.Int32 // requests that came
}

func newWeb(t *testing.T, config *tls.Config) *web {
	ca := guardtest.NewCA(t)
	if config == nil {
		config = &tls.Config{}
	}
	if config.Certificates == nil {
		config.Certificates = []tls.Certificate{ca.Valid("files.example", "other.example")}
	}
	w := &web{dns: guardtest.NewDNS(t)}
	w.port = guardtest.Serve(t, config, http.HandlerFunc(func(res http.ResponseWriter, r *http.Request) {
		w.hits.Add(1)
		fmt.Fprint(res, r.Proto)
	}))
	w.options = guard.Options{Resolver: w.dns.Resolver(), Roots: ca.Pool()}
	return w
}

// allowed are the options with leave to reach the server.
func (w *web) allowed() guard.Options {
	o := w.options
	o.Permission = guard.Permit(guard.Exceptions{Loopback: true, Ports: []int{w.port}})
	return o
}

// get asks a host at the server's port.
func (w *web) get(t *testing.T, tr *http.Transport, host string) (string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("https://%s/", net.JoinHostPort(host, fmt.Sprint(w.port))), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.CloseIdleConnections)
	res, err := tr.RoundTrip(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return string(body), err
}

func TestTransportReachesWhatIsAllowed(t *testing.T) {
	w := newWeb(t, &tls.Config{NextProtos: []string{"h2", "http/1.1"}})
	w.dns.Set("files.example", "127.0.0.1")
	got, err := w.get(t, guard.Transport(w.allowed()), "files.example")
	if err != nil || got != "HTTP/1.1" {
		t.Errorf("the server was asked by %q, %v; want HTTP/1.1, also where it speaks HTTP/2", got, err)
	}
}

func TestTransportRefusesAddressesWhereTheyAreConnectedTo(t *testing.T) {
	for _, tt := range []struct {
		name, host string
		answers    []string // of files.example
	}{
		{"loopback by address", "127.0.0.1", nil},
		{"loopback by IPv6 address", "::1", nil},
		{"loopback by mapped address", "::ffff:127.0.0.1", nil},
		{"loopback by name", "files.example", []string{"127.0.0.1"}},
		{"loopback by IPv6 record", "files.example", []string{"::1"}},
		{"loopback by a mapped IPv6 record", "files.example", []string{"::ffff:127.0.0.1"}},
		{"loopback by both records", "files.example", []string{"127.0.0.1", "::1"}},
		{"a private address", "files.example", []string{"10.0.0.1"}},
		{"a unique local address", "files.example", []string{"fd00::1"}},
		{"metadata", "files.example", []string{"169.254.169.254"}},
		{"metadata over IPv6", "files.example", []string{"fd00:ec2::254"}},
		{"NAT64", "files.example", []string{"64:ff9b::7f00:1"}},
		{"a name that stands for a private one", "alias.example", []string{"192.168.0.1"}},
		{"many, so that the answer comes over TCP", "many.example", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWeb(t, nil)
			w.dns.Set("files.example", tt.answers...)
			w.dns.Alias("alias.example", "files.example")
			w.dns.Set("many.example", many("127.0.1.", 60)...)
			_, err := w.get(t, guard.Transport(w.options), tt.host)
			var b *guard.Blocked
			if !errors.As(err, &b) || guard.FailureOf(err) != guard.Refused {
				t.Errorf("get = %v, want it blocked", err)
			}
			if n := w.hits.Load(); n != 0 {
				t.Errorf("the server was asked %d times", n)
			}
			if tt.host == "many.example" && w.dns.Asked("many.example", "tcp") == 0 {
				t.Error("the name server was not asked over TCP")
			}
		})
	}
}

func many(prefix string, n int) (addrs []string) {
	for i := range n {
		addrs = append(addrs, prefix+fmt.Sprint(i))
	}
	return addrs
}

// The permission stands for the public internet here: 127.0.0.1 is what may be reached, the others are not.
func TestTransportPassesOverRefusedAddressesOfAName(t *testing.T) {
	w := newWeb(t, nil)
	w.dns.Set("files.example", "10.0.0.1", "127.0.0.1", "fd00::1")
	if _, err := w.get(t, guard.Transport(w.allowed()), "files.example"); err != nil {
		t.Errorf("get = %v, want the address that may be reached", err)
	}
}

func TestTransportIsNotFooledByANameThatChanges(t *testing.T) {
	w := newWeb(t, nil)
	w.dns.Script("files.example", []string{"93.184.215.14"}, []string{"127.0.0.1"})
	first, err := w.options.Resolver.LookupNetIP(t.Context(), "ip4", "files.example")
	if err != nil || len(first) != 1 || guard.CheckAddr(first[0]) != nil {
		t.Fatalf("the first answer is %v, %v; want one that may be reached", first, err)
	}
	var b *guard.Blocked
	if _, err := w.get(t, guard.Transport(w.options), "files.example"); !errors.As(err, &b) || b.Addr != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("get = %v, want 127.0.0.1 blocked", err)
	}
	if n := w.hits.Load(); n != 0 {
		t.Errorf("the server was asked %d times", n)
	}
}

func TestTransportChecksEveryConnection(t *testing.T) {
	w := newWeb(t, nil)
	w.dns.Script("files.example", []string{"127.0.0.1"}, []string{"192.168.0.1"})
	tr := guard.Transport(w.allowed())
	if _, err := w.get(t, tr, "files.example"); err != nil {
		t.Fatalf("first get = %v", err)
	}
	if _, err := w.get(t, tr, "files.example"); err != nil {
		t.Errorf("get over the kept connection = %v", err)
	}
	tr.CloseIdleConnections()
	if _, err := w.get(t, tr, "files.example"); guard.FailureOf(err) != guard.Refused {
		t.Errorf("get over a new connection = %v, want it refused", err)
	}
}

func TestTransportRefusesOtherPorts(t *testing.T) {
	w := newWeb(t, nil)
	o := w.options
	o.Permission = guard.Permit(guard.Exceptions{Loopback: true})
	if _, err := w.get(t, guard.Transport(o), "127.0.0.1"); guard.FailureOf(err) != guard.Refused {
		t.Errorf("get at port %d = %v, want it refused", w.port, err)
	}
}

func TestTransportIgnoresProxiesOfTheEnvironment(t *testing.T) {
	var asked atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(res http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		res.WriteHeader(http.StatusBadGateway)
	}))
	t.Cleanup(proxy.Close)
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	t.Setenv("NO_PROXY", "")
	t.Setenv("no_proxy", "")
	w := newWeb(t, nil)
	w.dns.Set("files.example", "127.0.0.1")
	if _, err := w.get(t, guard.Transport(w.allowed()), "files.example"); err != nil || asked.Load() != 0 {
		t.Errorf("get = %v, and the proxy was asked %d times; want it left alone", err, asked.Load())
	}
	// net/http reads the environment once in a process, so that the answer above may come from an earlier reading.
	if guard.Transport(guard.Options{}).Proxy != nil {
		t.Error("the transport asks for a proxy")
	}
}

func TestTransportTellsFailuresApart(t *testing.T) {
	ca := guardtest.NewCA(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	leaving, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = leaving.Close() })
	go func() {
		for conn, err := leaving.Accept(); err == nil; conn, err = leaving.Accept() {
			_, _ = conn.Read(make([]byte, 5)) // the beginning of a greeting
			_ = conn.Close()
		}
	}()
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	nothing := http.NotFoundHandler()
	with := func(c tls.Certificate) int {
		return guardtest.Serve(t, &tls.Config{Certificates: []tls.Certificate{c}}, nothing)
	}
	for _, tt := range []struct {
		name, host string
		port       int
		want       guard.Failure
	}{
		{"a certificate for another name", "files.example", with(ca.Valid("another.example")), guard.BrokenTLS},
		{"an expired certificate", "files.example", with(ca.Expired("files.example")), guard.BrokenTLS},
		{"a certificate of another authority", "files.example", with(guardtest.NewCA(t).Valid("files.example")), guard.BrokenTLS},
		{"TLS 1.1", "files.example", guardtest.Serve(t, &tls.Config{Certificates: []tls.Certificate{ca.Valid("files.example")}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, nothing), guard.BrokenTLS},
		{"no TLS at all", "files.example", plain.Listener.Addr().(*net.TCPAddr).Port, guard.BrokenTLS},
		{"a handshake that does not go on", "files.example", silent.Addr().(*net.TCPAddr).Port, guard.TimedOut},
		{"a connection that is closed in the handshake", "files.example", leaving.Addr().(*net.TCPAddr).Port, guard.Broken},
		{"a name that stands for itself", "loop.example", 443, guard.NameFailed},
		{"nobody who listens", "files.example", closed.Addr().(*net.TCPAddr).Port, guard.Broken},
		{"a name that does not exist", "absent.example", 443, guard.NoName},
		{"a private address", "inner.example", 443, guard.Refused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := &web{dns: guardtest.NewDNS(t), port: tt.port}
			w.dns.Set("files.example", "127.0.0.1")
			w.dns.Set("inner.example", "10.1.2.3")
			w.dns.Alias("loop.example", "loop.example")
			w.options = guard.Options{Resolver: w.dns.Resolver(), Roots: ca.Pool()}
			if tt.want == guard.TimedOut {
				w.options.Handshake = time.Second
			}
			_, err := w.get(t, guard.Transport(w.allowed()), tt.host)
			if err == nil || guard.FailureOf(err) != tt.want {
				t.Errorf("get = %v (%v), want failure %v", err, guard.FailureOf(err), tt.want)
			}
		})
	}
}

func TestTransportBoundsHeaders(t *testing.T) {
	ca := guardtest.NewCA(t)
	w := &web{dns: guardtest.NewDNS(t)}
	w.port = guardtest.Serve(t, &tls.Config{Certificates: []tls.Certificate{ca.Valid("files.example")}}, http.HandlerFunc(func(res http.ResponseWriter, _ *http.Request) {
		for i := range 100 {
			res.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("a", 1<<10))
		}
	}))
	w.options = guard.Options{Roots: ca.Pool()}
	if _, err := w.get(t, guard.Transport(w.allowed()), "127.0.0.1"); err == nil || guard.FailureOf(err) != guard.BadAnswer {
		t.Errorf("get with 100 KiB of headers = %v, want it refused as a bad answer", err)
	}
}

func TestTransportWaitsForAnswersForATime(t *testing.T) {
	ca := guardtest.NewCA(t)
	w := &web{}
	w.port = guardtest.Serve(t, &tls.Config{Certificates: []tls.Certificate{ca.Valid("files.example")}}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done() // until the client goes
	}))
	w.options = guard.Options{Roots: ca.Pool(), Answer: 50 * time.Millisecond}
	if _, err := w.get(t, guard.Transport(w.allowed()), "127.0.0.1"); guard.FailureOf(err) != guard.TimedOut || err == nil {
		t.Errorf("get of a server that says nothing = %v, want it timed out", err)
	}
}

func TestTransportDialsTCPOnly(t *testing.T) {
	if _, err := guard.Transport(guard.Options{}).DialContext(context.Background(), "udp", "8.8.8.8:443"); err == nil {
		t.Error("a connection by UDP was made")
	}
}
