package email_test

import (
	"errors"
	"strings"
	"testing"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// erase returns what the operator is told, "" if nothing is left.
func (k *talk) erase(t *testing.T, of ...firsthand.ID) string {
	t.Helper()
	err := k.c.Erase(t.Context(), of...)
	if err == nil {
		return ""
	}
	said, ok := errors.AsType[*fault.Notice](err)
	if !ok || said.Kind != fault.Conflict {
		t.Fatalf("erase: %v", err)
	}
	return said.Text
}

// TestWhatPeopleHave: what they answered, moved away, or put beside, is named until they
// have deleted it.
func TestWhatPeopleHave(t *testing.T) {
	k := newTalk(t, nil)
	r := newAddress(k.r.Relationship)
	k.deliver(t, r)
	l := k.one(t, r)
	k.put(t, "Sent", answerTo(l, "Anna", "Is "+r.Value.Text+" right?", ""))
	k.says(t, "a question", "Anna: Is "+r.Value.Text+" right?")
	k.put(t, "INBOX", "From: Bob <bob@acme.test>\r\nSubject: Fwd: Change: email ["+refIn(l)+"]\r\n\r\nSee below.\r\n")
	k.put(t, k.done, "From: Bob <bob@acme.test>\r\nSubject: for the file\r\n\r\n> Reference: "+refIn(l)+"\r\n")
	k.staff.mu.Lock()
	must(t, k.client.Create("Archive", nil).Wait())
	k.staff.mu.Unlock()
	k.move(t, "X-Firsthand-Request", r.ID.String(), "Archive")

	said := k.erase(t, r.ID)
	for _, folder := range []string{`1 in "Sent"`, `1 in "INBOX"`, `1 in "Archive"`, `1 in "Firsthand done"`} {
		if !strings.Contains(said, folder) {
			t.Errorf("the operator is told %q, want %s", said, folder)
		}
	}
	if where := k.left(t, r.Value.Text); strings.Contains(strings.Join(where, " "), "journal") {
		t.Errorf("it is in %q", where)
	}
	k.deleteSent(t, r.ID)
	if said = k.erase(t, r.ID); !strings.Contains(said, "Archive") || strings.Contains(said, "Sent") {
		t.Errorf("with the archive left, the operator is told %q", said)
	}
	for _, l := range k.letters(t, "Archive", "X-Firsthand-Request", r.ID.String()) {
		k.remove(t, "Archive", l.uid)
	}
	if said = k.erase(t, r.ID); said != "" {
		t.Errorf("with nothing left, the operator is told %q", said)
	}
	k.says(t, "after it was erased")
	k.one(t, k.r) // and nothing else went
}

// refIn returns the reference in a letter's subject.
func refIn(l letter) string {
	_, ref, _ := strings.Cut(l.header.Get("Subject"), "[")
	return strings.TrimSuffix(ref, "]")
}

// TestEraseWithoutUIDPLUS: the host can't delete single mails, so people are asked to.
func TestEraseWithoutUIDPLUS(t *testing.T) {
	k := newTalk(t, nil)
	r := newAddress(k.r.Relationship)
	k.deliver(t, r)
	k.put(t, "Sent", answerTo(k.one(t, r), "Anna", "no: we know "+r.Value.Text, ""))
	k.news(t)
	k.set(func() { k.hide = "UIDPLUS" })
	k.c = k.restart(t)
	said := k.erase(t, r.ID)
	for _, folder := range []string{k.done, "Firsthand journal", "Sent"} {
		if !strings.Contains(said, `1 in "`+folder+`"`) {
			t.Errorf("the operator is told %q, want that it is in %s", said, folder)
		}
	}
	k.deleteSent(t, r.ID)
	for _, l := range k.letters(t, "Firsthand journal", "From", "") {
		if strings.Contains(l.text, r.Value.Text) {
			k.remove(t, "Firsthand journal", l.uid)
		}
	}
	k.c = k.restart(t)
	if said := k.erase(t, r.ID); said != "" {
		t.Errorf("with nothing left, the operator is told %q", said)
	}
	if res := k.deliver(t, r); res.State != connector.Proposed {
		t.Errorf("the same again: %+v", res)
	}
	if all := k.both(t, "X-Firsthand-Request", r.ID.String()); len(all) > 0 {
		t.Error("what was erased is there again")
	}
}

// TestEraseAfterACrash: its mail lies there without a note.
func TestEraseAfterACrash(t *testing.T) {
	k := newTalk(t, nil)
	r := newAddress(k.r.Relationship)
	k.lost(t, r)
	k.one(t, r)
	if said := k.erase(t, r.ID); said != "" {
		t.Errorf("the operator is told %q", said)
	}
	k.deliver(t, r)
	if all := k.both(t, "X-Firsthand-Request", r.ID.String()); len(all) > 0 {
		t.Error("what was erased is there again")
	}
}
