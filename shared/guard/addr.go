package guard

import (
	"fmt"
	"net/netip"
)

// Blocked is an IP address or a name that must not be reached.
type Blocked struct {
	Addr netip.Addr // the zero Addr: Host was refused by its name
	Host string     // the name; "" when Addr was refused
	Why  string     // what it is, for example "loopback"
}

// Error names the address, which the log may have. For clients there is the text of CheckURL.
func (b *Blocked) Error() string {
	if b.Host != "" {
		return fmt.Sprintf("%s must not be reached: %s", b.Host, b.Why)
	}
	return fmt.Sprintf("%s must not be reached: %s", b.Addr, b.Why)
}

// refusal is a range that must not be reached.
type refusal struct {
	netip.Prefix
	why string
}

func refuse(prefix, why string) refusal { return refusal{netip.MustParsePrefix(prefix), why} }

// refused4 are the ranges of IPv4 that must not be reached: every entry of IANA's IPv4 Special-Purpose Address Registry, also those that are
// reachable from everywhere, because nobody's files are there; multicast; and what clouds put into the public space. The first match names
// the reason.
var refused4 = []refusal{
	refuse("169.254.169.254/32", "metadata of a cloud's machine"), // AWS, Azure, Google Cloud and others
	refuse("168.63.129.16/32", "metadata of a cloud's machine"),   // Azure: "What is IP address 168.63.129.16?"
	refuse("100.100.100.200/32", "metadata of a cloud's machine"), // Alibaba Cloud: ECS instance metadata
	refuse("0.0.0.0/8", "this network"),                           // RFC 791, section 3.2
	refuse("10.0.0.0/8", "private"),                               // RFC 1918
	refuse("100.64.0.0/10", "shared by providers"),                // RFC 6598
	refuse("127.0.0.0/8", "loopback"),                             // RFC 1122, section 3.2.1.3
	refuse("169.254.0.0/16", "link-local"),                        // RFC 3927
	refuse("172.16.0.0/12", "private"),                            // RFC 1918
	refuse("192.0.0.0/24", "protocol assignments"),                // RFC 6890, section 2.1
	refuse("192.0.2.0/24", "documentation"),                       // RFC 5737
	refuse("192.31.196.0/24", "AS112 service"),                    // RFC 7535
	refuse("192.52.193.0/24", "multicast relays"),                 // RFC 7450
	refuse("192.88.99.0/24", "6to4 relays"),                       // RFC 7526
	refuse("192.168.0.0/16", "private"),                           // RFC 1918
	refuse("192.175.48.0/24", "AS112 service"),                    // RFC 7534
	refuse("198.18.0.0/15", "benchmarks"),                         // RFC 2544
	refuse("198.51.100.0/24", "documentation"),                    // RFC 5737
	refuse("203.0.113.0/24", "documentation"),                     // RFC 5737
	refuse("224.0.0.0/4", "multicast"),                            // RFC 5771
	refuse("255.255.255.255/32", "broadcast"),                     // RFC 919, section 7
	refuse("240.0.0.0/4", "reserved"),                             // RFC 1112, section 4
}

// refused6 are the ranges of IPv6 that must not be reached: every entry of IANA's IPv6 Special-Purpose Address Registry, and older forms that
// hosts may still know. Whatever is not in global unicast space is refused beside them, so that most entries only name the reason.
var refused6 = []refusal{
	refuse("fd00:ec2::254/128", "metadata of a cloud's machine"), // AWS: instance metadata over IPv6
	refuse("fd20:ce::254/128", "metadata of a cloud's machine"),  // Google Cloud: metadata over IPv6
	refuse("::1/128", "loopback"),                                // RFC 4291, section 2.5.3
	refuse("::/128", "unspecified"),                              // RFC 4291, section 2.5.2
	refuse("64:ff9b::/96", "carries IPv4 (NAT64)"),               // RFC 6052
	refuse("64:ff9b:1::/48", "carries IPv4 (NAT64, local)"),      // RFC 8215
	refuse("100::/64", "discarded"),                              // RFC 6666
	refuse("100:0:0:1::/64", "dummy prefix"),                     // RFC 9780
	refuse("2001::/32", "carries IPv4 (Teredo)"),                 // RFC 4380
	refuse("2001:2::/48", "benchmarks"),                          // RFC 5180
	refuse("2001:10::/28", "ORCHID"),                             // RFC 4843
	refuse("2001:20::/28", "ORCHIDv2"),                           // RFC 7343
	refuse("2001::/23", "protocol assignments"),                  // RFC 2928
	refuse("2001:db8::/32", "documentation"),                     // RFC 3849
	refuse("2002::/16", "carries IPv4 (6to4)"),                   // RFC 3056
	refuse("2620:4f:8000::/48", "AS112 service"),                 // RFC 7534
	refuse("3fff::/20", "documentation"),                         // RFC 9637
	refuse("5f00::/16", "segment routing"),                       // RFC 9602
	refuse("fc00::/7", "private (unique local)"),                 // RFC 4193
	refuse("fe80::/10", "link-local"),                            // RFC 4291, section 2.5.6
	refuse("fec0::/10", "private (site-local)"),                  // RFC 3879
	refuse("ff00::/8", "multicast"),                              // RFC 4291, section 2.7
}

var (
	globalUnicast  = netip.MustParsePrefix("2000::/3")      // RFC 4291, section 2.4: all that IANA assigns
	ipv4Mapped     = netip.MustParsePrefix("::ffff:0:0/96") // RFC 4291, section 2.5.5.2
	ipv4Compatible = netip.MustParsePrefix("::/96")         // RFC 4291, section 2.5.5.1
)

// CheckAddr says whether an IP address may be reached: nil, or a *Blocked with the reason.
func CheckAddr(a netip.Addr) error {
	if why := refusedAs(a); why != "" {
		return &Blocked{Addr: a, Why: why}
	}
	return nil
}

// refusedAs is why an address must not be reached; "" when it may.
func refusedAs(a netip.Addr) string {
	switch {
	case !a.IsValid():
		return "not an address"
	case a.Zone() != "":
		return "bound to a network interface"
	case a.Is4():
		return match(refused4, a)
	}
	if why := match(refused6, a); why != "" {
		return why
	}
	b := a.As16()
	inner := netip.AddrFrom4([4]byte(b[12:]))
	switch {
	case a.Is4In6(), ipv4Mapped.Contains(a):
		return "carries IPv4 (mapped)" + of(inner)
	case ipv4Compatible.Contains(a):
		return "carries IPv4 (compatible)" + of(inner)
	case isISATAP(b):
		return "carries IPv4 (ISATAP)" + of(inner)
	case !globalUnicast.Contains(a):
		return "not assigned"
	}
	return ""
}

// of adds what the embedded address is, so that the log says what was tried.
func of(inner netip.Addr) string {
	if why := match(refused4, inner); why != "" {
		return " of " + inner.String() + ", " + why
	}
	return " of " + inner.String()
}

func match(list []refusal, a netip.Addr) string {
	for _, r := range list {
		if r.Contains(a) {
			return r.why
		}
	}
	return ""
}

// isISATAP knows the interface identifiers of RFC 5214, section 6.1: 0:5efe or 200:5efe before an IPv4 address, under any prefix.
func isISATAP(b [16]byte) bool {
	return b[8]&^0x02 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}

// checkAddr is CheckAddr with the exceptions of the permission.
func (p Permission) checkAddr(a netip.Addr) error {
	if p.loopback && a.IsLoopback() && !a.Is4In6() && a.Zone() == "" {
		return nil
	}
	return CheckAddr(a)
}
