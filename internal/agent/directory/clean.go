package directory

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of what one record says. The longest in the real sets are a fourth.
const (
	maxLine = 500
	maxText = 4000
	maxLink = 2048
	maxList = 1000
)

// clean returns s without what could disturb a page or a terminal: control
// characters, invalid UTF-8, and marks that reorder text. Line feeds stay. It is cut
// after max bytes.
func clean(s string, max int) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r), '\u202a' <= r && r <= '\u202e', '\u2066' <= r && r <= '\u2069':
			return -1
		}
		return r
	}, strings.ReplaceAll(s, "\r\n", "\n"))
	s = strings.TrimSpace(s)
	if len(s) > max {
		for max > 0 && !utf8.RuneStart(s[max]) {
			max--
		}
		s = s[:max] + "…"
	}
	return s
}

// line is clean for what has no line feeds.
func line(s string) string { return clean(strings.ReplaceAll(s, "\n", " "), maxLine) }

// lines cleans a list, and drops what is empty and what is beyond the limit.
func lines(list []string, max int) (out []string) {
	for _, s := range list[:min(len(list), maxList)] {
		if s = clean(s, max); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// link returns s as it may stand in a page: https or http, to a host on the public
// internet, without user. An empty one is none, and no error.
func link(s string) (string, error) {
	if s = strings.TrimSpace(s); s == "" {
		return "", nil
	}
	if len(s) > maxLink {
		return "", errors.New("a link that is too long")
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Opaque != "" || u.User != nil {
		return "", fmt.Errorf("no web address: %.60q", s)
	}
	// A browser is what follows the link. If it could go elsewhere than where this
	// parser says, the link is none.
	site := ParseSite(s)
	host, ok := asciiHost(u.Hostname())
	if !ok || site.Kind != Web || site.Host != host || strings.ContainsAny(s, "\\\t\n\r") {
		return "", fmt.Errorf("no host on the internet: %.60q", s)
	}
	u.Host = withPort(host, u.Port())
	return u.String(), nil
}

// mail returns s if it is an e-mail address of the usual form, to be shown and
// written to. An empty one is none, and no error.
func mail(s string) (string, error) {
	// Addresses are copied from pages, which hyphenate.
	if s = strings.ReplaceAll(strings.TrimSpace(s), "\u00ad", ""); s == "" {
		return "", nil
	}
	local, host, ok := strings.Cut(s, "@")
	strange := func(r rune) bool {
		return r >= utf8.RuneSelf || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(".!#$'*+/=^_{|}~-", r)
	}
	host, isHost := asciiHost(host)
	if !ok || !isHost || local == "" || len(s) > 254 || strings.ContainsFunc(local, strange) ||
		!strings.Contains(host, ".") {
		return "", fmt.Errorf("no e-mail address: %.60q", s)
	}
	return local + "@" + host, nil
}

// addHost appends the host that s is about, unless hosts has it.
func addHost(hosts []string, s string) ([]string, error) {
	site := ParseSite(s)
	if site.Kind != Web {
		return hosts, fmt.Errorf("no host on the internet: %.60q", s)
	}
	host := bare(site.Host)
	switch {
	case slices.Contains(hosts, host):
		return hosts, nil
	case len(hosts) == maxList:
		return hosts, errors.New("too many hosts")
	}
	return append(hosts, host), nil
}

// oneOf returns s if it is among known, and else "".
func oneOf(s string, known ...string) string {
	if slices.Contains(known, s) {
		return s
	}
	return ""
}
