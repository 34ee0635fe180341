package gateway_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/store"
)

// wantNowhere checks that no file in dir holds any of the secrets.
func wantNowhere(t *testing.T, dir string, secrets ...[]byte) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		for i, s := range secrets {
			if bytes.Contains(content, s) {
				t.Errorf("%s holds secret %d", d.Name(), i)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A withdrawal ends with signed erased, and then nothing of it is in the system or
// in any file: value, salt, old values, changes.
func TestErasureLeavesNoBytes(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Create(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := start(t, s, nil)
	c := w.meet("mia")
	basis := w.agree(c)
	told := tell(t, c, "email", "canary-one@example.org", basis)
	stays := tell(t, c, "name", "Mia", basis)
	w.exchange(c)
	c.Write(t, &firsthand.Change{Fact: "email", Value: firsthand.Text("canary-two@example.org"), Of: told, Basis: basis})
	w.exchange(c)
	var secrets [][]byte
	for _, e := range c.First {
		if k := e.Kind(); e.ID == told || k == "change" {
			secrets = append(secrets, e.Salt)
		}
	}
	secrets = append(secrets, []byte("canary-one"), []byte("canary-two"))
	withdraw := c.Write(t, &firsthand.Withdraw{Disclosure: told})
	w.exchange(c)
	w.wantApplied(c, withdraw, "N-1")
	if got := w.crm.records["N-1"]; len(got) != 1 || got["name"].Text != "Mia" {
		t.Errorf("the system has %v", got)
	}
	wantNowhere(t, dir, secrets...)
	if v := c.State.At(w.now); len(v.Duties) != 0 || len(w.due()) != 0 {
		t.Errorf("duties = %+v, due = %+v", v.Duties, w.due())
	}
	w.wantSound(c)
	// After the end of the relationship nothing that she told is left.
	c.Write(t, &firsthand.Close{})
	w.exchange(c)
	for _, e := range c.First {
		if e.ID == stays {
			secrets = append(secrets, e.Salt)
		}
	}
	wantNowhere(t, dir, secrets...)
	w.wantSound(c)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantNowhere(t, dir, secrets...)
}

// A disclosure that was given until a day ends by itself.
func TestDisclosureEnds(t *testing.T) {
	w := memory(t)
	c := w.meet("mia")
	told := c.Write(t, &firsthand.Disclose{Fact: "phone", Value: firsthand.Text("0471"), Purpose: service,
		Basis: firsthand.Basis{Exception: "for the parcel"}, Until: "2026-11-23"})
	w.exchange(c)
	w.wantApplied(c, told, "N-1")
	w.pass(48 * time.Hour) // the 23rd has not ended
	if len(w.crm.redacted) != 0 {
		t.Fatal("erased too soon")
	}
	w.pass(12 * time.Hour)
	w.exchange(c)
	if len(w.crm.redacted) != 1 || len(c.State.Holdings) != 0 {
		t.Errorf("redacted %v, holdings %v", w.crm.redacted, c.State.Holdings)
	}
	w.wantSound(c)
}

// What is told under an agreement ends with it.
func TestAgreementEnds(t *testing.T) {
	w := memory(t)
	c := w.meet("mia")
	basis := w.agree(c)
	tell(t, c, "phone", "0471", basis)
	tell(t, c, "name", "Mia", firsthand.Basis{Exception: "keep it"})
	w.exchange(c)
	c.Write(t, &firsthand.TermsEnd{Agreement: basis.Agreement, From: firsthand.DateOf(w.now.AddDate(0, 0, 2))})
	w.exchange(c)
	if len(w.crm.redacted) != 0 {
		t.Fatal("erased too soon")
	}
	w.pass(72 * time.Hour)
	w.exchange(c)
	if len(w.crm.redacted) != 1 || w.crm.redacted[0] != "N-1 phone" {
		t.Errorf("redacted %v", w.crm.redacted)
	}
	w.wantSound(c)
}

// A fact that a law keeps is kept so long, and she is told which.
func TestRetention(t *testing.T) {
	w := memory(t)
	w.change = func(o *gateway.Options) {
		o.Retention = []gateway.Retention{{Fact: "address.billing", Days: 100, Law: "Code of tax, article 1"}}
	}
	w.restart()
	c := w.meet("mia")
	told := tell(t, c, "address.billing", "Old Road 1", firsthand.Basis{Exception: "bill me"})
	w.exchange(c)
	withdraw := c.Write(t, &firsthand.Withdraw{Disclosure: told})
	w.exchange(c)
	w.wantRefused(c, withdraw)
	if got := c.State.Outcomes[withdraw].Reason; got != "kept until 2027-03-01: Code of tax, article 1" {
		t.Errorf("reason = %q", got)
	}
	if len(w.crm.redacted) != 0 || len(w.due()) != 0 {
		t.Errorf("redacted %v, due %v", w.crm.redacted, w.due())
	}
	w.pass(101 * 24 * time.Hour)
	w.exchange(c)
	if len(w.crm.redacted) != 1 || c.State.Holding(told).Fact != "" {
		t.Errorf("redacted %v", w.crm.redacted)
	}
	w.wantSound(c)
}

// What is told twice for two purposes stays in the record until both have ended.
func TestToldTwice(t *testing.T) {
	w := memory(t)
	c := w.meet("mia")
	one := tell(t, c, "phone", "0471", firsthand.Basis{Exception: "one"})
	two := tell(t, c, "phone", "0471", firsthand.Basis{Exception: "two"})
	w.exchange(c)
	c.Write(t, &firsthand.Withdraw{Disclosure: one})
	w.exchange(c)
	if len(w.crm.redacted) != 0 || c.State.Holding(one).Fact != "" {
		t.Errorf("redacted %v", w.crm.redacted)
	}
	c.Write(t, &firsthand.Withdraw{Disclosure: two})
	w.exchange(c)
	if len(w.crm.redacted) != 1 {
		t.Errorf("redacted %v", w.crm.redacted)
	}
	w.wantSound(c)
}

// What was told twice, and ends with the value that stands in the record, is not
// left there.
func TestToldTwiceDifferently(t *testing.T) {
	w := memory(t)
	c := w.meet("mia")
	tell(t, c, "phone", "0471", firsthand.Basis{Exception: "one"})
	two := tell(t, c, "phone", "0472", firsthand.Basis{Exception: "two"})
	w.exchange(c)
	c.Write(t, &firsthand.Withdraw{Disclosure: two})
	w.exchange(c)
	if d := w.wantHeld(gateway.Held); d.Task != gateway.Redact || c.State.Outcomes[two] == nil || d.Ref.ID != "N-1" {
		t.Errorf("held = %+v", d)
	}
	if err := w.Apply(w.ctx(), "ann", c.Rel(), two, ""); err != nil {
		t.Fatal(err)
	}
	w.exchange(c)
	if due := w.due(); len(due) != 0 {
		t.Errorf("due = %+v", due)
	}
	w.wantSound(c)
}

// What never reached the system is erased without asking it, and a change that
// ended on its way is refused, not left open.
func TestWithdrawnBeforeDelivery(t *testing.T) {
	w := memory(t)
	c := w.meet("mia")
	told := tell(t, c, "phone", "0471", firsthand.Basis{Exception: "once"})
	change := c.Write(t, &firsthand.Change{Fact: "phone", Value: firsthand.Text("0472"), Of: told, Basis: firsthand.Basis{Exception: "once"}})
	c.Sync(t, w)
	c.Write(t, &firsthand.Withdraw{Disclosure: told})
	c.Sync(t, w)
	w.exchange(c)
	if len(w.crm.requests) != 0 || len(w.crm.redacted) != 0 {
		t.Errorf("requests %v, redacted %v", w.crm.requests, w.crm.redacted)
	}
	w.wantRefused(c, change)
	if v := c.State.At(w.now); len(v.Duties) != 0 || len(w.due()) != 0 {
		t.Errorf("duties = %+v, due = %+v", v.Duties, w.due())
	}
	w.wantSound(c)
}

// A body that she has erased herself is still the company's to erase when she
// takes it back.
func TestErasedByHerFirst(t *testing.T) {
	w := memory(t)
	c := w.meet("mia")
	told := tell(t, c, "phone", "0471", firsthand.Basis{Exception: "once"})
	w.exchange(c)
	c.Write(t, c.State.Erasure(told))
	w.exchange(c)
	c.Write(t, &firsthand.Withdraw{Disclosure: told})
	w.exchange(c)
	if len(w.crm.redacted) != 1 {
		t.Errorf("redacted %v", w.crm.redacted)
	}
	first, err := firsthand.Collect(w.store.Entries(w.ctx(), c.Rel(), firsthand.First, 1))
	if err != nil || first[0].HasBody() {
		t.Errorf("the body is still here: %v", err)
	}
	if v := c.State.At(w.now); len(v.Duties) != 0 {
		t.Errorf("duties = %+v", v.Duties)
	}
	w.wantSound(c)
}

// A system that can't forget is an operator's to clean.
func TestRedactByHand(t *testing.T) {
	w := memory(t)
	w.change = func(o *gateway.Options) { o.Connector = plain{w.crm} }
	w.restart()
	c := w.meet("mia")
	told := tell(t, c, "phone", "0471", firsthand.Basis{Exception: "once"})
	w.exchange(c)
	withdraw := c.Write(t, &firsthand.Withdraw{Disclosure: told})
	w.exchange(c)
	d := w.wantHeld(gateway.Held)
	if d.Task != gateway.Redact || d.Ref != (connector.Ref{System: "CRM", ID: "N-1"}) {
		t.Errorf("due = %+v", d)
	}
	if err := w.Refuse(w.ctx(), "ann", c.Rel(), told, "The law keeps it."); err != nil {
		t.Fatal(err)
	}
	w.exchange(c)
	w.wantRefused(c, withdraw)
	w.wantSound(c)
}

// What has ended while it waited for a person is removed by hand. If she writes it
// into the system after that, it has to be removed again.
func TestWrittenAfterItEnded(t *testing.T) {
	w := memory(t)
	w.crm.person = true
	c := w.meet("mia")
	told := c.Write(t, &firsthand.Disclose{Fact: "phone", Value: firsthand.Text("0471"), Purpose: service,
		Basis: firsthand.Basis{Exception: "for the parcel"}, Until: "2026-11-23"})
	w.exchange(c)
	w.pass(72 * time.Hour)
	if d := w.wantHeld(gateway.Held); d.Task != gateway.Redact {
		t.Fatalf("held = %+v", d)
	}

	// The company's clock is set back, and she changes what has ended.
	w.now = w.now.Add(-60 * time.Hour)
	c.Now = w.now
	change := c.Write(t, &firsthand.Change{Fact: "phone", Value: firsthand.Text("0472"), Of: told, Basis: firsthand.Basis{Right: "GDPR 16"}})
	w.exchange(c)
	if err := w.Apply(w.ctx(), "ann", c.Rel(), told, ""); err != nil {
		t.Fatal(err)
	}
	w.exchange(c)
	w.wantRefused(c, change)
	if due := w.due(); len(due) != 0 || len(c.State.Holdings) != 0 {
		t.Fatalf("due = %+v, holdings = %+v", due, c.State.Holdings)
	}

	for _, r := range w.crm.requests {
		w.crm.happens(w.crm.decide(r, "N-1", ""))
	}
	w.pass(time.Hour)
	due := w.due()
	if len(due) == 0 {
		t.Fatal("it is in the system, and nobody is to remove it")
	}
	for _, d := range due {
		if d.Task != gateway.Redact || d.Status != gateway.Held || d.Ref.ID != "N-1" {
			t.Errorf("due = %+v", d)
		}
		if err := w.Apply(w.ctx(), "ann", d.Rel, d.Entry, ""); err != nil {
			t.Error(err)
		}
	}
	w.exchange(c)
	if due := w.due(); len(due) != 0 {
		t.Errorf("due = %+v", due)
	}
	w.wantSound(c)
}

// Where it was is not forgotten when removing it has to be tried again.
func TestRemovedInASecondTry(t *testing.T) {
	w := memory(t)
	c := w.meet("mia")
	told := tell(t, c, "email", "mia@example.org", firsthand.Basis{Exception: "once"})
	w.crm.fail = func(call string) error {
		if call == "read" || call == "redact" {
			return errDown
		}
		return nil
	}
	w.exchange(c) // it is written, and not yet read back
	c.Write(t, &firsthand.Withdraw{Disclosure: told})
	w.exchange(c)
	for n := 0; w.crm.calls["redact"] == 0; n++ {
		if n == 10 {
			t.Fatalf("removing it was not tried: %+v", w.due())
		}
		w.pass(2 * time.Hour)
	}
	w.crm.fail = nil
	for range 3 {
		w.pass(2 * time.Hour)
	}
	w.exchange(c)
	if _, there := w.crm.records["N-1"]["email"]; there || len(w.crm.redacted) != 1 {
		t.Errorf("the system has %v; removed: %v", w.crm.records["N-1"], w.crm.redacted)
	}
	w.wantSound(c)
}
