package gateway_test

import (
	"testing"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
)

// rotate replaces the company's key number n by the next.
func (w *world) rotate(n string, after string) {
	w.t.Helper()
	if err := w.Rotate(w.ctx(), gatewaytest.KeyOf(n), gatewaytest.KeyOf(after).Public().Hash()); err != nil {
		w.t.Fatal(err)
	}
}

// A rotation reaches every relationship, in its own log, batch by batch, also when
// the process ends in between; who opens later pins the new key.
func TestRotate(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		var all []*gatewaytest.Customer
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			all = append(all, w.meet(name))
		}
		early := gatewaytest.NewCustomer(t, "early", gatewaytest.Company{}) // has the document of before
		w.rotate("company 2", "company 3")
		if _, _, err := w.Step(w.ctx()); err != nil {
			t.Fatal(err)
		}
		w.restart() // one has followed, the others not
		w.rotate("company 3", "company 4")
		w.restart()
		for _, c := range all { // under which key it is written, is said in the log
			c.Say(t, "hello")
			c.Sync(t, w)
		}
		w.idle()
		for _, c := range all {
			w.exchange(c)
			w.wantSound(c)
			if keys := c.State.Log(firsthand.Second).Keys; len(keys) != 3 || keys[2] != gatewaytest.KeyOf("company 3").Public() {
				t.Errorf("%s: %d keys", c.Name, len(keys))
			}
		}
		doc, err := w.Company(w.ctx())
		if err != nil {
			t.Fatal(err)
		}
		company, err := firsthand.ParseCompany(doc, "acme.example")
		if err != nil || len(company.Chain) != 3 {
			t.Fatalf("document: %+v, %v", company, err)
		}
		w.exchange(early) // what she pinned continues in the log
		if keys := early.State.Log(firsthand.Second).Keys; len(keys) != 3 {
			t.Errorf("early: %d keys", len(keys))
		}
		w.wantSound(early)
		w.meet("late")

		err = w.Rotate(w.ctx(), gatewaytest.KeyOf("other"), gatewaytest.KeyOf("company 5").Public().Hash())
		wantRule(t, err, fault.Invalid, "rotate-next")
	})
}

// A frozen relationship follows when it is so no more, through all keys.
func TestRotateWhileFrozen(t *testing.T) {
	w := memory(t)
	c := w.meet("mia")
	copied := c.Copy(t, len(c.First), len(c.Second))
	c.Say(t, "one")
	w.exchange(c)
	copied.Name += " copy"
	lost := copied.Say(t, "two")
	if _, err := copied.Try(t, w); err == nil {
		t.Fatal("no fork")
	}
	w.rotate("company 2", "company 3")
	w.rotate("company 3", "company 4")
	w.idle()
	if n := len(c.State.Log(firsthand.Second).Keys); n != 1 {
		t.Fatalf("%d keys while frozen", n)
	}
	c.Write(t, &firsthand.Reconcile{Seq: 2, Stands: c.First[1].ID, Lost: lost})
	w.exchange(c)
	if n := len(c.State.Log(firsthand.Second).Keys); n != 3 {
		t.Errorf("%d keys, want 3", n)
	}
	w.wantSound(c)
}

// A pinned key that the company has thrown away can't be answered.
func TestPinnedKeyIsGone(t *testing.T) {
	w := memory(t)
	early := gatewaytest.NewCustomer(t, "early", gatewaytest.Company{})
	w.rotate("company 2", "company 3")
	w.keys.Signers = w.keys.Signers[1:]
	w.restart()
	_, err := early.Try(t, w)
	wantRule(t, err, fault.Conflict, "open-pinned")
}

// If the keys can't be saved, nothing has changed.
func TestRotateNotSaved(t *testing.T) {
	w := memory(t)
	w.keys.Save = func(*gateway.Keys) error { return errDown }
	w.restart()
	if err := w.Rotate(w.ctx(), gatewaytest.KeyOf("company 2"), gatewaytest.KeyOf("company 3").Public().Hash()); err == nil {
		t.Fatal("rotated without saving")
	}
	c := w.meet("mia")
	w.wantSound(c)
}

// A relationship that can't be worked on keeps no other from being.
func TestOneThatIsBroken(t *testing.T) {
	w := memory(t)
	a := w.meet("a")
	w.rotate("company 2", "company 3")
	w.rotate("company 3", "company 4")
	old := w.keys.Signers
	w.keys.Signers = []*firsthand.Signer{old[0], old[2]} // one was thrown away too soon
	w.restart()
	b := w.meet("b")
	b.Say(t, "hello")
	b.Sync(t, w)
	for range 20 {
		w.Step(w.ctx()) // one of them says what is wrong
	}
	if len(w.crm.requests) != 1 {
		t.Fatal("one that is broken keeps the others")
	}
	if due := w.due(); len(due) != 1 || due[0].Rel != a.Rel() || due[0].Frozen == "" {
		t.Errorf("due = %+v", due)
	}
	w.keys.Signers = old
	w.restart()
	a.Say(t, "hello")
	w.exchange(a)
	w.wantSound(a)
	if n := len(a.State.Log(firsthand.Second).Keys); n != 3 {
		t.Errorf("%d keys, want 3", n)
	}
}
