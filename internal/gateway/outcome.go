package gateway

import (
	"cmp"
	"context"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// outcome says what became of a delivery, if that is known, can be said and has
// not been said. What was done is in d; what is said about it stands in the log,
// so that it is said again where a fork has taken it back.
func (t *turn) outcome(ctx context.Context, d Delivery) error {
	if t.mute() != "" {
		return nil
	}
	if err := t.fresh(ctx); err != nil {
		return err
	}
	switch {
	case d.Task == Deliver && (d.Status == Applied || d.Status == Declined):
		return t.sayOutcome(ctx, d)
	case d.Task == Redact && d.Status == Applied:
		return t.sayErased(ctx, d)
	}
	return nil
}

// saidAlready brings a delivery up to what the log says of it, and reports whether
// that has changed it: the row may be of an old file, or new, and what it came to
// was taken back from the agent.
func (t *turn) saidAlready(d *Delivery) bool {
	o := t.state().Outcomes[d.Entry]
	if o == nil || d.Task != Deliver || d.Why == stolen || d.Status == Applied || d.Status == Declined || d.Status == Done {
		return false
	}
	d.Status, d.Why, d.Due, d.Tries = Declined, o.Reason, t.answerDue(d.Entry), min(d.Tries, 1)
	if o.Applied {
		d.Status, d.Ref = Applied, connector.Ref{System: o.System, ID: o.Record}
		if t.row.Record.IsZero() && t.hasRecord(*d) {
			t.row.Record = d.Ref
		}
	}
	return true
}

// sayOutcome says applied or refused of d's entry.
func (t *turn) sayOutcome(ctx context.Context, d Delivery) error {
	if t.state().Outcomes[d.Entry] == nil {
		e, err := t.entry(ctx, d.Seq)
		if err != nil {
			return err
		}
		if !e.HasBody() {
			d.Status, d.Due = Done, ""
			t.queue(d)
			return nil
		}
		var c firsthand.Content
		if d.Status == Declined {
			c = &firsthand.Refused{Entry: d.Entry, Reason: cmp.Or(d.Why, notAccepted)}
		} else if c, err = t.applied(&e, &d); err != nil {
			return err
		}
		_, err = t.say(ctx, c)
		if fault.KindOf(err) == fault.Invalid {
			// Both sides would flag it: say nothing, and let somebody look.
			d.Status, d.Why = Held, "it is in the system, but that can't be signed: "+fault.RuleOf(err)
			t.queue(d)
			return nil
		}
		if err != nil {
			return err
		}
	}
	due := t.answerDue(d.Entry)
	if d.Due != due {
		d.Due = due
		t.queue(d)
	}
	return nil
}

// applied returns what is said of e, which is in the system: the record, and for
// a value its MAC, which only those who know the value can compare.
func (t *turn) applied(e *firsthand.Entry, d *Delivery) (*firsthand.Applied, error) {
	value, err := valueOf(e)
	if err != nil {
		return nil, err
	}
	c := &firsthand.Applied{Entry: e.ID, System: t.system(d), Record: d.Ref.ID, Reported: d.Reported}
	if !value.IsZero() {
		c.Value = value.MAC(e.Salt)
	}
	return c, nil
}

// system returns the name of the system that a delivery went to, as the customer
// reads it.
func (t *turn) system(d *Delivery) string {
	if l := t.g.lane(d.Lane); l.name == Tickets {
		return cmp.Or(d.Ref.System, l.system)
	}
	return cmp.Or(d.Ref.System, t.row.Record.System, unnamed)
}

// What is said where the company's system says nothing better.
const (
	unnamed     = "system"
	notAccepted = "The system does not accept it."
)

// valueOf returns the value that e gives, if it is of a kind that does.
func valueOf(e *firsthand.Entry) (firsthand.Value, error) {
	c, err := firsthand.DecodeBody(e.Body)
	switch c := c.(type) {
	case *firsthand.Disclose:
		return c.Value, err
	case *firsthand.Change:
		return c.Value, err
	}
	return firsthand.Value{}, err
}

// answerDue returns by when a request of that entry has to be answered, "" if it
// was, or if the entry is no request.
func (t *turn) answerDue(id firsthand.ID) firsthand.Date {
	for _, r := range t.state().Requests {
		if r.Entry == id && (r.Answer == nil || r.Answer.Say.Outcome == "extended") {
			return r.Due
		}
	}
	return ""
}
