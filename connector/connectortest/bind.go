package connectortest

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

func (w *world) binder() connector.Binder { return w.c.(connector.Binder) }

// contact returns an e-mail address that only this test has, and what in it may
// not be shown.
func contact() (address, secret string) {
	id := newID()
	secret = fmt.Sprintf("mia.peeters.%x", id[:6]) // no three letters of it are in the domain
	return secret + "@example.org", secret
}

// found returns the ids of the records that fit a claim.
func (w *world) found(claim string) []string {
	w.Helper()
	refs, err := w.binder().Find(w.Context(), connector.Claim{Record: claim})
	if err != nil && fault.KindOf(err) != fault.Invalid {
		w.Fatalf("find %.60q: %v", claim, err)
	}
	var ids []string
	for _, r := range refs {
		if r.IsZero() || r.System == "" || slices.Contains(ids, r.ID) {
			w.Fatalf("find %.60q: %+v", claim, refs)
		}
		ids = append(ids, r.ID)
	}
	slices.Sort(ids)
	return ids
}

func find(w *world) {
	address, _ := contact()
	one, two := w.numbered(address), w.numbered(address)

	// By the number that she knows: that record alone.
	for _, c := range []numbered{one, two} {
		hits := slices.Concat(w.found(c.number), w.found(c.ref.ID))
		slices.Sort(hits)
		if hits = slices.Compact(hits); !slices.Equal(hits, []string{c.ref.ID}) {
			w.Errorf("find %q: %q, want %q", c.number, hits, c.ref.ID)
		}
	}

	// By what two have in common: both, so that nobody is taken for the other;
	// or none, if the system doesn't look for that.
	both := []string{one.ref.ID, two.ref.ID}
	slices.Sort(both)
	if hits := w.found(address); len(hits) > 0 && !slices.Equal(hits, both) {
		w.Errorf("find the contact of two customers: %q, want both or none", hits)
	}

	for _, claim := range []string{"", " ", "*", "%", "_", ".*", "?", one.number[:len(one.number)-1], one.number + " ", "%" + one.number,
		"' OR '1'='1", "\" OR \"\"=\"", one.number + "\r\n" + two.number, "@", "@example.org", newID().String(), strings.Repeat("9", 4000)} {
		if hits := w.found(claim); len(hits) > 0 {
			w.Errorf("find %.60q: %q, want none", claim, hits)
		}
	}

	// What a stranger disclosed of herself makes her nobody's double.
	r := w.request("disclose")
	for _, s := range w.samples {
		if len(s.One.Parts) == 0 {
			r.Fact, r.Value = s.Fact, firsthand.Text(address)
		}
	}
	if r.Fact != "" && w.deliver(r).State == connector.Written {
		if hits := w.found(address); slices.Contains(hits, w.record().ID) {
			w.Errorf("find %q: the record of one who disclosed that as hers", address)
		}
	}
}

type numbered struct {
	ref    connector.Ref
	number string
}

// numbered returns a customer with a contact, and the number that she knows.
func (w *world) numbered(address string) numbered {
	c := Customer{Number: newNumber(), Contact: address}
	return numbered{w.sys.Customer(w, c), c.Number}
}

// notify sends m to the contact of ref, which must succeed.
func (w *world) notify(ref connector.Ref, m connector.Message) string {
	w.Helper()
	to, err := w.binder().Notify(w.Context(), ref, m)
	if err != nil {
		w.Fatalf("notify: %v", err)
	}
	return to
}

// sent returns to whom messages with text went.
func (w *world) sent(text string) (to []string) {
	for _, s := range w.sys.Sent(w) {
		if strings.Contains(s.Text, text) {
			to = append(to, s.To)
		}
	}
	return to
}

func newMessage() connector.Message {
	code := newID().String()[:10]
	return connector.Message{ID: "notify-" + newID().String(), Subject: "A code", Text: "Your code is " + code}
}

// notify holds that the code which proves that a record is hers goes to where the
// company knows her, whoever asks and whatever she has said.
func notify(w *world) {
	address, _ := contact()
	ref, _ := w.customer(address)
	thief := firsthand.Text("thief@example.net")
	for _, proposal := range []bool{false, true} { // to her own record, and to that one
		for _, s := range w.samples {
			r := w.request("change")
			r.Fact, r.Value, r.Proposal = s.Fact, thief, proposal
			if len(s.One.Parts) > 0 {
				r.Value = with(s.One, thief.Text)
			}
			if proposal {
				r.Record = ref
			}
			w.deliver(r)
		}
	}
	m := newMessage()
	w.notify(ref, m)
	if to := w.sent(m.Text); !slices.Equal(to, []string{address}) {
		w.Errorf("the message went to %q, want %q alone", to, address)
	}

	none := connector.Ref{System: ref.System, ID: "none-" + newID().String()[:12]}
	silent, _ := w.customer("")
	for _, ref := range []connector.Ref{none, silent} {
		m := newMessage()
		if to, err := w.binder().Notify(w.Context(), ref, m); err == nil || fault.KindOf(err) != fault.NotExist {
			w.Errorf("notify where there is no contact: %q, %v; want that it doesn't exist", to, err)
		}
		if to := w.sent(m.Text); len(to) > 0 {
			w.Errorf("there is no contact on record, and the message went to %q", to)
		}
	}
}

func notifyOnce(w *world) {
	address, _ := contact()
	ref, _ := w.customer(address)
	m := newMessage()
	first := w.notify(ref, m)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { w.binder().Notify(w.Context(), ref, m) })
	}
	wg.Wait()
	w.restart()
	if again := w.notify(ref, m); again != first {
		w.Errorf("the same message again went to %q, and before to %q", again, first)
	}
	if to := w.sent(m.Text); len(to) != 1 {
		w.Errorf("the message was sent %d times, want once", len(to))
	}
	other := newMessage()
	w.notify(ref, other)
	if to := w.sent(other.Text); len(to) != 1 {
		w.Errorf("another message was sent %d times, want once", len(to))
	}
}

func mask(w *world) {
	address, secret := contact()
	ref, _ := w.customer(address)
	to := w.notify(ref, newMessage())
	if to == "" {
		w.Errorf("notify doesn't say where the message went")
	}
	for i := range len(secret) - 2 {
		if strings.Contains(to, secret[i:i+3]) {
			w.Fatalf("the contact %q is shown as %q", address, to)
		}
	}
}
