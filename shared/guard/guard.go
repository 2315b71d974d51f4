// Package guard makes outgoing connections that nobody can abuse: for addresses that clients name, of files to import and of webhooks.
//
// Two checks hold together. Permission.CheckURL refuses an address by its text, early and with a message for its author. Transport checks the
// IP address of every connection at the moment it is made, after all names are resolved, so that a name that changes between a check and its
// use gains nothing: this one is the check that counts.
//
// Reachable are IPv4 and global unicast IPv6 but for everything in IANA's registries of special-purpose addresses, tunnels that carry an
// IPv4 address inside, and the metadata services of clouds; https, at ports 443 and 8443. Connections speak HTTP/1.1 over TLS 1.2 or later,
// never through a proxy, whatever the environment says. HTTP/2 is left out: requests would share a connection, so that closing a stalled one
// would end its neighbours, and parallel ranges would not be parallel.
//
// Permit alone widens this, for tests and the local stack; a test in infra/house holds that nobody else calls it.
package guard

import (
	"crypto/x509"
	"net"
	"slices"
	"time"
)

// Ports that an address may name. 8443 is the customary second port of https.
const (
	portHTTPS    = 443
	portHTTPSAlt = 8443
	portHTTP     = 80 // with the exception PlainHTTP alone
)

// Options are what Transport can be told. The zero value is the strict one.
type Options struct {
	Permission Permission
	Resolver   *net.Resolver  // nil: the system's
	Roots      *x509.CertPool // who may sign certificates; nil: the system's roots

	Connect   time.Duration // to look the name up and connect; 0: 10 s
	Handshake time.Duration // for TLS; 0: 10 s
	Answer    time.Duration // from the request's end to the answer's headers; 0: 30 s
	Idle      int           // connections kept for further requests, per host; 0: 8
}

func (o Options) withDefaults() Options {
	if o.Connect <= 0 {
		o.Connect = 10 * time.Second
	}
	if o.Handshake <= 0 {
		o.Handshake = 10 * time.Second
	}
	if o.Answer <= 0 {
		o.Answer = 30 * time.Second
	}
	if o.Idle <= 0 {
		o.Idle = 8
	}
	return o
}

// Permission is what is allowed beside the rules. The zero value allows nothing; only Permit makes another.
type Permission struct {
	loopback, plainHTTP bool
	ports               []int
}

// Exceptions are what Permit allows.
type Exceptions struct {
	Loopback  bool  // the addresses 127.0.0.0/8 and ::1, and the name localhost
	PlainHTTP bool  // http beside https, at port 80 too
	Ports     []int // beside 443 and 8443; 0 stands for every port
}

// Permit gives a Permission with exceptions. Only the local stack and tests may call it: in AWS, an address of the function's own machine or
// a secret sent in the clear is never what a client means.
func Permit(e Exceptions) Permission {
	return Permission{loopback: e.Loopback, plainHTTP: e.PlainHTTP, ports: slices.Clone(e.Ports)}
}

// port says whether a port may be connected to.
func (p Permission) port(n int) bool {
	return n == portHTTPS || n == portHTTPSAlt || n == portHTTP && p.plainHTTP || slices.Contains(p.ports, n) || slices.Contains(p.ports, 0)
}
