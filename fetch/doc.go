// Package fetch is the one way to call an address that somebody else supplied:
// a company's gateway, its discovery document, its logo, a file to import.
//
// Whoever supplies an address chooses what this machine connects to. Unchecked,
// that is the router, the database next door or a cloud's metadata service
// (server-side request forgery, CWE-918). So a [Client] speaks HTTPS only, to
// public addresses only. The address is judged where the connection is made and
// not in the URL: a name may resolve to anything, and to something else the
// next time. A name is resolved once, all its addresses are judged, and the
// connection goes to one of exactly these.
//
// The second danger is that an answer never ends, or that two companies
// recognise one customer. Every call has a limit of time and of size, nothing
// is decompressed, and no call sends more than its caller gave it, beside the
// same few headers for everybody. A Client made by [New] keeps nothing from one
// call to the next; [Client.Isolated] makes one for a single relationship,
// which keeps a connection of its own.
//
// # Rules
//
// A call that breaks one is refused with a [fault.Refusal] that names it:
//
//	fetch-url          an absolute URL, ASCII, spelt in the one usual way, without
//	                   user and fragment; the host a domain name (RFC 1123, IDN as
//	                   xn--, no final dot) or an IP address in its canonical text
//	                   (RFC 5952; not 0x7f.1, 2130706433 or 127.1)
//	fetch-https        https; http only to loopback, where that is allowed
//	fetch-port         443, or 1024 and above: no TLS hello to mail or SSH servers
//	fetch-address      all addresses of the host are globally reachable unicast
//	                   (RFC 6890 and the IANA registries that continue it)
//	fetch-certificate  the host's certificate is valid for it (RFC 9525)
//	fetch-redirect     no redirects (RFC 9110, 15.4), not even to the same host: a
//	                   new address is for a person, or a signed document, to give
//	fetch-encoding     no content coding (RFC 9110, 8.4), so that size is size
//	fetch-size         the body is no longer than the limit
//	fetch-status       Get only: the answer is 2xx
//
// fetch-address is [fault.Denied]; fetch-certificate is [fault.Unavailable],
// since certificates get renewed; fetch-status goes by the status; all others
// are [fault.Invalid]. What fails on the network is [fault.Unavailable].
//
// # What this package does not do
//
// It honours no proxy setting, keeps no cookies, follows no Alt-Svc, and speaks
// HTTP/1.1 without TLS session resumption. It cannot know which public
// addresses mean the house itself: those of the router, of neighbours with
// global IPv6 addresses, of a NAT64 or ISATAP prefix of the operator's own. What
// reaches them is a TLS hello, and nothing more unless they hold a certificate
// for the name. On a network that has IPv4 through the well-known NAT64 prefix
// only, a name with IPv4 addresses alone is refused. On Windows and macOS the
// system, asked to verify a certificate, may itself fetch what that names.
//
// Addresses that the operator typed, such as that of her own CRM, are not for
// this package: they are private as often as not. A test in this package holds
// the list of who may use net/http directly.
package fetch
