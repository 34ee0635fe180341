package fetch_test

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"firsthand/fault"
	"firsthand/fetch"
	"firsthand/fetch/fetchtest"
)

// What CheckURL lets pass is plain enough that no two programs read it
// differently, and passes again as it was printed.
func FuzzCheckURL(f *testing.F) {
	for _, v := range fetchtest.Vectors() {
		if len(v.Answers) == 0 {
			f.Add(strings.ReplaceAll(v.URL, "{port}", "4430"), v.Loopback)
		}
	}
	f.Fuzz(func(t *testing.T, raw string, loopback bool) {
		u, err := fetch.CheckURL(raw, loopback)
		if err != nil {
			if rule := fault.RuleOf(err); u != nil || !strings.HasPrefix(rule, "fetch-") {
				t.Fatalf("CheckURL(%q) = %v, %v: no rule", raw, u, err)
			}
			return
		}
		again, err := fetch.CheckURL(u.String(), loopback)
		if err != nil || again.String() != u.String() {
			t.Fatalf("CheckURL(%q) = %q, and that again = %v, %v", raw, u, again, err)
		}
		if u.Scheme != "https" && !(loopback && u.Scheme == "http") || u.User != nil || u.Opaque != "" || u.Fragment != "" {
			t.Fatalf("CheckURL(%q) = %#v", raw, u)
		}
		if host := readSimply(u.String()); host != u.Host {
			t.Fatalf("CheckURL(%q): the host is %q, and %q if read simply", raw, u.Host, host)
		}
		host := u.Hostname()
		if a, err := netip.ParseAddr(host); err == nil {
			if a.String() != host || a.Zone() != "" {
				t.Fatalf("CheckURL(%q): the address %q is not canonical", raw, host)
			}
		} else if strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" || !strings.Contains(host, ".") && host != "localhost" {
			t.Fatalf("CheckURL(%q): the host %q is not a domain name", raw, host)
		}
		if other, err := url.ParseRequestURI(raw); err != nil || !strings.EqualFold(other.Host, u.Host) {
			t.Fatalf("CheckURL(%q): ParseRequestURI reads %v, %v", raw, other, err)
		}
	})
}

// readSimply returns what stands between // and the next / or ?, the way a
// program without a parser reads the host.
func readSimply(raw string) string {
	_, rest, _ := strings.Cut(raw, "://")
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[:end]
	}
	return rest
}
