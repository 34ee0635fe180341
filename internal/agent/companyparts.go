package agent

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"firsthand"
	"firsthand/internal/agent/directory"
)

// CompanyParts are what the row of one company is made of. Stores keep the row as a
// cache and make it anew from its parts whenever one of them changes.
type CompanyParts struct {
	Own           OwnCompany
	Relationships []Relationship // oldest first
	Accounts      AccountsSum
	Stated        []string // facts of statements of what she told, guessed ones too, in any order
	Hers          bool     // one of the statements, of any origin, is hers; or there is a document
	Listed        []directory.Record
}

// An AccountsSum is what lists need of the accounts at a company that count.
type AccountsSum struct {
	N           int       // logins, aliases and contacts
	Signs       int       // mails and payments
	Name        string    // the first that isn't "", in the order of bytes
	Since, Used time.Time // first Created or Used, last Used or Created
}

// Company returns the row of the company at domain, without Groups, and whether
// there is anything to keep of it: else it has no row.
func (p *CompanyParts) Company(domain string) (c Company, keep bool) {
	c = Company{Domain: domain, Channel: p.Own.Channel, Gateway: p.Own.Gateway, Accounts: p.Accounts.N}
	c.Since, c.Used = second(p.Accounts.Since), second(p.Accounts.Used)
	facts := slices.Clone(p.Stated)
	document := ""
	for i := range p.Relationships {
		r := &p.Relationships[i]
		sum, err := r.Summarised()
		if err != nil {
			sum = Summary{} // a cache too: shown as nothing until it is rebuilt
		}
		facts = append(facts, sum.Facts...)
		if r.Name != r.Domain {
			document = cmp.Or(r.Name, document)
		}
		c.Gateway = c.Gateway || r.Gateway != ""
		c.Since, c.Used = earlier(c.Since, second(r.Opened)), later(c.Used, later(second(r.Opened), second(sum.Last)))
		if c.Rel.IsZero() || c.Closed || !sum.Closed {
			c.Rel, c.Paired, c.Bound, c.Closed = r.ID, r.Gateway != "", sum.Bound, sum.Closed
			c.Step, c.Agreement = cmp.Or(sum.Step, "pseudonym"), sum.Agreement
			c.Asks, c.Waiting, c.Due = sum.Asks, sum.Waiting, sum.Due
		}
	}
	slices.Sort(facts)
	c.Held = len(slices.Compact(facts))
	listed := ""
	if len(p.Listed) > 0 {
		if listed = directory.Join(domain, p.Listed).Name; listed == domain {
			listed = ""
		}
	}
	c.Name = cmp.Or(p.Own.Name, document, listed, p.Accounts.Name, domain)
	hers := p.Own.Confirmed || p.Own.Name != "" || p.Own.Channel != "" || p.Own.Address != "" || p.Own.Lang != "" || len(p.Own.Groups) > 0 || p.Hers || len(p.Relationships) > 0
	c.Guessed = !hers
	return c, hers || p.Own.Gateway || p.Accounts.N+p.Accounts.Signs > 0 || len(p.Stated) > 0
}

func second(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Second)
}

// earlier and later pass over the zero time.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Add adds an account that counts.
func (s *AccountsSum) Add(acc Account) {
	if acc.IsSign() {
		s.Signs++
	} else {
		s.N++
	}
	if acc.Name != "" && (s.Name == "" || acc.Name < s.Name) {
		s.Name = acc.Name
	}
	s.Since = earlier(s.Since, earlier(acc.Created, acc.Used))
	s.Used = later(s.Used, later(acc.Used, acc.Created))
}

// MailFact is the fact that an e-mail address at an account lets guess.
const MailFact = "email"

// Mail returns what identifies the e-mail address by which the company knows her at
// this account; "" if it is none.
func (acc *Account) Mail() string {
	if acc.Kind == ContactAccount {
		return "" // somebody else's
	}
	mail := FoldText(acc.Login)
	local, host, _ := strings.Cut(mail, "@")
	if local == "" || !strings.Contains(strings.Trim(host, "."), ".") || strings.ContainsAny(host, "@/ ") {
		return ""
	}
	return mail
}

// Created returns the day on which an account was made, "" if unknown.
func Created(acc Account) firsthand.Date {
	if acc.Created.IsZero() {
		return ""
	}
	return firsthand.DateOf(acc.Created)
}

// Key identifies an account over imports and rows: what it is, where, and her login
// there. It is a hash of these.
func (acc *Account) Key() int64 {
	where, who := acc.Host, acc.Login
	if where == "" {
		where = acc.URL // an app, say
	}
	if acc.Kind == ContactAccount || where+who == "" {
		who += "\x00" + acc.Title
	}
	sum := sha256.Sum256([]byte(acc.Kind + "\x00" + where + "\x00" + who))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// FoldText makes texts equal that mean the same to a company: case and the number
// of blanks don't count.
func FoldText(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// FoldValue is FoldText of a value; "" of none.
func FoldValue(v firsthand.Value) string { return FoldText(v.String()) }

// FoldName is how names of companies are compared, sorted and searched.
func FoldName(s string) string { return strings.ToLower(s) }
