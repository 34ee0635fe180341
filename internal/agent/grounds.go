package agent

import (
	"context"
	"slices"
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
	Entry firsthand.ID       `json:"entry"`
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

// state returns as much of the state of a relationship as a plan asks for; t has the
// values.
func (g *Grounds) state(row *Relationship, sum *Summary, t *target) *firsthand.State {
	s := firsthand.NewState()
	s.Rel, s.Opened.Domain = row.ID, row.Domain
	if sum.Closed {
		s.Closed = []*firsthand.Said[*firsthand.Close]{{Say: new(firsthand.Close)}}
	}
	if sum.Bound {
		s.Binding = new(firsthand.Binding)
	}
	for _, a := range g.Agreements {
		s.Agreements = append(s.Agreements, &firsthand.Agreement{Entry: a.Entry, Terms: a.Terms, End: a.End})
	}
	for _, p := range g.Pauses {
		s.Pauses = append(s.Pauses, &firsthand.Said[*firsthand.Pause]{Side: p.Side, Say: &firsthand.Pause{Until: p.Until}})
	}
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

// atOnce is how many relationships are read at once for a preview.
const atOnce = 500

// preview decides what a move means for targets, by their grounds where they are
// known.
func (p *planner) preview(ctx context.Context, targets []target) (legs []Leg, err error) {
	for part := range slices.Chunk(targets, atOnce) {
		var ids []firsthand.ID
		for i := range part {
			if !part[i].rel.IsZero() {
				ids = append(ids, part[i].rel)
			}
		}
		all, err := p.a.Store.RelationshipsAt(ctx, ids...)
		if err != nil {
			return nil, err
		}
		rows := make(map[firsthand.ID]*Relationship, len(all))
		for i := range all {
			rows[all[i].ID] = &all[i]
		}
		for _, t := range part {
			its, err := p.previewOne(ctx, rows[t.rel], t)
			if err != nil {
				return nil, err
			}
			legs = append(legs, its...)
		}
	}
	return legs, nil
}

// previewOne is preview for t, whose row is nil if there is none.
func (p *planner) previewOne(ctx context.Context, row *Relationship, t target) (legs []Leg, err error) {
	if t.rel.IsZero() {
		return p.unmet(t), nil
	}
	if row != nil {
		sum, err := row.Summarised()
		if err == nil && sum.Grounds != nil {
			return p.legs(sum.Grounds.state(row, &sum, &t), row, t), nil
		}
	}
	return legs, p.a.with(ctx, t.rel, func(r *relationship) error {
		legs = p.legs(r.state, &r.row, t)
		return nil
	})
}
