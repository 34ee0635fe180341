package connectortest

import (
	"errors"
	"strings"

	"firsthand/connector"
	"firsthand/fault"
)

func isDecider(_ System, c connector.Connector, _ Fixture) bool {
	_, ok := c.(connector.Decider)
	return ok
}

// decideFromAway is a person who decides on proposals from the gateway's desk: it is
// as if she had done so in the system, once.
func decideFromAway(w *world) {
	ref, facts := w.customer("")
	d := func() connector.Decider { return w.c.(connector.Decider) } // another one after each restart
	if err := d().Accept(w.Context(), newID(), ref.ID); !errors.Is(err, fault.NotExist) {
		w.Errorf("accept of nothing: %v, want %v", err, fault.NotExist)
	}
	propose := func(n int) (r connector.Request, ok bool) {
		r = w.fact("change", n, true)
		r.Proposal, r.Record = true, ref
		return r, w.deliver(r).State == connector.Proposed
	}
	r, ok := propose(0)
	if !ok {
		return // the system declines what isn't proved
	}
	from := w.cursor()
	if err := d().Accept(w.Context(), r.ID, ref.ID); err != nil {
		w.Fatalf("accept: %v", err)
	}
	facts[r.Fact] = r.Value
	w.hasAll(ref, facts)
	w.decision(from, r, connector.Written)
	w.again(r)

	if r, ok = propose(1); !ok {
		return
	}
	from = w.cursor()
	const reason = "we could not reach you"
	if err := d().Reject(w.Context(), r.ID, reason); err != nil {
		w.Fatalf("reject: %v", err)
	}
	if c := w.decision(from, r, connector.Declined); !strings.Contains(c.Reason, reason) {
		w.Errorf("declined because %q, and the change says %q", reason, c.Reason)
	}
	for name, err := range map[string]error{"accept": d().Accept(w.Context(), r.ID, ref.ID), "reject": d().Reject(w.Context(), r.ID, reason)} {
		if !errors.Is(err, fault.NotExist) {
			w.Errorf("%s of what is decided: %v, want %v", name, err, fault.NotExist)
		}
	}
	w.hasAll(ref, facts)
}
