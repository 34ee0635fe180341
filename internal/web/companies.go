package web

import (
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
)

// A CompaniesPage lists everyone she deals with, or may.
type CompaniesPage struct {
	Query  agent.CompanyQuery
	Rows   []agent.Company
	Pager  Pager
	Groups []agent.GroupCount
	Shows  []Option
	Sorts  []Option
	Facts  []Option // that the bulk form can state
	Filter string   // the query of this list, for acts on all that match
	Form   Form
	Many   Form
	Any    bool // she has any company at all
}

const companiesLimit = 50

// queryOf reads which companies are meant. Whatever isn't one of the words is
// nothing.
func queryOf(q url.Values) agent.CompanyQuery {
	c := agent.CompanyQuery{Search: strings.TrimSpace(q.Get("search")), Group: q.Get("group"), Holds: q.Get("holds"), Value: q.Get("value"), Desc: q.Get("desc") == "yes"}
	if slices.Contains(shows, q.Get("show")) {
		c.Show = q.Get("show")
	}
	if slices.Contains(sorts, q.Get("sort")) {
		c.Sort = q.Get("sort")
	}
	return c
}

var (
	shows = []string{"", agent.ShowGuessed, agent.ShowConfirmed, agent.ShowGateway, agent.ShowSilent, agent.ShowDuplicates, agent.ShowLate}
	sorts = []string{agent.ByName, agent.ByHeld, agent.ByUsed, agent.ByStep, agent.ByDue}
)

// showCompanies serves GET /companies: ?search, group, holds, value, show, sort, desc.
func (s *Server) showCompanies(v *visit) error {
	return s.companies(v, http.StatusOK, newForm(), newForm())
}

func (s *Server) companies(v *visit, status int, f, many Form) error {
	p := CompaniesPage{Query: queryOf(v.URL.Query()), Pager: newPager(v, companiesLimit), Form: f, Many: many}
	q := p.Query
	q.Offset, q.Limit = p.Pager.offset, companiesLimit
	rows, total, err := v.agent().Companies(v.ctx(), q)
	if err != nil {
		return err
	}
	p.Rows = rows
	p.Pager.total(total)
	p.Any = total > 0 || p.Query.Search+p.Query.Group+p.Query.Holds+p.Query.Show != ""
	if p.Groups, err = v.agent().Groups(v.ctx()); err != nil {
		return err
	}
	for _, show := range shows {
		p.Shows = append(p.Shows, Option{show, v.lang.Word("show", wordOr(show, "all")), show == p.Query.Show})
	}
	for _, sort := range sorts {
		p.Sorts = append(p.Sorts, Option{sort, v.lang.Word("sort", sort), sort == p.Query.Sort})
	}
	for _, fact := range commonFacts {
		p.Facts = append(p.Facts, Option{Value: fact, Text: v.lang.Word("fact", fact)})
	}
	all := v.URL.Query()
	all.Del("from")
	all.Del("did")
	p.Filter = all.Encode()
	return s.render(v, status, "companies", p)
}

func wordOr(s, or string) string {
	if s == "" {
		return or
	}
	return s
}

// domainOf makes a domain of what was typed or pasted: an address of a page, with
// capitals, or the domain.
func domainOf(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if strings.Contains(s, "://") {
		if u, err := url.Parse(s); err == nil {
			s = u.Host
		}
	}
	s, _, _ = strings.Cut(s, "/")
	return strings.TrimSuffix(strings.TrimPrefix(s, "www."), ".")
}

// addCompany serves POST /companies: one more, by hand.
func (s *Server) addCompany(v *visit) error {
	f := v.form()
	domain := domainOf(f.Value("domain"))
	if err := firsthand.CheckDomain(domain); err != nil || !strings.Contains(domain, ".") && !strings.Contains(domain, ":") {
		f.fault("domain", v.say("companies.no_domain"))
		return s.companies(v, http.StatusUnprocessableEntity, f, newForm())
	}
	err := v.once(func() (string, error) {
		return pathOf("companies", domain) + "?did=added", v.agent().AddCompany(v.ctx(), domain, strings.TrimSpace(f.Value("name")))
	})
	if err == nil || !again(&f, err) {
		return err
	}
	return s.companies(v, http.StatusUnprocessableEntity, f, newForm())
}

// manyCompanies serves POST /companies/many: one thing for those that were marked,
// or with all=yes for all that the list's filter chooses.
func (s *Server) manyCompanies(v *visit) error {
	f := v.form()
	filter, _ := url.ParseQuery(f.Value("filter"))
	v.URL.RawQuery = filter.Encode() // the list that she sees again
	domains := f.Values["domain"]
	if f.Value("all") == "yes" {
		var err error
		if domains, err = v.agent().Select(v.ctx(), queryOf(filter)); err != nil {
			return err
		}
	}
	var act func() error
	did := "saved"
	switch f.Value("act") {
	case "confirm":
		did, act = "confirmed", func() error { return v.agent().Confirm(v.ctx(), domains...) }
	case "drop":
		did, act = "dropped", func() error { return v.agent().DropCompany(v.ctx(), domains...) }
	case "rights": // nothing is done yet: what they are asked is said on a page of its own
		if len(domains) > 0 {
			d := draft{form: newForm("claims", "yes")}
			if f.Value("all") != "yes" || queryOf(filter) != (agent.CompanyQuery{}) {
				d.form.Values["of"] = domains
			}
			v.session.drafts.put(d.form.Once, d)
			return v.to("/rights?draft=" + d.form.Once)
		}
		f.fault("", v.say("many.none"))
	case "look":
		did, act = "looked", func() error {
			_, err := v.agent().LookForGateways(v.ctx(), domains...)
			return err
		}
	case "group", "ungroup":
		group, in := strings.TrimSpace(f.Value("group")), f.Value("act") == "group"
		if group == "" {
			f.fault("group", v.say("many.no_group"))
		}
		did, act = "grouped", func() error { return v.agent().Group(v.ctx(), group, in, domains...) }
	case "state", "unstate":
		fact := f.Value("fact")
		since, err := firsthand.ParseDate(f.Value("since"))
		if err != nil {
			f.fault("since", v.say("form.date"))
		}
		if !factName.MatchString(fact) {
			f.fault("fact", v.say("me.no_name"))
		}
		did, act = "stated", func() error { return s.stateMany(v, f, fact, since, domains) }
	default:
		f.fault("", v.say("many.no_act"))
	}
	if len(domains) == 0 {
		f.fault("", v.say("many.none"))
	}
	if f.Fine() {
		err := v.once(func() (string, error) {
			to := url.Values{}
			for name, vs := range filter {
				to[name] = vs
			}
			to.Set("did", did)
			return "/companies?" + to.Encode(), act()
		})
		if err == nil || !again(&f, err) {
			return err
		}
	}
	return s.companies(v, http.StatusUnprocessableEntity, newForm(), f)
}

// stateMany says of many companies at once that they have a fact from before, or
// takes it back.
func (s *Server) stateMany(v *visit, f Form, fact string, since firsthand.Date, domains []string) error {
	if f.Value("act") == "unstate" {
		return v.agent().Unstate(v.ctx(), fact, domains...)
	}
	statements := make([]agent.Statement, len(domains))
	for i, d := range domains {
		statements[i] = agent.Statement{Domain: d, Fact: fact, Since: since, Value: firsthand.Text(strings.TrimSpace(f.Value("value")))}
	}
	return v.agent().State(v.ctx(), statements...)
}

// A CompanyPage is one company: what it holds, and what was said.
type CompanyPage struct {
	C         agent.CompanyDetail
	Rel       *RelationshipRow // of the relationship in use; nil without one
	Holdings  []HoldingRow
	Timeline  []TimelineRow
	More      int // entries that are not shown
	Asks      []AskRow
	Duties    []DutyRow
	Agreement string   // code of the one in force
	Agreed    []string // codes of all in force
	Counter   string   // code of a counter-offer that waits for her
	Offered   bool     // an offer waits for the company
	Challenge *firsthand.Said[*firsthand.Challenge]
	SignIn    string // where she proves it, if by signing in
	Tasks     []agent.Task
	Ladder    []LadderStep
	Ways      []agent.WayTo
	Writing   WritingRow
	Own       MaskPart
	Acts      []string // that make sense now, in their order
	Form      Form

	Answers  []agent.Answer // the last that came by mail
	Address  string         // where mails go, "" for nowhere
	Typed    bool           // because she said so
	MailForm Form

	Documents []agent.Document
	DocForm   Form
}

// A RelationshipRow is what the page says of the relationship as a whole.
type RelationshipRow struct {
	agent.Relationship
	Paused, Closed bool
}

// A LadderStep is one step of the ladder of disclosure.
type LadderStep struct {
	Step     string
	Reached  bool
	Standing bool // it is the one where she stands
}

var ladder = []string{"nameless", "pseudonym", "reachable", "known", "verified"}

const timelineLimit = 20

// companyAt returns the page of the company that the path names, with the last
// entries, as many as that.
func (s *Server) companyAt(v *visit, last int) (p CompanyPage, err error) {
	domain := v.PathValue("domain")
	if firsthand.CheckDomain(domain) != nil {
		return p, errNoPage
	}
	p = CompanyPage{Form: newForm()}
	if p.C, err = v.agent().Company(v.ctx(), domain); err != nil {
		return p, err
	}
	if !p.C.Rel.IsZero() {
		if err := v.agent().Look(v.ctx(), p.C.Rel, last, p.fill); err != nil {
			return p, err
		}
	}
	if p.Documents, err = v.agent().Documents(v.ctx(), domain); err != nil {
		return p, err
	}
	logs := len(p.Holdings)
	for _, st := range p.C.Statements {
		if !agent.IsTold(st.Origin) || !slices.ContainsFunc(p.Holdings[:logs], func(h HoldingRow) bool { return h.Fact == st.Fact }) {
			p.Holdings = append(p.Holdings, statementRow(st, p.Documents))
		}
	}
	if p.Tasks, _, err = v.agent().Tasks(v.ctx(), agent.TaskQuery{Domain: domain, Limit: 20}); err != nil {
		return p, err
	}
	p.Tasks = openTasks(p.Tasks)
	if err := s.maskPart(v, &p); err != nil {
		return p, err
	}
	if p.Ways, err = v.agent().Ways(v.ctx(), domain); err != nil {
		return p, err
	}
	if p.Writing, err = v.writing(domain); err != nil {
		return p, err
	}
	if err := p.mail(v, domain); err != nil {
		return p, err
	}
	p.Acts = p.acts(s.offers(p.Agreed))
	step := p.C.Step
	if p.C.Bound && step == "known" {
		step = "verified"
	}
	at := max(0, slices.Index(ladder, step))
	if p.C.Rel.IsZero() {
		at = -1
	}
	for i, name := range ladder {
		p.Ladder = append(p.Ladder, LadderStep{name, i <= at, i == at})
	}
	return p, nil
}

// showCompany serves GET /companies/{domain}.
func (s *Server) showCompany(v *visit) error {
	last := timelineLimit
	if v.URL.Query().Get("all") != "" {
		last = math.MaxInt
	}
	p, err := s.companyAt(v, last)
	if fault.KindOf(err) == fault.NotExist {
		return fault.Tell(fault.NotExist, v.say("company.unknown"), "")
	}
	if err != nil {
		return err
	}
	return s.render(v, http.StatusOK, "company", p)
}

// confirmCompany serves POST /companies/{domain}/confirm.
func (s *Server) confirmCompany(v *visit) error {
	domain := v.PathValue("domain")
	if err := v.agent().Confirm(v.ctx(), domain); err != nil {
		return err
	}
	return v.to(pathOf("companies", domain) + "?did=confirmed")
}

// dropCompany serves POST /companies/{domain}/drop: a guess is forgotten.
func (s *Server) dropCompany(v *visit) error {
	err := v.agent().DropCompany(v.ctx(), v.PathValue("domain"))
	if err != nil && fault.KindOf(err) != fault.NotExist {
		return err
	}
	return v.to("/companies?did=dropped")
}

// groupCompany serves POST /companies/{domain}/group, with in=yes or no.
func (s *Server) groupCompany(v *visit) error {
	domain, group := v.PathValue("domain"), strings.TrimSpace(v.PostFormValue("group"))
	if group == "" {
		return v.to(pathOf("companies", domain))
	}
	if err := v.agent().Group(v.ctx(), group, v.PostFormValue("in") != "no", domain); err != nil {
		return err
	}
	return v.to(pathOf("companies", domain) + "?did=grouped")
}

// setChannel serves POST /companies/{domain}/channel; no channel is the best.
func (s *Server) setChannel(v *visit) error {
	domain := v.PathValue("domain")
	if err := v.agent().SetChannel(v.ctx(), domain, v.PostFormValue("channel")); err != nil {
		return err
	}
	return v.to(pathOf("companies", domain) + "?did=saved")
}

// unstateCompany serves POST /companies/{domain}/unstate: it doesn't have that.
func (s *Server) unstateCompany(v *visit) error {
	domain, fact, origin := v.PathValue("domain"), v.PostFormValue("fact"), firsthand.Origin(v.PostFormValue("origin"))
	if !factName.MatchString(fact) {
		return errNoPage
	}
	if err := v.agent().UnstateOrigin(v.ctx(), fact, origin, domain); err != nil {
		return err
	}
	return v.to(pathOf("companies", domain) + "?did=saved")
}
