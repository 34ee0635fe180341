package directory

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"firsthand"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// A SiteKind classes what an import names by whether a company can be found for it.
type SiteKind uint8

const (
	None    SiteKind = iota // nothing: empty, or what a password manager writes for notes
	Web                     // a host on the public internet
	App                     // an app on a phone
	Address                 // an IP address: most often a device of hers
	Local                   // this machine or a name of the house: localhost, router, nas.lan
	Odd                     // anything else, such as javascript:, file: or a text that is no address
)

var kindNames = [...]string{"none", "web", "app", "address", "local", "odd"}

func (k SiteKind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// A Site is what a URL, host or app id of an import is about. It is comparable.
type Site struct {
	Kind SiteKind
	// Host is in lower case, IDN as ASCII, without trailing dot. A port is
	// dropped, except on loopback, where it tells one program from another. It is
	// empty for None, App and Odd.
	Host string
	// Text is the package name of an App, and the scheme of what is Odd, if any.
	Text string
}

// hostSchemes are those whose host is a server of the company, and their ports.
var hostSchemes = map[string]string{
	"https": "443", "http": "80", "wss": "443", "ws": "80", "ftp": "21", "ftps": "990", "sftp": "22", "ssh": "22",
}

// appSchemes are how browsers and password managers name apps.
var appSchemes = []string{"android", "androidapp", "android-app", "iosapp", "ios-app"}

// oddSchemes are known to have no "//".
var oddSchemes = []string{"about", "blob", "data", "file", "javascript", "mailto", "otpauth", "sms", "tel", "urn", "view-source"}

// ParseSite returns what s is about. It never fails: what it can't read is [Odd].
// It reads s as a browser's address bar would, so that "https://a.example\@b.example"
// is a.example here as well; where a browser guesses (0x7f.1, %61.example), it
// doesn't.
func ParseSite(s string) Site {
	if s = strings.TrimSpace(s); s == "" {
		return Site{}
	}
	scheme, rest := splitScheme(s)
	switch {
	case slices.Contains(appSchemes, scheme):
		return parseApp(scheme, rest)
	case scheme != "" && hostSchemes[scheme] == "":
		if !strings.HasPrefix(rest, "//") && !slices.Contains(oddSchemes, scheme) {
			scheme = "" // it may be anything that stands before a colon, such as a user name
		}
		return Site{Kind: Odd, Text: scheme}
	}
	odd := Site{Kind: Odd, Text: scheme}
	rest = strings.TrimLeft(rest, `/\`)
	if end := strings.IndexAny(rest, `/\?#`); end >= 0 {
		rest = rest[:end]
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = rest[at+1:] // user and password go no further than here
	}
	if rest == "" || scheme == "http" && rest == "sn" { // LastPass: no address; a note
		return Site{}
	}
	host, port, ok := splitPort(rest)
	if !ok {
		return odd
	}
	if port == hostSchemes[scheme] {
		port = ""
	}
	if addr, ok := parseAddr(host); ok {
		host = addr.String()
		switch {
		case !addr.IsLoopback():
			return Site{Kind: Address, Host: host}
		case addr.Is6() && port != "":
			host = "[" + host + "]"
		}
		return Site{Kind: Local, Host: withPort(host, port)}
	}
	if host, ok = asciiHost(host); !ok {
		return odd
	}
	switch {
	case host == "localhost" || strings.HasSuffix(host, ".localhost"):
		return Site{Kind: Local, Host: withPort(host, port)}
	case !strings.Contains(host, ".") && scheme == "" && port == "":
		return odd // a word, as "Netflix"
	case isHouse(host):
		return Site{Kind: Local, Host: host}
	}
	return Site{Kind: Web, Host: host}
}

// splitScheme cuts the scheme off s, in lower case. "localhost:3000" and
// "shop.example:443/x" have none.
func splitScheme(s string) (scheme, rest string) {
	n := strings.IndexByte(s, ':')
	if n <= 0 || !isScheme(s[:n]) {
		return "", s
	}
	scheme, rest = strings.ToLower(s[:n]), s[n+1:]
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	if end := rest[digits:]; digits > 0 && (end == "" || strings.ContainsRune(`/\?#`, rune(end[0]))) && scheme != "tel" && scheme != "sms" {
		return "", s
	}
	if strings.Contains(scheme, ".") && (rest == "" || rest[0] == '/') && !strings.HasPrefix(rest, "//") {
		return "", s // "shop.example:" and "shop.example:/x": a port that is missing
	}
	return scheme, rest
}

func isScheme(s string) bool {
	for i, c := range []byte(s) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", rune(c))) {
			return false
		}
	}
	return true
}

// parseApp reads "android://hash@com.shop.app/" and its like.
func parseApp(scheme, rest string) Site {
	name, _, _ := strings.Cut(strings.TrimLeft(rest, "/"), "/")
	name = name[strings.LastIndexByte(name, '@')+1:]
	strange := func(r rune) bool {
		return r >= utf8.RuneSelf || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-", r)
	}
	if name == "" || len(name) > 255 || strings.ContainsFunc(name, strange) {
		return Site{Kind: Odd, Text: scheme}
	}
	return Site{Kind: App, Text: name}
}

// Suggestion returns the registrable domain that the name of an app suggests:
// netflix.com for com.netflix.mediaclient. It is "" for what is no App and for
// names that suggest none. Anybody may name an app so: a suggestion is for her to
// confirm, and no evidence.
func (s Site) Suggestion() string {
	if s.Kind != App {
		return ""
	}
	labels := strings.Split(strings.ToLower(s.Text), ".")
	for i, j := 0, len(labels)-1; i < j; i, j = i+1, j-1 {
		labels[i], labels[j] = labels[j], labels[i]
	}
	host := strings.Join(labels, ".")
	if suffix, icann := publicsuffix.PublicSuffix(host); !icann && !strings.Contains(suffix, ".") || suffix == host {
		return "" // no such top-level domain
	}
	if d := Registrable(host); firsthand.CheckDomain(d) == nil {
		return d
	}
	return ""
}

// splitPort cuts a port off an authority. An empty one, as in "host:", is none.
func splitPort(s string) (host, port string, ok bool) {
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 || s[end+1:] != "" && s[end+1] != ':' {
			return "", "", false
		}
		host, port = s[:end+1], strings.TrimPrefix(s[end+1:], ":")
	} else {
		host, port, _ = strings.Cut(s, ":")
	}
	if port == "" {
		return host, "", true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return host, strconv.FormatUint(n, 10), err == nil
}

func withPort(host, port string) string {
	if port == "" {
		return host
	}
	return host + ":" + port
}

// parseAddr reads an IP address in its usual text; IPv6 stands in brackets.
func parseAddr(host string) (netip.Addr, bool) {
	inner, bracket := strings.CutPrefix(host, "[")
	inner = strings.TrimSuffix(inner, "]")
	if !bracket && !endsInDigit(strings.TrimSuffix(inner, ".")) {
		return netip.Addr{}, false // no need to make an error for each name
	}
	if bracket {
		inner, _, _ = strings.Cut(inner, "%") // a zone means something on one machine only
	} else {
		inner = strings.TrimSuffix(inner, ".")
	}
	addr, err := netip.ParseAddr(inner)
	return addr.Unmap(), err == nil && addr.Is6() == bracket
}

func endsInDigit(s string) bool {
	return s != "" && '0' <= s[len(s)-1] && s[len(s)-1] <= '9'
}

// toASCII makes an IDN ASCII as browsers do (UTS 46, non-transitional).
var toASCII = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.Transitional(false), idna.StrictDomainName(true))

// asciiHost returns host in the one way to write it, or false if it is none. It
// admits underscores and hyphens anywhere in front of the registrable domain, as
// the web does.
func asciiHost(host string) (string, bool) {
	if len(host) > 1024 || !utf8.ValidString(host) {
		return "", false
	}
	for i := range len(host) {
		if host[i] >= utf8.RuneSelf {
			ascii, err := toASCII.ToASCII(host)
			if err != nil {
				return "", false
			}
			host = ascii
			break
		}
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if len(host) > 253 {
		return "", false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return "", false
		}
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") {
		return "", false // half an IP address: 127.1, 0x7f.0.0.1, 2130706433
	}
	return host, firsthand.CheckDomain(Registrable(host)) == nil
}

// houseSuffixes are top-level names that mean something in one house only: RFC
// 6762 appendix G, RFC 8375 and what routers use.
var houseSuffixes = []string{".local", ".lan", ".home", ".home.arpa", ".internal", ".intranet", ".private", ".corp", ".localdomain"}

func isHouse(host string) bool {
	for _, s := range houseSuffixes {
		if strings.HasSuffix(host, s) {
			return true
		}
	}
	return !strings.Contains(host, ".")
}

// Registrable returns the domain under which the company of host is known: one
// label below its public suffix. Suffixes that a company lets others register
// below count too: each user.github.io is one. IP addresses, hosts with a port and
// public suffixes are their own. Host is a [Site]'s.
func Registrable(host string) string {
	if strings.ContainsAny(host, ":[]") || host == "localhost" {
		return host
	}
	if endsInDigit(host) {
		if _, err := netip.ParseAddr(host); err == nil {
			return host
		}
	}
	if d, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return d
	}
	return host
}

// Hosts returns the keys under which host may be known, the nearest first: host
// itself, its parents, and last its registrable domain.
func Hosts(host string) []string {
	if host == "" {
		return nil
	}
	last := Registrable(host)
	keys := []string{host}
	for host != last {
		n := strings.IndexByte(host, '.')
		if n < 0 {
			break
		}
		host = host[n+1:]
		keys = append(keys, host)
	}
	return keys
}

// bare drops "www." from host unless that makes another company of it, as with
// www.gov.uk, whose parent is a public suffix.
func bare(host string) string {
	if rest, ok := strings.CutPrefix(host, "www."); ok && Registrable(rest) == Registrable(host) {
		return rest
	}
	return host
}
