package gateway

import (
	"context"
	"fmt"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// What operators do. Each act is written to the audit before it happens, and if
// that fails it doesn't happen. by is who acts, as the command or desk knows it.

// audit writes what is about to be done.
func (g *Gateway) audit(ctx context.Context, by, act string, rel, entry firsthand.ID, note string) error {
	if by == "" {
		return fault.Tell(fault.Invalid, "It is not known who acts.", "Say who you are: --by NAME")
	}
	if _, err := g.o.Store.Relationship(ctx, rel); err != nil {
		return fmt.Errorf("relationship %s: %w", rel, err)
	}
	a := Audit{Rel: rel, At: g.o.Now(), By: by, Act: act, Entry: entry, Note: cut(note, maxWhy)}
	return g.commit(ctx, Commit{Audit: []Audit{a}})
}

// Apply says that an operator has done by hand, in the company's system, what an
// entry asks for: brought a fact to the record with that number, answered for a
// ticket, or, for a disclosure that has ended, removed it. A value is still read
// back where the system can be read; only where it can't, the customer is told
// that it was reported. record may be empty if it is known already.
func (g *Gateway) Apply(ctx context.Context, by string, rel, entry firsthand.ID, record string) error {
	return g.act(ctx, by, "apply", rel, entry, record, func(t *turn, d Delivery) error {
		if record != "" {
			d.Ref = connector.Ref{System: t.row.Record.System, ID: record}
			if l := t.g.lane(d.Lane); l.name == Tickets {
				d.Ref.System = l.system
			}
		} else if d.Ref.IsZero() && t.g.laneOf(t.row.Record) == t.g.lane(d.Lane) {
			d.Ref = t.row.Record
		}
		wasStolen := d.Why == stolen
		d.Why, d.Tries, d.Next = "", min(d.Tries, 1), t.now
		switch {
		case d.Task == Merge || wasStolen:
			d.Status, d.Due = Done, ""
		case d.Task == Redact:
			next, more, err := t.remainsElsewhere(ctx, d)
			if err != nil {
				return err
			}
			switch d.Reported = true; {
			case t.g.lane(d.Lane).erases():
				d.Status = Checking // what isn't for her to remove
			case more:
				d.Status, d.Lane, d.Ref = Waiting, Tickets, next
			default:
				d.Status = Applied
			}
		case t.hasRecord(d) && t.g.records() != nil:
			d.Status = Checking
		default:
			d.Status, d.Reported = Applied, t.hasRecord(d)
		}
		t.queue(d)
		return t.outcome(ctx, d)
	})
}

// Refuse says that an entry will not be applied, and why; the customer reads the
// reason. A disclosure that has ended and that the company keeps is refused by
// the law that makes it.
func (g *Gateway) Refuse(ctx context.Context, by string, rel, entry firsthand.ID, reason string) error {
	if reason == "" {
		return fault.Tell(fault.Invalid, "A refusal needs a reason.", "The customer reads it.")
	}
	return g.act(ctx, by, "refuse", rel, entry, reason, func(t *turn, d Delivery) error {
		if d.Why == stolen {
			return fault.Tell(fault.Invalid, "She has disowned this: there is nothing to refuse.", "Put it right in the system, and say so: firsthand-gateway apply")
		}
		d.Why, d.Tries = cut(reason, maxWhy), min(d.Tries, 1)
		switch d.Task {
		case Deliver:
			d.Status = Declined
			t.queue(d)
			return t.outcome(ctx, d)
		case Redact:
			h := t.state().Holding(d.Entry)
			if h == nil || h.Withdraw.IsZero() {
				return fault.Tell(fault.Invalid, "She has not taken this back; it ended by itself.", "It has to be erased.")
			}
			if why := t.mute(); why != "" {
				return fault.Tell(fault.Unavailable, "Nothing can be signed now: "+why+".", "Try again later.")
			}
			if _, err := t.say(ctx, &firsthand.Refused{Entry: h.Withdraw, Reason: d.Why}); err != nil {
				return err
			}
		}
		d.Status, d.Due = Done, ""
		t.queue(d)
		return nil
	})
}

// Retry lets a delivery that was stopped or held be tried again, after what was
// in its way has been dealt with.
func (g *Gateway) Retry(ctx context.Context, by string, rel, entry firsthand.ID) error {
	return g.act(ctx, by, "retry", rel, entry, "", func(t *turn, d Delivery) error {
		if d.Task == Merge || t.g.lane(d.Lane).connector == nil {
			return fault.Tell(fault.Invalid, "This is not done by machine.", "Do it by hand, and say so.")
		}
		d.Status, d.Why, d.Tries, d.Next = Waiting, "", min(d.Tries, 1), t.now
		d.Lane = t.g.lane(d.Lane).name // it may be gone
		t.queue(d)
		return nil
	})
}

// Challenge has a code sent, or sent again, to the contact of the record to which
// a claim belongs. record may be empty if the system finds exactly one.
func (g *Gateway) Challenge(ctx context.Context, by string, rel, claim firsthand.ID, record string) error {
	return g.act(ctx, by, "challenge", rel, claim, record, func(t *turn, d Delivery) error {
		if d.Task != Verify {
			return fault.Tell(fault.Invalid, "This entry is no claim.", "")
		}
		c, err := t.challengeOf(ctx, claim)
		if err != nil {
			return err
		}
		if c == nil {
			c = &Challenge{Rel: rel, Claim: claim, Seq: d.Seq}
		}
		if record != "" {
			c.Record = connector.Ref{ID: record} // of which system, is found with it
		}
		c.Hash, c.Entry = firsthand.ID{}, firsthand.ID{} // what was sent before is dead
		t.c.Challenges = append(t.c.Challenges, *c)
		d.Status, d.Why, d.Tries, d.Next, d.Due = Waiting, "", 0, t.now, firsthand.OneMonthAfter(t.now)
		t.queue(d)
		return nil
	})
}

// Say signs what an operator has to say: a message, a question for a fact, the
// answer to a request, an account of what is held, the end of terms, a pause, or
// the end of the relationship.
func (g *Gateway) Say(ctx context.Context, by string, rel firsthand.ID, c firsthand.Content) error {
	switch c.Kind() {
	case "message", "ask", "answer", "holds", "terms.end", "pause", "close":
	default:
		return fault.Tell(fault.Invalid, fmt.Sprintf("%s is not said by hand.", c.Kind()), "")
	}
	if _, err := firsthand.EncodeBody(c); err != nil {
		return err
	}
	if err := g.audit(ctx, by, "say "+string(c.Kind()), rel, firsthand.ID{}, ""); err != nil {
		return err
	}
	return g.within(ctx, rel, func(t *turn) error {
		if err := t.tell(ctx, c, firsthand.ID{}, t.now); err != nil {
			return err
		}
		if t.mute() != "" {
			return nil
		}
		switch c := c.(type) {
		case *firsthand.Answer:
			return t.answered(ctx, c.Request)
		case *firsthand.Close, *firsthand.TermsEnd:
			_, err := t.endings(ctx)
			return err
		}
		return nil
	})
}

// answered takes the clock off a request that was answered.
func (t *turn) answered(ctx context.Context, request firsthand.ID) error {
	d, ok, err := t.delivery(ctx, t.state().Pos(request).Seq, Deliver)
	if err != nil || !ok {
		return err
	}
	d.Due = t.answerDue(request)
	t.queue(d)
	return nil
}

// act finds the delivery of an entry that waits for somebody, and has fn do
// something about it, after the audit.
func (g *Gateway) act(ctx context.Context, by, act string, rel, entry firsthand.ID, note string, fn func(*turn, Delivery) error) error {
	if err := g.audit(ctx, by, act, rel, entry, note); err != nil {
		return err
	}
	return g.within(ctx, rel, func(t *turn) error {
		if err := t.fresh(ctx); err != nil {
			return err
		}
		all, err := t.deliveries(ctx)
		if err != nil {
			return err
		}
		var found *Delivery
		for i, d := range all {
			if d.Entry == entry && d.Task != Review && !d.over(act) {
				found = &all[i] // the last: what is to be erased was delivered before
			}
		}
		if found == nil {
			return fault.Tell(fault.NotExist, "Nothing waits for anybody about this entry.", "See what does: firsthand-gateway due")
		}
		return fn(t, *found)
	})
}

// over reports whether there is nothing left to do about d by act.
func (d *Delivery) over(act string) bool {
	switch d.Status {
	case Applied, Declined, Later:
		return true
	case Done:
		return d.Task != Verify || act != "challenge" && act != actCode // a code can be sent again
	}
	return false
}
