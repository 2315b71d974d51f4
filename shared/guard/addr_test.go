package guard_test

import (
	"errors"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/guard"
)

// ranges4 and ranges6 are written from IANA's registries, apart from the code: why is the reason that is expected of every address inside.
var ranges4 = []struct{ first, last, before, after, why string }{
	{"0.0.0.0", "0.255.255.255", "", "1.0.0.0", "this network"},
	{"10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0", "private"},
	{"100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0", "shared by providers"},
	{"100.100.100.200", "100.100.100.200", "", "", "metadata of a cloud's machine"},
	{"127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0", "loopback"},
	{"168.63.129.16", "168.63.129.16", "168.63.129.15", "168.63.129.17", "metadata of a cloud's machine"},
	{"169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0", "link-local"},
	{"169.254.169.254", "169.254.169.254", "", "", "metadata of a cloud's machine"},
	{"172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0", "private"},
	{"192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0", "protocol assignments"},
	{"192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0", "documentation"},
	{"192.31.196.0", "192.31.196.255", "192.31.195.255", "192.31.197.0", "AS112 service"},
	{"192.52.193.0", "192.52.193.255", "192.52.192.255", "192.52.194.0", "multicast relays"},
	{"192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0", "6to4 relays"},
	{"192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0", "private"},
	{"192.175.48.0", "192.175.48.255", "192.175.47.255", "192.175.49.0", "AS112 service"},
	{"198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0", "benchmarks"},
	{"198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0", "documentation"},
	{"203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0", "documentation"},
	{"224.0.0.0", "239.255.255.255", "223.255.255.255", "", "multicast"},
	{"240.0.0.0", "255.255.255.254", "", "", "reserved"},
	{"255.255.255.255", "255.255.255.255", "", "", "broadcast"},
}

var ranges6 = []struct{ first, last, before, after, why string }{
	{"::", "::", "", "", "unspecified"},
	{"::1", "::1", "", "", "loopback"},
	{"::2", "::ffff:ffff", "", "", "carries IPv4 (compatible) of …"},
	{"::ffff:0:0", "::ffff:ffff:ffff", "", "", "carries IPv4 (mapped) of …"},
	{"::1:0:0:0", "63:ffff::", "", "", "not assigned"},
	{"64:ff9b::", "64:ff9b::ffff:ffff", "", "", "carries IPv4 (NAT64)"},
	{"64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "", "", "carries IPv4 (NAT64, local)"},
	{"64:ff9b::1:0:0", "64:ff9b:0:ffff::", "", "", "not assigned"},
	{"100::", "100::ffff:ffff:ffff:ffff", "", "", "discarded"},
	{"100:0:0:1::", "100::1:ffff:ffff:ffff:ffff", "", "", "dummy prefix"},
	{"200::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", "2000::", "not assigned"},
	{"2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", "carries IPv4 (Teredo)"},
	{"2001:1::", "2001:1:ffff:ffff:ffff:ffff:ffff:ffff", "", "", "protocol assignments"},
	{"2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", "", "", "benchmarks"},
	{"2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff", "", "", "ORCHID"},
	{"2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff", "", "", "ORCHIDv2"},
	{"2001:30::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "", "2001:200::", "protocol assignments"},
	{"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::", "documentation"},
	{"2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::", "carries IPv4 (6to4)"},
	{"2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff", "2620:4f:7fff:ffff:ffff:ffff:ffff:ffff", "2620:4f:8001::", "AS112 service"},
	{"3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::", "documentation"},
	{"4000::", "5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", "not assigned"},
	{"5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", "", "segment routing"},
	{"5f01::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", "", "not assigned"},
	{"fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", "", "private (unique local)"},
	{"fd00:ec2::254", "fd00:ec2::254", "", "", "metadata of a cloud's machine"},
	{"fd20:ce::254", "fd20:ce::254", "", "", "metadata of a cloud's machine"},
	{"fe00::", "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", "", "not assigned"},
	{"fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", "", "link-local"},
	{"fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", "", "private (site-local)"},
	{"ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", "", "multicast"},
}

func TestCheckAddrRefusesEveryRangeToItsEdges(t *testing.T) {
	for _, r := range append(ranges4, ranges6...) {
		t.Run(r.first, func(t *testing.T) {
			for _, inside := range []string{r.first, r.last} {
				expectRefused(t, inside, r.why)
			}
			for _, outside := range []string{r.before, r.after} {
				if outside == "" {
					continue // what lies there is another range
				}
				if err := guard.CheckAddr(netip.MustParseAddr(outside)); err != nil {
					t.Errorf("CheckAddr(%s) = %v, want it reachable", outside, err)
				}
			}
		})
	}
}

// expectRefused wants a reason; one that ends with … goes on with the embedded address.
func expectRefused(t *testing.T, addr, why string) {
	t.Helper()
	var b *guard.Blocked
	err := guard.CheckAddr(netip.MustParseAddr(addr))
	if !errors.As(err, &b) || b.Addr != netip.MustParseAddr(addr) {
		t.Errorf("CheckAddr(%s) = %v, want it refused", addr, err)
		return
	}
	want, open := cutEnd(why)
	if got := b.Why; got != want && (!open || len(got) < len(want) || got[:len(want)] != want) {
		t.Errorf("CheckAddr(%s) says %q, want %q", addr, got, why)
	}
}

func cutEnd(why string) (want string, open bool) {
	if n := len(why) - len("…"); n > 0 && why[n:] == "…" {
		return why[:n], true
	}
	return why, false
}

func TestCheckAddrOf(t *testing.T) {
	for _, tt := range []struct{ name, addr, why string }{
		{"a public IPv4 address", "93.184.215.14", ""},
		{"a public IPv6 address", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", ""},
		{"an address of Amazon's", "2a05:d018::1", ""},
		{"loopback in a mapped address", "::ffff:127.0.0.1", "carries IPv4 (mapped) of 127.0.0.1, loopback"},
		{"a public address in a mapped one", "::ffff:8.8.8.8", "carries IPv4 (mapped) of 8.8.8.8"},
		{"a private address in a compatible one", "::10.0.0.1", "carries IPv4 (compatible) of 10.0.0.1, private"},
		{"metadata behind NAT64", "64:ff9b::169.254.169.254", "carries IPv4 (NAT64)"},
		{"loopback behind 6to4", "2002:7f00:1::", "carries IPv4 (6to4)"},
		{"loopback behind ISATAP, local form", "2a05:d018::5efe:7f00:1", "carries IPv4 (ISATAP) of 127.0.0.1, loopback"},
		{"loopback behind ISATAP, global form", "2a05:d018::200:5efe:7f00:1", "carries IPv4 (ISATAP) of 127.0.0.1, loopback"},
		{"the first ISATAP address of a prefix", "2a05:d018::5efe:0:0", "carries IPv4 (ISATAP) of 0.0.0.0, this network"},
		{"the last one", "2a05:d018::200:5efe:ffff:ffff", "carries IPv4 (ISATAP) of 255.255.255.255, broadcast"},
		{"just below ISATAP", "2a05:d018::5efd:ffff:ffff", ""},
		{"just above ISATAP", "2a05:d018::5eff:0:0", ""},
		{"another interface with ISATAP's marks", "2a05:d018::100:5efe:7f00:1", ""},
		{"a public address with a zone", "2606:2800:21f::1%eth0", "bound to a network interface"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.why != "" {
				expectRefused(t, tt.addr, tt.why)
			} else if err := guard.CheckAddr(netip.MustParseAddr(tt.addr)); err != nil {
				t.Errorf("CheckAddr(%s) = %v, want it reachable", tt.addr, err)
			}
		})
	}
	if err := guard.CheckAddr(netip.Addr{}); err == nil {
		t.Error("CheckAddr of no address = nil, want it refused")
	}
}

// What the standard library knows to be special is never reachable, whatever the tables forgot.
func TestCheckAddrIsStricterThanTheStandardLibrary(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var b [16]byte
		copy(b[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(rt, "bytes"))
		a := netip.AddrFrom16(b)
		if rapid.Bool().Draw(rt, "IPv4") {
			a = netip.AddrFrom4([4]byte(b[:4]))
		}
		special := !a.IsGlobalUnicast() || a.IsPrivate() || a.Is4In6()
		if special && guard.CheckAddr(a) == nil {
			rt.Errorf("CheckAddr(%s) = nil, want it refused", a)
		}
	})
}
