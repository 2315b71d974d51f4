package guardtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// CA signs certificates for servers of tests.
type CA struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewCA makes an authority that nobody trusts but who is given its Pool.
func NewCA(t testing.TB) *CA {
	t.Helper()
	ca := &CA{t: t}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Assetry tests"},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	ca.cert, ca.key = ca.sign(template)
	return ca
}

// Pool trusts the authority alone.
func (ca *CA) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(ca.cert)
	return p
}

// Valid is a certificate for names, and for 127.0.0.1.
func (ca *CA) Valid(names ...string) tls.Certificate {
	return ca.certificate(names, time.Now().Add(24*time.Hour))
}

// Expired is a certificate for names that ended an hour ago.
func (ca *CA) Expired(names ...string) tls.Certificate {
	return ca.certificate(names, time.Now().Add(-time.Hour))
}

func (ca *CA) certificate(names []string, end time.Time) tls.Certificate {
	cert, key := ca.sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "a server"}, DNSNames: names, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: end, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

// sign makes a certificate with a key of its own; the authority's signs itself.
func (ca *CA) sign(template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	ca.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		ca.t.Fatalf("make a key: %v", err)
	}
	parent, signer := ca.cert, ca.key
	if parent == nil {
		parent, signer = template, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		ca.t.Fatalf("sign a certificate: %v", err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		ca.t.Fatalf("read a certificate: %v", err)
	}
	return cert, key
}

// Serve starts a TLS server on loopback that ends with the test, and gives its port.
func Serve(t testing.TB, config *tls.Config, h http.Handler) (port int) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.TLS = config
	s.Config.ErrorLog = log.New(t.Output(), "", 0)
	s.StartTLS()
	t.Cleanup(func() {
		s.CloseClientConnections() // a handler may wait for its client to go
		s.Close()
	})
	return s.Listener.Addr().(*net.TCPAddr).Port
}
