package wire

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"

	"firsthand"
	"firsthand/fault"
	"firsthand/fetch"
)

// Discover asks domain who it says it is: it returns its discovery document,
// verified, and the same as it came. A domain on loopback is asked without TLS;
// fetch says whether that is allowed.
//
// The error wraps fault.NotExist if the domain answers and has no document,
// fault.Unavailable if it does not answer, and fault.Invalid if what it has is
// not a document of this domain, or one that names a gateway which must not be
// called.
func (c *Client) Discover(ctx context.Context, domain string) (firsthand.Company, []byte, error) {
	if err := firsthand.CheckDomain(domain); err != nil {
		return firsthand.Company{}, nil, fault.Refuse(fault.Invalid, "company-form", "%v", err)
	}
	scheme := "https://"
	host := domain
	if h, _, err := net.SplitHostPort(domain); err == nil {
		host = h
	}
	if isLoopback(host) {
		scheme = "http://"
	}
	resp, err := c.fetch.Do(ctx, &fetch.Request{URL: scheme + domain + DiscoveryPath, MaxBytes: firsthand.MaxCompany + 1})
	if err != nil {
		return firsthand.Company{}, nil, fmt.Errorf("discover %s: %w", domain, err)
	}
	if resp.Status != http.StatusOK {
		kind := kindOfStatus(resp.Status)
		if kind != fault.Unavailable {
			kind = fault.NotExist // web servers have many ways to say so
		}
		return firsthand.Company{}, nil, fmt.Errorf("discover %s: %w", domain,
			fault.Refuse(kind, "answer-status", "answered with %d", resp.Status))
	}
	// The content type isn't asked: the document is signed, and a web server
	// that has it as a file knows no better. Editors end files in a line feed.
	raw := bytes.TrimSuffix(resp.Body, []byte{'\n'})
	company, err := firsthand.ParseCompany(raw, domain)
	if err == nil {
		_, err = parseAddress(company.Gateway)
	}
	if err == nil && scheme == "https://" && strings.HasPrefix(company.Gateway, "http://") {
		// Loopback is not there for a stranger's document to choose.
		err = badAddress("https, as the domain itself")
	}
	if err != nil {
		return firsthand.Company{}, nil, fmt.Errorf("discover %s: %w", domain, err)
	}
	return company, raw, nil
}
