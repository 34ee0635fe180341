package gateway

import (
	"context"
	"slices"

	"firsthand"
	"firsthand/connector"
)

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
		o = outcome{status: Held, why: "bringing " + b.fact + " to the system was tried: look whether it is there" + found.discard()}
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

// remainsElsewhere returns what is still to be removed of what has ended, in another
// lane than that of d.
func (t *turn) remainsElsewhere(ctx context.Context, d Delivery) (next connector.Ref, more bool, err error) {
	b, err := t.begun(ctx, d.Entry)
	if err != nil || b.fact == "" {
		return next, false, err
	}
	found, err := t.traces(ctx, d, b.fact)
	if err != nil {
		return next, false, err
	}
	next, more = t.g.goesOn(d.Lane, &found)
	return next, more, nil
}

// traces is what the deliveries tell of where a fact is that has ended.
type traces struct {
	fact    string
	entries []firsthand.ID // by which a system was called with it
	refs    []connector.Ref
	tried   bool       // the system was called with it, and may have it
	lost    bool       // likewise, and where was lost with a backup
	open    bool       // some of it is still to be decided on by a person
	waits   []Delivery // of other disclosures of the fact, which go on: a person has still to decide

	// What was brought last of it, and of another disclosure of the same fact that
	// goes on: told twice, the record keeps what the other gives it.
	last, kept struct {
		seq   int64
		value firsthand.Value
	}
}

// discard is what else to ask of a person who removes by hand: what waits there could
// be carried out later.
func (f *traces) discard() string {
	if !f.open {
		return ""
	}
	return ", and discard what is proposed of it"
}

// add adds a record, of which the version doesn't matter.
func (f *traces) add(ref connector.Ref) {
	known := slices.ContainsFunc(f.refs, func(r connector.Ref) bool { return r.ID == ref.ID && r.System == ref.System })
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
			if e.Status != Declined && e.Status != Applied && e.Tries == 0 && !t.mayBeDone(&parts[i]) { // applied by hand counts
				continue
			}
			if found.entries = append(found.entries, e.Entry); e.Status == Declined {
				continue
			}
			found.tried, found.last.seq = true, e.Seq
			found.open = found.open || e.Status == Proposed
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
// and its changes, as far as their bodies are here. A change that came when it was
// erased already has begun something of its own.
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
			if c, err := as[*firsthand.Change](e); err == nil && c.Of == id && !t.beganAnew(e.ID, id) {
				parts = append(parts, *e)
			}
		}
	}
	return parts, nil
}

// beganAnew reports whether change e of what id began is a holding of its own.
func (t *turn) beganAnew(e, id firsthand.ID) bool {
	h := t.state().Holding(e)
	return h != nil && h.Entry != id
}
