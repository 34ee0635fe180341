package agent

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"firsthand"
	"firsthand/fault"
)

// DomainOf returns the company that an address leads to: what stands in a link of a
// company's "meet us" page, or is pasted from anywhere.
//
//	acme.example
//	firsthand:acme.example
//	web+firsthand:acme.example
//	https://gateway.acme.example/meet?company=acme.example
//	https://www.acme.example/any/page
//
// An address is only ever a name here: nothing else that it says counts, and what
// it leads to is not fetched. It is hostile: a page can lead her browser to any.
func DomainOf(address string) (string, error) {
	s := strings.TrimSpace(address)
	for _, scheme := range []string{"web+firsthand:", "firsthand:"} {
		if rest, ok := cutFold(s, scheme); ok {
			s = strings.TrimPrefix(rest, "//")
			break
		}
	}
	if strings.Contains(s, "://") {
		u, err := url.Parse(s)
		if err != nil {
			return "", noCompany()
		}
		if s = u.Host; strings.HasSuffix(u.Path, "/meet") && u.Query().Has("company") {
			return domain(u.Query().Get("company"))
		}
	}
	s, _, _ = strings.Cut(s, "/")
	return domain(s)
}

// domain judges a name that should be a company's.
func domain(s string) (string, error) {
	s = strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(s), "www."), ".")
	if firsthand.CheckDomain(s) != nil || !strings.Contains(s, ".") && !strings.Contains(s, ":") {
		return "", noCompany()
	}
	return s, nil
}

// noCompany doesn't repeat what the address was: it may be a stranger's sentence.
func noCompany() error {
	return fault.Tell(fault.Invalid, "that is no address of a company", "name the company by its domain, as in acme.example")
}

func cutFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// An Introduction is what a company's domain says of the company, verified, before
// anything was said to it.
type Introduction struct {
	Company firsthand.Company
	Met     Relationship // that she has with it, and that goes on; else zero
}

// Introduce asks a company's domain who it is. That tells the company that somebody
// asks, and when: so it is done when she says so, and never because a page led her
// here.
func (a *Agent) Introduce(ctx context.Context, domain string) (i Introduction, err error) {
	if i.Company, _, err = a.Caller.Discover(ctx, domain); err != nil {
		if k := fault.KindOf(err); k == fault.NotExist || k == fault.Unavailable {
			return i, &fault.Notice{Kind: k, Text: domain + " does not answer as a company with a gateway"}
		}
		return i, fmt.Errorf("introduce %s: %w", domain, err)
	}
	r, err := a.Find(ctx, domain)
	if fault.KindOf(err) == fault.NotExist {
		return i, nil
	}
	if err != nil {
		return i, err
	}
	if s, err := r.Summarised(); err != nil {
		return i, err
	} else if !s.Closed && r.Domain == domain && r.Gateway != "" {
		i.Met = r
	}
	return i, nil
}
