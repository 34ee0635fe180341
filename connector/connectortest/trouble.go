package connectortest

import (
	"context"
	"errors"
	"time"

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

func busy(w *world) {
	kept := w.settle(w.fact("disclose", 0, false))
	from := w.cursor()
	r := w.fact("change", 0, true)
	r.Record = connector.Ref{System: kept.System, ID: kept.ID}
	const wait = 90 * time.Second
	w.sys.Busy(w, wait)
	_, err := w.c.Deliver(w.Context(), r)
	w.later("deliver", err, wait)
	_, err = w.c.Read(w.Context(), kept)
	w.later("read", err, wait)
	for _, e := range w.c.Changes(w.Context(), from) {
		if err = e; e == nil {
			w.Errorf("a change of a busy system")
		}
	}
	w.later("changes", err, wait)
	w.sys.Busy(w, 0)
	w.settle(r)
	w.has(w.record(), r.Fact, r.Value)
}

// later holds that a call to a busy system says for how long it is to be left alone.
func (w *world) later(call string, err error, wait time.Duration) {
	w.Helper()
	if got := connector.WaitOf(err); fault.KindOf(err) != fault.Unavailable || got != wait {
		w.Errorf("%s, while the system asks for %v: %v, in %v", call, wait, err, got)
	}
}

// broken holds that nothing which a broken system says is taken for an answer: not
// that something was done, nor that a record is gone, nor that nothing happened.
func broken(w *world) {
	kept := w.settle(w.fact("disclose", 0, false))
	for i, how := range []Trouble{Errors, Garbage, Cut, Slow} {
		s := w.stream()
		s.act()
		r := w.fact("change", 0, i%2 == 0)
		r.Record = connector.Ref{System: kept.System, ID: kept.ID}
		w.sys.Break(w, how)
		ctx, cancel := context.WithCancel(w.Context())
		if how == Slow {
			ctx, cancel = context.WithTimeout(w.Context(), 200*time.Millisecond)
		}
		// A hook that anybody may stand behind takes any 200 for "a person decides".
		if res, err := w.c.Deliver(ctx, r); how != Garbage || err != nil || res.State != connector.Proposed {
			w.unbelieved(how, "deliver", err)
		}
		_, err := w.c.Read(ctx, kept)
		w.unbelieved(how, "read", err)
		err = nil
		for c, e := range w.c.Changes(ctx, s.start) {
			if err = e; e == nil {
				w.Errorf("%s, and a change came: %+v", how, c)
			}
		}
		w.unbelieved(how, "changes", err)
		cancel()
		w.sys.Break(w, None)
		s.check("after the trouble", w.changes(s.start), 0)
		w.settle(r)
		w.has(w.record(), r.Fact, r.Value)
	}
}

func (w *world) unbelieved(how Trouble, call string, err error) {
	w.Helper()
	switch k := fault.KindOf(err); {
	case err == nil:
		w.Errorf("%s: %s was believed", how, call)
	case k == fault.NotExist || k == fault.Conflict || errors.Is(err, errors.ErrUnsupported):
		w.Errorf("%s, and %s says %v", how, call, err)
	case how != Garbage && k != fault.Unavailable:
		w.Errorf("%s, and %s says %v; want that it is unavailable", how, call, err)
	}
}

func restarted(w *world) {
	r := w.fact("disclose", 0, false)
	ref := w.settle(r)
	var m connector.Request
	if w.sys.Tickets != nil {
		m = w.request("message")
		m.Subject, m.Text = "Question", "Is it open on Monday?"
		w.deliver(m)
	}
	from := w.cursor()
	w.sys.Restart(w)
	w.again(r)
	w.has(w.record(), r.Fact, r.Value)
	if w.sys.Tickets != nil {
		w.again(m)
		if tickets := w.sys.Tickets(w, w.rel); len(tickets) != 1 {
			w.Errorf("%d tickets after a restart, want 1", len(tickets))
		}
	}
	if c := w.changes(from); len(c) > 0 {
		w.Errorf("nothing has happened but a restart, and there is a change: %+v", c[0])
	}
	next := w.fact("change", 0, true)
	next.Record = connector.Ref{System: ref.System, ID: ref.ID}
	w.settle(next)
	w.has(w.record(), next.Fact, next.Value)
}
