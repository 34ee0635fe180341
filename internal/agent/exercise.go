package agent

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/letters"
	"firsthand/internal/agent/rights"
)

// A Claim is a right that a move claims of each company, in place of facts that it
// changes.
type Claim struct {
	Right string `json:"right"`           // access, correct, erase, port, object, opt_out
	Law   string `json:"law,omitempty"`   // "" for the one that holds at each company
	Scope string `json:"scope,omitempty"` // a fact; "" for all
	Text  string `json:"text,omitempty"`  // hers, to all of them
}

// IsZero reports whether nothing is claimed.
func (c Claim) IsZero() bool { return c == Claim{} }

// check says what is wrong with a claim by itself.
func (c *Claim) check() error {
	if _, err := firsthand.EncodeBody(&firsthand.Request{Right: c.Right, Law: cmp.Or(c.Law, "any"), Scope: c.Scope, Text: c.Text, Due: "9999-12-31"}); err != nil {
		return err
	}
	if c.Scope != "" { // the protocol takes any text there; a letter names a fact
		if _, err := firsthand.EncodeBody(&firsthand.Ask{Fact: c.Scope, Purpose: "any", Why: "any"}); err != nil {
			return err
		}
	}
	if slices.Contains(rights.Laws(), c.Law) {
		_, err := rights.RuleOf(c.Law, c.Right)
		return err
	}
	return nil
}

// claimed finds the companies of which a claim is made: those that she names, else
// all that know her.
func (p *planner) claimed() error {
	m := p.move
	rows, _, err := p.a.Store.Companies(p.ctx, CompanyQuery{})
	if err != nil {
		return err
	}
	if p.her, err = p.a.home(p.ctx); err != nil {
		return err
	}
	scope := &NewFact{Fact: m.Claim.Scope}
	at := make(map[string]*target)
	var of []firsthand.ID
	for _, c := range rows {
		t := target{rel: c.Rel, domain: c.Domain, key: c.Domain}
		if !p.wanted(&t) {
			continue
		}
		p.companies[c.Domain] = c
		if !c.Rel.IsZero() { // one that has ended gives rights, too
			of = append(of, c.Rel)
		}
		p.add(at, t.rel, t.domain, t.key, held{fact: scope, guessed: c.Guessed && m.Only == nil})
	}
	for part := range slices.Chunk(of, atOnce) {
		rows, err := p.a.Store.RelationshipsAt(p.ctx, part...)
		if err != nil {
			return err
		}
		for i := range rows {
			at[rows[i].ID.String()].domain = rows[i].Domain
		}
	}
	for _, name := range m.Only {
		rel, domain, err := p.a.named(p.ctx, name)
		if err != nil {
			return err
		}
		if t := (target{rel: rel, domain: domain, key: CompanyKey(domain)}); !slices.ContainsFunc(m.Except, p.is(&t)) && (!rel.IsZero() || at[t.key] == nil) && !has(at, t.key, rel) {
			p.add(at, rel, domain, t.key, held{fact: scope})
		}
	}
	p.take(at)
	return nil
}

// has reports whether there is a target for a company, and for that relationship if
// one is named.
func has(at map[string]*target, key string, rel firsthand.ID) bool {
	for _, t := range at {
		if t.key == key && (rel.IsZero() || t.rel == rel) {
			return true
		}
	}
	return false
}

// claimLeg decides what the claim means at one company.
func (p *planner) claimLeg(s *firsthand.State, of standing, t *target, h *held) Leg {
	c := p.move.Claim
	l := Leg{Domain: t.domain, Name: p.nameOf(of.name, t), Rel: t.rel, Fact: c.Scope, Group: LeftOut, Guessed: h.guessed}
	out := func(reason string) Leg {
		l.Reason = reason
		return l
	}
	switch {
	case h.guessed && !p.move.Guesses:
		return out("only a guess says that it knows you: confirm it, or include guesses")
	case of.frozen != "":
		return out(frozenText(of.frozen))
	case t.rel.IsZero() && firsthand.CheckDomain(t.domain) != nil:
		return out(t.domain + " is no domain of a company")
	}
	to, err := p.to(t)
	if err != nil {
		return out("it can't be reached: " + reason(err))
	}
	place := letters.PlaceOf(to)
	law, why := lawFor(c.Law, c.Right, p.her, place)
	if law == "" {
		return out(why)
	}
	if asked := openRequest(s, c.Right, law, c.Scope); asked != nil {
		return out(fmt.Sprintf("you asked for it on %s, and the answer is due by %s", firsthand.DateOf(asked.At), asked.Due))
	}
	l.Law, l.Due = law, dueOf(law, c.Right, p.a.Now(), place)
	l.Basis.Right = law
	if rule, err := rights.RuleOf(law, c.Right); err == nil {
		l.Basis.Right = law + " " + rule.Article
	}
	if of.paired {
		l.Group, l.Channel, l.Reason = Instant, Native, why
		return l
	}
	way, ch := p.a.way(p.companies[t.key].Channel, to)
	l.Group, l.Channel, l.Reason = way.Group, ch, why
	if way.Say != "" {
		l.Reason += "; " + way.Say
	}
	return l
}

// lawFor returns the law under which a right is claimed, and why it holds; or why
// none does. named is hers, "" for the one that holds.
func lawFor(named, right string, her, company rights.Place) (law, why string) {
	if named != "" {
		return named, "you name " + named
	}
	for _, law := range rights.Claimable(her, company) {
		if _, err := rights.RuleOf(law, right); err != nil {
			continue
		}
		if slices.Contains(rights.Claimable(her, rights.Place{}), law) {
			return law, law + ": it is law where you live"
		}
		return law, law + ": it is law where the company is"
	}
	if her.IsZero() && company.IsZero() {
		return "", "where you live isn't known, nor where it is: note your home address with its country, or name the law yourself"
	}
	return "", "no law that is known here gives you this right there: name the law yourself"
}

// openRequest returns a request of a right that has no last word yet, nil if there is
// none.
func openRequest(s *firsthand.State, right, law, scope string) *firsthand.RequestState {
	for _, r := range slices.Backward(openRequests(s)) {
		if r.Say.Right == right && r.Say.Law == law && r.Say.Scope == scope {
			return r
		}
	}
	return nil
}

// openRequests returns the requests that have no last word yet.
func openRequests(s *firsthand.State) (open []*firsthand.RequestState) {
	notes := lastNotes(s)
	for _, r := range s.Requests {
		if r.Answer != nil && r.Answer.Say.Outcome != "extended" {
			continue
		}
		if n := notes[r.Entry]; n != nil && (noted[n.Say.Saw] == StepApplied || noted[n.Say.Saw] == StepRefused) {
			continue
		}
		open = append(open, r)
	}
	return open
}

// dueOf returns the day by which a request of now has to be answered; of a law that
// only she knows, one month.
func dueOf(law, right string, now time.Time, place rights.Place) firsthand.Date {
	c, err := rights.ClockOf(law, right, rights.Day(now, place), place)
	if err != nil {
		return firsthand.OneMonthAfter(now)
	}
	return c.Due
}

// home returns where she lives, as far as her own facts say it.
func (a *Agent) home(ctx context.Context) (p rights.Place, err error) {
	facts, err := a.Store.Facts(ctx)
	if err != nil {
		return p, err
	}
	for _, name := range []string{"address.home", "address"} {
		for _, f := range facts {
			if f.Name == name && p.IsZero() {
				p = rights.PlaceOfValue(f.Value)
			}
		}
	}
	for _, f := range facts {
		if strings.HasPrefix(f.Name, "address") && p.IsZero() {
			p = rights.PlaceOfValue(f.Value)
		}
	}
	return p, nil
}

// complete fills in what a request to the company at a domain leaves open: the law,
// and the day by which it wants an answer.
func (a *Agent) complete(ctx context.Context, domain string, req *firsthand.Request) error {
	if req.Law != "" && req.Due != "" {
		return nil
	}
	to, err := a.to(ctx, domain, "")
	if err != nil {
		return err
	}
	her, err := a.home(ctx)
	if err != nil {
		return err
	}
	place := letters.PlaceOf(to)
	if req.Law == "" {
		law, why := lawFor("", req.Right, her, place)
		if law == "" {
			return fault.Tell(fault.Invalid, why, "for example --law GDPR")
		}
		req.Law = law
	}
	if req.Due == "" {
		req.Due = dueOf(req.Law, req.Right, a.Now(), place)
	}
	return nil
}

// Laws returns the laws that are known here.
func Laws() []string { return rights.Laws() }

// Gives reports whether a law gives a right; of "", and of laws that aren't known
// here, nobody can say no.
func Gives(law, right string) bool {
	if !slices.Contains(rights.Laws(), law) {
		return true
	}
	_, err := rights.RuleOf(law, right)
	return err == nil
}
