package agenttest

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/directory"
)

// What a Memory keeps of companies. It caches nothing: what a store for real use
// caches is made here from its parts each time it is asked for, so that comparing
// the two compares the caches.

// parts returns what the row of each company is made of.
func (l *life) parts() map[string]*agent.CompanyParts {
	all := make(map[string]*agent.CompanyParts)
	at := func(domain string) *agent.CompanyParts {
		if all[domain] == nil {
			all[domain] = new(agent.CompanyParts)
		}
		return all[domain]
	}
	for domain, own := range l.own {
		at(domain).Own = own
	}
	for _, r := range l.byOpened() {
		p := at(agent.CompanyKey(r.Domain))
		p.Relationships = append(p.Relationships, r)
	}
	for _, acc := range l.counting() {
		if acc.Domain != "" {
			at(acc.Domain).Accounts.Add(acc)
		}
	}
	for _, s := range l.statements() {
		p := at(s.Domain)
		if p.Hers = p.Hers || !s.Guessed; agent.IsTold(s.Origin) {
			p.Stated = append(p.Stated, s.Fact)
		}
	}
	for _, d := range l.documents {
		at(d.Domain).Hers = true
	}
	delete(all, "") // a relationship without a domain
	for domain, p := range all {
		p.Listed = l.records(domain)
	}
	return all
}

func (l *life) byOpened() (all []agent.Relationship) {
	for _, id := range l.order {
		all = append(all, l.relationships[id])
	}
	slices.SortStableFunc(all, func(a, b agent.Relationship) int { return a.Opened.Compare(b.Opened) })
	return all
}

// companies returns the rows, by domain.
func (l *life) companies() (rows []agent.Company) {
	for domain, p := range l.parts() {
		if c, keep := p.Company(domain); keep {
			c.Groups = p.Own.Groups
			rows = append(rows, c)
		}
	}
	slices.SortFunc(rows, func(a, b agent.Company) int { return cmp.Compare(a.Domain, b.Domain) })
	return rows
}

var ladder = []string{"", "nameless", "pseudonym", "reachable", "known"}

// compare orders companies as the natural order of a query does.
func compare(sort string) func(a, b agent.Company) int {
	name := func(a, b agent.Company) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.Domain, b.Domain))
	}
	due := func(c agent.Company) string { return cmp.Or(string(c.Due), "~") }
	return func(a, b agent.Company) int {
		switch sort {
		case agent.ByHeld:
			return cmp.Or(cmp.Compare(a.Held, b.Held), name(b, a))
		case agent.ByUsed:
			return cmp.Or(a.Used.Compare(b.Used), name(b, a))
		case agent.ByStep:
			return cmp.Or(cmp.Compare(slices.Index(ladder, a.Step), slices.Index(ladder, b.Step)), name(b, a))
		case agent.ByDue:
			return cmp.Or(cmp.Compare(due(a), due(b)), name(a, b))
		}
		return name(a, b)
	}
}

// Companies implements [agent.Store].
func (m *Memory) Companies(ctx context.Context, q agent.CompanyQuery) (rows []agent.Company, total int, err error) {
	if err := q.Check(); err != nil {
		return nil, 0, err
	}
	rows, err = read(ctx, m, func(l *life) []agent.Company {
		return slices.DeleteFunc(l.companies(), func(c agent.Company) bool { return !l.chooses(q, c) })
	})
	slices.SortFunc(rows, compare(q.Sort))
	if q.Desc {
		slices.Reverse(rows)
	}
	return page(rows, q.Offset, q.Limit), len(rows), err
}

func page[T any](rows []T, offset, limit int) []T {
	rows = rows[min(offset, len(rows)):]
	if limit > 0 {
		rows = rows[:min(limit, len(rows))]
	}
	return rows
}

// chooses reports whether q chooses c.
func (l *life) chooses(q agent.CompanyQuery, c agent.Company) bool {
	if s := strings.ToLower(q.Search); !strings.Contains(strings.ToLower(c.Name), s) && !strings.Contains(c.Domain, s) {
		return false
	}
	if q.Group != "" && !slices.Contains(c.Groups, q.Group) {
		return false
	}
	switch q.Show {
	case agent.ShowGuessed:
		if !c.Guessed {
			return false
		}
	case agent.ShowConfirmed:
		if c.Guessed {
			return false
		}
	case agent.ShowAgreed:
		if c.Agreement == "" || c.Closed {
			return false
		}
	case agent.ShowGateway:
		if !c.Gateway {
			return false
		}
	case agent.ShowSilent:
		if c.Used.IsZero() || !c.Used.Before(q.Silent) {
			return false
		}
	case agent.ShowLate:
		if c.Due == "" || c.Due >= q.Today {
			return false
		}
	case agent.ShowDuplicates:
		if c.Accounts < 2 {
			return false
		}
	}
	return q.Holds == "" || slices.ContainsFunc(l.held(q.Holds), func(h heldFact) bool {
		return h.domain == c.Domain && (q.Value == "" || h.fold == agent.FoldText(q.Value))
	})
}

// A heldFact is a fact that a company holds, by a log or a statement.
type heldFact struct {
	domain, fact, fold string
	guessed            bool
}

// held returns who holds fact, "" for all.
func (l *life) held(fact string) (all []heldFact) {
	for _, rows := range l.holdings {
		for _, h := range rows {
			if (fact == "" || h.Fact == fact) && agent.IsTold(h.Origin) {
				all = append(all, heldFact{agent.CompanyKey(h.Domain), h.Fact, agent.FoldValue(h.Value), false})
			}
		}
	}
	for _, s := range l.statements() {
		if (fact == "" || s.Fact == fact) && agent.IsTold(s.Origin) {
			all = append(all, heldFact{s.Domain, s.Fact, agent.FoldValue(s.Value), s.Guessed})
		}
	}
	return all
}

// CompaniesAt implements [agent.Store].
func (m *Memory) CompaniesAt(ctx context.Context, domains ...string) ([]agent.Company, error) {
	return read(ctx, m, func(l *life) []agent.Company {
		return slices.DeleteFunc(l.companies(), func(c agent.Company) bool { return !slices.Contains(domains, c.Domain) })
	})
}

// CompanyRelationships implements [agent.Store].
func (m *Memory) CompanyRelationships(ctx context.Context, domain string) ([]agent.Relationship, error) {
	return read(ctx, m, func(l *life) []agent.Relationship {
		return slices.DeleteFunc(l.byOpened(), func(r agent.Relationship) bool { return agent.CompanyKey(r.Domain) != domain })
	})
}

// CompanyHolders implements [agent.Store].
func (m *Memory) CompanyHolders(ctx context.Context, domain string) (rows []agent.Holder, err error) {
	of, err := m.CompanyRelationships(ctx, domain)
	for h, herr := range m.Holders(ctx, "") {
		err = cmp.Or(err, herr)
		if slices.ContainsFunc(of, func(r agent.Relationship) bool { return r.ID == h.Rel }) {
			rows = append(rows, h)
		}
	}
	return rows, err
}

// Owned implements [agent.Store].
func (m *Memory) Owned(ctx context.Context) iter.Seq2[agent.OwnCompany, error] {
	return each(ctx, m, func(l *life) (all []agent.OwnCompany) {
		for _, domain := range slices.Sorted(maps.Keys(l.own)) {
			all = append(all, l.own[domain])
		}
		return all
	})
}

// Groups implements [agent.Store].
func (m *Memory) Groups(ctx context.Context) ([]agent.GroupCount, error) {
	return read(ctx, m, func(l *life) (all []agent.GroupCount) {
		count := make(map[string]int)
		for _, own := range l.own {
			for _, g := range own.Groups {
				count[g]++
			}
		}
		for _, g := range slices.Sorted(maps.Keys(count)) {
			all = append(all, agent.GroupCount{Name: g, Companies: count[g]})
		}
		return all
	})
}

// Own implements [agent.Store].
func (m *Memory) Own(ctx context.Context, domains ...string) (map[string]agent.OwnCompany, error) {
	own := make(map[string]agent.OwnCompany, len(domains))
	for _, domain := range domains {
		own[domain] = agent.OwnCompany{Domain: domain}
	}
	all, err := collected(m.Owned(ctx))
	for _, o := range all {
		if _, asked := own[o.Domain]; asked {
			own[o.Domain] = o
		}
	}
	return own, err
}

// RebuildCompanies implements [agent.Store]: there is no cache.
func (m *Memory) RebuildCompanies(ctx context.Context) (differed []string, err error) {
	return nil, ctx.Err()
}

// edit applies one edit of what is hers of a company.
func (l *life) edit(e agent.CompanyEdit) {
	own := l.own[e.Domain]
	own.Domain = e.Domain
	if e.Name != nil {
		own.Name = *e.Name
	}
	if e.Channel != nil {
		own.Channel = *e.Channel
	}
	if e.Address != nil {
		own.Address = *e.Address
	}
	if e.Lang != nil {
		own.Lang = *e.Lang
	}
	if e.Confirmed != nil {
		own.Confirmed = *e.Confirmed
	}
	if e.Gateway != nil {
		own.Gateway = *e.Gateway
	}
	groups := slices.Clone(own.Groups)
	for g, in := range e.Groups {
		groups = slices.DeleteFunc(groups, func(x string) bool { return x == g })
		if in {
			groups = append(groups, g)
		}
	}
	slices.Sort(groups)
	own.Groups = groups
	if delete(l.own, e.Domain); own.Name != "" || own.Channel != "" || own.Address != "" || own.Lang != "" || own.Confirmed || own.Gateway || len(groups) > 0 {
		l.own[e.Domain] = own
	}
}

// applyCompanies applies the parts of c that are about companies. After an error
// l is of no use.
func (l *life) applyCompanies(c agent.Commit) error {
	for _, e := range c.Edits {
		l.edit(e)
	}
	for _, s := range c.State {
		s.Guessed, s.Import, s.Kind, s.Origin = false, 0, "", cmp.Or(s.Origin, firsthand.Stated)
		l.stated[agent.FactAt{Domain: s.Domain, Fact: s.Fact, Origin: s.Origin}] = s
	}
	for _, at := range c.Unstate {
		for key := range l.stated {
			if key.Domain == at.Domain && key.Fact == at.Fact && (key.Origin == at.Origin || at.Origin == "" && agent.IsTold(key.Origin)) {
				delete(l.stated, key)
			}
		}
		if at.Origin != "" && at.Origin != firsthand.Stated {
			continue
		}
		l.changeAccounts(func(acc *agent.Account) {
			if l.imports[acc.Import].State == agent.Kept && acc.Domain == at.Domain && at.Fact == agent.MailFact && acc.Mail() != "" {
				acc.Quiet = true
			}
		})
	}
	for _, as := range c.Assign {
		found := false
		l.changeAccounts(func(acc *agent.Account) {
			if acc.ID == as.Account {
				found, acc.Domain, acc.Assigned = true, as.Domain, as.Domain != ""
			}
		})
		if !found {
			return fmt.Errorf("%w: no account %d", fault.NotExist, as.Account)
		}
		l.recount(as.Account >> 32)
	}
	for _, id := range c.KeepImports {
		if err := l.keep(id); err != nil {
			return err
		}
	}
	for _, id := range c.UndoImports {
		delete(l.imports, id)
		delete(l.accounts, id)
		delete(l.payments, id)
		delete(l.bounds, id)
		delete(l.cards, id)
	}
	for _, domain := range c.Drop {
		if err := l.drop(domain); err != nil {
			return err
		}
	}
	l.applyDocuments(c)
	for _, s := range c.SetListings {
		s.Added, s.All = plain(s.Added), slices.Clone(s.All)
		slices.SortStableFunc(s.All, func(a, b directory.Record) int { return cmp.Compare(a.Key, b.Key) })
		l.listings[s.Name] = s
	}
	for _, name := range c.DropListings {
		delete(l.listings, name)
	}
	return nil
}

func (l *life) drop(domain string) error {
	for _, r := range l.relationships {
		if agent.CompanyKey(r.Domain) == domain {
			return fmt.Errorf("%w: there is a relationship with %s", fault.Conflict, domain)
		}
	}
	delete(l.own, domain)
	l.dropDocuments(func(d agent.Document) bool { return d.Domain == domain })
	for at := range l.stated {
		if at.Domain == domain {
			delete(l.stated, at)
		}
	}
	for id, accounts := range l.accounts {
		if l.imports[id].State == agent.Kept {
			l.accounts[id] = slices.DeleteFunc(slices.Clone(accounts), func(acc agent.Account) bool { return acc.Domain == domain })
		}
	}
	return nil
}

// statements returns all, hers and guessed, by fact, domain and value.
func (l *life) statements() (all []agent.Statement) {
	for _, s := range l.stated {
		all = append(all, s)
	}
	type guess struct{ domain, mail string }
	guesses := make(map[guess]agent.Statement)
	for _, acc := range l.counting() {
		mail := acc.Mail()
		_, stated := l.stated[agent.FactAt{Domain: acc.Domain, Fact: agent.MailFact, Origin: firsthand.Stated}]
		_, told := l.stated[agent.FactAt{Domain: acc.Domain, Fact: agent.MailFact, Origin: firsthand.Told}]
		hers := stated || told
		if mail == "" || acc.Domain == "" || acc.Quiet || hers {
			continue
		}
		at := guess{acc.Domain, mail}
		s, ok := guesses[at]
		if !ok {
			s = agent.Statement{Domain: acc.Domain, Fact: agent.MailFact, Value: firsthand.Text(acc.Login), Guessed: true, Origin: firsthand.Stated}
		}
		if acc.Login < s.Value.Text {
			s.Value = firsthand.Text(acc.Login)
		}
		if since := agent.Created(acc); since != "" && (s.Since == "" || since < s.Since) {
			s.Since = since
		}
		s.Import, s.Kind = max(s.Import, acc.Import), max(s.Kind, acc.Kind)
		guesses[at] = s
	}
	all = slices.AppendSeq(all, maps.Values(guesses))
	slices.SortFunc(all, func(a, b agent.Statement) int {
		return cmp.Or(cmp.Compare(a.Fact, b.Fact), cmp.Compare(a.Domain, b.Domain), cmp.Compare(agent.FoldValue(a.Value), agent.FoldValue(b.Value)), cmp.Compare(a.Origin, b.Origin))
	})
	return all
}

// Statements implements [agent.Store].
func (m *Memory) Statements(ctx context.Context, fact, domain string) iter.Seq2[agent.Statement, error] {
	return each(ctx, m, func(l *life) []agent.Statement {
		return slices.DeleteFunc(l.statements(), func(s agent.Statement) bool {
			return fact != "" && s.Fact != fact || domain != "" && s.Domain != domain
		})
	})
}

// HeldPage implements [agent.Store].
func (m *Memory) HeldPage(ctx context.Context, fact string, offset, limit int) ([]agent.Held, int, error) {
	var holders []agent.Holder
	var statements []agent.Statement
	for h, err := range m.Holders(ctx, fact) {
		if err != nil {
			return nil, 0, err
		}
		holders = append(holders, h)
	}
	for s, err := range m.Statements(ctx, fact, "") {
		if err != nil {
			return nil, 0, err
		}
		statements = append(statements, s)
	}
	all := agent.JoinHeld(holders, statements)
	return page(all, offset, limit), len(all), nil
}

// Suggestions implements [agent.Store].
func (m *Memory) Suggestions(ctx context.Context, limit int) ([]agent.Suggestion, error) {
	return read(ctx, m, func(l *life) (all []agent.Suggestion) {
		byValue := make(map[string]*agent.Suggestion)
		for _, s := range l.statements() {
			if !s.Guessed {
				continue
			}
			fold := agent.FoldValue(s.Value)
			sg := byValue[fold]
			if sg == nil {
				sg = &agent.Suggestion{Fact: s.Fact, Value: firsthand.Text(fold)}
				byValue[fold] = sg
			}
			sg.Companies++
			sg.Import, sg.Kind = max(sg.Import, s.Import), max(sg.Kind, s.Kind)
			sg.Current = l.isHers(s.Fact, fold)
		}
		for _, fold := range slices.Sorted(maps.Keys(byValue)) {
			all = append(all, *byValue[fold])
		}
		slices.SortStableFunc(all, func(a, b agent.Suggestion) int { return b.Companies - a.Companies })
		return page(all, 0, limit)
	})
}

// isHers reports whether she has noted that value of that fact.
func (l *life) isHers(fact, fold string) bool {
	f, ok := l.facts[fact]
	return ok && agent.FoldValue(f.Value) == fold
}

// Insight implements [agent.Store].
func (m *Memory) Insight(ctx context.Context, silent time.Time) (agent.Insight, error) {
	return read(ctx, m, func(l *life) (in agent.Insight) {
		rows := l.companies()
		in.Companies = len(rows)
		agreed := make(map[string]int)
		for _, c := range rows {
			in.Guessed += one(c.Guessed)
			in.Gateways += one(c.Gateway)
			in.Relationships += one(!c.Rel.IsZero() && !c.Closed)
			in.Unagreed += one(c.Paired && !c.Closed && c.Agreement == "")
			if c.Agreement != "" && !c.Closed {
				agreed[c.Agreement]++
			}
			in.Silent += one(!c.Used.IsZero() && c.Used.Before(silent))
			in.Duplicates += one(c.Accounts > 1)
			if !c.Since.IsZero() {
				in.Oldest = append(in.Oldest, c)
			}
		}
		slices.SortStableFunc(in.Oldest, func(a, b agent.Company) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Domain, b.Domain)) })
		in.Oldest = page(in.Oldest, 0, 5)
		for _, code := range slices.Sorted(maps.Keys(agreed)) {
			in.Agreements = append(in.Agreements, agent.AgreementCount{Code: code, Companies: agreed[code]})
		}
		l.whoHolds(&in)
		return in
	})
}

// whoHolds counts who holds what.
func (l *life) whoHolds(in *agent.Insight) {
	type at struct{ fact, domain string }
	old, known, mails := make(map[at]bool), make(map[at]bool), make(map[string]map[string]bool)
	facts := make(map[string]*agent.FactInsight)
	for _, h := range l.held("") {
		k := at{h.fact, h.domain}
		known[k] = known[k] || !h.guessed
		mine, ok := l.facts[h.fact]
		old[k] = old[k] || ok && h.fold != "" && agent.FoldValue(mine.Value) != h.fold
		if h.fact == agent.MailFact && h.fold != "" {
			if mails[h.fold] == nil {
				mails[h.fold] = make(map[string]bool)
			}
			mails[h.fold][h.domain] = mails[h.fold][h.domain] || !h.guessed
		}
	}
	for k, sure := range known {
		f := facts[k.fact]
		if f == nil {
			f = &agent.FactInsight{Fact: k.fact}
			facts[k.fact] = f
		}
		f.Holds++
		f.Old += one(old[k])
		f.Guessed += one(!sure)
	}
	for _, fact := range slices.Sorted(maps.Keys(facts)) {
		in.Facts = append(in.Facts, *facts[fact])
	}
	in.Emails = len(mails)
	for _, fold := range slices.Sorted(maps.Keys(mails)) {
		c := agent.MailCount{Value: firsthand.Text(fold), Current: l.isHers(agent.MailFact, fold)}
		for _, sure := range mails[fold] {
			c.Companies++
			c.Guessed += one(!sure)
		}
		in.Addresses = append(in.Addresses, c)
	}
	slices.SortStableFunc(in.Addresses, func(a, b agent.MailCount) int { return b.Companies - a.Companies })
	in.Addresses = page(in.Addresses, 0, 10)
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Listings implements [agent.Store].
func (m *Memory) Listings(ctx context.Context) ([]agent.Listing, error) {
	return read(ctx, m, func(l *life) (all []agent.Listing) {
		for _, name := range slices.Sorted(maps.Keys(l.listings)) {
			all = append(all, l.listings[name].Listing)
		}
		return all
	})
}

// records returns what is listed under any of hosts.
func (l *life) records(hosts ...string) []directory.Record {
	return l.listed(func(r directory.Record) bool {
		return slices.ContainsFunc(hosts, func(h string) bool { return slices.Contains(r.Hosts, h) })
	})
}

func (l *life) listed(which func(directory.Record) bool) (all []directory.Record) {
	for _, name := range slices.Sorted(maps.Keys(l.listings)) {
		for _, r := range l.listings[name].All {
			if which(r) {
				all = append(all, r)
			}
		}
	}
	return all
}

// Records implements [agent.Store].
func (m *Memory) Records(ctx context.Context, hosts ...string) ([]directory.Record, error) {
	return read(ctx, m, func(l *life) []directory.Record { return l.records(hosts...) })
}

// AllRecords implements [agent.Store].
func (m *Memory) AllRecords(ctx context.Context) iter.Seq2[directory.Record, error] {
	return each(ctx, m, func(l *life) []directory.Record { return l.listed(func(directory.Record) bool { return true }) })
}
