package agent

import (
	"slices"
	"strings"
	"time"

	"firsthand"
)

// Grounds are what a plan asks of the state of a relationship: with them a change to
// a thousand companies is previewed without folding a thousand pairs of logs. What is
// signed is decided anew, by the logs themselves; see Agent.Begin.
type Grounds struct {
	Agreements []AgreementGround `json:"agreements,omitempty"`
	Pauses     []PauseGround     `json:"pauses,omitempty"`
	Held       []HeldGround      `json:"held,omitempty"`
	Requests   []RequestGround   `json:"requests,omitempty"`
}

// An AgreementGround is one of the agreements.
type AgreementGround struct {
	Entry firsthand.ID       `json:"entry,omitzero"`
	Terms firsthand.TermsRef `json:"terms"`
	End   firsthand.Date     `json:"end,omitempty"`
}

// A PauseGround is the last pause of one side.
type PauseGround struct {
	Side  firsthand.Side `json:"side"`
	Until firsthand.Date `json:"until"`
}

// A HeldGround is what a holding stands on. Its value is in the cache of holdings.
type HeldGround struct {
	Entry   firsthand.ID     `json:"entry"`
	Origin  firsthand.Origin `json:"origin"`
	Purpose string           `json:"purpose,omitempty"`
	Basis   firsthand.Basis  `json:"basis,omitzero"`
}

// A RequestGround is a request that has no last word yet.
type RequestGround struct {
	Entry firsthand.ID   `json:"entry"`
	Right string         `json:"right"`
	Law   string         `json:"law"`
	Scope string         `json:"scope,omitempty"`
	At    time.Time      `json:"at"`
	Due   firsthand.Date `json:"due"`
}

func groundsOf(s *firsthand.State) *Grounds {
	g := new(Grounds)
	for _, a := range s.Agreements {
		g.Agreements = append(g.Agreements, AgreementGround{a.Entry, a.Terms, a.End})
	}
	for _, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
		for i := len(s.Pauses) - 1; i >= 0; i-- {
			if p := s.Pauses[i]; p.Side == side {
				g.Pauses = append(g.Pauses, PauseGround{side, p.Say.Until})
				break
			}
		}
	}
	for _, h := range s.Holdings {
		if h.Withdraw.IsZero() {
			g.Held = append(g.Held, HeldGround{h.Entry, h.Origin, h.Purpose, h.Basis})
		}
	}
	for _, r := range openRequests(s) {
		g.Requests = append(g.Requests, RequestGround{r.Entry, r.Say.Right, r.Say.Law, r.Say.Scope, r.At, r.Due})
	}
	return g
}

// A Ground is what a plan asks of the relationship of one holding, and of what that
// stands on. It stands beside the holding, so that who holds a fact, and what may be
// told to them, is one read.
type Ground struct {
	Paired     bool              `json:"paired,omitempty"`
	Frozen     string            `json:"frozen,omitempty"`
	Closed     bool              `json:"closed,omitempty"`
	Bound      bool              `json:"bound,omitempty"`
	Agreements []AgreementGround `json:"agreements,omitempty"`
	Pauses     []PauseGround     `json:"pauses,omitempty"`
	Purpose    string            `json:"purpose,omitempty"`
	Basis      firsthand.Basis   `json:"basis,omitzero"`
}

// text returns g as it stands beside the holding: a line of JSON, which is the same at
// all companies with which as much was agreed, and a line for each entry that it names.
func (g Ground) text() string {
	var entries []firsthand.ID
	g.Agreements = slices.Clone(g.Agreements)
	for i := range g.Agreements {
		entries, g.Agreements[i].Entry = append(entries, g.Agreements[i].Entry), firsthand.ID{}
	}
	if !g.Basis.Agreement.IsZero() {
		entries, g.Basis.Agreement = append(entries, g.Basis.Agreement), firsthand.ID{}
	}
	text := string(firsthand.EncodeJSON(g))
	for _, id := range entries {
		text += "\n" + id.String()
	}
	return text
}

// groundTexts are the lines of JSON that were read before.
type groundTexts map[string]*Ground

// read returns the ground of a text, nil of none.
func (known groundTexts) read(text string) (*Ground, error) {
	if text == "" {
		return nil, nil
	}
	said, lines, _ := strings.Cut(text, "\n")
	like := known[said]
	if like == nil {
		like = new(Ground)
		if err := firsthand.ParseJSON([]byte(said), like); err != nil {
			return nil, err
		}
		known[said] = like
	}
	g := *like
	g.Agreements = slices.Clone(like.Agreements)
	for i := 0; lines != ""; i++ {
		var line string
		line, lines, _ = strings.Cut(lines, "\n")
		id, err := firsthand.ParseID(line)
		if err != nil {
			return nil, err
		}
		if i < len(g.Agreements) {
			g.Agreements[i].Entry = id
		} else {
			g.Basis.Agreement = id
		}
	}
	return &g, nil
}

// beside returns the texts of the ground of each holding, by its entry.
func (g *Grounds) beside(row *Relationship, closed, bound bool) map[firsthand.ID]string {
	all := make(map[firsthand.ID]string, len(g.Held))
	for _, h := range g.Held {
		all[h.Entry] = Ground{Paired: row.Gateway != "", Frozen: row.Frozen, Closed: closed, Bound: bound,
			Agreements: g.Agreements, Pauses: g.Pauses, Purpose: h.Purpose, Basis: h.Basis}.text()
	}
	return all
}

// GroundsIn returns what [Holder.Ground] is for each holding of a relationship, by its
// entry, as the summary in its row says; nil if that is older than grounds are. A
// store asks it where a file is older than the cache; everybody else commits it.
func GroundsIn(row *Relationship) map[firsthand.ID]string {
	sum, err := row.Summarised()
	if err != nil || sum.Grounds == nil {
		return nil
	}
	return sum.Grounds.beside(row, sum.Closed, sum.Bound)
}

// A standing is what a plan asks of a relationship beside its state.
type standing struct {
	name   string // of the company, as its document says; "" if that isn't at hand
	paired bool
	frozen string // as in Relationship
}

func (r *Relationship) standing() standing {
	return standing{name: r.Name, paired: r.Gateway != "", frozen: r.Frozen}
}

// state returns as much of the state of the relationship of t as a plan asks for.
func (g *Ground) state(t *target) *firsthand.State {
	s := stateOf(g.Closed, g.Bound, g.Agreements, g.Pauses)
	s.Rel, s.Opened.Domain = t.rel, t.domain
	for i := range t.facts {
		if f := &t.facts[i]; !f.of.IsZero() {
			s.Holdings = append(s.Holdings, &firsthand.Holding{Entry: f.of, Origin: f.origin, Purpose: f.ground.Purpose, Basis: f.ground.Basis,
				Fact: f.fact.Fact, Value: f.value})
		}
	}
	return s
}

// stateOf returns what both forms of grounds have of a state.
func stateOf(closed, bound bool, agreements []AgreementGround, pauses []PauseGround) *firsthand.State {
	s := firsthand.NewState()
	if closed {
		s.Closed = []*firsthand.Said[*firsthand.Close]{{Say: new(firsthand.Close)}}
	}
	if bound {
		s.Binding = new(firsthand.Binding)
	}
	for _, a := range agreements {
		s.Agreements = append(s.Agreements, &firsthand.Agreement{Entry: a.Entry, Terms: a.Terms, End: a.End})
	}
	for _, p := range pauses {
		s.Pauses = append(s.Pauses, &firsthand.Said[*firsthand.Pause]{Side: p.Side, Say: &firsthand.Pause{Until: p.Until}})
	}
	return s
}

// state is Ground.state by the summary of the relationship.
func (g *Grounds) state(row *Relationship, sum *Summary, t *target) *firsthand.State {
	s := stateOf(sum.Closed, sum.Bound, g.Agreements, g.Pauses)
	s.Rel, s.Opened.Domain = row.ID, row.Domain
	for _, r := range g.Requests {
		s.Requests = append(s.Requests, &firsthand.RequestState{Entry: r.Entry, At: r.At, Due: r.Due,
			Say: &firsthand.Request{Right: r.Right, Law: r.Law, Scope: r.Scope, Due: r.Due}})
	}
	for _, h := range g.Held {
		holding := &firsthand.Holding{Entry: h.Entry, Origin: h.Origin, Purpose: h.Purpose, Basis: h.Basis}
		for i := range t.facts {
			if f := &t.facts[i]; f.of == h.Entry {
				holding.Fact, holding.Value = f.fact.Fact, f.value
			}
		}
		s.Holdings = append(s.Holdings, holding)
	}
	return s
}
