// Package mask makes e-mail addresses of hers that one company has and nobody else:
// a mask. What comes to it comes to her mailbox, until she pauses or retires it; and
// if somebody else writes to it, she knows whence they have it.
//
// A [Provider] is where masks are made: a domain of hers that takes mail to any name, a
// mailbox that takes mia+anything, or a service with SimpleLogin's interface. Package
// masktest is the suite that each must pass.
package mask

import (
	"context"
	"fmt"
	"net/mail"
	"net/url"
	"strings"

	"firsthand/fault"
	"firsthand/fetch"
)

// Kinds of providers.
const (
	Subaddress  = "subaddress"  // mia+acme.x7k2q9ab@post.example
	Domain      = "domain"      // acme.x7k2q9ab@mia.example
	SimpleLogin = "simplelogin" // whatever the service makes
)

// A Config says where masks are made. It may hold a secret, and is kept in her file
// alone.
type Config struct {
	Kind string `json:"kind"`           // "" for none
	Base string `json:"base,omitempty"` // of Subaddress her address, of Domain the domain
	URL  string `json:"url,omitempty"`  // of SimpleLogin, as in https://app.simplelogin.io
	Key  string `json:"key,omitempty"`  // of SimpleLogin
}

// An Order asks for a mask.
type Order struct {
	// Token names the mask at the provider: the same order twice makes one mask. It is
	// eight letters and digits, by chance.
	Token string
	// Company is the domain of the company that is to have it.
	Company string
}

// An Address is a mask.
type Address struct {
	Value string // the e-mail address
	ID    string // by which the provider knows it, "" if by Value
}

// A Provider makes masks. Its methods may be called from several goroutines. Where
// the provider can't be reached the error is [fault.Unavailable], where it refuses her
// [fault.Denied].
type Provider interface {
	// Create makes the mask of an order. Again, it returns the same.
	Create(context.Context, Order) (Address, error)

	// Pause stops the mask, or starts it again. It can be done twice. Ours says
	// whether the provider holds mail back by itself; else it still arrives, and
	// only we leave it alone.
	Pause(ctx context.Context, a Address, paused bool) (ours bool, err error)

	// Retire ends it for good. One that is gone already is no error.
	Retire(context.Context, Address) error

	// Incoming returns the mask to which a mail came, and who sent it, by its header.
	// ok is false for mail that came to no mask.
	Incoming(header func(name string) []string) (to, from string, ok bool)
}

// Check returns an error that says what is wrong with a config.
func (c Config) Check() error {
	switch c.Kind {
	case "":
		return nil
	case Subaddress:
		local, domain, ok := splitAddress(c.Base)
		if !ok || strings.Contains(local, "+") || !isDomain(domain) {
			return fault.Tell(fault.Invalid, fmt.Sprintf("%.80q is no address of yours without a plus sign", c.Base), "give it as in mia@post.example")
		}
	case Domain:
		if !isDomain(c.Base) {
			return fault.Tell(fault.Invalid, fmt.Sprintf("%.80q is no domain", c.Base), "give a domain that takes mail to any name, as in mia.example")
		}
	case SimpleLogin:
		u, err := url.Parse(c.URL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return fault.Tell(fault.Invalid, fmt.Sprintf("%.80q is no address of such a service", c.URL), "give it as in https://app.simplelogin.io")
		}
		if strings.TrimSpace(c.Key) == "" || strings.ContainsFunc(c.Key, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return fault.Tell(fault.Invalid, "the key of the service is missing, or is none", "make one there, under API keys")
		}
	default:
		return fault.Tell(fault.Invalid, fmt.Sprintf("%.40q is no kind of provider", c.Kind), "one of subaddress, domain, simplelogin")
	}
	return nil
}

// New returns the provider of a config, which calls services by client.
func New(c Config, client *fetch.Client) (Provider, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	switch c.Kind {
	case Subaddress, Domain:
		return own{c}, nil
	case SimpleLogin:
		return &service{base: strings.TrimSuffix(c.URL, "/"), key: c.Key, client: client}, nil
	}
	return nil, fault.Tell(fault.NotExist, "nothing is set up that makes addresses", "say where they are made: firsthand mask provider")
}

// splitAddress splits a plain e-mail address.
func splitAddress(s string) (local, domain string, ok bool) {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s {
		return "", "", false
	}
	i := strings.LastIndexByte(s, '@')
	return s[:i], s[i+1:], true
}

// isDomain reports whether s is a name with a dot of letters, digits and hyphens.
func isDomain(s string) bool {
	if len(s) > 253 || !strings.Contains(s, ".") {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

// addressIn returns the first plain address in a header's value, in lower case.
func addressIn(value string) string {
	a, err := mail.ParseAddress(value)
	if err != nil {
		return ""
	}
	return strings.ToLower(a.Address)
}
