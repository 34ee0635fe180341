package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// An outcome is what a step of a delivery came to: a new status, or an error.
type outcome struct {
	status   Status
	ref      connector.Ref
	why      string
	reported bool
	err      error
}

// deliver brings one of first's entries to the company's system: prepare under
// the lock, call the connector without it, settle under it again.
func (g *Gateway) deliver(ctx context.Context, d Delivery) error {
	p, err := g.prepare(ctx, d)
	if err != nil || p == nil {
		return err
	}
	return g.settle(ctx, d, g.carry(ctx, d, p))
}

// A parcel is what a delivery brings, and who has to hear of it first.
type parcel struct {
	request connector.Request
	warn    bool // tell the contact on record before anything is written
}

// prepare builds the request from what the logs say now. It returns nil where
// there is nothing to deliver, after settling that.
func (g *Gateway) prepare(ctx context.Context, d Delivery) (p *parcel, err error) {
	err = g.within(ctx, d.Rel, func(t *turn) error {
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
			return nil
		}
		var o outcome
		if p, o, err = t.parcel(ctx, &e); err == nil && p == nil {
			err = t.settle(ctx, d, o)
		}
		return err
	})
	return p, err
}

// parcel returns what e brings, or the outcome where it is not to be brought.
func (t *turn) parcel(ctx context.Context, e *firsthand.Entry) (*parcel, outcome, error) {
	c, err := firsthand.DecodeBody(e.Body)
	if err != nil {
		return nil, outcome{}, err
	}
	r := connector.Request{ID: e.ID, Relationship: t.r.id, Kind: c.Kind(), At: e.At, Record: t.row.Record}
	s := t.state()
	switch say := c.(type) {
	case *firsthand.Message:
		r.Subject, r.Text = subject(say.Text), say.Text
		r.Thread, err = t.ticket(ctx, say.Thread)
	case *firsthand.Request:
		r.Subject, r.Text = fmt.Sprintf("%s (%s), due %s", say.Right, say.Law, say.Due), requestText(say)
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
		if no := t.covers(basis, h); no != "" {
			return nil, outcome{status: Declined, why: no}, err
		}
	}
	p := &parcel{request: r}
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
	terms, err := t.g.o.Roster.Resolve(a.Terms)
	if err != nil {
		return "The agreement that this stands on is not one that we know."
	}
	purpose := h.Purpose
	if h.Origin == firsthand.Stated {
		purpose = purposeRecord
	}
	if !terms.Covers(purpose).Covered {
		return "The agreement that this stands on does not cover the purpose."
	}
	return ""
}

// purposeRecord is the purpose of setting right what a company has from before.
const purposeRecord = "dpv:AccountManagement"

// before returns the value that h had before e.
func (t *turn) before(ctx context.Context, e *firsthand.Entry, h *firsthand.Holding) (v firsthand.Value, err error) {
	// The state knows which entries they were; only the last is read.
	log := t.state().Log(firsthand.First)
	for seq := e.Seq - 1; seq > 0; seq-- {
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

// carry calls the connector. Each call may be repeated at any later time.
func (g *Gateway) carry(ctx context.Context, d Delivery, p *parcel) outcome {
	o := outcome{status: Applied, ref: d.Ref}
	r := &p.request
	if d.Status != Checking {
		if p.warn {
			if err := g.warn(ctx, r); err != nil {
				return outcome{err: err}
			}
		}
		res, err := g.handOver(ctx, r)
		if err != nil {
			return outcome{err: err}
		}
		o.ref = res.Ref
		switch res.State {
		case connector.Proposed:
			o.status = Proposed
			return o
		case connector.Declined:
			o.status, o.why = Declined, cut(res.Reason, maxWhy)
			return o
		case connector.Written:
		default:
			return outcome{err: fmt.Errorf("the connector answers %q", res.State)}
		}
		switch {
		case r.Proposal:
			return outcome{err: errors.New("the connector wrote what was only a proposal")}
		case !r.Value.IsZero() && !r.Record.IsZero() && res.Ref.ID != r.Record.ID:
			return outcome{err: errors.New("the connector wrote to another record than the one named")}
		case res.Reported && !r.Value.IsZero() && !res.Value.Equal(r.Value):
			o.status, o.why = Held, otherValue
			return o
		case res.Reported:
			o.reported = true
			return o
		}
	}
	if r.Value.IsZero() {
		return o // a ticket: there is nothing to compare
	}
	rec, err := g.o.Connector.Read(ctx, o.ref)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		o.reported = true // on an operator's word, or a person's in the system
	case fault.KindOf(err) == fault.NotExist:
		o.status, o.why = Held, "the record is not there when it is read back"
	case err != nil:
		return outcome{status: Checking, ref: o.ref, err: err}
	case !rec.Facts[r.Fact].Equal(r.Value):
		o.status, o.why = Held, otherValue
	default:
		o.ref = rec.Ref
	}
	return o
}

const otherValue = "the system shows another value than the one she gave"

// handOver delivers. Where the record has changed since it was last seen, what
// she says now is newer than what stands there, and it is delivered again against
// the record as it is.
func (g *Gateway) handOver(ctx context.Context, r *connector.Request) (connector.Result, error) {
	for range 3 {
		res, err := g.o.Connector.Deliver(ctx, *r)
		if fault.KindOf(err) != fault.Conflict || r.Record.IsZero() {
			return res, err
		}
		rec, err := g.o.Connector.Read(ctx, r.Record)
		if err != nil {
			return res, err
		}
		r.Record = rec.Ref
	}
	return connector.Result{}, fmt.Errorf("the record changes all the time: %w", fault.Unavailable)
}

// warn tells the contact on record that it is about to change: the one person who
// must hear of it if it isn't her who changes it. It comes before the change,
// because after it the contact on record is the new one.
func (g *Gateway) warn(ctx context.Context, r *connector.Request) error {
	binder, ok := g.o.Connector.(connector.Binder)
	if !ok {
		return nil
	}
	_, err := binder.Notify(ctx, r.Record, contactMessage(&g.o.Company, r))
	if fault.KindOf(err) == fault.NotExist {
		return nil // nobody to tell
	}
	return err
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
