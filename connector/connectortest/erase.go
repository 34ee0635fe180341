package connectortest

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

func isEraser(s System, c connector.Connector, _ Fixture) bool {
	_, ok := c.(connector.Eraser)
	return ok && s.Left != nil && s.Delete != nil
}

// erase has the connector erase requests, and people what it says that only they can.
func (w *world) erase(of ...firsthand.ID) {
	w.Helper()
	for try := range 3 {
		err := w.c.(connector.Eraser).Erase(w.Context(), of...)
		var said *fault.Notice
		switch {
		case err == nil:
			w.restart()
			if err := w.c.(connector.Eraser).Erase(w.Context(), of...); err != nil {
				w.Fatalf("erase, a second time: %v", err)
			}
			return
		case fault.KindOf(err) == fault.Conflict && try == 0:
			if !errors.As(err, &said) || said.Text == "" {
				w.Fatalf("erase: %v; want that it says what people have to do", err)
			}
			w.Logf("erase: %v", err)
			w.sys.Delete(w, of...)
			w.restart()
		default:
			w.Fatalf("erase: %v", err)
		}
	}
}

// text returns what of a value is found nowhere else.
func text(v firsthand.Value) string {
	longest := v.Text
	for _, part := range v.Parts {
		if len(part) > len(longest) {
			longest = part
		}
	}
	return longest
}

// own gives r a value that no other test has: what they left may be found.
func own(r connector.Request) connector.Request {
	id := newID()
	mark := fmt.Sprintf("m%x", id[:4])
	v := firsthand.Value{Parts: maps.Clone(r.Value.Parts)}
	for name, part := range v.Parts {
		if part == text(r.Value) {
			v.Parts[name] = mark + part
		}
	}
	if r.Value.Text != "" {
		v.Text = mark + r.Value.Text
	}
	r.Value = v
	return r
}

// left fails the test where a value is still to be found beside the record.
func (w *world) left(what string, v firsthand.Value) {
	w.Helper()
	if where := w.sys.Left(w, text(v)); len(where) > 0 {
		w.Errorf("%s is erased, and its value is in %s", what, strings.Join(where, ", "))
	}
}

// erased is what a person wrote into the record, refused, or has not seen yet.
func erased(w *world) {
	ref, _ := w.customer("")
	done := own(w.fact("disclose", 0, true))
	kept := own(w.fact("disclose", 1, false))
	w.settle(done)
	w.settle(kept)
	refused := own(w.fact("change", 1, true))
	refused.Proposal, refused.Record = true, ref
	waiting := own(w.fact("change", 0, true))
	waiting.Proposal = true
	if w.deliver(refused).State == connector.Proposed && w.sys.Decide != nil {
		w.sys.Decide(w, refused.ID, ref, "we believe that it is "+text(refused.Value))
	}
	from := w.cursor()
	w.deliver(waiting)
	if len(w.sys.Left(w, text(done.Value))) == 0 || len(w.sys.Left(w, text(refused.Value))) == 0 {
		w.Fatalf("what was delivered isn't found: the test sees nothing")
	}
	w.erase(refused.ID)
	w.left("what was refused", refused.Value)
	if len(w.sys.Left(w, text(done.Value))) == 0 {
		w.Errorf("another request went with the one that was erased")
	}
	w.erase(done.ID, waiting.ID)
	w.left("what was done", done.Value)
	w.left("what waited", waiting.Value)
	if len(w.sys.Left(w, text(kept.Value))) == 0 {
		w.Errorf("another request went with those that were erased")
	}
	for _, r := range []connector.Request{done, waiting, kept} {
		w.again(r)
	}
	w.left("what comes again", done.Value)
	for _, c := range w.changes(from) {
		if strings.Contains(c.Text+c.Reason, text(done.Value)) || c.Of != refused.ID && c.Of != done.ID {
			w.Errorf("a change after it was erased: %+v", c)
		}
	}
}

// erasedInTrouble loses an answer, and finds the system down.
func erasedInTrouble(w *world) {
	r := own(w.fact("disclose", 0, true))
	w.deliver(r)
	erase := func() error { return w.c.(connector.Eraser).Erase(w.Context(), r.ID) }
	w.sys.Down(w, true)
	if err := erase(); fault.KindOf(err) != fault.Unavailable {
		w.Errorf("erase in a system that is down: %v, want %v", err, fault.Unavailable)
	}
	w.sys.Down(w, false)
	w.sys.Lose(w)
	if err := erase(); err != nil && fault.KindOf(err) != fault.Unavailable {
		w.Errorf("erase, when the answer is lost: %v", err)
	}
	w.restart()
	w.erase(r.ID)
	w.left("what was delivered", r.Value)
	w.again(r)
	w.left("what comes again", r.Value)
}
