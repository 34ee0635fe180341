package web

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/agent/policy"
)

// A MePage shows each fact once, and who holds it.
type MePage struct {
	Facts []FactRow
	Form  Form
	Names []Option // of facts that people have, and she has not noted
	Add   string   // which one is being added, "other" for any; "" for none
}

// A FactRow is a fact of hers, or one that she never noted and somebody holds.
type FactRow struct {
	Name    string
	Value   firsthand.Value
	Updated time.Time
	Held    int // companies that hold it, guesses among them
	Old     int // of them, an old value
	Never   bool
}

// commonFacts are what the form offers by name. Any other can be typed.
var commonFacts = []string{"address.home", "email", "phone", "name", "birth_date", "address.work", "bank_account", "customer_number"}

// showMe serves GET /me.
func (s *Server) showMe(v *visit) error {
	return s.me(v, http.StatusOK, newForm("fact", nameOfFact(v.URL.Query().Get("add"))))
}

func (s *Server) me(v *visit, status int, f Form) error {
	rows, err := s.factRowsNow(v)
	if err != nil {
		return err
	}
	p := MePage{Facts: rows, Form: f, Add: f.Value("fact")}
	for _, name := range commonFacts {
		if slices.ContainsFunc(rows, func(r FactRow) bool { return r.Name == name && !r.Value.IsZero() }) {
			continue
		}
		p.Names = append(p.Names, Option{Value: name, Text: v.lang.Word("fact", name)})
	}
	return s.render(v, status, "me", p)
}

// factRowsNow is factRows where the map is not at hand.
func (s *Server) factRowsNow(v *visit) ([]FactRow, error) {
	insight, err := v.agent().Map(v.ctx())
	if err != nil {
		return nil, err
	}
	return s.factRows(v, &insight)
}

// factRows joins what she has noted, what companies hold and what she never tells.
func (s *Server) factRows(v *visit, insight *agent.Insight) (rows []FactRow, err error) {
	facts, err := v.agent().Facts(v.ctx())
	if err != nil {
		return nil, err
	}
	rules, err := v.agent().Rules(v.ctx())
	if err != nil {
		return nil, err
	}
	byName := make(map[string]int)
	row := func(name string) *FactRow {
		if _, ok := byName[name]; !ok {
			byName[name] = len(rows)
			rows = append(rows, FactRow{Name: name, Never: policy.Forbidden(rules, name, "")})
		}
		return &rows[byName[name]]
	}
	for _, f := range facts {
		r := row(f.Name)
		r.Value, r.Updated = f.Value, f.Updated
	}
	for _, h := range insight.Facts {
		r := row(h.Fact)
		r.Held, r.Old = h.Holds, h.Old
	}
	return rows, nil
}

var factName = regexp.MustCompile(`^[a-z0-9_]+(\.[a-z0-9_]+)*$`)

// nameOfFact makes the name of a fact of what was typed: "Loyalty number" is
// loyalty_number.
func nameOfFact(s string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '_':
			return r
		case r == ' ', r == '-':
			return '_'
		}
		return -1
	}, strings.ToLower(strings.TrimSpace(s))), "._")
}

// isAddress reports whether a fact is one that is typed in parts.
func isAddress(fact string) bool { return fact == "address" || strings.HasPrefix(fact, "address.") }

// typedValue reads the value of a fact: an address in its parts, else one text.
func typedValue(f *Form, prefix, fact string) firsthand.Value {
	if !isAddress(fact) {
		return firsthand.Text(strings.TrimSpace(strings.ReplaceAll(f.Value(prefix+"value"), "\r\n", "\n")))
	}
	parts := make(map[string]string)
	for _, name := range addressParts {
		if text := strings.TrimSpace(f.Value(prefix + name)); text != "" {
			parts[name] = text
		}
	}
	if len(parts) == 0 {
		return firsthand.Value{}
	}
	return firsthand.Value{Parts: parts}
}

var addressParts = []string{"street", "extra", "postal_code", "city", "region", "country"}

// setFact serves POST /me: a fact that she notes, and tells nobody.
func (s *Server) setFact(v *visit) error {
	f := v.form()
	name := nameOfFact(f.Value("fact"))
	if name == "other" {
		name = nameOfFact(f.Value("other"))
	}
	value, field := typedValue(&f, "", name), "value"
	if isAddress(name) {
		field = "street"
	}
	if !factName.MatchString(name) {
		f.fault("other", v.say("me.no_name"))
	}
	if value.IsZero() {
		f.fault(field, v.say("me.no_value"))
	}
	if f.Fine() {
		err := v.once(func() (string, error) {
			return "/me?did=noted", v.agent().SetFact(v.ctx(), name, value)
		})
		if err == nil || !again(&f, err) {
			return err
		}
	}
	return s.me(v, http.StatusUnprocessableEntity, f)
}

// A FactPage shows one fact and everybody who holds it.
type FactPage struct {
	Fact    FactRow
	Holders []HolderRow
	Pager   Pager
	Form    Form
}

// A HolderRow is a company that holds a fact, and whether it is an old value.
type HolderRow struct {
	Domain  string
	Name    string
	Value   firsthand.Value
	Origin  firsthand.Origin
	Since   time.Time
	Guessed bool
	Old     bool
}

// showFact serves GET /me/{fact}.
func (s *Server) showFact(v *visit) error {
	name := v.PathValue("fact")
	rows, err := s.factRowsNow(v)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(rows, func(r FactRow) bool { return r.Name == name })
	if i < 0 {
		return errNoPage
	}
	p := FactPage{Fact: rows[i], Form: newForm(), Pager: newPager(v, 50)}
	holders, total, err := v.agent().HeldPage(v.ctx(), name, p.Pager.offset, p.Pager.Limit)
	if err != nil {
		return err
	}
	for _, h := range holders {
		p.Holders = append(p.Holders, HolderRow{h.Domain, h.Name, h.Value, h.Origin, h.Since, h.Guessed,
			!p.Fact.Value.IsZero() && !h.Value.IsZero() && !h.Value.Equal(p.Fact.Value)})
	}
	p.Pager.total(total)
	return s.render(v, http.StatusOK, "fact", p)
}

// setRule serves POST /me/{fact}/rule: she never tells the fact, or may again.
func (s *Server) setRule(v *visit) error {
	fact := v.PathValue("fact")
	return v.once(func() (string, error) {
		return pathOf("me", fact) + "?did=saved", v.agent().SetRule(v.ctx(), policy.Rule{Fact: fact, Never: v.PostFormValue("never") == "yes"})
	})
}

// forgetFact serves POST /me/{fact}/forget: she takes it off her own list. Who
// holds it holds it.
func (s *Server) forgetFact(v *visit) error {
	return v.once(func() (string, error) {
		return "/me?did=forgotten", v.agent().SetFact(v.ctx(), v.PathValue("fact"), firsthand.Value{})
	})
}

var _ Agent = (*agent.Agent)(nil)
