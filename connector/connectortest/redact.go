package connectortest

import (
	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// redact has the connector forget, twice, with a restart in between.
func (w *world) redact(ref connector.Ref, fact string) {
	w.Helper()
	for range 2 {
		if err := w.c.(connector.Redactor).Redact(w.Context(), ref, fact); err != nil {
			w.Fatalf("redact %s of %s: %v", fact, ref.ID, err)
		}
		w.restart()
	}
}

func redactFact(w *world) {
	gone, kept := w.fact("disclose", 0, false), w.fact("disclose", 1, false)
	ref := w.settle(gone)
	w.settle(kept)
	w.redact(ref, gone.Fact)
	w.has(ref, gone.Fact, firsthand.Value{})
	w.has(ref, kept.Fact, kept.Value)

	again := w.fact("disclose", 0, true) // she may give it again
	again.Record = connector.Ref{System: ref.System, ID: ref.ID}
	w.settle(again)
	w.has(ref, again.Fact, again.Value)
}

func redactRecord(w *world) {
	other, facts := w.customer("")
	ref := w.settle(w.fact("disclose", 0, false))
	w.redact(ref, "")
	if _, ok := w.sys.Look(w, ref); ok {
		w.Errorf("record %s is still in the system", ref.ID)
	}
	if refs := w.sys.Records(w, w.rel); len(refs) > 0 {
		w.Errorf("the relationship still has record %s", refs[0].ID)
	}
	if rec, err := w.c.Read(w.Context(), ref); fault.KindOf(err) != fault.NotExist || err == nil {
		w.Errorf("read of a record that was redacted: %+v, %v; want that it doesn't exist", rec, err)
	}
	w.hasAll(other, facts)

	// What still names the old record must not find a new one.
	w.rel = newID()
	if next := w.settle(w.fact("disclose", 0, false)); next.ID == ref.ID {
		w.Errorf("a new record is called %s, like one that was redacted", next.ID)
	}
}

func redactStays(w *world) {
	gone, kept := w.fact("disclose", 0, false), w.fact("disclose", 1, false)
	ref := w.settle(gone)
	w.settle(kept)
	w.redact(ref, gone.Fact)
	w.again(gone)
	w.has(ref, gone.Fact, firsthand.Value{})
	w.redact(ref, "")
	w.again(gone)
	w.again(kept)
	if refs := w.sys.Records(w, w.rel); len(refs) > 0 {
		w.Errorf("an old request made record %s of one that was redacted", refs[0].ID)
	}
}
