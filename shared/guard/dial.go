package guard

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"
)

// Limits of a connection.
const (
	maxHeader   = 64 << 10         // bytes of an answer's header; common servers send at most 16 KiB
	idleTimeout = 30 * time.Second // shorter than the 60 s after which load balancers close
	maxIdle     = 64               // connections kept over all hosts
)

// HandshakeError is a TLS connection that could not be made. It wraps the error of TLS or of the connection.
type HandshakeError struct{ Err error }

// Error is the text for logs.
func (e *HandshakeError) Error() string { return "TLS handshake: " + e.Err.Error() }

// Unwrap gives the cause.
func (e *HandshakeError) Unwrap() error { return e.Err }

// Transport makes connections under the rules of the package; the *Blocked of a refused one is in the chain of its error, as is the
// *HandshakeError of a broken TLS. It follows no redirects by itself, and an http.Client over it would only check addresses: who follows one
// calls CheckURL first. Answers are not decompressed.
func Transport(o Options) *http.Transport {
	o = o.withDefaults()
	var only http.Protocols
	only.SetHTTP1(true)
	d := dialer{o}
	return &http.Transport{
		Proxy:                  nil, // never the environment's: a proxy would resolve names behind our back
		DialContext:            d.dial,
		DialTLSContext:         d.dialTLS,
		TLSClientConfig:        d.config(""),
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		ResponseHeaderTimeout:  o.Answer,
		TLSHandshakeTimeout:    o.Handshake,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    o.Idle,
		Protocols:              &only,
	}
}

type dialer struct{ o Options }

// dial connects to the first address of a name that may be reached. When none could be, and one was refused, the refusal is the error.
func (d dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if network != "tcp" {
		return nil, fmt.Errorf("connect by %s: only tcp is spoken", network)
	}
	var blocked atomic.Pointer[Blocked]
	nd := net.Dialer{
		Timeout:  d.o.Connect,
		Resolver: d.o.Resolver,
		// Called between the making of the socket and the connecting, with the very address that is connected to.
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			b := d.judge(address)
			if b == nil {
				return nil
			}
			blocked.Store(b)
			return b
		},
	}
	conn, err := nd.DialContext(ctx, network, address)
	if err != nil && blocked.Load() != nil {
		return nil, blocked.Load()
	}
	return conn, err
}

// judge refuses an address with its port; nil when it may be connected to.
func (d dialer) judge(address string) *Blocked {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return &Blocked{Host: address, Why: "not an address with a port"}
	}
	if err, refused := d.o.Permission.checkAddr(ap.Addr()).(*Blocked); refused {
		return err
	}
	if !d.o.Permission.port(int(ap.Port())) {
		return &Blocked{Addr: ap.Addr(), Why: fmt.Sprintf("port %d", ap.Port())}
	}
	return nil
}

// dialTLS shakes hands itself, so that an error of TLS can be told from one of the connection.
func (d dialer) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, d.o.Handshake)
	defer cancel()
	secure := tls.Client(conn, d.config(host))
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // the handshake's error is the one to tell
		return nil, &HandshakeError{err}
	}
	return secure, nil
}

func (d dialer) config(host string) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: d.o.Roots, ServerName: host}
}
