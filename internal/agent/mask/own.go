package mask

import (
	"context"
	"net/mail"
	"strings"
)

// own makes masks at a mailbox or a domain of hers: nobody has to be asked.
type own struct{ c Config }

// Create implements [Provider].
func (o own) Create(_ context.Context, order Order) (Address, error) {
	name := label(order.Company) + "." + order.Token
	if o.c.Kind == Domain {
		return Address{Value: name + "@" + o.c.Base}, nil
	}
	local, domain, _ := splitAddress(o.c.Base)
	return Address{Value: local + "+" + name + "@" + domain}, nil
}

// label returns what says to a person whose mask it is: the first part of the
// company's domain.
func label(domain string) string {
	first, _, _ := strings.Cut(strings.ToLower(domain), ".")
	first = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, first)
	if first == "" {
		return "company"
	}
	return first[:min(len(first), 20)]
}

// Pause implements [Provider]. Her mail host knows nothing of masks.
func (o own) Pause(context.Context, Address, bool) (bool, error) { return false, nil }

// Retire implements [Provider].
func (o own) Retire(context.Context, Address) error { return nil }

// Incoming implements [Provider]. Where the mail host says to whom it delivered, that
// counts; To and Cc are what the sender wrote.
func (o own) Incoming(header func(string) []string) (to, from string, ok bool) {
	for _, name := range []string{"Delivered-To", "X-Original-To", "Envelope-To", "To", "Cc"} {
		for _, value := range header(name) {
			list, err := mail.ParseAddressList(value)
			if err != nil {
				continue
			}
			for _, a := range list {
				if address := strings.ToLower(a.Address); o.made(address) {
					return address, sender(header), true
				}
			}
		}
	}
	return "", "", false
}

// made reports whether an address looks as those do that Create makes.
func (o own) made(address string) bool {
	local, domain, ok := splitAddress(address)
	if !ok {
		return false
	}
	if o.c.Kind == Domain {
		return domain == o.c.Base && strings.Contains(local, ".")
	}
	base, host, _ := splitAddress(strings.ToLower(o.c.Base))
	return domain == host && strings.HasPrefix(local, base+"+")
}

func sender(header func(string) []string) string {
	for _, value := range header("From") {
		if a := addressIn(value); a != "" {
			return a
		}
	}
	return ""
}
