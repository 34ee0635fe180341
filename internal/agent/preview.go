package agent

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math"
	"slices"

	"firsthand"
)

// Plan says what a move would do, company by company. It writes nothing.
func (a *Agent) Plan(ctx context.Context, m Move) (Plan, error) {
	return a.plan(ctx, m, math.MaxInt)
}

// Preview is Plan with at most shown legs of each group, the first ones: what a page
// shows. What it counts are all. It is kept until something is committed, or the minute
// is over: what a change means depends on the day, which isn't the same everywhere. Who
// gets it only reads it. Begin decides everything anew.
func (a *Agent) Preview(ctx context.Context, m Move, shown int) (Plan, error) {
	question := fmt.Sprintln(a.Now().Unix()/60, shown, string(firsthand.EncodeJSON(m)))
	return a.previewed.get(a.Store, question, func() (Plan, error) { return a.plan(ctx, m, shown) })
}

func (a *Agent) plan(ctx context.Context, m Move, shown int) (p Plan, err error) {
	if err := m.check(); err != nil {
		return p, err
	}
	pl, err := a.newPlanner(ctx, m)
	if err != nil {
		return p, err
	}
	legs, err := pl.preview()
	if err != nil {
		return p, err
	}
	if p.Free, err = a.Store.Labels(ctx); err != nil {
		return p, err
	}
	p.count(legs)
	sorted := sortedLegs(legs)
	p.Digest = digestOf(sorted)
	shows := make(map[string]int)
	for _, l := range sorted {
		if shows[l.Group]++; shows[l.Group] <= shown {
			p.Legs = append(p.Legs, *l)
		}
	}
	return p, pl.name(p.Legs)
}

// digestOf returns the digest of a plan with these legs.
func digestOf(legs []*Leg) string {
	h := sha256.New()
	var b []byte
	for _, l := range legs {
		if l.Group == LeftOut {
			continue
		}
		b = append(b[:0], l.Rel[:]...)
		for _, text := range []string{l.Domain, l.Fact, l.Value.String(), l.Group, l.Channel, l.Basis.Right, l.Basis.Exception, l.Law} {
			b = append(append(b, text...), 0)
		}
		h.Write(b)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(b[:0]))
}

// count counts all legs.
func (p *Plan) count(legs []Leg) {
	p.Counts = make(map[string]int)
	told, opened := make(map[string]bool), make(map[string]bool)
	for i := range legs {
		l := &legs[i]
		p.Counts[l.Group]++
		if l.Group == LeftOut {
			continue
		}
		told[l.Domain] = true
		if l.Rel.IsZero() {
			opened[l.Domain] = true
		}
	}
	p.Companies, p.Labels = len(told), len(opened)
}

// atOnce is how many relationships, or companies, are read at once for a preview.
const atOnce = 500

// preview decides what the move means for its targets, by what stands beside the
// holdings; where that isn't enough, by summaries; and where a file is older than these,
// by the logs.
func (p *planner) preview() (legs []Leg, err error) {
	if err := p.know(p.afar()); err != nil {
		return nil, err
	}
	legs = make([]Leg, 0, len(p.targets))
	var rest []*target
	for i := range p.targets {
		t := &p.targets[i]
		if t.rel.IsZero() {
			legs = append(legs, p.unmet(t)...)
		} else if g := t.ground(); g != nil {
			legs = append(legs, p.legs(g.state(t), standing{paired: g.Paired, frozen: g.Frozen}, t)...)
		} else {
			rest = append(rest, t)
		}
	}
	for part := range slices.Chunk(rest, atOnce) {
		some, err := p.bySummaries(part)
		if err != nil {
			return nil, err
		}
		legs = append(legs, some...)
	}
	return legs, nil
}

// ground returns what stands beside the holdings of t, nil if that isn't enough to
// decide.
func (t *target) ground() (g *Ground) {
	for i := range t.facts {
		if f := &t.facts[i]; !f.of.IsZero() {
			if g = f.ground; g == nil {
				return nil
			}
		}
	}
	return g
}

// afar returns the targets for which it matters what is known of the company: all but
// those that are told by their gateways.
func (p *planner) afar() (all []*target) {
	for i := range p.targets {
		t := &p.targets[i]
		if g := t.ground(); g == nil || !g.Paired {
			all = append(all, t)
		}
	}
	return all
}

// bySummaries is preview for targets with which there are relationships.
func (p *planner) bySummaries(targets []*target) (legs []Leg, err error) {
	ids := make([]firsthand.ID, len(targets))
	for i, t := range targets {
		ids[i] = t.rel
	}
	all, err := p.a.Store.RelationshipsAt(p.ctx, ids...)
	if err != nil {
		return nil, err
	}
	rows := make(map[firsthand.ID]*Relationship, len(all))
	for i := range all {
		rows[all[i].ID] = &all[i]
	}
	for _, t := range targets {
		if row := rows[t.rel]; row != nil {
			if sum, err := row.Summarised(); err == nil && sum.Grounds != nil {
				legs = append(legs, p.legs(sum.Grounds.state(row, &sum, t), row.standing(), t)...)
				continue
			}
		}
		err := p.a.with(p.ctx, t.rel, func(r *relationship) error {
			legs = append(legs, p.legs(r.state, r.row.standing(), t)...)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return legs, nil
}
