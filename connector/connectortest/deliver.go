package connectortest

import (
	"sync"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

func deliverMakes(w *world) {
	r := w.fact("disclose", 0, false)
	ref := w.settle(r)
	if got := w.record(); got.ID != ref.ID {
		w.Errorf("the system has record %q, and the connector says %q", got.ID, ref.ID)
	}
	w.has(ref, r.Fact, r.Value)
}

func repeat(w *world) {
	first := w.fact("disclose", 0, false)
	ref := w.settle(first)
	before, _ := w.read(ref)
	from := w.cursor()
	w.again(first)
	w.record()
	w.has(ref, first.Fact, first.Value)
	if after, can := w.read(ref); can && after.Ref != before.Ref {
		w.Errorf("the record was %v and became %v: something was written", before.Ref, after.Ref)
	}
	if changes := w.changes(from); len(changes) > 0 {
		w.Errorf("a repeat shows as a change: %+v", changes[0])
	}
}

// again delivers r, which was delivered, twice more: now and after a restart.
func (w *world) again(r connector.Request) connector.Result {
	w.Helper()
	w.deliver(r)
	w.restart()
	return w.deliver(r)
}

func same(a, b connector.Result) bool {
	return a.State == b.State && a.Ref == b.Ref && a.Reason == b.Reason && a.Reported == b.Reported && a.Value.Equal(b.Value)
}

func concurrent(w *world) {
	r := w.fact("disclose", 0, false)
	w.eight(r)
	w.settle(r)
	w.record()
}

// eight delivers r eight times at once.
func (w *world) eight(r connector.Request) {
	w.Helper()
	var (
		results [8]connector.Result
		errs    [8]error
		start   = make(chan struct{})
		wg      sync.WaitGroup
	)
	for i := range results {
		wg.Go(func() {
			<-start
			results[i], errs[i] = w.c.Deliver(w.Context(), r)
		})
	}
	close(start)
	wg.Wait()
	said := w.deliver(r)
	for i := range results {
		// One that lost against another may say that it has to be tried again.
		if errs[i] != nil && fault.KindOf(errs[i]) != fault.Unavailable {
			w.Errorf("one of eight: %v", errs[i])
		} else if errs[i] == nil && !same(results[i], said) {
			w.Errorf("one of eight says %+v, another %+v", results[i], said)
		}
	}
}

func crash(w *world) {
	r := w.fact("disclose", 0, false)
	w.deliver(r)
	w.restart() // before anybody noted what was said
	w.settle(r)
	w.record()
}

func oneRecord(w *world) {
	first, second := w.fact("disclose", 0, false), w.fact("disclose", 1, false)
	w.settle(first)
	w.restart()
	w.settle(second) // the gateway has lost what the first one said
	ref := w.record()
	w.has(ref, first.Fact, first.Value)
	w.has(ref, second.Fact, second.Value)

	third := w.fact("change", 1, true)
	third.Record = connector.Ref{System: ref.System, ID: ref.ID}
	w.settle(third)
	w.has(w.record(), third.Fact, third.Value)
}

func apart(w *world) {
	hers := w.settle(w.fact("disclose", 0, false))
	mine := w.rel
	w.rel = newID()
	theirs := w.settle(w.fact("disclose", 0, false)) // the same value
	w.record()
	if hers.ID == theirs.ID {
		w.Fatalf("two relationships share record %s", hers.ID)
	}
	w.settle(w.fact("change", 0, true))
	w.has(theirs, w.samples[0].Fact, w.samples[0].Other)
	w.has(hers, w.samples[0].Fact, w.samples[0].One)
	w.rel = mine
	w.record()
}

func change(w *world) {
	ref, facts := w.customer("")
	r := w.fact("change", 0, true)
	r.Record = ref // to which the relationship is bound
	if got := w.settle(r); got.ID != ref.ID {
		w.Errorf("a change of record %s was written to %s", ref.ID, got.ID)
	}
	facts[r.Fact] = r.Value
	w.hasAll(ref, facts)
	for _, other := range w.sys.Records(w, w.rel) {
		if other.ID != ref.ID {
			w.Errorf("a change of record %s made record %s", ref.ID, other.ID)
		}
	}
}

// hasAll is has for each sample.
func (w *world) hasAll(ref connector.Ref, facts map[string]firsthand.Value) {
	w.Helper()
	all := map[string]firsthand.Value{}
	for _, s := range w.samples {
		all[s.Fact] = facts[s.Fact]
	}
	w.shows(ref, all)
}

func order(w *world) {
	first, second := w.fact("disclose", 0, false), w.fact("change", 0, true)
	ref := w.settle(first)
	second.Record = connector.Ref{System: ref.System, ID: ref.ID}
	w.settle(second)
	w.has(ref, second.Fact, second.Value)
	for range 2 {
		w.deliver(first) // late
		w.has(ref, second.Fact, second.Value)
		w.restart()
	}
}

func stale(w *world) {
	ref, facts := w.customer("")
	seen, can := w.read(ref)
	if !can || seen.Ref.Version == "" {
		return // the system has no versions
	}
	r := w.fact("change", 0, true)
	r.Record = ref
	w.settle(r) // meanwhile
	facts[r.Fact] = r.Value

	late := w.fact("change", 1, true)
	late.Record = seen.Ref
	res, err := w.c.Deliver(w.Context(), late)
	if err == nil && res.State == connector.Proposed {
		return // a person sees what she writes over
	}
	if fault.KindOf(err) != fault.Conflict || err == nil {
		w.Errorf("a request for version %q of a record that has changed: %+v, %v; want a conflict", seen.Ref.Version, res, err)
	}
	w.hasAll(ref, facts)

	now, _ := w.read(ref)
	late.Record = now.Ref
	w.settle(late)
	facts[late.Fact] = late.Value
	w.hasAll(ref, facts)
	w.again(late) // whose version is stale by its own doing
}

func withdraw(w *world) {
	given, kept := w.fact("disclose", 0, false), w.fact("disclose", 1, false)
	ref := w.settle(given)
	w.settle(kept)
	r := w.request("withdraw")
	r.Fact, r.Record = given.Fact, connector.Ref{System: ref.System, ID: ref.ID}
	w.settle(r)
	w.has(ref, given.Fact, firsthand.Value{})
	w.has(ref, kept.Fact, kept.Value)
	w.again(r)
	w.again(given)
	w.has(ref, given.Fact, firsthand.Value{})
}

func declined(w *world) {
	r := w.request("disclose")
	r.Fact, r.Value = w.fixture.Unwanted, firsthand.Text("42")
	if res := w.deliver(r); res.State != connector.Declined {
		w.Errorf("%s of %s: %s, want it declined", r.Kind, r.Fact, res.State)
	}
	w.again(r)
	for _, ref := range w.sys.Records(w, w.rel) {
		w.has(ref, r.Fact, firsthand.Value{})
	}
}
