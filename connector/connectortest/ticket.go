package connectortest

import (
	"errors"

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
	for _, text := range append([]string{"It left us today."}, hostile...) {
		from := w.cursor()
		w.sys.Reply(w, ref, "Anna", text)
		changes := w.changes(from)
		if len(changes) != 1 {
			w.Fatalf("%d changes after a reply, want 1", len(changes))
		}
		c := changes[0]
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
