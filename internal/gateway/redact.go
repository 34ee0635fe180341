package gateway

import (
	"context"
	"errors"
	"slices"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// redact removes what has ended from the company's systems, and then its bodies
// from the logs here: first what was brought to a system lies there in mails or notes,
// then the record, or an operator does that; and when she says that it is removed, the
// mails are looked for once more. It goes from lane to lane: where the system of one has been
// rid of it, and there is something of it in the next, it waits there in line. The
// signed erased comes last, in the commit that deletes the bodies; so it is never said
// of what is still there, and a crash before it removes the same once more.
func (g *Gateway) redact(ctx context.Context, d Delivery) error {
	var found traces
	var o outcome
	over, l := false, g.lane(d.Lane)
	said := d.Status == Checking // by an operator: it is removed
	err := g.within(ctx, d.Rel, func(t *turn) (err error) {
		if over = t.mute() != ""; over {
			return nil
		}
		if found, o, err = t.remains(ctx, d); err != nil {
			return err
		}
		_, more := g.goesOn(l.name, &found)
		if over = o.status == Done || o.status != "" && !said && !l.erases() && !(more && o.status == Applied); over {
			return t.settle(ctx, d, o)
		}
		for _, e := range found.waits {
			if o.status != "" || said {
				break // the record is left alone
			}
			e.Status, e.Why = Held, "it waited for a person when the same fact was removed, and may have gone with it: look whether it is there"
			t.queue(e)
		}
		// In the commit that stops the deliveries by which it was found: for the next
		// try, should this one fail.
		d.Lane = l.name // it may be gone
		if len(found.refs) > 0 {
			d.Ref = g.first(d.Lane, found.refs)
		}
		t.queue(d)
		t.queued = false // it is nobody else's to do
		return nil
	})
	if err != nil || over {
		return err
	}
	switch left := g.erase(ctx, l, &found); {
	case left.status != "" || left.err != nil:
		left.ref = d.Ref
		return g.settle(ctx, d, left)
	case said:
		o = outcome{status: Applied, ref: d.Ref, reported: true}
	case o.status == "":
		o = g.remove(ctx, l, &found)
	}
	if ref, more := g.goesOn(l.name, &found); more && o.status == Applied {
		o.status, o.next, o.ref = Waiting, Tickets, ref
	}
	o.reported = o.reported || d.Reported // of one before it in the other lane
	return g.settle(ctx, d, o)
}

// erase removes what requests have left in the system of l beside the record. The
// outcome is zero if nothing of them is left there.
func (g *Gateway) erase(ctx context.Context, l *lane, found *traces) outcome {
	if !l.erases() || len(found.entries) == 0 {
		return outcome{}
	}
	err := l.connector.(connector.Eraser).Erase(ctx, found.entries...)
	if fault.KindOf(err) == fault.Conflict {
		return outcome{status: Held, why: why(err)}
	}
	return outcome{err: err}
}

// remove removes a fact from the records of l in which it was found.
func (g *Gateway) remove(ctx context.Context, l *lane, found *traces) outcome {
	o := outcome{status: Applied, ref: found.refs[0]}
	for _, ref := range found.refs {
		if g.laneOf(ref) != l {
			continue
		}
		if !l.has(ref) {
			return outcome{status: Held, ref: ref, why: ref.System + " is not connected any more: remove " + found.fact + " from the record there by hand" + found.discard() + ", and say so"}
		}
		redactor, ok := l.connector.(connector.Redactor)
		if !ok {
			return outcome{status: Held, ref: ref, why: "remove " + found.fact + " from the record by hand" + found.discard() + ", and say so"}
		}
		if err := redactor.Redact(ctx, ref, found.fact); err != nil {
			return outcome{ref: ref, err: err}
		}
		last := isGone(ctx, l.connector, ref, found.fact)
		if last.status != Applied {
			return last
		}
		last.reported = last.reported || o.reported
		o = last
	}
	return o
}

// first returns the first of refs that is in a lane, or the first of all.
func (g *Gateway) first(lane Lane, refs []connector.Ref) connector.Ref {
	for _, ref := range refs {
		if g.laneOf(ref).name == lane {
			return ref
		}
	}
	return refs[0]
}

// goesOn reports whether there may be something to remove after what is in a lane, and
// the record that it is in, if that is known.
func (g *Gateway) goesOn(lane Lane, found *traces) (next connector.Ref, more bool) {
	last := g.lane(Tickets)
	if lane != Records || last.name != Tickets {
		return next, false
	}
	if i := slices.IndexFunc(found.refs, func(ref connector.Ref) bool { return g.laneOf(ref) == last }); i >= 0 {
		return found.refs[i], true
	}
	return next, last.erases() && len(found.entries) > 0
}

// isGone reads the record back.
func isGone(ctx context.Context, system connector.Connector, ref connector.Ref, fact string) outcome {
	o := outcome{status: Applied, ref: ref}
	rec, err := system.Read(ctx, ref)
	switch {
	case fault.KindOf(err) == fault.NotExist: // the record went too
	case errors.Is(err, errors.ErrUnsupported):
		o.reported = true
	case err != nil:
		return outcome{ref: ref, err: err}
	case !rec.Facts[fact].IsZero():
		o.status, o.why = Held, "the system still shows "+fact+" after removing it"
	}
	return o
}

// stopDelivery ends the delivery of what is taken back.
func (t *turn) stopDelivery(d Delivery) {
	if slices.Contains([]Status{Waiting, Checking, Stopped, Held, Proposed}, d.Status) {
		d.Status, d.Due = Done, ""
		t.queue(d)
	}
}

// void reports whether an entry that gave a fact gives it no more: what it said was
// erased, or she has disowned it.
func (t *turn) void(id firsthand.ID) bool {
	kind, _, effect := t.state().Entry(id)
	return !effect && (kind == "disclose" || kind == "change")
}

// sayErased says that what d's entry began is gone, and with the same commit it
// is: the disclosure, its changes, and our own account of it. What of them has no
// outcome gets one first, since who erases owes what was owed all the same.
func (t *turn) sayErased(ctx context.Context, d Delivery) error {
	parts, err := t.parts(ctx, d.Entry)
	if err != nil {
		return err
	}
	if len(parts) > 0 {
		if h := t.state().Holding(d.Entry); h != nil && !h.Withdraw.IsZero() && t.state().Outcomes[h.Withdraw] == nil {
			c := &firsthand.Applied{Entry: h.Withdraw, System: t.system(&d), Record: d.Ref.ID, Reported: d.Reported}
			if err := t.sayIfFits(ctx, c); err != nil {
				return err
			}
		}
		var ids []firsthand.ID
		for _, e := range parts {
			ids = append(ids, e.ID)
			if e.Kind() == "change" && t.state().Outcomes[e.ID] == nil {
				if err := t.sayIfFits(ctx, &firsthand.Refused{Entry: e.ID, Reason: "It ended before it was applied."}); err != nil {
					return err
				}
			}
			// What came after the erasing was decided on: nothing is to be done about it.
			if of, ok, err := t.delivery(ctx, e.Seq, Deliver); err != nil {
				return err
			} else if ok {
				t.stopDelivery(of)
			}
		}
		accounts, err := t.accounts(ctx, &parts[0])
		if err != nil {
			return err
		}
		for part := range slices.Chunk(append(ids, accounts...), maxErased) {
			if err := t.fresh(ctx); err != nil {
				return err
			}
			if _, err := t.say(ctx, t.state().Erasure(part...)); err != nil {
				return err
			}
		}
	}
	if d.Due != "" {
		d.Due = ""
		t.queue(d)
	}
	return nil
}

// maxErased is how many entries one erased names: it has to fit into a body.
const maxErased = 256

// accounts returns our own entries that tell the fact which e gave.
func (t *turn) accounts(ctx context.Context, e *firsthand.Entry) (ids []firsthand.ID, err error) {
	b, err := t.begun(ctx, e.ID)
	if err != nil {
		return nil, err
	}
	second, err := t.log(ctx, firsthand.Second)
	for i := range second {
		if e := &second[i]; e.HasBody() && e.Kind() == "holds" {
			if h, err := as[*firsthand.Holds](e); err == nil && h.Fact == b.fact && h.Origin == firsthand.Told {
				ids = append(ids, e.ID)
			}
		}
	}
	return ids, err
}
