package agent

import (
	"context"
	"errors"
	"fmt"
	"net"

	"firsthand"
	"firsthand/fault"
)

// MeetOptions say how to meet.
type MeetOptions struct {
	Unpaired bool // keep a log of her own; the company has no gateway
	Again    bool // though there is a relationship with it already
	Kept     bool // else it is nameless: forgotten whole when it ends
	// Key is the company's key in what she was shown of it. If it has another by
	// now, nobody is met. The zero key is any.
	Key firsthand.PublicKey
}

// Meet opens a relationship with the company at domain, under a key that occurs
// nowhere else. The company learns nothing of her.
func (a *Agent) Meet(ctx context.Context, domain string, o MeetOptions) (Relationship, error) {
	if err := firsthand.CheckDomain(domain); err != nil {
		return Relationship{}, fault.Tell(fault.Invalid, err.Error(), "name the company by its domain, as in acme.example")
	}
	if r, err := a.Find(ctx, domain); err == nil && r.Domain == domain && !o.Again {
		if s, err := r.Summarised(); err == nil && !s.Closed {
			return r, fault.Tell(fault.Conflict, "you have met "+domain+" already", "firsthand status "+domain)
		}
	}
	row := Relationship{Domain: domain, Name: domain, Kept: o.Kept || o.Unpaired, Opened: a.Now()}
	open := &firsthand.Open{Role: "customer", Domain: domain}
	if !o.Unpaired {
		company, raw, err := a.Caller.Discover(ctx, domain)
		if err != nil {
			if k := fault.KindOf(err); k == fault.NotExist || k == fault.Unavailable {
				return row, &fault.Notice{Kind: k, Text: domain + " does not answer as a company with a gateway: " + Unreached(err),
					Hint: "look how it is written; where it has no gateway, a log of your own is begun by: firsthand meet --unpaired " + domain}
			}
			return row, fmt.Errorf("meet %s: %w", domain, err)
		}
		if !o.Key.IsZero() && company.Key() != o.Key {
			return row, fault.Tell(fault.Conflict, domain+" has another key than a moment ago", "look again who it is")
		}
		row.Name, row.Gateway, row.Company = company.Name, company.Gateway, raw
		open.CompanyKey = company.Key()
	}
	key, err := firsthand.NewSigner(a.Rand)
	if err != nil {
		return row, err
	}
	for {
		next, err := a.Store.Label(ctx)
		if err != nil {
			return row, err
		}
		open.Key, open.Next, open.Label = key.Public(), next.Hash, next.Label
		row.Seed = key.Seed()
		r, err := a.begin(ctx, row, open, next)
		if !errors.Is(err, fault.Conflict) { // another act took the label
			a.Wake()
			return r, err
		}
	}
}

// begin commits the relationship with its first entry.
func (a *Agent) begin(ctx context.Context, row Relationship, open *firsthand.Open, next NextKey) (Relationship, error) {
	salt, err := firsthand.NewSalt(a.Rand)
	if err != nil {
		return row, err
	}
	r := &relationship{row: row, state: firsthand.NewState(), lacks: everything}
	e, err := r.state.Write(firsthand.SignerFromSeed(row.Seed), firsthand.First, a.Now(), salt, open)
	if err != nil {
		return row, err
	}
	if err := r.state.Take(e); err != nil {
		return row, err
	}
	r.row.ID = e.ID
	err = a.commit(ctx, Commit{Entries: []firsthand.Entry{e}, TakeLabels: []firsthand.Label{next.Label}}, r)
	return r.row, err
}

// Unreached says in words for her why a company's domain does not answer as one with
// a gateway.
func Unreached(err error) string {
	dns, ok := errors.AsType[*net.DNSError](err)
	switch {
	case ok && dns.IsNotFound:
		return "there is no such domain"
	case ok:
		return "no name can be looked up, so this machine seems not to be on the internet"
	case fault.KindOf(err) == fault.NotExist:
		return "it says nothing of a gateway there"
	case fault.RuleOf(err) != "":
		return "what it answers can't be used (" + fault.RuleOf(err) + ")"
	}
	return "there is no answer"
}
