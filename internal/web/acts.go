package web

import (
	"net/http"
	"slices"
	"strings"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
)

// An ActPage is one act at one company: what is said, and under which basis. The
// same for a company with a gateway and for one without.
type ActPage struct {
	C         agent.CompanyDetail
	Act       string
	Form      Form
	Facts     []Option // of hers, or, to take back, those that it has
	Purposes  []Option
	Bases     []Option
	Rights    []Option
	Laws      []Option
	Terms     []Option
	Ask       *AskRow
	Counter   string
	Challenge *firsthand.Said[*firsthand.Challenge]
	SignIn    string // where she gets the code, if by signing in
	Paired    bool   // it goes to a gateway
	First     bool   // there is no relationship yet: it opens one
}

// An act is what a form does: it writes, and says so.
type act func(s *Server, v *visit, p *ActPage, rel firsthand.ID, f *Form) error

// acts are the forms of a company page. The six acts have one each, and those that
// answer what a company said.
var acts = map[string]act{
	"meet":     nil, // opens the relationship, and no more
	"tell":     (*Server).tell,
	"message":  (*Server).message,
	"withdraw": (*Server).withdraw,
	"ask":      (*Server).ask,
	"agree":    (*Server).agree,
	"take":     (*Server).takeTerms,
	"end":      (*Server).endTerms,
	"claim":    (*Server).claim,
	"prove":    (*Server).prove,
	"decline":  (*Server).decline,
	"pause":    (*Server).pause,
	"leave":    (*Server).leave,
}

// acts returns those that make sense now.
func (p *CompanyPage) acts(terms []Option) []string {
	if p.Rel == nil || p.Rel.Closed {
		return []string{"meet", "tell", "ask"}
	}
	all := []string{"tell", "message", "ask"}
	if len(terms) > 0 {
		all = append(all, "agree")
	}
	if p.C.Paired && !p.C.Bound {
		all = append(all, "claim")
	}
	return append(all, "pause", "leave")
}

var purposes = []string{"ServiceDelivery", "DeliveryOfGoods", "AccountManagement", "CustomerCare", "PaymentManagement"}

var rights = []string{"access", "correct", "erase", "port", "object", "opt_out"}

// showAct serves GET /companies/{domain}/do/{act}.
func (s *Server) showAct(v *visit) error {
	q := v.URL.Query()
	return s.actPage(v, http.StatusOK, newForm("fact", q.Get("fact"), "ask", q.Get("ask"), "thread", q.Get("thread")))
}

func (s *Server) actPage(v *visit, status int, f Form) error {
	p, err := s.actAt(v, f)
	if err != nil {
		return err
	}
	return s.render(v, status, "act", p)
}

func (s *Server) actAt(v *visit, f Form) (p ActPage, err error) {
	name := v.PathValue("act")
	if _, ok := acts[name]; !ok {
		return p, errNoPage
	}
	c, err := s.companyAt(v, 0)
	if err != nil {
		return p, err
	}
	p = ActPage{C: c.C, Act: name, Form: f, Counter: c.Counter, Challenge: c.Challenge, SignIn: c.SignIn,
		First: c.Rel == nil || c.Rel.Closed}
	p.Paired = c.Rel != nil && c.Rel.Gateway != "" || p.First && c.C.Gateway
	facts, err := v.agent().Facts(v.ctx())
	if err != nil {
		return p, err
	}
	if name == "withdraw" {
		for _, h := range c.Holdings {
			if h.Withdraw {
				p.Facts = append(p.Facts, Option{Value: h.Fact, Text: v.lang.Word("fact", h.Fact)})
			}
		}
	} else {
		for _, fact := range facts {
			p.Facts = append(p.Facts, Option{Value: fact.Name, Text: v.lang.Word("fact", fact.Name) + ": " + strings.Join(valueLines(v.lang, fact.Value), ", ")})
		}
	}
	for _, ask := range c.Asks {
		if ask.Entry.String() == f.Value("ask") {
			ask.Have = slices.ContainsFunc(facts, func(fact agent.Fact) bool { return fact.Name == ask.Fact })
			p.Ask = &ask
		}
	}
	for _, purpose := range purposes {
		p.Purposes = append(p.Purposes, Option{Value: purpose, Text: v.lang.Word("purpose", purpose)})
	}
	for _, right := range rights {
		p.Rights = append(p.Rights, Option{Value: right, Text: v.lang.Word("right", right)})
	}
	p.Laws = v.laws(f.Value("law"))
	if c.Agreement != "" {
		p.Bases = append(p.Bases, Option{Value: "agreement", Text: v.say("act.basis_agreement", c.Agreement)})
	}
	p.Bases = append(p.Bases, Option{Value: "exception", Text: v.lang.Word("basis", "exception")})
	p.Terms = s.offers(c.Agreed)
	return p, nil
}

// offers are the agreements that can be proffered to a company with which those of the
// given codes are in force.
func (s *Server) offers(agreed []string) (all []Option) {
	for _, a := range s.Roster.All() {
		if code := a.Ref().Code; a.Pinned() && !slices.Contains(agreed, code) {
			all = append(all, Option{Value: code, Text: code})
		}
	}
	return all
}

// doAct serves POST /companies/{domain}/do/{act}. Where there is no relationship
// yet, the first act opens it: with the gateway, if it has one that is known, else
// as a log of her own.
func (s *Server) doAct(v *visit) error {
	f := v.form()
	p, err := s.actAt(v, f)
	if err != nil {
		return err
	}
	do := acts[p.Act]
	err = v.once(func() (string, error) {
		rel := p.C.Rel
		if p.First {
			if do != nil {
				if err := do(s, v, &p, firsthand.ID{}, &f); err != nil { // only looks whether the form is right
					return "", err
				}
			}
			o := agent.MeetOptions{Unpaired: !p.C.Gateway, Again: !p.C.Rel.IsZero()}
			if p.Act == "meet" {
				o.Unpaired = f.Value("how") == "own"
			}
			r, err := v.agent().Meet(v.ctx(), p.C.Domain, o)
			if err != nil {
				return "", err
			}
			rel = r.ID
		}
		if do != nil {
			if err := do(s, v, &p, rel, &f); err != nil {
				return "", err
			}
		}
		return pathOf("companies", p.C.Domain) + "?did=sent", nil
	})
	if err == nil {
		return nil
	}
	if err == errForm || again(&f, err) {
		return s.actPage(v, http.StatusUnprocessableEntity, f)
	}
	return err
}

// errForm says that the form's errors say what is wrong.
var errForm = fault.Tell(fault.Invalid, "", "")

// ready returns errForm if something is wrong, and whether there is a relationship
// to write in.
func ready(f *Form, rel firsthand.ID) (write bool, err error) {
	if !f.Fine() {
		return false, errForm
	}
	return !rel.IsZero(), nil
}

func (s *Server) tell(v *visit, p *ActPage, rel firsthand.ID, f *Form) error {
	t := agent.Telling{Fact: f.Value("fact"), Purpose: f.Value("purpose")}
	var err error
	if t.Until, err = firsthand.ParseDate(f.Value("until")); err != nil {
		f.fault("until", v.say("form.date"))
	}
	if !slices.ContainsFunc(p.Facts, func(o Option) bool { return o.Value == t.Fact }) {
		f.fault("fact", v.say("act.no_fact"))
	}
	if f.Value("basis") == "exception" {
		if t.Basis.Exception = strings.TrimSpace(f.Value("exception")); t.Basis.Exception == "" {
			f.fault("exception", v.say("act.no_exception"))
		}
	}
	if p.Ask != nil {
		t.Ask, t.Purpose = p.Ask.Entry, ""
	}
	write, err := ready(f, rel)
	if write {
		_, err = v.agent().Disclose(v.ctx(), rel, t)
	}
	return err
}

func (s *Server) message(v *visit, _ *ActPage, rel firsthand.ID, f *Form) error {
	text := strings.TrimSpace(strings.ReplaceAll(f.Value("text"), "\r\n", "\n"))
	if text == "" {
		f.fault("text", v.say("act.no_text"))
	}
	thread, err := firsthand.ParseID(f.Value("thread"))
	if err != nil {
		return err
	}
	write, err := ready(f, rel)
	if write {
		_, err = v.agent().Message(v.ctx(), rel, thread, text)
	}
	return err
}

func (s *Server) withdraw(v *visit, p *ActPage, rel firsthand.ID, f *Form) error {
	if !slices.ContainsFunc(p.Facts, func(o Option) bool { return o.Value == f.Value("fact") }) {
		f.fault("fact", v.say("act.no_fact"))
	}
	write, err := ready(f, rel)
	if write {
		_, err = v.agent().Withdraw(v.ctx(), rel, f.Value("fact"))
	}
	return err
}

func (s *Server) ask(v *visit, _ *ActPage, rel firsthand.ID, f *Form) error {
	r := firsthand.Request{Right: f.Value("right"), Law: f.Value("law"), Text: strings.TrimSpace(f.Value("text"))}
	if !slices.Contains(rights, r.Right) {
		f.fault("right", v.say("act.no_right"))
	}
	if r.Law != "" && !agent.Gives(r.Law, r.Right) {
		f.fault("law", v.say("rights.not_there"))
	}
	write, err := ready(f, rel)
	if write {
		_, err = v.agent().Request(v.ctx(), rel, r)
	}
	return err
}

func (s *Server) agree(v *visit, p *ActPage, rel firsthand.ID, f *Form) error {
	codes := f.Values["code"]
	if len(codes) == 0 {
		f.fault("code", v.say("act.no_terms"))
	}
	write, err := ready(f, rel)
	if write {
		_, err = v.agent().Offer(v.ctx(), rel, codes...)
	}
	return err
}

func (s *Server) takeTerms(v *visit, _ *ActPage, rel firsthand.ID, f *Form) error {
	write, err := ready(f, rel)
	if write {
		_, err = v.agent().Take(v.ctx(), rel)
	}
	return err
}

func (s *Server) endTerms(v *visit, _ *ActPage, rel firsthand.ID, f *Form) error {
	from, err := firsthand.ParseDate(f.Value("from"))
	if err != nil || from == "" {
		f.fault("from", v.say("form.date"))
	}
	write, err := ready(f, rel)
	if write {
		_, err = v.agent().EndTerms(v.ctx(), rel, from)
	}
	return err
}

func (s *Server) claim(v *visit, _ *ActPage, rel firsthand.ID, f *Form) error {
	record := strings.TrimSpace(f.Value("record"))
	if record == "" {
		f.fault("record", v.say("act.no_record"))
	}
	write, err := ready(f, rel)
	if write {
		_, err = v.agent().Claim(v.ctx(), rel, record)
	}
	return err
}

func (s *Server) prove(v *visit, _ *ActPage, rel firsthand.ID, f *Form) error {
	code := strings.TrimSpace(f.Value("code"))
	if code == "" {
		f.fault("code", v.say("act.no_code"))
	}
	write, err := ready(f, rel)
	if write {
		_, err = v.agent().Prove(v.ctx(), rel, code)
	}
	return err
}

func (s *Server) decline(v *visit, p *ActPage, rel firsthand.ID, f *Form) error {
	if p.Ask == nil {
		f.fault("", v.say("act.no_ask"))
	}
	write, err := ready(f, rel)
	if write {
		_, err = v.agent().Decline(v.ctx(), rel, p.Ask.Entry, strings.TrimSpace(f.Value("reason")))
	}
	return err
}

func (s *Server) pause(v *visit, _ *ActPage, rel firsthand.ID, f *Form) error {
	until, err := firsthand.ParseDate(f.Value("until"))
	if err != nil || until == "" {
		f.fault("until", v.say("form.date"))
	}
	write, err := ready(f, rel)
	if write {
		_, err = v.agent().Pause(v.ctx(), rel, until)
	}
	return err
}

func (s *Server) leave(v *visit, _ *ActPage, rel firsthand.ID, f *Form) error {
	write, err := ready(f, rel)
	if write {
		_, err = v.agent().Leave(v.ctx(), rel, strings.TrimSpace(f.Value("reason")))
	}
	return err
}
