package connectortest

import (
	"errors"

	"firsthand/connector"
	"firsthand/fault"
)

// read returns the record as the connector reads it. It returns false if the
// system can't be read.
func (w *world) read(ref connector.Ref) (connector.Record, bool) {
	w.Helper()
	rec, err := w.c.Read(w.Context(), ref)
	if errors.Is(err, errors.ErrUnsupported) {
		return rec, false
	}
	if err != nil {
		w.Fatalf("read %s: %v", ref.ID, err)
	}
	if rec.Ref.ID != ref.ID || rec.Ref.System == "" {
		w.Fatalf("read %v: the record says it is %v", ref, rec.Ref)
	}
	return rec, true
}

// readBack holds besides that the system can either be read, or reports.
func readBack(w *world) {
	r := w.fact("disclose", 0, false)
	res := w.deliver(r)
	ref := w.settle(r)
	if _, can := w.read(ref); !can {
		if res.State == connector.Written && !res.Reported {
			w.Errorf("the system can't be read, and its word is not marked as reported")
		}
		return
	}
	w.has(ref, r.Fact, r.Value)
	if w.sys.Edit != nil {
		w.sys.Edit(w, ref, r.Fact, w.samples[0].Other)
		w.has(ref, r.Fact, w.samples[0].Other) // not what was delivered
		w.restart()
		w.has(ref, r.Fact, w.samples[0].Other)
	}
	none := connector.Ref{System: ref.System, ID: "none-" + newID().String()[:12]}
	if rec, err := w.c.Read(w.Context(), none); err == nil || fault.KindOf(err) != fault.NotExist {
		w.Errorf("read of a record that isn't there: %+v, %v; want that it doesn't exist", rec, err)
	}
}
