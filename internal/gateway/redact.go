package gateway

import (
	"context"
	"errors"
	"slices"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// redact removes what has ended from the company's system, and then its bodies
// from the logs here. The signed erased comes last, in the commit that deletes
// them; so it is never said of what is still there, and a crash before it removes
// the same once more.
func (g *Gateway) redact(ctx context.Context, d Delivery) error {
	var found traces
	over := false
	err := g.within(ctx, d.Rel, func(t *turn) (err error) {
		if over = t.mute() != ""; over {
			return nil
		}
		var o outcome
		if found, o, err = t.remains(ctx, d); err != nil {
			return err
		}
		if over = o.status != ""; over {
			return t.settle(ctx, d, o)
		}
		for _, e := range found.waits {
			e.Status, e.Why = Held, "it waited for a person when the same fact was removed, and may have gone with it: look whether it is there"
			t.queue(e)
		}
		// In the commit that stops the deliveries by which it was found: for the next
		// try, should this one fail.
		d.Ref = found.refs[0]
		t.queue(d)
		return nil
	})
	if err != nil || over {
		return err
	}
	return g.settle(ctx, d, g.remove(ctx, &found))
}

// remove removes a fact from the records in which it was found.
func (g *Gateway) remove(ctx context.Context, found *traces) (o outcome) {
	for _, ref := range found.refs {
		o = outcome{status: Held, ref: ref, why: "remove " + found.fact + " from the record by hand, and say so"}
		if redactor, ok := g.o.Connector.(connector.Redactor); ok {
			if err := redactor.Redact(ctx, ref, found.fact); err != nil {
				return outcome{ref: ref, err: err}
			}
			o = g.isGone(ctx, ref, found.fact)
		}
		if o.status != Applied {
			return o
		}
	}
	return o
}

// isGone reads the record back.
func (g *Gateway) isGone(ctx context.Context, ref connector.Ref, fact string) outcome {
	o := outcome{status: Applied, ref: ref}
	rec, err := g.o.Connector.Read(ctx, ref)
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

// remains finds out where in the company's system there is something of what has
// ended. An outcome with a status says that there is nothing to call it for.
func (t *turn) remains(ctx context.Context, d Delivery) (found traces, o outcome, err error) {
	if err := t.fresh(ctx); err != nil {
		return found, o, err
	}
	b, err := t.begun(ctx, d.Entry)
	if err != nil {
		return found, o, err
	}
	h := t.holding(d.Entry)
	switch {
	case b.fact == "": // erased already
		return found, outcome{status: Done}, nil
	case h != nil && !t.ended(h), h == nil && !b.until.Over(t.now) && !t.owed("erase", d.Entry):
		return found, outcome{status: Done}, nil // it goes on
	}
	if found, err = t.traces(ctx, d, b.fact); err != nil {
		return found, o, err
	}
	hers := t.row.Record
	if b.stated && t.state().Binding == nil {
		hers = connector.Ref{} // what was made for her is not what she speaks of
	}
	if len(found.refs) == 0 && !hers.IsZero() && (found.tried || b.stated) {
		found.add(hers) // what she states to be there from before goes too
	}
	strange := func(ref connector.Ref) bool { return b.stated && ref.ID != hers.ID }
	switch last, kept := found.last, found.kept; {
	case found.lost || found.tried && len(found.refs) == 0 || slices.ContainsFunc(found.refs, strange):
		o = outcome{status: Held, why: "bringing " + b.fact + " to the system was tried: look whether it is there"}
	case kept.seq > 0 && kept.seq < last.seq && !kept.value.Equal(last.value):
		o = outcome{status: Held, why: b.fact + " in the record is what has ended: put back what she told before, which goes on"}
	case kept.seq > 0 || len(found.refs) == 0:
		o = outcome{status: Applied}
	}
	if len(found.refs) > 0 {
		o.ref = found.refs[0]
	}
	return found, o, nil
}

// traces is what the deliveries tell of where a fact is that has ended.
type traces struct {
	fact  string
	refs  []connector.Ref
	tried bool       // the system was called with it, and may have it
	lost  bool       // likewise, and where was lost with a backup
	waits []Delivery // of other disclosures of the fact, which go on: a person has still to decide

	// What was brought last of it, and of another disclosure of the same fact that
	// goes on: told twice, the record keeps what the other gives it.
	last, kept struct {
		seq   int64
		value firsthand.Value
	}
}

// add adds a record, of which the version doesn't matter.
func (f *traces) add(ref connector.Ref) {
	known := slices.ContainsFunc(f.refs, func(r connector.Ref) bool { return r.ID == ref.ID })
	if ref.Version = ""; !known && !ref.IsZero() {
		f.refs = append(f.refs, ref)
	}
}

// traces looks through the deliveries, and stops those of what d is to remove.
func (t *turn) traces(ctx context.Context, d Delivery, fact string) (found traces, err error) {
	parts, err := t.parts(ctx, d.Entry)
	if err != nil {
		return found, err
	}
	all, err := t.deliveries(ctx)
	if err != nil {
		return found, err
	}
	found.fact = fact
	for _, e := range all {
		i := slices.IndexFunc(parts, func(p firsthand.Entry) bool { return p.ID == e.Entry })
		switch other := t.holding(e.Entry); {
		case e.Task != Deliver:
		case i >= 0:
			t.stopDelivery(e)
			if e.Status == Declined || e.Status != Applied && e.Tries == 0 { // applied by hand counts
				continue
			}
			found.tried, found.last.seq = true, e.Seq
			if found.last.value, err = valueOf(&parts[i]); err != nil {
				return found, err
			}
			found.add(e.Ref)
			found.lost = found.lost || e.Ref.IsZero() && t.mayBeDone(&parts[i])
		case other != nil && other.Fact == fact && e.Status == Applied && !t.ended(other):
			found.kept.seq, found.kept.value = e.Seq, other.Value
		case other != nil && other.Fact == fact && e.Status == Proposed && !t.ended(other):
			found.waits = append(found.waits, e)
		}
	}
	found.add(d.Ref)
	found.tried = found.tried || len(found.refs) > 0
	return found, nil
}

// parts returns the entries of first's that tell what the entry id began: itself
// and its changes, as far as their bodies are here.
func (t *turn) parts(ctx context.Context, id firsthand.ID) (parts []firsthand.Entry, err error) {
	first, err := t.log(ctx, firsthand.First)
	if err != nil {
		return nil, err
	}
	for i := range first {
		e := &first[i]
		if !e.HasBody() {
			continue
		}
		if e.ID == id {
			parts = append(parts, *e)
		} else if e.Kind() == "change" {
			if c, err := as[*firsthand.Change](e); err == nil && c.Of == id {
				parts = append(parts, *e)
			}
		}
	}
	return parts, nil
}

// stopDelivery ends the delivery of what is taken back.
func (t *turn) stopDelivery(d Delivery) {
	if slices.Contains([]Status{Waiting, Checking, Stopped, Held, Proposed}, d.Status) {
		d.Status, d.Due = Done, ""
		t.queue(d)
	}
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
