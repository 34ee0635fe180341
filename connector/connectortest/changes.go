package connectortest

import (
	"fmt"

	"firsthand"
	"firsthand/connector"
)

func echo(w *world) {
	ref, _ := w.customer("")
	from := w.cursor()
	r := w.fact("change", 0, true)
	r.Record = ref
	w.deliver(w.fact("disclose", 0, false))
	w.deliver(r)
	if w.sys.Tickets != nil {
		m := w.request("message")
		m.Subject, m.Text = "Question", "Is it open on Monday?"
		w.deliver(m)
	}
	if changes := w.changes(from); len(changes) > 0 {
		w.Errorf("what was delivered comes back as a change: %+v", changes[0])
	}
}

func edit(w *world) {
	ref := w.settle(w.fact("disclose", 0, false))
	from := w.cursor()
	s := w.samples[0]
	w.sys.Edit(w, ref, s.Fact, s.Other)
	changes := w.changes(from)
	if len(changes) != 1 {
		w.Fatalf("%d changes after an edit, want 1", len(changes))
	}
	c := changes[0]
	if c.Fact != s.Fact || !c.Value.Equal(s.Other) || c.Ref.ID != ref.ID {
		w.Errorf("the change is %s = %q of %s, want %s = %q of %s", c.Fact, c.Value, c.Ref.ID, s.Fact, s.Other, ref.ID)
	}
	if !c.Of.IsZero() || c.State != "" || c.Text != "" {
		w.Errorf("an edit is about no request, and this is about %s: %q, %q", c.Of, c.State, c.Text)
	}
	if !c.Relationship.IsZero() && c.Relationship != w.rel {
		w.Errorf("the change is of relationship %s, want %s", c.Relationship, w.rel)
	}

	// Nobody is bound to this one, whatever she states of it.
	ref, _ = w.customer("")
	p := w.fact("change", 1, true)
	p.Record, p.Proposal = ref, true
	w.deliver(p)
	from = w.cursor()
	w.sys.Edit(w, ref, s.Fact, s.Other)
	for _, c := range w.changes(from) {
		if !c.Relationship.IsZero() {
			w.Errorf("a change of a stranger's record is said to be of relationship %s", c.Relationship)
		}
	}
}

// lastEdit is staff changing their mind: what a fact has become is told, whatever of
// the way there.
func lastEdit(w *world) {
	ref := w.settle(w.fact("disclose", 0, false))
	cursor := w.cursor()
	s := w.samples[0]
	for round := range 2 {
		var v firsthand.Value
		for n := range 3 {
			v = with(s.One, fmt.Sprintf("Stationsstraat %d", 3*round+n))
			w.sys.Edit(w, ref, s.Fact, v)
		}
		changes := w.changes(cursor)
		if len(changes) == 0 || len(changes) > 3 {
			w.Fatalf("%d changes after 3 edits", len(changes))
		}
		if c := changes[len(changes)-1]; c.Fact != s.Fact || !c.Value.Equal(v) {
			w.Errorf("the last change is %s = %q, want %q", c.Fact, c.Value, v)
		}
		cursor = last(cursor, changes)
	}
}

// A stream is a world in which staff act, and what changes must show of it.
type stream struct {
	*world
	record, ticket connector.Ref
	start          string   // the cursor before they began
	want           []string // what each act must show as
}

func (w *world) stream() *stream {
	s := &stream{world: w}
	if w.sys.Edit != nil {
		s.record = w.settle(w.fact("disclose", 0, false))
	}
	if w.sys.Tickets != nil && w.sys.Reply != nil {
		m := w.request("message")
		m.Subject, m.Text = "Question", "Is it open on Monday?"
		s.ticket = w.deliver(m).Ref
	}
	s.start = w.cursor()
	return s
}

// act is staff doing one thing after the other: where only the last of several would
// be told, each to another record.
func (s *stream) act() {
	n := len(s.want)
	if s.sys.Latest {
		hers := s.rel
		s.rel = newID()
		s.record = s.settle(s.fact("disclose", 0, false))
		s.rel = hers
	}
	if s.ticket.IsZero() || n%2 == 0 && !s.record.IsZero() {
		v := with(s.samples[0].One, fmt.Sprintf("Stationsstraat %d", n))
		s.sys.Edit(s, s.record, s.samples[0].Fact, v)
		s.want = append(s.want, shown(connector.Change{Ref: s.record, Fact: s.samples[0].Fact, Value: v}))
		return
	}
	text := fmt.Sprintf("Answer %d.", n)
	s.sys.Reply(s, s.ticket, "Anna", text)
	s.want = append(s.want, shown(connector.Change{Ref: s.ticket, Text: text}))
}

// shown is what of a change must be as staff did it.
func shown(c connector.Change) string {
	return fmt.Sprintf("%s: %s = %s %s", c.Ref.ID, c.Fact, c.Value, lines(c.Text))
}

// check fails the test unless got is the acts from number n on.
func (s *stream) check(what string, got []connector.Change, n int) {
	s.Helper()
	for i, c := range got {
		if n+i >= len(s.want) {
			s.Fatalf("%s: one more than happened: %s", what, shown(c))
		}
		if shown(c) != s.want[n+i] {
			s.Fatalf("%s: change %d is %q, want %q", what, n+i+1, shown(c), s.want[n+i])
		}
	}
	if n+len(got) < len(s.want) {
		s.Fatalf("%s: change %d is missing: %q", what, n+len(got)+1, s.want[n+len(got)])
	}
}

func cursors(w *world) {
	s := w.stream()
	for range 7 {
		s.act()
	}
	all := w.changes(s.start)
	s.check("all", all, 0)
	for i, c := range all {
		s.check(fmt.Sprintf("after change %d", i+1), w.changes(c.Cursor), i+1)
	}
	end := last(s.start, all)
	if more := w.changes(end); len(more) > 0 {
		w.Errorf("nothing has happened, and there is a change: %+v", more[0])
	}
	s.act()
	s.check("one more", w.changes(end), 7)
	s.check("all again", w.changes(s.start), 0)
}

func restart(w *world) {
	s := w.stream()
	for range 3 {
		s.act()
	}
	before := w.changes(s.start)
	s.check("before", before, 0)
	w.restart()
	after := w.changes(s.start)
	s.check("after", after, 0)
	for i := range after {
		if after[i].ID != before[i].ID {
			w.Errorf("change %d was %s and is %s after a restart", i+1, before[i].ID, after[i].ID)
		}
	}
	s.act()
	s.check("from before to after", w.changes(before[1].Cursor), 2)
}

// leave is a gateway that stops reading after each change, while staff go on.
func leave(w *world) {
	s := w.stream()
	s.act()
	s.act()
	cursor, seen := s.start, []connector.Change{}
	for len(seen) < 7 {
		n := len(seen)
		for c, err := range w.c.Changes(w.Context(), cursor) {
			if err != nil {
				w.Fatalf("changes: %v", err)
			}
			seen, cursor = append(seen, c), c.Cursor
			if len(s.want) < 7 {
				s.act() // while it is being read
			}
			if len(seen)%2 == 1 {
				break
			}
		}
		if len(seen) == n {
			break // that is all, it says
		}
	}
	s.check("one by one", seen, 0)
}

func shuffled(w *world) {
	s := w.stream()
	w.sys.Shuffle(w, true)
	for range 5 {
		s.act()
	}
	all := w.changes(s.start)
	s.check("out of order", all, 0)
	s.check("after the second", w.changes(all[1].Cursor), 2)
	w.sys.Shuffle(w, false)
	s.check("in order", w.changes(s.start), 0)
}
