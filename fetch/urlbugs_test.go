package fetch

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"firsthand/fault"
)

// URLBugs are mistakes in reading URLs. The vectors must notice them, although
// the check of the address stands behind.
var URLBugs = []PlantedBug{
	{"http taken for https", respell(func(raw string) string { return strings.Replace(raw, "http://", "https://", 1) })},
	{"http accepted", recheck(func(raw string, u *url.URL, err error) (*url.URL, error) {
		if fault.RuleOf(err) == "fetch-https" {
			return checkURL(raw, true)
		}
		return u, err
	})},
	{"user accepted", respell(func(raw string) string {
		if at := strings.LastIndex(raw, "@"); at >= 0 {
			return "https://" + raw[at+1:]
		}
		return raw
	})},
	{"fragment accepted", respell(func(raw string) string { raw, _, _ = strings.Cut(raw, "#"); return raw })},
	{"backslash taken for a slash", respell(func(raw string) string { return strings.ReplaceAll(raw, `\`, "/") })},
	{"white space dropped", respell(func(raw string) string { return strings.Join(strings.Fields(raw), "") })},
	{"final dot dropped", respell(func(raw string) string { return strings.Replace(raw, ".:", ":", 1) })},
	{"percent-encoded host decoded", respell(func(raw string) string {
		if host, err := url.PathUnescape(raw); err == nil && strings.Contains(raw, "%2e") {
			return host
		}
		return raw
	})},
	{"zone in the URL dropped", respell(func(raw string) string {
		before, after, ok := strings.Cut(raw, "%25")
		if _, rest, end := strings.Cut(after, "]"); ok && end {
			return before + "]" + rest
		}
		return raw
	})},
	{"full stops of other scripts folded", respell(func(raw string) string {
		return strings.NewReplacer("。", ".", "．", ".", "｡", ".").Replace(raw)
	})},
	{"names in Unicode accepted", recheck(func(raw string, u *url.URL, err error) (*url.URL, error) {
		if v, bad := url.Parse(raw); bad == nil && strings.HasPrefix(v.Host, "bücher") {
			return v, nil
		}
		return u, err
	})},
	{"addresses in decimal, octal and hex read", respell(func(raw string) string {
		u, err := url.Parse(raw)
		if err != nil {
			return raw
		}
		n, err := strconv.ParseUint(u.Hostname(), 0, 32)
		if err != nil {
			return raw
		}
		a := netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		return strings.Replace(raw, u.Hostname(), a.String(), 1)
	})},
	{"addresses that look like names resolved", recheck(func(raw string, u *url.URL, err error) (*url.URL, error) {
		if v, bad := url.Parse(raw); bad == nil && v.Scheme == "https" && strings.HasSuffix(v.Hostname(), ".1") {
			return v, nil
		}
		return u, err
	})},
	{"names of one label accepted", recheck(func(raw string, u *url.URL, err error) (*url.URL, error) {
		if v, bad := url.Parse(raw); bad == nil && v.Scheme == "https" && isLabel(v.Hostname()) {
			return v, nil
		}
		return u, err
	})},
	{"any port accepted", recheck(func(raw string, u *url.URL, err error) (*url.URL, error) {
		if fault.RuleOf(err) == "fetch-port" {
			return url.Parse(raw)
		}
		return u, err
	})},
	{"empty port accepted", respell(func(raw string) string { return strings.Replace(raw, "example:/", "example/", 1) })},
	{"long URLs accepted", respell(func(raw string) string { return raw[:min(len(raw), maxURL)] })},
	{"capitals refused", recheck(func(raw string, u *url.URL, err error) (*url.URL, error) {
		if raw != strings.ToLower(raw) {
			return nil, refuseURL("capitals")
		}
		return u, err
	})},
	{"public addresses refused as hosts", recheck(func(raw string, u *url.URL, err error) (*url.URL, error) {
		if err == nil {
			if _, name := netip.ParseAddr(u.Hostname()); name == nil {
				return nil, refuseURL("an address")
			}
		}
		return u, err
	})},
}
