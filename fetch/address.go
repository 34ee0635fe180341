package fetch

import (
	"net/netip"

	"firsthand/fault"
)

// A network is a block of addresses that are refused, and why.
type network struct {
	prefix netip.Prefix
	use    string
}

// global6 is all that IANA has set aside for global unicast. What lies outside
// is unassigned or special: unspecified and loopback (::/128, ::1/128),
// IPv4-compatible and IPv4-mapped (::/96, ::ffff:0:0/96), NAT64 (64:ff9b::/96,
// 64:ff9b:1::/48), discard-only (100::/64), segment routing (5f00::/16), unique
// local (fc00::/7), link-local (fe80::/10), site-local (fec0::/10), multicast
// (ff00::/8).
var global6 = netip.MustParsePrefix("2000::/3")

// special are the networks that are not globally reachable although they lie
// in IPv4, or in global6, and those whose addresses contain another address.
// They follow the IANA special-purpose address registries (RFC 6890); blocks
// with a few reachable addresses in them are refused whole.
var special = []network{
	{netip.MustParsePrefix("0.0.0.0/8"), "this network (RFC 791)"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private use (RFC 1918)"},
	{netip.MustParsePrefix("100.64.0.0/10"), "shared with the provider (RFC 6598)"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback (RFC 1122)"},
	{netip.MustParsePrefix("168.63.129.16/32"), "the host of a virtual machine at Azure"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local (RFC 3927)"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private use (RFC 1918)"},
	{netip.MustParsePrefix("192.0.0.0/24"), "protocol assignments (RFC 6890)"},
	{netip.MustParsePrefix("192.0.2.0/24"), "documentation (RFC 5737)"},
	{netip.MustParsePrefix("192.88.99.0/24"), "6to4 relay (RFC 7526)"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private use (RFC 1918)"},
	{netip.MustParsePrefix("198.18.0.0/15"), "benchmarking (RFC 2544)"},
	{netip.MustParsePrefix("198.51.100.0/24"), "documentation (RFC 5737)"},
	{netip.MustParsePrefix("203.0.113.0/24"), "documentation (RFC 5737)"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast (RFC 5771)"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved, and broadcast (RFC 1112)"},
	{netip.MustParsePrefix("2001::/23"), "protocol assignments, Teredo among them (RFC 2928, RFC 4380)"},
	{netip.MustParsePrefix("2001:db8::/32"), "documentation (RFC 3849)"},
	{netip.MustParsePrefix("2002::/16"), "6to4 (RFC 3056)"},
	{netip.MustParsePrefix("3fff::/20"), "documentation (RFC 9637)"},
}

// A policy says whether a connection to an address is admitted.
type policy func(netip.Addr) error

// public admits what anybody on the internet could reach as well.
func public(a netip.Addr) error { return judge(a, special) }

// publicOrLoopback also admits this machine itself.
func publicOrLoopback(a netip.Addr) error {
	if a.IsLoopback() {
		return nil
	}
	return public(a)
}

// loopback admits this machine itself and nothing else.
func loopback(a netip.Addr) error {
	if a.IsLoopback() {
		return nil
	}
	return nowhere(a)
}

// nowhere admits nothing.
func nowhere(netip.Addr) error {
	return fault.Refuse(fault.Denied, "fetch-address", "not an address to call without TLS")
}

// judge refuses addresses outside of IPv4 and global6, and those in refused.
// It tells the network and not the address: who supplied the name may not
// be meant to know.
func judge(a netip.Addr, refused []network) error {
	a = a.Unmap()
	if !a.Is4() && !global6.Contains(a) { // as are the zero Addr and those with a zone
		return fault.Refuse(fault.Denied, "fetch-address", "an address outside of %v, global unicast (RFC 4291)", global6)
	}
	for _, n := range refused {
		if n.prefix.Contains(a) {
			return fault.Refuse(fault.Denied, "fetch-address", "an address in %v: %s", n.prefix, n.use)
		}
	}
	return nil
}
