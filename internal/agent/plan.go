package agent

import (
	"cmp"
	"context"
	"slices"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/policy"
	"firsthand/internal/agent/rights"
)

// A target is one company that a move is about: a relationship, or a company with
// which there is none yet.
type target struct {
	rel    firsthand.ID // zero: none
	domain string       // the company's, as the relationship has it; else its key
	key    string       // the company's
	facts  []held       // in the order of the move
}

// held is what a target has of one of the move's facts.
type held struct {
	fact    *NewFact
	of      firsthand.ID // the holding's entry; zero if stated or guessed
	value   firsthand.Value
	outcome string // of what was told last
	origin  firsthand.Origin
	ground  *Ground // what stands beside the holding, nil if nothing does
	guessed bool
	stated  bool // by a statement of hers, which the change takes the place of
	beside  bool // its log says it, and a statement of hers too, which goes likewise
}

// A planner decides what a move means for each target. It is asked once for each,
// with the state as it is when the leg is written.
type planner struct {
	a         *Agent
	ctx       context.Context
	move      *Move
	rules     []policy.Rule
	targets   []target
	companies map[string]Company    // by key: those that were asked for
	known     map[string]channel.To // by the company's domain: the same, as channels may know them
	masks     map[string]string     // by key: addresses that a company has instead of hers
	her       rights.Place          // where she lives; only of a claim
}

func (a *Agent) newPlanner(ctx context.Context, m Move) (*planner, error) {
	p := &planner{a: a, ctx: ctx, move: &m, companies: make(map[string]Company), known: make(map[string]channel.To)}
	var err error
	if p.rules, err = a.rules(ctx); err != nil {
		return nil, err
	}
	if p.masks, err = a.maskedCompanies(ctx); err != nil {
		return nil, err
	}
	if !m.Claim.IsZero() {
		return p, p.claimed()
	}
	at := make(map[string]*target) // by relationship, or by key where there is none
	for i := range m.Facts {
		f := &m.Facts[i]
		if err := p.holders(f, at); err != nil {
			return nil, err
		}
		if err := p.stated(f, at); err != nil {
			return nil, err
		}
	}
	for place, t := range at {
		if !p.wanted(t) {
			delete(at, place)
			continue
		}
		slices.SortFunc(t.facts, func(x, y held) int { return cmp.Compare(index(m.Facts, x.fact), index(m.Facts, y.fact)) })
	}
	p.take(at)
	return p, nil
}

// take makes at the targets, in their order.
func (p *planner) take(at map[string]*target) {
	for _, t := range at {
		p.targets = append(p.targets, *t)
	}
	slices.SortFunc(p.targets, func(x, y target) int {
		return cmp.Or(cmp.Compare(x.domain, y.domain), slices.Compare(x.rel[:], y.rel[:]))
	})
}

func index(facts []NewFact, f *NewFact) int {
	return slices.IndexFunc(facts, func(x NewFact) bool { return x.Fact == f.Fact })
}

// holders finds those whose logs say that they hold f; of several holdings of one
// relationship the last counts.
func (p *planner) holders(f *NewFact, at map[string]*target) error {
	grounds := make(groundTexts)
	for h, err := range p.a.Store.Holders(p.ctx, f.Fact) {
		if err != nil {
			return err
		}
		if h.Origin != firsthand.Told && h.Origin != firsthand.Stated {
			continue
		}
		ground, err := grounds.read(h.Ground)
		if err != nil {
			return err
		}
		p.add(at, h.Rel, h.Domain, CompanyKey(h.Domain), held{fact: f, of: h.Entry, value: h.Value, outcome: h.Outcome, origin: h.Origin, ground: ground})
	}
	return nil
}

// stated finds those of which she says, or an import lets guess, that they have f
// from before, and whose logs don't say it themselves.
func (p *planner) stated(f *NewFact, at map[string]*target) error {
	known := make(map[string]bool) // keys of those found by their logs: false if all of these have ended
	for _, t := range at {
		if i := slices.IndexFunc(t.facts, func(h held) bool { return h.fact == f }); i >= 0 {
			ended, err := p.ended(t, &t.facts[i])
			if err != nil {
				return err
			}
			known[t.key] = known[t.key] || !ended
		}
	}
	for _, name := range p.move.Before {
		rel, domain, err := p.a.named(p.ctx, name)
		if err != nil {
			return err
		}
		key := CompanyKey(domain)
		if t := at[rel.String()]; t != nil && slices.ContainsFunc(t.facts, func(h held) bool { return h.fact == f }) {
			continue
		}
		known[key] = true
		p.add(at, rel, domain, key, held{fact: f, value: f.Old})
	}
	var all []Statement
	var domains []string
	beside := make(map[string]bool) // keys of those that are also stated
	for s, err := range p.a.Store.Statements(p.ctx, f.Fact, "") {
		if err != nil {
			return err
		}
		switch {
		case !IsTold(s.Origin):
		case !known[s.Domain]:
			all, domains = append(all, s), append(domains, s.Domain)
		case !s.Guessed:
			beside[s.Domain] = true
		}
	}
	if len(beside) > 0 {
		for _, t := range at {
			for i := range t.facts {
				t.facts[i].beside = t.facts[i].beside || t.facts[i].fact == f && beside[t.key]
			}
		}
	}
	inUse, err := p.inUse(slices.Compact(domains))
	if err != nil {
		return err
	}
	for _, s := range all {
		rel, domain := firsthand.ID{}, s.Domain
		if r := inUse[s.Domain]; r != nil {
			rel, domain = r.ID, r.Domain
		} else if _, left := known[s.Domain]; left {
			continue // nothing is told to whom she has left
		}
		p.add(at, rel, domain, s.Domain, held{fact: f, value: s.Value, guessed: s.Guessed, stated: true})
	}
	return nil
}

// ended reports whether the relationship of t is closed, of which h is a holding.
func (p *planner) ended(t *target, h *held) (bool, error) {
	if h.ground != nil || t.rel.IsZero() {
		return h.ground != nil && h.ground.Closed, nil
	}
	rows, err := p.a.Store.RelationshipsAt(p.ctx, t.rel) // of a file that is older than the cache
	if err != nil || len(rows) == 0 {
		return false, err
	}
	sum, err := rows[0].Summarised()
	return err == nil && sum.Closed, nil
}

// inUse returns the relationships in use of companies, by their keys.
func (p *planner) inUse(keys []string) (map[string]*Relationship, error) {
	use := make(map[string]*Relationship)
	for part := range slices.Chunk(keys, atOnce) {
		companies, err := p.a.Store.CompaniesAt(p.ctx, part...)
		if err != nil {
			return nil, err
		}
		var ids []firsthand.ID
		of := make(map[firsthand.ID]string)
		for _, c := range companies {
			p.companies[c.Domain] = c
			if !c.Closed && !c.Rel.IsZero() {
				ids, of[c.Rel] = append(ids, c.Rel), c.Domain
			}
		}
		rows, err := p.a.Store.RelationshipsAt(p.ctx, ids...)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			use[of[rows[i].ID]] = &rows[i]
		}
	}
	return use, nil
}

// prepare reads what the legs of all targets need of their companies.
func (p *planner) prepare() error {
	for part := range slices.Chunk(p.targets, atOnce) {
		keys := make([]string, len(part))
		for i := range part {
			keys[i] = part[i].key
		}
		if err := p.read(keys); err != nil {
			return err
		}
	}
	return p.know(p.afar())
}

// know reads what she keeps of the companies of targets, and what is publicly known.
func (p *planner) know(targets []*target) error {
	for part := range slices.Chunk(targets, atOnce) {
		keys, domains := make([]string, len(part)), make([]string, len(part))
		for i, t := range part {
			keys[i], domains[i] = t.key, t.domain
		}
		if err := p.read(keys); err != nil {
			return err
		}
		known, err := p.a.known(p.ctx, domains...)
		if err != nil {
			return err
		}
		for _, t := range part {
			if p.known[t.domain], err = known.to(p.ctx, t.domain, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// read reads the rows of companies that were not read yet.
func (p *planner) read(keys []string) error {
	keys = slices.DeleteFunc(keys, func(key string) bool { _, there := p.companies[key]; return there })
	if len(keys) == 0 {
		return nil
	}
	rows, err := p.a.Store.CompaniesAt(p.ctx, keys...)
	for _, c := range rows {
		p.companies[c.Domain] = c
	}
	return err
}

// name gives companies the names by which she knows them.
func (p *planner) name(legs []Leg) error {
	for part := range slices.Chunk(legs, atOnce) {
		keys := make([]string, len(part))
		for i := range part {
			keys[i] = CompanyKey(part[i].Domain)
		}
		if err := p.read(slices.Clone(keys)); err != nil {
			return err
		}
		for i := range part {
			part[i].Name = cmp.Or(p.companies[keys[i]].Name, part[i].Name)
		}
	}
	return nil
}

func (p *planner) add(at map[string]*target, rel firsthand.ID, domain, key string, h held) {
	place := rel.String()
	if rel.IsZero() {
		place = key
	}
	t := at[place]
	if t == nil {
		t = &target{rel: rel, domain: domain, key: key}
		at[place] = t
	}
	if i := slices.IndexFunc(t.facts, func(x held) bool { return x.fact == h.fact }); i >= 0 {
		if t.facts[i].stated && t.facts[i].guessed && h.stated { // of several guesses the last counts
			t.facts[i] = h
		} else if !h.stated {
			t.facts[i] = h
		}
		return
	}
	t.facts = append(t.facts, h)
}

// named returns the relationship in use, if any, and the domain that a name means:
// the ID of a relationship, or a company's domain.
func (a *Agent) named(ctx context.Context, name string) (rel firsthand.ID, domain string, err error) {
	if id, err := firsthand.ParseID(name); err == nil && !id.IsZero() {
		row, err := a.Store.Relationship(ctx, id)
		return id, row.Domain, err
	}
	if err := firsthand.CheckDomain(name); err != nil {
		return rel, name, fault.Tell(fault.Invalid, err.Error(), "name the company by its domain, as in acme.example")
	}
	rows, err := a.Store.CompanyRelationships(ctx, CompanyKey(name))
	domain = CompanyKey(name)
	for _, r := range slices.Backward(rows) {
		if s, err := r.Summarised(); err == nil && !s.Closed {
			return r.ID, r.Domain, nil
		}
	}
	return rel, domain, err
}

// wanted reports whether Only and Except let t be.
func (p *planner) wanted(t *target) bool {
	is := p.is(t)
	return (p.move.Only == nil || slices.ContainsFunc(p.move.Only, is)) && !slices.ContainsFunc(p.move.Except, is)
}

// is returns what says whether a name means t.
func (p *planner) is(t *target) func(name string) bool {
	return func(name string) bool {
		return name == t.key || name == t.domain || !t.rel.IsZero() && name == t.rel.String()
	}
}

// unmet returns the legs of a company with which there is no relationship yet.
func (p *planner) unmet(t *target) []Leg {
	s := firsthand.NewState()
	s.Opened.Domain = t.domain
	return p.legs(s, standing{}, t)
}

// legs decides what the move means for t, whose state is s.
func (p *planner) legs(s *firsthand.State, of standing, t *target) (legs []Leg) {
	for i := range t.facts {
		if !p.move.Claim.IsZero() {
			legs = append(legs, p.claimLeg(s, of, t, &t.facts[i]))
		} else {
			legs = append(legs, p.leg(s, of, t, &t.facts[i]))
		}
	}
	return legs
}

func (p *planner) leg(s *firsthand.State, of standing, t *target, h *held) Leg {
	l := Leg{Domain: t.domain, Name: p.nameOf(of.name, t), Rel: t.rel, Fact: h.fact.Fact, Value: h.fact.Value, Old: h.value, Of: h.of,
		Group: LeftOut, Guessed: h.guessed, Origin: firsthand.Stated}
	if own := p.masks[t.key]; own != "" && l.Fact == MailFact {
		l.Value = firsthand.Text(own)
	}
	var told *firsthand.Holding
	if i := slices.IndexFunc(s.Holdings, func(x *firsthand.Holding) bool { return x.Entry == h.of }); i >= 0 && !h.of.IsZero() {
		told = s.Holdings[i]
		l.Origin, l.Old = told.Origin, told.Value
	}
	out := func(reason string) Leg {
		l.Reason = reason
		return l
	}
	switch {
	case h.guessed && !p.move.Guesses:
		return out("only a guess says that it has this: confirm it, or include guesses")
	case !l.Old.IsZero() && l.Old.Equal(l.Value) && h.outcome != "refused":
		if !l.Value.Equal(h.fact.Value) {
			return out("it has an address of its own, which stays")
		}
		return out("it has this value already")
	case of.frozen != "":
		return out(frozenText(of.frozen))
	case t.rel.IsZero() && firsthand.CheckDomain(t.domain) != nil:
		return out(t.domain + " is no domain of a company")
	}
	d := p.decide(s, told, h.fact.Fact)
	if !d.Allowed {
		return out(d.Reason)
	}
	l.Basis = d.Basis
	if of.paired {
		l.Group, l.Channel, l.Reason = Instant, Native, d.Reason
		if l.Proposal = s.Binding == nil && l.Origin == firsthand.Stated; l.Proposal {
			l.Reason += "; a proposal until you have proved that the record there is yours"
		}
		return l
	}
	to, err := p.to(t)
	if err != nil {
		return out("no channel reaches it: " + reason(err))
	}
	way, ch := p.a.way(p.companies[t.key].Channel, to)
	l.Group, l.Channel, l.Reason = way.Group, ch, d.Reason
	if way.Say != "" {
		l.Reason += "; " + way.Say
	}
	return l
}

// decide asks policy: what the terms allow, what the disclosure stood on, and what
// she names for the whole move, in this order. A rule of hers gives way only to an
// exception that she makes now: a right is there for every change, and what she allowed
// once was before the rule.
func (p *planner) decide(s *firsthand.State, told *firsthand.Holding, fact string) policy.Decision {
	q := policy.Question{State: s, Now: p.a.Now(), Roster: p.a.Roster, Rules: p.rules, Fact: fact}
	if told != nil {
		q.Purpose = told.Purpose
	}
	d := policy.Decide(q)
	ruled := policy.Forbidden(p.rules, fact, s.Opened.Domain)
	if ruled && p.move.Basis.Exception == "" {
		return d
	}
	if !d.Allowed && !ruled && told != nil && told.Basis.Agreement.IsZero() {
		q.Basis = told.Basis
		d = policy.Decide(q)
	}
	if !d.Allowed && p.move.Basis != (firsthand.Basis{}) {
		q.Basis = p.move.Basis
		d = policy.Decide(q)
	}
	return d
}

// to returns the company of t as channels may know it.
func (p *planner) to(t *target) (channel.To, error) {
	if to, known := p.known[t.domain]; known {
		return to, nil
	}
	return p.a.to(p.ctx, t.domain, "")
}

// nameOf returns how she knows the company of t, whose document says name.
func (p *planner) nameOf(name string, t *target) string {
	if name == t.domain {
		name = ""
	}
	return cmp.Or(p.companies[t.key].Name, name, t.domain)
}
