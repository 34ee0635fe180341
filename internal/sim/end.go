package sim

import (
	"slices"

	"firsthand"
)

// inTheEnd holds what must hold when everything has converged.

func (r *run) inTheEnd() {
	for _, k := range r.ledger.all {
		r.isKept(k)
	}
	for _, b := range r.ledger.order {
		if b.company == nil {
			continue
		}
		r.compare(b)
		s, err := firsthand.Load(r.ctx, b.company.store, b.id)
		if err != nil {
			r.fail("%s can't fold its logs: %v", b.company.name, err)
			return
		}
		r.stayErased(b, s)
		r.isApplied(b, s)
		if b.safe {
			r.isDisowned(b, s)
		}
	}
	for _, c := range r.customers {
		if differed, err := c.devices[0].agent.Rebuild(r.ctx); err != nil || len(differed) > 0 {
			r.fail("%s: caches of %d relationships are not what the logs say: %v", c.name, len(differed), err)
		}
	}
}

// isKept holds that nothing durable is lost: what one party had on stable storage
// both have now, unless the run knows how it was lost.
func (r *run) isKept(k *kept) {
	if k.gone != "" || k.bond == nil || k.bond.company == nil {
		return
	}
	says := ""
	switch {
	case k.signed:
		says = ", which was receipted,"
	case k.acted:
		says = ", which an act returned,"
	}
	if !r.companyHas(k) {
		r.fail("%s lost entry %d of %s%s", k.bond.company.name, k.Seq, k.Side, says)
	}
	if k.bond.forgotten || k.bond.orphan {
		return
	}
	if !r.agentHas(k) {
		r.fail("%s lost entry %d of %s%s", k.bond.device.name, k.Seq, k.Side, says)
	}
}

// stayErased holds that the company has no body that it said is gone.
func (r *run) stayErased(b *bond, s *firsthand.State) {
	for _, e := range r.log(b.company.store, b.id, firsthand.Second) {
		for _, id := range e.Erases() {
			r.count("body erased")
			pos := s.Pos(id)
			for _, x := range r.log(b.company.view, b.id, pos.Side) {
				if x.ID == id && x.HasBody() {
					r.fail("%s has a body that it said is erased", b.company.name)
				}
			}
			r.isRemoved(b, id)
		}
	}
}

// isRemoved holds that no record of the company's system has the value of an entry
// that it said is erased, unless she gives it by another one.
func (r *run) isRemoved(b *bond, id firsthand.ID) {
	k := r.ledger.entries[id]
	if k == nil || k.Side != firsthand.First {
		return
	}
	fact, value, _ := k.gives()
	for _, other := range r.ledger.all {
		if f, v, _ := other.gives(); other != k && f == fact && v.Equal(value) && other.bond.company == b.company {
			return // a move tells one value several times
		}
	}
	for _, system := range b.company.systems() {
		for _, number := range sortedKeys(system.records) {
			if fact != "" && system.records[number].facts[fact].Equal(value) {
				r.fail("%s says that entry %d (%.6s) is erased, and record %s has its %s", b.company.name, k.Seq, k.ID, number, fact)
			}
		}
	}
}

// isApplied holds that what the company signed as applied was written, once, to
// the record it names; and that no value of a thief's counts.
func (r *run) isApplied(b *bond, s *firsthand.State) {
	for of, o := range s.Outcomes {
		k := r.ledger.entries[of]
		if !o.Applied || k == nil {
			continue
		}
		n := 0
		for _, w := range b.company.writes() {
			if w.id == of && w.record == o.Record && w.in.name == o.System {
				n++
			}
		}
		// A withdrawal of what isn't there needs no write.
		if n != 1 && k.Kind() != "withdraw" {
			r.fail("%s signed that entry %d is applied to %s; that record was written %d times", b.company.name, k.Seq, o.Record, n)
		}
		r.count("applied")
	}
}

// isDisowned holds that nothing a thief wrote has effect.
func (r *run) isDisowned(b *bond, s *firsthand.State) {
	for _, e := range r.log(b.company.store, b.id, firsthand.First) {
		k := r.ledger.entries[e.ID]
		if k == nil || !k.thief {
			continue
		}
		if !slices.ContainsFunc(s.Flags, func(f firsthand.Flag) bool { return f.Entry == e.ID && f.Rule == "rotate-disowned" }) {
			r.fail("a thief's entry %d still counts", e.Seq)
		}
		for _, h := range s.Holdings {
			if h.Last == e.ID || h.Entry == e.ID {
				r.fail("a thief's value still counts")
			}
		}
		r.count("thief's entry disowned")
	}
}
