package fetch

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"firsthand/fault"
)

const maxURL = 2048 // bytes

// checkURL parses raw and refuses what breaks fetch-url, fetch-https or
// fetch-port. Since programs differ in how they read odd URLs, only plain ones
// pass; the host is returned in lower case. No error repeats raw, which may
// hold a secret. Whether the host may be reached is the dialer's to say.
func checkURL(raw string, allowLoopback bool) (*url.URL, error) {
	if len(raw) > maxURL {
		return nil, refuseURL("longer than %d bytes", maxURL)
	}
	for _, b := range []byte(raw) {
		if b <= ' ' || b > '~' || b == '\\' || b == '#' {
			return nil, refuseURL("contains the byte %#02x", b)
		}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, refuseURL("cannot be parsed")
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && allowLoopback) {
		return nil, fault.Refuse(fault.Invalid, "fetch-https", "does not begin with https://")
	}
	if u.Host == "" {
		return nil, refuseURL("has no host")
	}
	if u.User != nil {
		return nil, refuseURL("has a user before the host")
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if err := checkHost(host, allowLoopback); err != nil {
		return nil, err
	}
	if err := checkPort(port, u.Scheme); err != nil {
		return nil, err
	}
	if plain := joinHostPort(host, port); plain != strings.ToLower(u.Host) {
		return nil, refuseURL("host and port are oddly written")
	}
	u.Host = strings.ToLower(u.Host)
	return u, nil
}

// checkHost refuses what is neither a canonical IP address nor a domain name.
// A name of one label is refused, because it means something on the local
// network only, and one whose last label begins with a digit, because there are
// programs that read it as an IPv4 address.
func checkHost(host string, allowLoopback bool) error {
	if a, err := netip.ParseAddr(host); err == nil {
		if a.Zone() != "" || a.String() != host {
			return refuseURL("the IP address has a zone or is oddly written")
		}
		return nil
	}
	if host == "localhost" && allowLoopback {
		return nil
	}
	if len(host) > 253 {
		return refuseURL("the host name is longer than 253 bytes")
	}
	labels := strings.Split(host, ".")
	for _, l := range labels {
		if !isLabel(l) {
			return refuseURL("the host is not a domain name in ASCII")
		}
	}
	if last := labels[len(labels)-1]; len(labels) < 2 || last[0] < 'a' {
		return refuseURL("the host has no top-level domain")
	}
	return nil
}

// isLabel says whether s is one label of a domain name, in lower case:
// letters, digits and hyphens, with no hyphen at either end.
func isLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for _, b := range []byte(s) {
		if (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '-' {
			return false
		}
	}
	return true
}

// checkPort refuses the ports of well-known services other than HTTPS.
func checkPort(port, scheme string) error {
	if port == "" && scheme == "https" {
		return nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || strconv.FormatUint(n, 10) != port || n < 1024 && n != 443 {
		return fault.Refuse(fault.Invalid, "fetch-port", "the port is neither 443 nor from 1024 to 65535")
	}
	return nil
}

// joinHostPort writes host and port as they stand in a URL.
func joinHostPort(host, port string) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != "" {
		host += ":" + port
	}
	return host
}

func refuseURL(format string, args ...any) error {
	return fault.Refuse(fault.Invalid, "fetch-url", format, args...)
}
