package fetchtest

import (
	"net/netip"
	"strings"
)

// refused are addresses that no call may reach: first and last of each block
// that is not globally reachable, and those that attackers ask for by name.
var refused = strings.Fields(`
	0.0.0.0 0.0.0.1 0.255.255.255
	10.0.0.0 10.1.2.3 10.255.255.255
	100.64.0.0 100.100.100.200 100.127.255.255
	127.0.0.0 127.0.0.1 127.1.1.1 127.255.255.255
	168.63.129.16
	169.254.0.0 169.254.169.254 169.254.170.2 169.254.255.255
	172.16.0.0 172.17.0.1 172.31.255.255
	192.0.0.0 192.0.0.8 192.0.0.170 192.0.0.192 192.0.0.255
	192.0.2.0 192.0.2.255
	192.88.99.0 192.88.99.255
	192.168.0.0 192.168.0.1 192.168.1.1 192.168.255.255
	198.18.0.0 198.19.255.255
	198.51.100.0 198.51.100.255
	203.0.113.0 203.0.113.255
	224.0.0.0 224.0.0.251 239.255.255.250 239.255.255.255
	240.0.0.0 255.255.255.254 255.255.255.255

	:: ::1 ::2 ::a00:1
	64:ff9b:: 64:ff9b::5db8:d822 64:ff9b:1:: 64:ff9b:1:ffff:ffff:ffff:ffff:ffff
	100:: 100::ffff:ffff:ffff:ffff 100:0:0:1::1
	200::1 1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
	2001:: 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1
	2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff
	2001:db8:: 2001:db8::1 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff
	2002:: 2002:a00:1::1 2002:c0a8:101::1 2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff
	3fff:: 3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff
	4000:: 5f00::1 8000:: bfff::1 f000::1
	fc00:: fc00::1 fd00:ec2::254 fd12:3456:789a::1 fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
	fe80:: fe80::1 fe80::a9fe:a9fe febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff
	fec0:: fec0::1 feff::1
	ff00:: ff01::1 ff02::1 ff02::fb ff0e::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
`)

// reachable are addresses that may be reached: the neighbours of the blocks
// above, and some that are in use.
var reachable = strings.Fields(`
	93.184.216.34 93.184.216.35 1.1.1.1 8.8.8.8
	1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0
	126.255.255.255 128.0.0.0 168.63.129.15 168.63.129.17
	169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0
	191.255.255.255 192.0.1.0 192.0.1.255 192.0.3.0
	192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0
	198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0
	203.0.112.255 203.0.114.0 223.255.255.255

	2000:: 2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff 2001:200:: 2001:4860:4860::8888
	2001:db7:ffff:ffff:ffff:ffff:ffff:ffff 2001:db9:: 2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff
	2003:: 2606:2800:220:1:248:1893:25c8:1946 2a01:4f8::1
	3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff 3fff:1000:: 3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
`)

var isPublic = func() map[netip.Addr]bool {
	set := map[netip.Addr]bool{}
	for _, text := range reachable {
		set[netip.MustParseAddr(text)] = true
	}
	return set
}()

func publicAddrs() []netip.Addr {
	var addrs []netip.Addr
	for a := range isPublic {
		addrs = append(addrs, a)
	}
	return addrs
}

// refusedVectors tries each address as the host itself, as all that a name
// resolves to, and in one answer after a public one; each IPv4 address also
// mapped, and some within every kind of IPv6 address that can hold one.
func refusedVectors() []Vector {
	const rule = "fetch-address"
	var vs []Vector
	add := func(name, url, want string, answers ...string) {
		vs = append(vs, Vector{Name: name, URL: url, Answers: answers, Want: []string{want}})
	}
	for _, text := range refused {
		a := netip.MustParseAddr(text)
		add("refused "+text, inURL(a), rule)
		add("name of "+text, "https://v.example:{port}/", rule, text)
		add("name of a public address and "+text, "https://v.example:{port}/", rule, "93.184.216.34 "+text)
		if !a.Is4() {
			add("name of "+text+" with a zone", "https://v.example:{port}/", rule, text+"%eth0")
			continue
		}
		mapped := netip.AddrFrom16(a.As16())
		add("mapped "+text, inURL(mapped), rule)
		add("name of mapped "+text, "https://v.example:{port}/", rule, mapped.String())
	}
	for _, text := range []string{"127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.1.1"} {
		b := netip.MustParseAddr(text).As4()
		for _, within := range []struct{ name, prefix string }{
			{"IPv4-compatible", "::/96"},
			{"translated", "::ffff:0:0:0/96"}, // RFC 2765
			{"NAT64", "64:ff9b::/96"},
			{"local NAT64", "64:ff9b:1::/96"},
			{"6to4", "2002::/16"},
			{"Teredo server", "2001::/32"},
		} {
			add(within.name+" "+text, "https://v.example:{port}/", rule, embed(netip.MustParsePrefix(within.prefix), b).String())
		}
	}
	return vs
}

// reachableVectors sees that no more is refused than must be.
func reachableVectors() []Vector {
	var vs []Vector
	for _, text := range reachable {
		vs = append(vs, Vector{Name: "reachable " + text, URL: inURL(netip.MustParseAddr(text)), Want: []string{Answered}})
	}
	for _, text := range []string{"::ffff:93.184.216.34", "2a01:4f8::1", "1.1.1.1 8.8.8.8", "2a01:4f8::1 1.1.1.1"} {
		vs = append(vs, Vector{Name: "name of " + text, URL: "https://v.example/", Answers: []string{text}, Want: []string{Answered}})
	}
	return vs
}

// embed returns the address in p in which a follows the prefix.
func embed(p netip.Prefix, a [4]byte) netip.Addr {
	long := p.Addr().As16()
	copy(long[p.Bits()/8:], a[:])
	return netip.AddrFrom16(long)
}

// inURL returns a URL whose host is a, at the sentinel's port.
func inURL(a netip.Addr) string {
	if a.Is6() {
		return "https://[" + a.String() + "]:{port}/"
	}
	return "https://" + a.String() + ":{port}/"
}
