package gateway

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/terms"
)

// A parcel is what a delivery brings, and who has to hear of it first.
type parcel struct {
	request connector.Request
	warn    bool // tell the contact on record before anything is written
	again   bool // the system may have been called with it before
	stated  bool // it changes what she says the company has from before: in the record that is proved to be hers, and no other
}

// prepare builds the request from what the logs say now. It returns nil where
// there is nothing to deliver, after settling that.
func (g *Gateway) prepare(ctx context.Context, d Delivery) (p *parcel, err error) {
	err = g.within(ctx, d.Rel, func(t *turn) error {
		p = nil
		d := d // this may run again
		if t.mute() != "" {
			return nil
		}
		if err := t.fresh(ctx); err != nil {
			return err
		}
		e, err := t.entry(ctx, d.Seq)
		if err != nil {
			return err
		}
		if !e.HasBody() || t.state().Outcomes[e.ID] != nil {
			d.Status, d.Due = Done, ""
			t.queue(d)
			return t.decidedBefore(ctx, d)
		}
		var o outcome
		if p, o, err = t.parcel(ctx, &e); err != nil {
			return err
		}
		if l := g.laneFor(e.Kind()); l.name != d.Lane && d.Status == Waiting {
			d.Lane = l.name // it was put into line when the company had other systems
			p = nil
			t.queue(d)
			return nil
		}
		if p == nil {
			return t.settle(ctx, d, o)
		}
		p.again = d.Tries > 0 || t.mayBeDone(&e)
		// Before it is called: after a crash nobody could tell any more that it was. Who
		// comes next looks when the system has done what it was at, or makes it twice.
		d.Tries++
		d.Next = t.now.Add(callTime)
		t.queue(d)
		t.queued = false // it is nobody else's to do
		return nil
	})
	return p, err
}

// callTime is how long a system may go on with a call whose caller is gone. What is
// settled meanwhile doesn't wait for it.
const callTime = 10 * time.Second

// parcel returns what e brings, or the outcome where it is not to be brought.
func (t *turn) parcel(ctx context.Context, e *firsthand.Entry) (*parcel, outcome, error) {
	c, err := firsthand.DecodeBody(e.Body)
	if err != nil {
		return nil, outcome{}, err
	}
	l := t.g.laneFor(c.Kind())
	r := connector.Request{ID: e.ID, Relationship: t.r.id, Kind: c.Kind(), At: e.At, Record: t.row.Record}
	if t.g.laneOf(r.Record) != l {
		r.Record = connector.Ref{} // is the other system's
	}
	s := t.state()
	switch say := c.(type) {
	case *firsthand.Message:
		r.Subject, r.Text = subject(say.Text), say.Text
		if r.Thread, err = t.ticket(ctx, say.Thread); !l.has(r.Thread) {
			r.Thread = connector.Ref{} // of a system that was the helpdesk before
		}
	case *firsthand.Request:
		r.Subject, r.Text = subject(fmt.Sprintf("%s (%s), due %s", say.Right, say.Law, say.Due)), requestText(say)
	case *firsthand.Disclose, *firsthand.Change:
		h := t.holding(e.ID)
		if h == nil || t.ended(h) {
			return nil, outcome{status: Done}, nil
		}
		basis := h.Basis
		r.Fact, r.Purpose = h.Fact, h.Purpose
		switch c := c.(type) {
		case *firsthand.Disclose:
			r.Value = c.Value
		case *firsthand.Change:
			basis, r.Value, r.Old = c.Basis, c.Value, c.Old
			if r.Old.IsZero() {
				r.Old, err = t.before(ctx, e, h)
			}
			r.Proposal = h.Origin == firsthand.Stated && s.Binding == nil
		}
		if r.Proposal {
			r.Record = connector.Ref{} // what was made for her is not what she speaks of
		}
		if no := cmp.Or(t.covers(basis, h), t.g.serves(purposeOf(h))); no != "" {
			return nil, outcome{status: Declined, why: no}, err
		}
	}
	p := &parcel{request: r, stated: t.isStated(e.ID)}
	p.warn = s.Binding != nil && isContact(r.Fact)
	return p, outcome{}, err
}

// covers says why a fact may not be used for what it was given for, "" if it may:
// the agreement it stands on has to be in force and to permit the purpose. A
// right, and an exception that she made, stand for themselves.
func (t *turn) covers(b firsthand.Basis, h *firsthand.Holding) string {
	if b.Agreement.IsZero() {
		return ""
	}
	a := t.state().Agreement(b.Agreement)
	if a == nil || !a.InForce(t.now) {
		return "The agreement that this stands on is not in force."
	}
	agreed, err := t.g.o.Roster.Resolve(a.Terms)
	if err != nil {
		return "The agreement that this stands on is not one that we know."
	}
	if !agreed.Covers(purposeOf(h)).Covered {
		return "The agreement that this stands on does not cover the purpose."
	}
	return ""
}

// serves says why the company's system is not to have what serves a purpose, "" if
// it is.
func (g *Gateway) serves(purpose string) string {
	same := func(p string) bool { return terms.SamePurpose(p, purpose) }
	if len(g.o.Purposes) == 0 || slices.ContainsFunc(g.o.Purposes, same) {
		return ""
	}
	return "None of our systems serves this purpose, so we did not keep it there."
}

// purposeOf returns what a holding is for.
func purposeOf(h *firsthand.Holding) string {
	if h.Origin == firsthand.Stated {
		return purposeRecord
	}
	return h.Purpose
}

// purposeRecord is the purpose of setting right what a company has from before.
const purposeRecord = "dpv:AccountManagement"

// before returns the value that h had before e.
func (t *turn) before(ctx context.Context, e *firsthand.Entry, h *firsthand.Holding) (v firsthand.Value, err error) {
	// The state knows which entries they were; only the last is read.
	log, begun := t.state().Log(firsthand.First), int64(1)
	if pos := t.state().Pos(h.Entry); pos.Side == firsthand.First {
		begun = pos.Seq
	}
	for seq := e.Seq - 1; seq >= begun; seq-- {
		if t.holding(log.ID(seq)) != h {
			continue
		}
		f, err := t.entry(ctx, seq)
		if err != nil {
			return v, err
		}
		if f.HasBody() {
			return valueOf(&f)
		}
	}
	return v, nil
}

// ticket returns the ticket that the message which began a thread has made.
func (t *turn) ticket(ctx context.Context, thread firsthand.ID) (connector.Ref, error) {
	pos := t.state().Pos(thread)
	if pos.Side != firsthand.First {
		return connector.Ref{}, nil
	}
	d, _, err := t.delivery(ctx, pos.Seq, Deliver)
	return d.Ref, err
}

// isContact reports whether a fact is one by which a person is reached.
func isContact(fact string) bool {
	head, _, _ := strings.Cut(fact, ".")
	switch head {
	case "email", "phone", "mobile", "tel", "telephone", "address":
		return true
	}
	return false
}
