package web

import (
	"net/http"
	"slices"

	"firsthand/internal/agent"
	"firsthand/terms"
)

// A TermsPage is her terms, and what companies said to them.
type TermsPage struct {
	Agreements []AgreementRow
	Agreed     []agent.Company
	Without    int // companies with a gateway and no agreement
	Silent     int // without a gateway
	Form       Form
}

// An AgreementRow is one agreement of the roster, in plain words.
type AgreementRow struct {
	Code                      string
	Allows, Forbids, Promises []string // clauses
	Pinned                    bool
	Default                   bool
	Agreed                    int
}

// showTerms serves GET /terms.
func (s *Server) showTerms(v *visit) error { return s.termsPage(v, http.StatusOK, newForm()) }

func (s *Server) termsPage(v *visit, status int, f Form) error {
	p := TermsPage{Form: f}
	insight, err := v.agent().Map(v.ctx())
	if err != nil {
		return err
	}
	p.Without, p.Silent = insight.Unagreed, insight.Relationships-insight.Unagreed
	count := make(map[string]int)
	for _, c := range insight.Agreements {
		count[c.Code], p.Silent = c.Companies, p.Silent-c.Companies
	}
	if p.Agreed, _, err = v.agent().Companies(v.ctx(), agent.CompanyQuery{Show: agent.ShowAgreed, Limit: 50}); err != nil {
		return err
	}
	for _, a := range s.Roster.All() {
		if !a.Pinned() && count[a.Ref().Code] == 0 {
			continue // it can't be offered
		}
		row := agreementRow(a)
		row.Agreed = count[row.Code]
		p.Agreements = append(p.Agreements, row)
	}
	return s.render(v, status, "terms", p)
}

// agreementRow says an agreement in plain words, by its clauses; those that say
// the same are said once.
func agreementRow(a terms.Agreement) AgreementRow {
	permissions, prohibitions, duties := a.Clauses()
	words := func(clauses []terms.Clause) (all []string) {
		for _, c := range clauses {
			name := string(c)
			for i, r := range name {
				if r == ':' {
					name = name[i+1:]
					break
				}
			}
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
		return all
	}
	return AgreementRow{Code: a.Ref().Code, Allows: words(permissions), Forbids: words(prohibitions), Promises: words(duties),
		Pinned: a.Pinned(), Default: a.Ref().Code == agent.DefaultTerms}
}

// An AgreementPage is the text of an agreement, as it is signed by its hash.
type AgreementPage struct {
	Row  AgreementRow
	Hash string
	Text string // "" where this program doesn't carry it
	URL  string
}

// showAgreement serves GET /terms/{code}.
func (s *Server) showAgreement(v *visit) error {
	a, ok := s.Roster.Lookup(v.PathValue("code"))
	if !ok {
		return errNoPage
	}
	text, _ := terms.Text(a.Ref().Hash)
	return s.render(v, http.StatusOK, "agreement", AgreementPage{Row: agreementRow(a), Hash: a.Ref().Hash.String(), Text: text, URL: a.Ref().URL})
}

// offerAll serves POST /terms/{code}/offer: it proffers an agreement to every
// company with a gateway that has none.
func (s *Server) offerAll(v *visit) error {
	a, ok := s.Roster.Lookup(v.PathValue("code"))
	if !ok {
		return errNoPage
	}
	f := v.form()
	err := v.once(func() (string, error) {
		rels, err := v.agent().Relationships(v.ctx())
		if err != nil {
			return "", err
		}
		for _, r := range rels {
			sum, err := r.Summarised()
			if err != nil {
				return "", err
			}
			if r.Gateway == "" || sum.Closed || sum.Agreement != "" {
				continue
			}
			d, err := v.agent().Show(v.ctx(), r.ID)
			if err != nil {
				return "", err
			}
			if waiting(&d) {
				continue // an offer of hers is on its way already
			}
			if _, err := v.agent().Offer(v.ctx(), r.ID, a.Ref().Code); err != nil {
				return "", err
			}
		}
		return "/terms?did=offered", nil
	})
	if err == nil || !again(&f, err) {
		return err
	}
	return s.termsPage(v, http.StatusUnprocessableEntity, f)
}

func waiting(d *agent.Detail) bool {
	for _, o := range d.State.Offers {
		if o.Open() {
			return true
		}
	}
	return d.View.Paused
}
