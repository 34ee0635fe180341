package carddav_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/connectortest"
	"firsthand/fault"
)

func newOffice(t *testing.T) (*desk, connector.Binder) {
	d := newDesk(t)
	d.mail = newMailHost(t)
	d.c = d.open(t, d.base)
	return d, d.c.(connector.Binder)
}

func notice() connector.Message {
	return connector.Message{ID: rand.Text(), Subject: "A code\r\nBcc: thief@example.net", Text: "Your code is " + rand.Text()}
}

// What a request has written where the contact stands is no contact, until staff
// have changed it.
func TestContactIsStaffsWord(t *testing.T) {
	d, b := newOffice(t)
	ref := d.customer(t, connectortest.Customer{Number: "C1", Contact: "mia@example.org"})
	d.deliver(t, "change", ref, "email.work", firsthand.Text("thief@example.net"))
	if to, err := b.Notify(t.Context(), ref, notice()); fault.KindOf(err) != fault.NotExist {
		t.Errorf("notify goes to %q, %v; want that there is no contact", to, err)
	}
	lines, etag := d.cardLines(t, ref.ID)
	d.put(t, ref.ID, strings.Split(strings.ReplaceAll(strings.Join(lines, "\n"), "thief@example.net", "mia@example.com"), "\n"), etag)
	if to, err := b.Notify(t.Context(), ref, notice()); err != nil || to != connector.Mask("mia@example.com") {
		t.Errorf("after staff corrected it, notify goes to %q, %v", to, err)
	}
	if sent := d.mail.all(); len(sent) != 1 || sent[0].To != "mia@example.com" {
		t.Errorf("sent: %+v", sent)
	}
}

// A code is sent at most once; where it surely wasn't, it is sent when it comes
// again.
func TestNotifyThroughTrouble(t *testing.T) {
	d, b := newOffice(t)
	ref := d.customer(t, connectortest.Customer{Number: "C1", Contact: "mia@example.org"})
	m := notice()
	d.mail.set(func() { d.mail.refuse = &smtp.SMTPError{Code: 451, Message: "later"} })
	if _, err := b.Notify(t.Context(), ref, m); fault.KindOf(err) != fault.Unavailable || err == nil {
		t.Errorf("refused for now: %v", err)
	}
	for range 2 {
		if _, err := b.Notify(t.Context(), ref, m); err != nil {
			t.Error(err)
		}
	}
	m = notice()
	d.mail.set(func() { d.mail.lose = true })
	for range 2 {
		if _, err := b.Notify(t.Context(), ref, m); err != nil {
			t.Errorf("the answer was lost: %v", err)
		}
	}
	if sent := d.mail.all(); len(sent) != 2 || d.mail.ids[0] == d.mail.ids[1] || !strings.HasSuffix(d.mail.ids[0], "@acme.test>") {
		t.Errorf("sent: %+v, %q", sent, d.mail.ids)
	}
	d.mail.set(func() { d.mail.refuse = &smtp.SMTPError{Code: 550, Message: "no such user"} })
	if _, err := b.Notify(t.Context(), ref, notice()); fault.KindOf(err) != fault.NotExist {
		t.Errorf("an address that is no more: %v", err)
	}
	for _, bad := range []string{"a@b.test, thief@example.net", "Mia <mia@example.org>", "none", "mia@example.org\\nBcc: x@example.net"} {
		ref := d.customer(t, connectortest.Customer{Number: "C2", Contact: bad})
		if _, err := b.Notify(t.Context(), ref, notice()); fault.KindOf(err) != fault.NotExist {
			t.Errorf("contact %q: %v", bad, err)
		}
	}
}

// Servers find what is like a number too.
func TestFindIsExact(t *testing.T) {
	d, b := newOffice(t)
	ref := d.customer(t, connectortest.Customer{Number: "Ab1"})
	for claim, want := range map[string]int{"Ab1": 1, "AB1": 0, "b1": 0, "": 0, "Ab1\x00": 0, "<Ab1>": 0} {
		refs, err := b.Find(t.Context(), connector.Claim{Record: claim})
		if err != nil || len(refs) != want || want == 1 && refs[0] != ref {
			t.Errorf("find %q: %v, %v", claim, refs, err)
		}
	}
}
