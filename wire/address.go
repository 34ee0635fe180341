package wire

import (
	"net/netip"
	"net/url"
	"strings"

	"firsthand/fault"
)

// An address is a gateway's base URL, taken apart as it is signed in a call.
type address struct {
	host string // with the port, if the URL has one
	path string // without a final slash; "" for the root
}

// parseAddress reads the base URL of a gateway. It has one spelling, so that
// both sides sign and check the same: https, or http if the host is this
// machine; the host in lower case, without the port that goes without saying; a
// path of plain segments, without a final slash; nothing else. Errors are
// [fault.Invalid], rule gateway-url.
func parseAddress(base string) (address, error) {
	u, err := url.Parse(base)
	if err != nil {
		return address{}, badAddress("not a URL")
	}
	a := address{host: u.Host, path: u.Path}
	port := u.Port()
	switch {
	case u.Scheme != "https" && u.Scheme != "http", u.Host == "", u.Scheme+"://"+a.host+a.path != base:
		return a, badAddress("not https://host/path")
	case strings.ToLower(u.Host) != u.Host, strings.HasSuffix(u.Host, ":"), port == "443" && u.Scheme == "https", port == "80" && u.Scheme == "http":
		return a, badAddress("host and port are oddly written")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return a, badAddress("http is for loopback only")
	}
	if a.path == "" {
		return a, nil
	}
	for segment := range strings.SplitSeq(a.path[1:], "/") {
		if segment == "" || segment == "." || segment == ".." || strings.ContainsFunc(segment, notPlain) {
			return a, badAddress("the path has more than letters, digits and -._~")
		}
	}
	return a, nil
}

func notPlain(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._~", r)
}

func badAddress(why string) error {
	return fault.Refuse(fault.Invalid, "gateway-url", "the base URL of a gateway: %s", why)
}

// isLoopback reports whether host names this machine by its name alone (RFC
// 6761, 6.3). Where it really leads is judged by package fetch.
func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}
