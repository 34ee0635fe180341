package web

import (
	"net/http"
	"net/url"

	"firsthand"
	"firsthand/internal/agent"
)

// A MapPage is who knows her, and what they hold. Each number leads to its list.
type MapPage struct {
	Map         agent.Insight
	Suggestions []agent.Suggestion // of imports, that are not hers yet
	Previews    []agent.Import     // not kept yet
	Tasks       int                // open
	Best        *FactRow           // the change with most effect
	Form        Form
	NoBackup    bool
	Look        bool // nobody she knows is known to have a gateway
}

// A WelcomePage is the first page of an empty file: how to begin.
type WelcomePage struct{}

// showMap serves GET /, of an open house.
func (s *Server) showMap(v *visit) error {
	insight, err := v.agent().Map(v.ctx())
	if err != nil {
		return err
	}
	p := MapPage{Map: insight, Form: newForm(), Look: insight.Companies > 0 && insight.Gateways == 0}
	imports, err := v.agent().Imports(v.ctx())
	if err != nil {
		return err
	}
	for _, i := range imports {
		if i.State == agent.Preview {
			p.Previews = append(p.Previews, i)
		}
	}
	if insight.Companies == 0 && len(p.Previews) == 0 {
		return s.render(v, http.StatusOK, "welcome", WelcomePage{})
	}
	suggestions, err := v.agent().Suggestions(v.ctx())
	if err != nil {
		return err
	}
	for _, sug := range suggestions {
		if !sug.Current && len(p.Suggestions) < 3 {
			p.Suggestions = append(p.Suggestions, sug)
		}
	}
	if _, p.Tasks, err = v.agent().Tasks(v.ctx(), agent.TaskQuery{Limit: 1}); err != nil {
		return err
	}
	facts, err := s.factRows(v, &insight)
	if err != nil {
		return err
	}
	for i := range facts {
		if f := &facts[i]; f.Old > 0 && (p.Best == nil || f.Old > p.Best.Old) {
			p.Best = f
		}
	}
	last, err := v.room.Safe.LastBackup(v.ctx())
	if err != nil {
		return err
	}
	p.NoBackup = last.Made.IsZero()
	return s.render(v, http.StatusOK, "map", p)
}

// takeSuggestion serves POST /suggestions: "that is me, and it is old" leads to a
// change; "that is me" notes the fact.
func (s *Server) takeSuggestion(v *visit) error {
	fact, value := v.PostFormValue("fact"), firsthand.Text(v.PostFormValue("value"))
	if !factName.MatchString(fact) || value.IsZero() {
		return errNoPage
	}
	return v.once(func() (string, error) {
		if v.PostFormValue("answer") == "old" {
			return "/change?" + url.Values{"fact": {fact}, "guesses": {"yes"}}.Encode(), nil // it is no guess any more
		}
		return "/?did=noted", v.agent().SetFact(v.ctx(), fact, value)
	})
}
