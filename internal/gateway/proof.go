package gateway

import (
	"context"

	"firsthand"
)

// prove judges a proof. The try is counted in the commit that takes the proof, so
// that no crash gives one back; and a proof that is sent again is known by its
// entry, and isn't one more.
func (t *turn) prove(ctx context.Context, e *firsthand.Entry) error {
	if err := t.fresh(ctx); err != nil {
		return err
	}
	proof, err := as[*firsthand.Proof](e)
	if err != nil || t.state().Binding != nil {
		return err
	}
	if err := t.loadChallenges(ctx); err != nil {
		return err
	}
	var c *Challenge
	for _, each := range t.challenges {
		if each.Entry == proof.Challenge {
			c = each
		}
	}
	switch {
	case c == nil || e.Seq <= c.Tried:
		return nil // of a challenge that another has replaced, or judged already
	case c.Hash.IsZero() || c.Until.Over(t.now):
		return t.tell(ctx, &firsthand.Message{Text: "This code is no longer good. Please make a new claim."}, e.ID, t.now)
	}
	c.Left--
	c.Tried = e.Seq
	right := c.rightCode(proof.Code)
	switch {
	case right:
		c.Proof, c.Hash = e.ID, firsthand.ID{}
	case c.Left <= 0:
		c.Hash = firsthand.ID{}
	}
	t.c.Challenges = append(t.c.Challenges, *c)
	switch {
	case right:
		return t.bind(ctx)
	case c.Left > 0:
		return t.tell(ctx, &firsthand.Message{Text: "That is not the code that we sent. Please look again."}, e.ID, t.now)
	}
	t.queue(Delivery{Seq: c.Seq, Task: Verify, Entry: c.Claim, Status: Held, Due: firsthand.OneMonthAfter(t.now),
		Why: "too many wrong codes: look whether it is the customer before another is sent"})
	return t.tell(ctx, &firsthand.Message{Text: "That was not the code either, and it is no longer good. We will look at it."}, e.ID, t.now)
}

// bind says bound for a claim that was proved, and lets everything that waited
// for the proof go to the record.
func (t *turn) bind(ctx context.Context) error {
	if err := t.loadChallenges(ctx); err != nil {
		return err
	}
	for _, c := range t.challenges {
		if c.Proof.IsZero() || t.state().Binding != nil {
			continue
		}
		if err := t.sayIfFits(ctx, &firsthand.Bound{Proof: c.Proof, System: c.Record.System, Record: c.Record.ID}); err != nil {
			return err
		}
		if t.state().Binding == nil {
			continue
		}
		if made := t.row.Record; !made.IsZero() && made.ID != c.Record.ID {
			t.queue(Delivery{Seq: c.Seq, Task: Merge, Entry: c.Claim, Status: Held, Ref: made, Due: firsthand.OneMonthAfter(t.now), Why: twoRecords})
		}
		t.row.Record = c.Record
		t.row.Record.Version = ""
		if err := t.proposeAgain(ctx); err != nil {
			return err
		}
	}
	return nil
}

// proposeAgain delivers what was only a proposal until the proof.
func (t *turn) proposeAgain(ctx context.Context) error {
	all, err := t.deliveries(ctx)
	if err != nil {
		return err
	}
	for _, d := range all {
		if d.Task == Deliver && (d.Status == Proposed || d.Status == Held) && t.isStated(d.Entry) {
			d.Status, d.Next, d.Why, d.Tries = Waiting, t.now, "", min(d.Tries, 1)
			t.queue(d)
		}
	}
	return nil
}

// isStated reports whether entry id changes what she says the company has from
// before.
func (t *turn) isStated(id firsthand.ID) bool {
	h := t.holding(id)
	return h != nil && h.Origin == firsthand.Stated
}
