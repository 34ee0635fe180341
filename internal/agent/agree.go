package agent

import (
	"context"
	"fmt"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/policy"
	"firsthand/terms"
)

// DefaultTerms is what she proffers where she names nothing, and her ceiling for
// counter-offers where she has set none.
const DefaultTerms = "FIRSTHAND-SD-BASE"

// Offer proffers agreements, by their codes, the one she likes best first.
func (a *Agent) Offer(ctx context.Context, rel firsthand.ID, codes ...string) (Act, error) {
	if len(codes) == 0 {
		codes = []string{DefaultTerms}
	}
	var refs []firsthand.TermsRef
	for _, code := range codes {
		t, ok := a.Roster.Lookup(code)
		if !ok {
			return Act{}, fault.Tell(fault.NotExist, "no agreement "+code+" in the roster", "firsthand terms --list")
		}
		if !t.Pinned() {
			return Act{}, fault.Tell(fault.Invalid, "the text of "+code+" is not known here by its hash, so nobody could tell what was agreed", "firsthand terms --list shows those that can be offered")
		}
		refs = append(refs, t.Ref())
	}
	return a.act(ctx, rel, func(r *relationship) (firsthand.Content, error) {
		for _, ag := range r.state.At(a.Now()).Agreements {
			if refs[0] == ag.Terms { // what she likes best is agreed
				return nil, fault.Tell(fault.Conflict, refs[0].Code+" is agreed with "+r.row.Domain+" already, and in force", "to end it: firsthand terms --end DAY "+r.row.Domain)
			}
		}
		return &firsthand.TermsOffer{Terms: refs}, nil
	})
}

// Take takes the company's counter-offer, which she decides herself.
func (a *Agent) Take(ctx context.Context, rel firsthand.ID) (Act, error) {
	return a.act(ctx, rel, func(r *relationship) (firsthand.Content, error) {
		for _, o := range r.state.Offers {
			if o.Counter != nil && o.Open() {
				if _, err := a.Roster.Resolve(*o.Counter); err != nil {
					return nil, fmt.Errorf("the counter-offer is invalid: %w", err)
				}
				return &firsthand.TermsTake{Counter: o.Counted}, nil
			}
		}
		return nil, fault.Tell(fault.NotExist, r.row.Domain+" has made no counter-offer", "firsthand status "+r.row.Domain)
	})
}

// EndTerms ends every agreement in force, from a date on.
func (a *Agent) EndTerms(ctx context.Context, rel firsthand.ID, from firsthand.Date) (acts []Act, err error) {
	err = a.with(ctx, rel, func(r *relationship) error {
		for _, ag := range r.state.At(a.Now()).Agreements {
			act, err := a.write(ctx, r, &firsthand.TermsEnd{Agreement: ag.Entry, From: from}, Commit{})
			if err != nil {
				return err
			}
			acts = append(acts, act)
		}
		return nil
	})
	if err == nil && len(acts) == 0 {
		err = fault.Tell(fault.NotExist, "no agreement is in force that could be ended", "firsthand terms COMPANY proffers one")
	}
	a.Wake()
	return acts, err
}

// answers returns what the agent says by itself to what the company has said:
// it takes counter-offers that are no worse than what she proffered, and declines
// asks that a rule of hers forbids. All else waits for her.
func (a *Agent) answers(ctx context.Context, r *relationship) ([]firsthand.Content, error) {
	var say []firsthand.Content
	view := r.state.At(a.Now())
	if view.Closed || view.Paused {
		return nil, nil
	}
	for _, o := range r.state.Offers {
		if o.Counter == nil || !o.Open() {
			continue
		}
		var limits []terms.Agreement
		for _, ref := range o.Terms {
			if t, err := a.Roster.Resolve(ref); err == nil {
				limits = append(limits, t)
			}
		}
		if ok, err := a.Roster.CounterAcceptable(*o.Counter, limits...); err == nil && ok {
			say = append(say, &firsthand.TermsTake{Counter: o.Counted})
		}
	}
	if len(view.Asks) == 0 {
		return say, nil // as after most calls: no rule is read
	}
	rules, err := a.rules(ctx)
	if err != nil {
		return nil, err
	}
	for _, ask := range view.Asks {
		if policy.Forbidden(rules, ask.Say.Fact, r.row.Domain) {
			say = append(say, &firsthand.Decline{Ask: ask.Entry, Reason: "a rule of hers"})
		}
	}
	return say, nil
}
