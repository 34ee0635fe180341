package terms

import "slices"

// A Verdict is what a company says to an offer. The zero Verdict refuses.
type Verdict int

const (
	Refuse Verdict = iota
	Accept
	Counter
)

// String returns the kind of entry that says v.
func (v Verdict) String() string {
	return [...]string{"terms.refuse", "terms.accept", "terms.counter"}[v]
}

// An Answer is a company's one answer to an offer.
type Answer struct {
	Verdict Verdict
	Terms   Ref // accepted, as it was offered; or the counter; zero when refused
}

// Answer returns what a company whose policy is to accept the agreements of
// accepted says to an offer.
//
// It accepts the first offered agreement that is on its list, in her order, since
// she offers the one she likes best first. Being less strict than one on the list
// isn't enough: a company signs texts that its lawyers have read. If there is
// none, it counters with its least permissive agreement: the first on its list
// that compares at all, and below which no other on the list is. A contribution
// (PDC) is so never asked for by a machine. Otherwise it refuses. What the roster
// can't resolve is as if it weren't there.
func (r *Roster) Answer(offered, accepted []Ref) Answer {
	list := r.resolved(accepted)
	for _, ref := range offered {
		a, err := r.Resolve(ref)
		if err == nil && slices.ContainsFunc(list, func(b Agreement) bool { return a.ref == b.ref }) {
			return Answer{Accept, ref}
		}
	}
	list = slices.DeleteFunc(list, func(a Agreement) bool { return a.family == "" })
	for _, a := range list {
		below := func(b Agreement) bool { return AtMost(b, a) && !AtMost(a, b) }
		if !slices.ContainsFunc(list, below) {
			return Answer{Counter, a.ref}
		}
	}
	return Answer{}
}

// CounterAcceptable reports whether a customer's agent may take counter without
// asking her: it is at most as permissive as one of limits, which are what she
// proffered and the ceiling that she has set. Limits needn't be pinned. If it
// reports false and no error, she is to be asked; an error is that of
// [Roster.Resolve], and the counter is invalid.
func (r *Roster) CounterAcceptable(counter Ref, limits ...Agreement) (bool, error) {
	a, err := r.Resolve(counter)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(limits, func(limit Agreement) bool { return AtMost(a, limit) }), nil
}

// resolved returns the agreements that refs name, without those that can't be
// resolved.
func (r *Roster) resolved(refs []Ref) []Agreement {
	var all []Agreement
	for _, ref := range refs {
		if a, err := r.Resolve(ref); err == nil {
			all = append(all, a)
		}
	}
	return all
}
