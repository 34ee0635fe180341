package gateway

import (
	"context"

	"firsthand"
)

// A Duty is something that the company owes, or that waits for somebody.
type Duty struct {
	Delivery
	Overdue bool
	System  string // the one that the delivery goes to: as customers read it, or its member in gateway.json
	Frozen  string // instead of a delivery: why the relationship is frozen

	// Of Owed alone: of what kind the entry is, and the name of the fact it is about;
	// "" where it is about none, or was erased.
	Kind firsthand.Kind
	Fact string
}

// Due returns what is owed about entries of customers, the earliest due first,
// and then the relationships that are frozen. It shows no facts.
func (g *Gateway) Due(ctx context.Context) ([]Duty, error) {
	due, err := g.o.Store.Due(ctx)
	if err != nil {
		return nil, err
	}
	now := g.o.Now()
	var all []Duty
	for _, d := range due {
		all = append(all, Duty{Delivery: d, Overdue: d.Due.Over(now), System: g.lane(d.Lane).label()})
	}
	for r, err := range g.o.Store.Relationships(ctx) {
		if err != nil {
			return nil, err
		}
		if r.Frozen != "" {
			all = append(all, Duty{Delivery: Delivery{Rel: r.ID}, Frozen: r.Frozen})
		}
	}
	return all, nil
}

// A File is all that the company has of one relationship.
type File struct {
	Relationship Relationship
	State        *firsthand.State // the caller's own

	First, Second []firsthand.Entry // both logs
	Deliveries    []Delivery
	Evidence      []Evidence
	Audit         []Audit
}

// Show returns all that the company has of a relationship.
func (g *Gateway) Show(ctx context.Context, by string, rel firsthand.ID) (f File, err error) {
	if err := g.audit(ctx, by, "show", rel, firsthand.ID{}, ""); err != nil {
		return f, err
	}
	return g.file(ctx, rel)
}
