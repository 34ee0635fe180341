package web

import (
	"net/http"
	"slices"
	"strings"

	"firsthand"
	"firsthand/internal/agent"
)

// A RightsPage is where she says which right she claims, and of whom.
type RightsPage struct {
	Form   Form
	Rights []Option
	Scopes []Option // all, or a fact of hers
	Laws   []Option
	Of     []string // companies, by their domains; nil for all
	Named  []string // the first of them
	More   int      // that aren't named
}

// shownOf bounds how many companies the page names.
const shownOf = 30

// showRights serves GET /rights: ?of=… names companies, ?draft=… takes up what was
// typed.
func (s *Server) showRights(v *visit) error {
	if d, ok := v.session.drafts.get(v.URL.Query().Get("draft")); ok {
		f := d.form
		f.Once = v.URL.Query().Get("draft")
		return s.rights(v, http.StatusOK, f)
	}
	f := newForm()
	f.Values["of"] = v.URL.Query()["of"]
	return s.rights(v, http.StatusOK, f)
}

func (s *Server) rights(v *visit, status int, f Form) error {
	p := RightsPage{Form: f, Of: f.Values["of"], Laws: v.laws(f.Value("law"))}
	p.Named = p.Of[:min(len(p.Of), shownOf)]
	p.More = len(p.Of) - len(p.Named)
	for _, right := range rights {
		p.Rights = append(p.Rights, Option{Value: right, Text: v.lang.Word("claimed", right), Chosen: right == f.Value("right")})
	}
	facts, err := v.agent().Facts(v.ctx())
	if err != nil {
		return err
	}
	p.Scopes = []Option{{Value: "", Text: v.say("rights.all")}}
	for _, fact := range facts {
		p.Scopes = append(p.Scopes, Option{Value: fact.Name, Text: v.lang.Word("fact", fact.Name), Chosen: fact.Name == f.Value("scope")})
	}
	return s.render(v, status, "rights", p)
}

// laws are the choices of a law; "" is the one that holds.
func (v *visit) laws(chosen string) []Option {
	all := []Option{{Value: "", Text: v.say("rights.law_auto")}}
	for _, law := range agent.Laws() {
		all = append(all, Option{Value: law, Text: v.lang.Word("law", law), Chosen: law == chosen})
	}
	return all
}

// draftRights serves POST /rights: what was typed is kept as a draft, and its preview
// shown; from there on it is a move like others.
func (s *Server) draftRights(v *visit) error {
	f := v.form()
	f.Values.Set("claims", "yes")
	m := v.move(&f)
	if !f.Fine() {
		return s.rights(v, http.StatusUnprocessableEntity, f)
	}
	return v.toPreview(f, m)
}

// claiming reads the claim that was typed into f, and notes there what is wrong with
// it.
func (v *visit) claiming(f *Form) (m agent.Move) {
	c := agent.Claim{Right: f.Value("right"), Law: f.Value("law"), Scope: f.Value("scope"), Text: strings.TrimSpace(f.Value("text"))}
	if !slices.Contains(rights, c.Right) {
		f.fault("right", v.say("act.no_right"))
	}
	if c.Scope != "" && !factName.MatchString(c.Scope) {
		f.fault("scope", v.say("me.no_name"))
	}
	if c.Law != "" && !slices.Contains(agent.Laws(), c.Law) {
		f.fault("law", v.say("rights.no_law"))
	} else if slices.Contains(rights, c.Right) && !agent.Gives(c.Law, c.Right) {
		f.fault("law", v.say("rights.not_there"))
	}
	if of := f.Values["of"]; len(of) > 0 {
		for _, domain := range of {
			if firsthand.CheckDomain(domain) != nil {
				f.fault("", v.say("companies.no_domain"))
			}
		}
		m.Only = slices.Clone(of)
	}
	m.Claim = c
	return m
}
