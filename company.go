package firsthand

import (
	"fmt"
	"strings"
	"time"

	"firsthand/fault"
)

// A Company is the discovery document by which a company's domain introduces
// it: a compact JWS, signed by the last key of its chain, served at
// https://DOMAIN/.well-known/firsthand.
//
// The domain introduces, the pinned chain continues: for a relationship that
// exists the document changes nothing.
type Company struct {
	Domain       string     `json:"domain"`
	Name         string     `json:"name"`         // legal entity
	Jurisdiction string     `json:"jurisdiction"` // ISO 3166, for example BE or US-CA
	Gateway      string     `json:"gateway"`      // base URL of its gateway
	Chain        []ChainKey `json:"chain"`        // its keys, oldest first
	Terms        []TermsRef `json:"terms"`        // which agreements it accepts
	At           time.Time  `json:"at"`
}

// A ChainKey is one key of a company's chain and the hash of the one after it.
type ChainKey struct {
	Key  PublicKey `json:"key"`
	Next KeyHash   `json:"next"`
}

var companyHeader = header("firsthand-company+jws")

// MaxCompany bounds a discovery document, in bytes.
const MaxCompany = 64 << 10

// Key returns the company's key in force, the last of its chain.
func (c *Company) Key() PublicKey { return c.Chain[len(c.Chain)-1].Key }

// Has reports whether key is in the chain.
func (c *Company) Has(key PublicKey) bool {
	for _, k := range c.Chain {
		if k.Key == key {
			return true
		}
	}
	return false
}

// Company signs a discovery document. It returns a compact JWS. The error says
// what is wrong with c.
func (s *Signer) Company(c Company) ([]byte, error) {
	c.At = c.At.UTC().Truncate(time.Second)
	if c.Terms == nil {
		c.Terms = []TermsRef{}
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.Key() != s.public {
		return nil, fault.Refuse(fault.Invalid, "company-chain", "signed by another key than the last of the chain")
	}
	return s.signJWS(companyHeader, EncodeJSON(c)), nil
}

// ParseCompany reads and verifies a discovery document, which must be of the
// given domain. Errors are [fault.Invalid], rule company-form, company-chain or
// company-signature.
func ParseCompany(text []byte, domain string) (c Company, err error) {
	if len(text) > MaxCompany {
		return c, fault.Refuse(fault.Invalid, "company-form", "%d bytes, at most %d", len(text), MaxCompany)
	}
	payload, input, sig, err := splitJWS(text, companyHeader, nil)
	if err != nil {
		return c, err
	}
	if err := ParseJSON(payload, &c); err != nil {
		return c, fault.Refuse(fault.Invalid, "company-form", "%v", err)
	}
	if err := c.check(); err != nil {
		return c, err
	}
	if c.Domain != domain {
		return c, fault.Refuse(fault.Invalid, "company-form", "the document is of %q, not of %q", c.Domain, domain)
	}
	if !c.Key().verify(input, sig) {
		return c, fault.Refuse(fault.Invalid, "company-signature", "not signed by the last key of the chain")
	}
	return c, nil
}

func (c *Company) check() error {
	if err := need("name", c.Name, "gateway", c.Gateway, "domain", CheckDomain(c.Domain)); err != nil {
		return fault.Refuse(fault.Invalid, "company-form", "%v", err)
	}
	if len(c.Chain) == 0 || len(c.Chain) > 256 {
		return fault.Refuse(fault.Invalid, "company-chain", "a chain has 1 to 256 keys")
	}
	for i, k := range c.Chain {
		if err := k.Key.Check(); err != nil {
			return err
		}
		if i > 0 && c.Chain[i-1].Next != k.Key.Hash() {
			return fault.Refuse(fault.Invalid, "company-chain", "key %d is not the one that the key before committed to", i+1)
		}
	}
	for _, t := range c.Terms {
		if err := t.check(); err != nil {
			return fault.Refuse(fault.Invalid, "company-form", "terms: %v", err)
		}
	}
	return nil
}

// CheckDomain returns an error unless s is a domain as it stands in entries:
// lower-case ASCII labels (IDNs in their xn-- form), no trailing dot; with a port
// for tests on loopback.
func CheckDomain(s string) error {
	host, port, hasPort := strings.Cut(s, ":")
	bad := len(s) > 253 || host == "" || hasPort && (port == "" || strings.Trim(port, "0123456789") != "")
	for label := range strings.SplitSeq(host, ".") {
		bad = bad || label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != ""
	}
	if bad {
		return fmt.Errorf("%q is no domain in lower-case ASCII", s)
	}
	return nil
}
