package connectortest

import (
	"context"

	"firsthand/connector"
	"firsthand/fault"
)

func cancelled(w *world) {
	ref, facts := w.customer("")
	ctx, cancel := context.WithCancel(w.Context())
	cancel()
	r := w.fact("change", 0, true)
	r.Record = ref
	if res, err := w.c.Deliver(ctx, r); err == nil || fault.KindOf(err) != fault.Unavailable {
		w.Errorf("deliver in a cancelled call: %+v, %v; want that it is unavailable", res, err)
	}
	w.hasAll(ref, facts)
	if _, err := w.c.Read(ctx, ref); err == nil {
		w.Errorf("read in a cancelled call succeeded")
	}
	w.settle(r)
	facts[r.Fact] = r.Value
	w.hasAll(ref, facts)
}

func down(w *world) {
	kept := w.settle(w.fact("disclose", 0, false))
	from := w.cursor()
	r := w.fact("change", 0, true)
	r.Record = connector.Ref{System: kept.System, ID: kept.ID}

	w.sys.Down(w, true)
	for range 2 {
		res, err := w.c.Deliver(w.Context(), r)
		w.unavailable("deliver", res, err)
		rec, err := w.c.Read(w.Context(), kept)
		w.unavailable("read", rec, err)
		var failed error
		n := 0
		for c, err := range w.c.Changes(w.Context(), from) {
			failed = err
			if n++; err == nil || n > 1 {
				w.Errorf("changes, while the system is down: %+v, %v", c, err)
				break
			}
		}
		w.unavailable("changes", nil, failed)
		if b, ok := w.c.(connector.Binder); ok {
			found, err := b.Find(w.Context(), connector.Claim{Record: kept.ID})
			w.unavailable("find", found, err)
		}
		w.restart() // the gateway may start while the system is down
	}
	w.sys.Down(w, false)

	w.settle(r)
	w.has(w.record(), r.Fact, r.Value)
}

// unavailable holds that a call to a system that is down says so. In particular
// it doesn't say that the record is gone, or that nobody fits.
func (w *world) unavailable(call string, got any, err error) {
	w.Helper()
	if err == nil || fault.KindOf(err) != fault.Unavailable {
		w.Errorf("%s, while the system is down: %+v, %v; want that it is unavailable", call, got, err)
	}
}

func lost(w *world) {
	r := w.fact("disclose", 0, false)
	w.sys.Lose(w)
	if _, err := w.c.Deliver(w.Context(), r); err != nil && fault.KindOf(err) != fault.Unavailable {
		w.Errorf("deliver, when the answer is lost: %v; want that it is unavailable", err)
	}
	w.settle(r)
	w.again(r)
	w.has(w.record(), r.Fact, r.Value)

	if w.sys.Tickets == nil {
		return
	}
	m := w.request("message")
	m.Subject, m.Text = "Question", "Is it open on Monday?"
	w.sys.Lose(w)
	w.c.Deliver(w.Context(), m) // whatever it says
	w.again(m)
	if tickets := w.sys.Tickets(w, w.rel); len(tickets) != 1 {
		w.Errorf("%d tickets, want 1", len(tickets))
	}
}
