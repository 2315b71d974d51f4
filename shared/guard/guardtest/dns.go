package guardtest

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// maxUDP is what an answer over UDP may have without EDNS, RFC 1035, section 2.3.4; a longer one is cut, and asked for again over TCP.
const maxUDP = 512

// DNS is a name server, over UDP and TCP. Names that it was not told do not exist.
type DNS struct {
	udp net.PacketConn
	tcp net.Listener

	mu    sync.Mutex
	names map[string]*name
	asked map[string]int
}

// name is what the server knows of one name.
type name struct {
	alias   string
	answers [][]netip.Addr // one for each question in turn, by type of record; the last one stays
}

// NewDNS starts a name server that ends with the test.
func NewDNS(t testing.TB) *DNS {
	t.Helper()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen for questions: %v", err)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen for questions: %v", err)
	}
	d := &DNS{udp: udp, tcp: tcp, names: map[string]*name{}, asked: map[string]int{}}
	var done sync.WaitGroup
	done.Go(d.serveUDP)
	done.Go(d.serveTCP)
	t.Cleanup(func() {
		_ = udp.Close()
		_ = tcp.Close()
		done.Wait()
	})
	return d
}

// Set makes a name answer with addresses, whenever it is asked.
func (d *DNS) Set(host string, addrs ...string) { d.Script(host, addrs) }

// Script makes a name answer with other addresses each time it is asked; the last answer stays.
func (d *DNS) Script(host string, answers ...[]string) {
	n := &name{}
	for _, addrs := range answers {
		var as []netip.Addr
		for _, a := range addrs {
			as = append(as, netip.MustParseAddr(a))
		}
		n.answers = append(n.answers, as)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.names[key(host)] = n
}

// Alias makes a name stand for another: a CNAME.
func (d *DNS) Alias(host, target string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.names[key(host)] = &name{alias: target}
}

// Asked is how often a name was asked for its IPv4 addresses over a protocol, "udp" or "tcp".
func (d *DNS) Asked(host, protocol string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked[protocol+" A "+key(host)]
}

// Resolver asks this server, and nobody else.
func (d *DNS) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		address := d.udp.LocalAddr().String()
		if strings.HasPrefix(network, "tcp") {
			address = d.tcp.Addr().String()
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
}

func key(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

func (d *DNS) serveUDP() {
	buf := make([]byte, 4<<10)
	for {
		n, from, err := d.udp.ReadFrom(buf)
		if err != nil {
			return // closed by the test's end
		}
		if answer := d.answer(buf[:n], "udp"); answer != nil {
			_, _ = d.udp.WriteTo(answer, from) // one that is lost is asked for again
		}
	}
}

func (d *DNS) serveTCP() {
	for {
		conn, err := d.tcp.Accept()
		if err != nil {
			return // closed by the test's end
		}
		d.serveConn(conn)
	}
}

// serveConn answers one question; a resolver closes a connection after its answer.
func (d *DNS) serveConn(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second)) // a resolver that died does not keep the test
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return
	}
	question := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, question); err != nil {
		return
	}
	answer := d.answer(question, "tcp")
	_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)) // the resolver complains
}

// answer packs the answer to a question; nil for what is none.
func (d *DNS) answer(question []byte, protocol string) []byte {
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	m = dnsmessage.Message{
		Header:    dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true, RecursionDesired: m.RecursionDesired, RecursionAvailable: true},
		Questions: m.Questions,
	}
	m.Answers, m.RCode = d.find(q, protocol)
	packed, err := m.Pack()
	if err == nil && protocol == "udp" && len(packed) > maxUDP {
		m.Answers, m.Truncated = nil, true
		packed, err = m.Pack()
	}
	if err != nil {
		return nil
	}
	return packed
}

// find follows aliases and gives the records of the type that is asked for.
func (d *DNS) find(q dnsmessage.Question, protocol string) (records []dnsmessage.Resource, code dnsmessage.RCode) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := q.Name
	for range 8 {
		n, ok := d.names[key(at.String())]
		if !ok {
			return records, dnsmessage.RCodeNameError
		}
		header := dnsmessage.ResourceHeader{Name: at, Class: dnsmessage.ClassINET}
		if n.alias == "" {
			return append(records, n.records(header, q.Type, d.turn(at, q.Type, protocol))...), dnsmessage.RCodeSuccess
		}
		target := dnsmessage.MustNewName(key(n.alias) + ".")
		header.Type = dnsmessage.TypeCNAME
		records = append(records, dnsmessage.Resource{Header: header, Body: &dnsmessage.CNAMEResource{CNAME: target}})
		at = target
	}
	return records, dnsmessage.RCodeServerFailure
}

// turn counts the questions for a name, and says which this one is.
func (d *DNS) turn(at dnsmessage.Name, typ dnsmessage.Type, protocol string) int {
	kind := map[dnsmessage.Type]string{dnsmessage.TypeA: " A ", dnsmessage.TypeAAAA: " AAAA "}[typ]
	d.asked[protocol+kind+key(at.String())]++
	return d.asked["udp"+kind+key(at.String())] - 1 // every question comes over UDP first
}

func (n *name) records(h dnsmessage.ResourceHeader, typ dnsmessage.Type, turn int) (records []dnsmessage.Resource) {
	h.Type = typ
	for _, a := range n.answers[max(0, min(turn, len(n.answers)-1))] {
		switch {
		case typ == dnsmessage.TypeA && a.Is4():
			records = append(records, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: a.As4()}})
		case typ == dnsmessage.TypeAAAA && a.Is6():
			records = append(records, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
		}
	}
	return records
}
