package oauth

import "testing"

func TestNetwork(t *testing.T) {
	for _, tt := range []struct{ name, remote, want string }{
		{"what the gateway writes", "203.0.113.7", "203.0.113.7"},
		{"with a port", "203.0.113.7:4711", "203.0.113.7"},
		{"IPv6 by its network", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"IPv6 with a port", "[2001:db8:1:2:ffff::]:80", "2001:db8:1:2::/64"},
		{"IPv6 in brackets", "[2001:db8::1]", "2001:db8::/64"},
		{"IPv6 with a zone", "fe80::1%eth0", "fe80::/64"},
		{"IPv4 written as IPv6", "::ffff:203.0.113.7", "203.0.113.7"},
		{"nothing", "", "unknown"},
		{"a name", "example.com:80", "unknown"},
		{"a text with the separator of keys", "1.2.3.4#5", "unknown"},
	} {
		if got := network(tt.remote); got != tt.want {
			t.Errorf("%s: network(%q) = %q, want %q", tt.name, tt.remote, got, tt.want)
		}
	}
}
