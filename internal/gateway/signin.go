package gateway

import (
	"cmp"
	"context"
	"errors"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// SignedIn says that somebody has signed in at the company as the customer of that
// record, having come from the page of a claim. It returns the code that proves the
// claim, to be shown to whoever signed in and to nobody else. That it was shown binds
// nothing: a stranger's claim is proved only if the customer gives him the code.
//
// An error of kind Denied or NotExist is a [fault.Notice] for her: the claim isn't
// open, or is about somebody else.
func (g *Gateway) SignedIn(ctx context.Context, rel, claim firsthand.ID, record string) (code string, err error) {
	ref, err := g.customer(ctx, record)
	if err != nil {
		return "", err
	}
	err = g.within(ctx, rel, func(t *turn) error {
		if err := t.fresh(ctx); err != nil {
			return err
		}
		c, err := t.challengeOf(ctx, claim)
		if err != nil {
			return err
		}
		switch {
		case t.mute() != "" || !t.signInOpen(c):
			return fault.Tell(fault.NotExist, "Nothing waits for this sign-in any more.", "Make the claim again in your app, and come back from there.")
		case c.Record.System != "" && (c.Record.System != ref.System || c.Record.ID != ref.ID):
			return fault.Tell(fault.Denied, "You have signed in as another customer than the one who was named.", "Look in your app which customer number you gave.")
		}
		c.Record = ref
		c.Sends++
		code = g.code(claim, c.Sends)
		c.Hash, c.Sent, c.Left = hashCode(claim, code), t.now, maxTries
		t.c.Challenges = append(t.c.Challenges, *c)
		t.c.Audit = append(t.c.Audit, Audit{Rel: rel, At: t.now, By: "the customer", Act: "sign in", Entry: claim})
		return nil
	})
	if _, told := errors.AsType[*fault.Notice](err); !told && fault.KindOf(err) == fault.NotExist { // no such relationship
		err = fault.Tell(fault.NotExist, "This address is not one that we gave out.", "Follow the link in your app.")
	}
	if err != nil {
		return "", err
	}
	return showCode(code), nil
}

// customer returns the one record that the sign-in names.
func (g *Gateway) customer(ctx context.Context, record string) (connector.Ref, error) {
	binder, ok := g.records().(connector.Binder)
	if !ok {
		return connector.Ref{System: cmp.Or(g.lanes[0].system, unnamed), ID: record}, nil
	}
	refs, err := binder.Find(ctx, connector.Claim{Record: record})
	if err != nil {
		return connector.Ref{}, err
	}
	if len(refs) != 1 {
		return connector.Ref{}, fault.Tell(fault.NotExist, "Your account does not lead to one customer record here.", "Ask us to put that right.")
	}
	return refs[0], nil
}

// signInOpen reports whether c waits for somebody to sign in.
func (t *turn) signInOpen(c *Challenge) bool {
	if c == nil || c.Entry.IsZero() || !c.Proof.IsZero() || c.Until.Over(t.now) || t.state().Binding != nil || len(t.state().Closed) > 0 {
		return false
	}
	for _, each := range t.state().Claims {
		if each.Entry == c.Claim {
			return each.Challenge != nil && each.Challenge.Entry == c.Entry && each.Challenge.Say.Way == "sign_in"
		}
	}
	return false
}
