package agent

import (
	"context"
	"fmt"
	"slices"

	"firsthand"
	"firsthand/internal/agent/policy"
)

// A Move is one change: a new value for a fact, for every company that holds the
// old one.
type Move struct {
	Fact  string
	Value firsthand.Value
	// Basis is hers for the whole move where a company's terms give none: a
	// right, such as "GDPR 16", or one recorded exception. Zero: none.
	Basis firsthand.Basis
	Only  []firsthand.ID // these relationships; nil for all that hold the fact
	// Before are companies that have the fact from before, as she states. Old is
	// what they have, if she says it.
	Before []firsthand.ID
	Old    firsthand.Value
}

// A Leg is what a move means for one company.
type Leg struct {
	Rel      firsthand.ID
	Domain   string
	Of       firsthand.ID // the holding's entry; zero if stated from before
	Unpaired bool         // nothing is sent: she has to tell it there herself
	Basis    firsthand.Basis
	Go       bool   // else it is left out
	Reason   string // why it may, or why it is left out
}

// Plan says what a move would do, company by company, in the order of domains.
// It writes nothing.
func (a *Agent) Plan(ctx context.Context, m Move) (legs []Leg, err error) {
	rules, err := a.rules(ctx)
	if err != nil {
		return nil, err
	}
	holding := make(map[firsthand.ID]Holder)
	for h, err := range a.Store.Holders(ctx, m.Fact) {
		if err != nil {
			return nil, err
		}
		ours := h.Origin == firsthand.Told || h.Origin == firsthand.Stated
		if ours && (m.Only == nil || slices.Contains(m.Only, h.Rel)) {
			holding[h.Rel] = h // of several the last counts
		}
	}
	for _, rel := range m.Before {
		if _, ok := holding[rel]; !ok {
			holding[rel] = Holder{Rel: rel}
		}
	}
	for rel, h := range holding {
		leg, err := a.planOne(ctx, m, rel, h, rules)
		if err != nil {
			return nil, err
		}
		legs = append(legs, leg)
	}
	slices.SortFunc(legs, func(x, y Leg) int {
		if x.Domain != y.Domain {
			return slices.Compare([]byte(x.Domain), []byte(y.Domain))
		}
		return slices.Compare(x.Rel[:], y.Rel[:])
	})
	return legs, nil
}

func (a *Agent) planOne(ctx context.Context, m Move, rel firsthand.ID, h Holder, rules []policy.Rule) (leg Leg, err error) {
	err = a.with(ctx, rel, func(r *relationship) error {
		leg = Leg{Rel: rel, Domain: r.row.Domain, Of: h.Entry, Unpaired: r.row.Gateway == ""}
		if !h.Entry.IsZero() && h.Value.Equal(m.Value) {
			leg.Reason = "it has this value already"
			return nil
		}
		if r.row.Frozen != "" {
			leg.Reason = r.row.FrozenText()
			return nil
		}
		purpose, told := "", r.state.Holding(h.Entry)
		if told != nil {
			purpose = told.Purpose
		}
		q := policy.Question{State: r.state, Now: a.Now(), Roster: a.Roster, Rules: rules, Fact: m.Fact, Purpose: purpose}
		d := policy.Decide(q)
		if !d.Allowed && told != nil && told.Basis.Agreement.IsZero() {
			q.Basis = told.Basis // it stands on what the disclosure stood on
			d = policy.Decide(q)
		}
		if !d.Allowed && m.Basis != (firsthand.Basis{}) {
			q.Basis = m.Basis
			d = policy.Decide(q)
		}
		leg.Go, leg.Basis, leg.Reason = d.Allowed, d.Basis, d.Reason
		return nil
	})
	return leg, err
}

// Change carries out a move: one entry for each company that Plan lets go, all
// in one transaction, together with her own new fact. Where another act came
// between, the whole is refused with fault.Conflict and nothing was done.
func (a *Agent) Change(ctx context.Context, m Move) (legs []Leg, acts []Act, err error) {
	if legs, err = a.Plan(ctx, m); err != nil {
		return nil, nil, err
	}
	var rels []firsthand.ID
	var going []Leg
	for _, l := range legs {
		if l.Go {
			rels, going = append(rels, l.Rel), append(going, l)
		}
	}
	err = a.withAll(ctx, rels, func(rs []*relationship) error {
		c := Commit{Facts: []Fact{{Name: m.Fact, Value: m.Value, Updated: a.Now()}}}
		for i, r := range rs {
			say := &firsthand.Change{Fact: m.Fact, Value: m.Value, Of: going[i].Of, Basis: going[i].Basis}
			if going[i].Of.IsZero() {
				say.Old = m.Old
			}
			act, err := a.add(r, say, &c)
			if err != nil {
				return fmt.Errorf("%s: %w", r.row.Domain, err)
			}
			acts = append(acts, act)
		}
		return a.commit(ctx, c, rs...)
	})
	a.Wake()
	return legs, acts, err
}
