package connectortest

import (
	"errors"
	"slices"

	"firsthand"
	"firsthand/connector"
)

func message(w *world) {
	for i, kind := range []firsthand.Kind{"message", "request"} {
		r := w.request(kind)
		r.Subject, r.Text = "Your order", "Where is it?\n\nMia"
		w.eight(r)
		res := w.again(r)
		if res.State != connector.Written {
			w.Fatalf("%s: %s (%s), want it written", kind, res.State, res.Reason)
		}
		tickets := w.sys.Tickets(w, w.rel)
		if len(tickets) != i+1 {
			w.Fatalf("%d tickets, want %d", len(tickets), i+1)
		}
		w.texts(tickets[i], r.Text)
		if tickets[i].Ref.ID != res.Ref.ID {
			w.Errorf("the system has ticket %q, and the connector says %q", tickets[i].Ref.ID, res.Ref.ID)
		}
		// That a ticket is there is read back like anything else.
		if _, err := w.c.Read(w.Context(), res.Ref); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			w.Errorf("read of ticket %s: %v", res.Ref.ID, err)
		}
	}
}

func thread(w *world) {
	first, second, other := w.request("message"), w.request("message"), w.request("message")
	first.Subject, first.Text = "Your order", "Where is it?"
	second.Subject, second.Text = "Your order", "It has come."
	other.Subject, other.Text = "Your shop", "Is it open on Monday?"
	ref := w.deliver(first).Ref
	second.Thread = ref
	if got := w.deliver(second).Ref; got.ID != ref.ID {
		w.Errorf("the second message of ticket %s went to %s", ref.ID, got.ID)
	}
	w.deliver(other)
	w.again(second)
	tickets := w.sys.Tickets(w, w.rel)
	if len(tickets) != 2 {
		w.Fatalf("%d tickets of two threads", len(tickets))
	}
	w.texts(tickets[0], first.Text, second.Text)
	w.texts(tickets[1], other.Text)
}

func reply(w *world) {
	r := w.request("message")
	r.Subject, r.Text = "Your order", "Where is it?"
	ref := w.deliver(r).Ref
	from := w.cursor()
	for _, text := range append([]string{"It left us today."}, hostile...) {
		w.sys.Reply(w, ref, "Anna", text)
		if w.sys.Keeps != nil {
			text = w.sys.Keeps(text)
		}
		changes := w.changes(from)
		if len(changes) != 1 {
			w.Fatalf("%d changes after a reply, want 1", len(changes))
		}
		c := changes[0]
		from = c.Cursor
		if lines(c.Text) != lines(text) || c.Author == "" || c.Ref.ID != ref.ID {
			w.Fatalf("the reply is %.200q by %q in %s, want %.200q by somebody in %s", c.Text, c.Author, c.Ref.ID, text, ref.ID)
		}
		if c.State != "" || c.Fact != "" {
			w.Errorf("a reply decides nothing and changes nothing, and this says %q, %q", c.State, c.Fact)
		}
		if !c.Relationship.IsZero() && c.Relationship != w.rel || !c.Of.IsZero() && c.Of != r.ID {
			w.Errorf("the reply is to %s of %s, want %s of %s", c.Of, c.Relationship, r.ID, w.rel)
		}
	}
}

// replyOnce is a gateway that stops after each change and starts again, while her
// own messages come between the replies.
func replyOnce(w *world) {
	first := w.request("message")
	first.Subject, first.Text = "Your order", "Where is it?"
	ref := w.deliver(first).Ref
	cursor, from := w.cursor(), 0
	var want, got []string
	for _, text := range []string{"It left us today.", "It left us today.", "Has it come?"} { // twice the same is two
		w.sys.Reply(w, ref, "Anna", text)
		want = append(want, text)
		m := w.request("message")
		m.Subject, m.Text, m.Thread = "Your order", "Thank you.", ref
		w.deliver(m)
	}
	for ; from <= len(want); from++ {
		for c, err := range w.c.Changes(w.Context(), cursor) {
			if err != nil {
				w.Fatalf("changes: %v", err)
			}
			got, cursor = append(got, lines(c.Text)), c.Cursor
			break
		}
		w.restart()
	}
	if !slices.Equal(got, want) {
		w.Errorf("replies, one at a time: %q, want %q", got, want)
	}
}

func resolved(w *world) {
	r := w.request("message")
	r.Subject, r.Text = "Your order", "Where is it?"
	ref := w.deliver(r).Ref
	w.sys.Reply(w, ref, "Anna", "It has come.")
	from := w.cursor()
	w.sys.Resolve(w, ref)
	changes := w.changes(from)
	if len(changes) != 1 {
		w.Fatalf("%d changes after a ticket was done, want 1: %+v", len(changes), changes)
	}
	c := changes[0]
	if !c.Resolved || c.Ref.ID != ref.ID || c.State != "" || c.Fact != "" || c.Text != "" {
		w.Errorf("the ticket %s is done, and the change is %+v", ref.ID, c)
	}
	if c.Of.IsZero() || c.Of != r.ID {
		w.Errorf("what is done is %s, want the message %s", c.Of, r.ID)
	}
	if c := w.changes(c.Cursor); len(c) > 0 {
		w.Errorf("done once, and again a change: %+v", c[0])
	}
}
