package connectortest

import (
	"strings"

	"firsthand/connector"
)

// proposal is what stands between a stranger who knows a customer number and
// that customer's record.
func proposal(w *world) {
	ref, facts := w.customer("")
	from := w.cursor()
	for n := range w.samples {
		for _, kind := range []connector.Request{w.fact("change", n, true), w.fact("disclose", n, true)} {
			for _, named := range []connector.Ref{{}, ref} {
				r := kind
				r.ID, r.Record, r.Proposal = newID(), named, true
				if res := w.deliver(r); res.State == connector.Written {
					w.Errorf("%s of %s, a proposal, was written", r.Kind, r.Fact)
				}
				w.hasAll(ref, facts)
				w.again(r)
				w.hasAll(ref, facts)
			}
		}
	}
	gone := w.request("withdraw")
	gone.Fact, gone.Record, gone.Proposal = w.samples[0].Fact, ref, true
	if res := w.deliver(gone); res.State == connector.Written {
		w.Errorf("a withdrawal, a proposal, was written")
	}
	w.hasAll(ref, facts)
	if changes := w.changes(from); len(changes) > 0 {
		w.Errorf("nobody has decided, and there is a change: %+v", changes[0])
	}
}

// proved is a change that came before the customer had proved which record is
// hers: with the proof it comes again, the same but for Proposal.
func proved(w *world) {
	ref, facts := w.customer("")
	r := w.fact("change", 0, true)
	r.Proposal = true
	if w.deliver(r).State != connector.Proposed {
		return // the system declines what isn't proved, and says so
	}
	w.hasAll(ref, facts)
	usual := w.fact("change", 1, true) // does the system write at once what is proved?
	usual.Record = ref
	state := w.deliver(usual).State
	if state == connector.Proposed && w.sys.Decide != nil {
		w.sys.Decide(w, usual.ID, ref, "")
	}
	facts[usual.Fact] = usual.Value

	r.Proposal, r.Record = false, ref
	delete(w.said, r.ID) // it is another request now
	if res := w.deliver(r); res.State != state {
		w.Errorf("%s, where a change that was never a proposal is %s", res.State, state)
	}
	if got := w.settle(r); got.ID != ref.ID {
		w.Errorf("proved to be record %s, written into %s", ref.ID, got.ID)
	}
	facts[r.Fact] = r.Value
	w.hasAll(ref, facts)
	w.restart()
	if res := w.deliver(r); res.State == connector.Declined {
		w.Errorf("the same again: %s (%s)", res.State, res.Reason)
	}
	w.hasAll(ref, facts)
}

// decidedFirst is a person who was quicker than the proof: the request that comes
// with it is answered by what she decided.
func decidedFirst(w *world) {
	ref, facts := w.customer("")
	for n, reason := range []string{"", "we could not reach you"} {
		r := w.fact("change", n, true)
		r.Proposal = true
		if w.deliver(r).State != connector.Proposed {
			return // the system declines what isn't proved
		}
		w.sys.Decide(w, r.ID, ref, reason)
		want := connector.Declined
		if reason == "" {
			want, facts[r.Fact] = connector.Written, r.Value
		}
		w.again(r)
		newer := w.fact("change", n, false) // it must not be written over
		newer.Record = ref
		w.settle(newer)
		facts[newer.Fact] = newer.Value

		r.Proposal, r.Record = false, ref
		delete(w.said, r.ID) // it is another request now
		from := w.cursor()
		res := w.deliver(r)
		if res.State != want || reason == "" && res.Ref.ID != ref.ID || !strings.Contains(res.Reason, reason) {
			w.Errorf("a person decided that it is %s (%s), and with the proof it is %+v", want, reason, res)
		}
		w.again(r)
		w.hasAll(ref, facts)
		if changes := w.changes(from); len(changes) > 0 {
			w.Errorf("what was decided before is a change again: %+v", changes[0])
		}
	}
}

func decide(w *world) {
	ref, facts := w.customer("")
	r := w.fact("change", 0, true)
	r.Proposal = true
	if w.deliver(r).State != connector.Proposed {
		return // the system declines what isn't proved
	}
	from := w.cursor()
	w.sys.Decide(w, r.ID, ref, "")
	facts[r.Fact] = r.Value
	w.hasAll(ref, facts)
	c := w.decision(from, r, connector.Written)
	if c.Ref.ID != ref.ID {
		w.Errorf("applied to record %s, and the change says %q", ref.ID, c.Ref.ID)
	}
	w.again(r)

	// One proposal that a person took doesn't make the record hers.
	own := w.fact("disclose", 1, true)
	if w.settle(own).ID == ref.ID {
		w.Errorf("after a proposal was applied to record %s, a stranger's next disclosure is written there", ref.ID)
	}
	w.hasAll(ref, facts)

	r = w.fact("change", 1, true)
	r.Proposal, r.Record = true, ref
	if w.deliver(r).State != connector.Proposed {
		return
	}
	from = w.cursor()
	const reason = "we could not reach you"
	w.sys.Decide(w, r.ID, ref, reason)
	if c := w.decision(from, r, connector.Declined); !strings.Contains(c.Reason, reason) {
		w.Errorf("declined because %q, and the change says %q", reason, c.Reason)
	}
	w.hasAll(ref, facts)
	w.again(r)
	w.hasAll(ref, facts)
}

// decision returns the one change since cursor, which says what became of r.
func (w *world) decision(cursor string, r connector.Request, want connector.State) connector.Change {
	w.Helper()
	changes := w.changes(cursor)
	if len(changes) != 1 {
		w.Fatalf("%d changes after a decision, want 1", len(changes))
	}
	c := changes[0]
	if c.Of != r.ID || c.State != want {
		w.Fatalf("the change is that %s became %q, want that %s became %q", c.Of, c.State, r.ID, want)
	}
	if !c.Relationship.IsZero() && c.Relationship != w.rel {
		w.Errorf("the change is of relationship %s, want %s", c.Relationship, w.rel)
	}
	return c
}
