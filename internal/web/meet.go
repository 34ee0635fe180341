package web

import (
	"net/http"
	"net/url"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/rbutton"
)

// How a link on a foreign page opens Meet, and what it can't do. Any page in the
// world may lead her browser here, with any name in the address, as often as it
// likes. So there are three steps, and only she takes the second and the third:
//
//   - GET /meet shows the name that was in the address, and nothing else. It is the
//     same page for everybody: the cookie is SameSite=Strict and doesn't come along
//     from another site, and nothing is looked up. A page that leads her here learns
//     neither whether she has an app nor whether she knows the company.
//   - POST /meet is her click on that page. Only now is the company's domain asked
//     who it is: it would otherwise see that a visitor of its site has an app, and
//     where that runs.
//   - POST /meet/{domain} is her click on the company that she was shown, by its key.
//
// The two clicks lie on two pages. A page that is laid under hers for a moment, to
// steal a double click, gets the first at most.

// A MeetPage is a company that a link leads to: its name alone, or who it is.
type MeetPage struct {
	Address string // that was given, once she is the one who gave it
	Domain  string // that it names; "" for none
	Asked   bool   // its domain was asked
	Who     *firsthand.Company
	Met     bool
	State   rbutton.State
	Terms   []TermsRow
	Key     string // by which she meets the company that she was shown
	Form    Form
}

// A TermsRow is an agreement that a company says it accepts.
type TermsRow struct {
	Code, Version string
	Known         bool // this program has its text
}

// showMeet serves GET /meet: ?company.
func (s *Server) showMeet(v *visit) error {
	p := MeetPage{Form: newForm(), State: rbutton.None}
	if address := v.URL.Query().Get("company"); address != "" {
		var err error
		if p.Domain, err = agent.DomainOf(address); err != nil {
			p.Form.fault("", v.say("meet.no_company"))
		}
	}
	status := http.StatusOK
	if !p.Form.Fine() {
		status = http.StatusUnprocessableEntity
	}
	return s.render(v, status, "meet", p)
}

// introduce serves POST /meet: it asks the company's domain who it is.
func (s *Server) introduce(v *visit) error {
	f := v.form()
	p := MeetPage{Form: f, Address: f.Value("company"), State: rbutton.None}
	domain, err := agent.DomainOf(p.Address)
	if err != nil {
		p.Form.fault("company", v.say("meet.no_company"))
		return s.render(v, http.StatusUnprocessableEntity, "meet", p)
	}
	return s.introduced(v, http.StatusOK, domain, f)
}

// introduced shows who the company at domain says it is, signed.
func (s *Server) introduced(v *visit, status int, domain string, f Form) error {
	p := MeetPage{Domain: domain, Asked: true, Form: f, State: rbutton.None}
	p.Form.Once = newForm().Once
	i, err := v.agent().Introduce(v.ctx(), domain)
	if err != nil {
		if !again(&p.Form, err) {
			return err
		}
		return s.render(v, http.StatusUnprocessableEntity, "meet", p)
	}
	p.Who, p.Met, p.State, p.Key = &i.Company, !i.Met.ID.IsZero(), rbutton.Ready, i.Company.Key().String()
	if p.Met {
		p.State = rbutton.Related
	}
	for _, ref := range i.Company.Terms {
		a, ok := s.Roster.Lookup(ref.Code)
		p.Terms = append(p.Terms, TermsRow{Code: ref.Code, Version: ref.Version, Known: ok && a.Ref() == ref})
	}
	return s.render(v, status, "meet", p)
}

// meet serves POST /meet/{domain}.
func (s *Server) meet(v *visit) error {
	domain, err := agent.DomainOf(v.PathValue("domain"))
	if err != nil || domain != v.PathValue("domain") {
		return errNoPage
	}
	f := v.form()
	var key firsthand.PublicKey
	if err := key.UnmarshalText([]byte(f.Value("key"))); err != nil {
		return fault.Tell(fault.Invalid, v.say("error.form"), "")
	}
	err = v.once(func() (string, error) {
		_, err := v.agent().Meet(v.ctx(), domain, agent.MeetOptions{Key: key})
		return pathOf("companies", domain) + "?" + url.Values{"did": {"met"}}.Encode(), err
	})
	if err == nil || !again(&f, err) {
		return err
	}
	return s.introduced(v, http.StatusUnprocessableEntity, domain, f)
}
