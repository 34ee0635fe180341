package firsthand

import "firsthand/fault"

// Erasing takes what an entry says away from a side that must or wants to forget
// it. That the entry was made stays, and so does what was owed and done because
// of it: else a company could forget a request instead of answering it.
//
// Both sides fold the same cut to the same state although one has bytes that the
// other lacks. So nothing may depend on an erased body, and an erased entry must
// say of it the little that is still needed, its kind and what it settled, rightly:
// afterwards nobody could tell. It is therefore refused if it doesn't, and not
// merely flagged.

// settles returns the entry for which c settles a duty, zero if c does no such
// thing.
func settles(c Content) ID {
	switch c := c.(type) {
	case *Applied:
		return c.Entry
	case *Refused:
		return c.Entry
	case *Answer:
		if c.Outcome != "extended" {
			return c.Request
		}
	}
	return ID{}
}

// Erasure returns what to [State.Write] before the bodies of the given entries
// are erased. Write refuses it if there is one that can't be.
func (s *State) Erasure(ids ...ID) *Erased {
	c := &Erased{Entries: make([]ErasedEntry, len(ids))}
	for i, id := range ids {
		c.Entries[i].ID = id
		if k := s.known[id]; k != nil {
			c.Entries[i].Kind, c.Entries[i].Of = k.kind, k.of
		}
	}
	return c
}

// checkErased refuses an erased entry that names what is not in its own cut, or
// says something wrong of it.
func (s *State) checkErased(e *Entry) error {
	if e.Kind() != "erased" {
		return nil
	}
	c, err := decodeAs[*Erased](e)
	if err != nil {
		return nil // it is flagged: it names nothing
	}
	for _, x := range c.Entries {
		k := s.known[x.ID]
		if k == nil || !sees(e, k.pos) {
			return fault.Refuse(fault.Invalid, "erased-unknown", "erases %s, which is not there", x.ID)
		}
		if k.kind != x.Kind || k.of != x.Of {
			return fault.Refuse(fault.Invalid, "erased-kind", "names kind %s of %q for one of kind %s of %q", x.Kind, x.Of, k.kind, k.of)
		}
	}
	return nil
}

// findErased notes which entries the erased ones of log name. One that was
// disowned counts too: the bodies are gone, whoever had them erased.
func (s *State) findErased(log []Entry) {
	for i := range log {
		e := &log[i]
		if e.Kind() != "erased" {
			continue
		}
		c, err := decodeAs[*Erased](e)
		if err != nil {
			continue
		}
		for _, x := range c.Entries {
			why := s.skipped[x.ID]
			if why.kind == "" { // not erased before, nor disowned with its body there
				why.kind, why.of = x.Kind, x.Of
			}
			why.erased[e.Side.index()] = true
			s.skipped[x.ID] = why
		}
	}
}

// applyErased discharges the duty to erase. Bodies that only now turn out to be
// erased make the state stale, since effects came of them.
func (s *State) applyErased(e *Entry, c *Erased) {
	for _, x := range c.Entries {
		s.stale = s.stale || !s.skipped[x.ID].erased[e.Side.index()]
		if k := s.known[x.ID]; k != nil && e.Side == Second {
			k.gone = true
			s.discharge("erase", x.ID, e)
		}
	}
}

// applySkipped gives an entry that a later one makes void what is left of its
// effect: who erased a body owes what was owed because of it, and has done what
// was done.
func (s *State) applySkipped(e *Entry, k *known, why skip) {
	if why.disowned {
		s.Flags = append(s.Flags, Flag{Entry: e.ID, Pos: k.pos, Rule: "rotate-disowned"})
		return
	}
	if !k.kind.MayWrite(e.Side) {
		return
	}
	byFirst := why.erased[First.index()]
	switch k.kind {
	case "disclose":
		s.lost = append(s.lost, e.ID)
	case "change":
		if !byFirst { // else she took it back
			s.owe(Second, "apply", e.ID, OneMonthAfter(e.At))
		}
	case "request":
		if !byFirst {
			s.owe(Second, "answer", e.ID, OneMonthAfter(e.At))
		}
	case "applied", "refused":
		s.discharge("apply", k.of, e)
	case "answer":
		s.discharge("answer", k.of, e)
	}
}

// oweErasing starts the duty to erase a disclosure of which first has erased her
// own copy, unless second did too.
func (s *State) oweErasing(id ID, e *Entry) {
	if k := s.known[id]; k.void && !k.gone {
		s.owe(Second, "erase", id, OneMonthAfter(e.At))
	}
}
